/** Wires the App and owns the order of start and stop. */
import { setTimeout as delay } from "node:timers/promises";
import { lazyCatalog } from "../agents/catalog.ts";
import { findSandbox } from "../agents/find_sandbox.ts";
import { lateAgents } from "../agents/late.ts";
import { ownFile } from "../agents/own_runtime.ts";
import type { Agents, Confinement } from "../agents/runtime.ts";
import { appScripts } from "../views/shell.ts";
import type { App } from "./app.ts";
import { loadAssets } from "./assets.ts";
import { isLoopback } from "./auth.ts";
import { createBackups } from "./backup.ts";
import { calendarOf } from "./calendar.ts";
import { copyInThread } from "./backup_copy.ts";
import { HOUR_MS, SECOND_MS, steadyClock, systemClock, timeText } from "./clock.ts";
import type { Config } from "./config.ts";
import { networkFileSystemOf, openDataFolder, readMounts } from "./data_folder.ts";
import type { Db } from "./db.ts";
import { messageOf } from "./errors.ts";
import { createHttp, serveOptions } from "./http.ts";
import { createHub } from "./hub.ts";
import { listen } from "./listening.ts";
import { createLog, type Log } from "./log.ts";
import { openDatabase } from "./open_database.ts";
import { mountApi } from "./routes/api.ts";
import { mountPages, renderError } from "./routes/pages.tsx";
import { createEventStreams } from "./sse.ts";
import { modelOf, startAgents } from "./start_agents.ts";
import { watchStorage } from "./storage.ts";
import { lastEventMs } from "./store/events.ts";
import { systemTimers } from "./timers.ts";
import { Turnstile } from "./turnstile.ts";
import { VERSION } from "./version.ts";

/**
 * At a stop, runs have this long to finish the request or the tool calls that they are at, and pages to get the
 * answers that they asked for.
 */
const LET_GO_MS = 6 * SECOND_MS;
/** What is cut off after that has this long to end, before it is left to the next start. */
const STOP_GRACE_MS = 2 * SECOND_MS;
/** From the signal on; whatever hangs by then must not keep the process. */
const EXIT_GRACE_MS = 10 * SECOND_MS;
/** A process that a signal ended, as shells tell it. */
const signalExits = { SIGINT: 130, SIGTERM: 143 } as const;
/** The first pages come before the work: loading it and the agents, and starting a brain, hold up this thread. */
const WORK_DELAY_MS = 100;

/** Serves until a signal stops it; gives the exit code. */
export async function serve(config: Config, root: URL): Promise<number> {
  const log = createLog(config.logFormat, systemClock.nowMs);
  const folder = openDataFolder(config.dataDir, timeText(systemClock.nowMs()));
  warnOfNetwork(folder.path, log);
  let db: Db | null = null;
  try {
    // Bubblewrap is tried in another process, while the rest is made; requests wait for what was found.
    const confinement: Confinement = { kind: "process", hint: "" };
    const confined = findSandbox(config.sandbox).then(({ kind, hint }) => {
      Object.assign(confinement, { kind, hint });
    });
    const backups = createBackups({
      dataDir: folder.path,
      nowMs: systemClock.nowMs,
      copy: copyInThread(ownFile("server/backup_worker", root)),
    });
    db = await openDatabase({ folder, log, backups });
    const agents = Promise.withResolvers<Agents>();
    const status = { model: modelOf(config), confinement, refused: null, active: 0 };
    const lately = lateAgents(status, agents.promise);
    const app = createApp({ config, root, log, db, backups, agents: lately });
    watchStorage(app, systemTimers);
    const stop = stopSignal();
    const web = serveHttp(app, root, confined);
    const { hostname, port } = web.listening;
    const address = `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
    folder.announce(address);
    console.log(`Gaffer ${VERSION} serves ${address}`);
    warnOfOthers(config.host, log);

    await Promise.race([stop.first, delay(WORK_DELAY_MS)]);
    await confined;
    const { createWork } = await import("./work.ts");
    const work = createWork(app);
    const { host, quirks, runner } = work;
    const { nowMs } = app.clock;
    const { signal } = stop;
    const started = await startAgents({
      ...{ config, root, log, host, confinement, nowMs, signal, quirks },
      port: () => port,
    });
    agents.resolve(started.agents);
    // Open pages show how agents are confined, which may only now be known.
    void started.proven.then(() => app.hub.publish({ kind: "agents" }));
    if (!signal.aborted) work.begin();
    void work.refreshModels(signal);

    await stop.first;
    log.info("stopping: what runs finishes what it is at; a second signal ends it at once");
    web.streams.closeAll();
    await Promise.all([
      runner.stop(STOP_GRACE_MS, LET_GO_MS),
      web.listening.shutdown(LET_GO_MS),
      // The brains and hands that try it end with the agents.
      Promise.race([started.proven, delay(LET_GO_MS, undefined, { ref: false })]),
    ]);
    await app.agents.close();
    return 0;
  } finally {
    db?.close();
    // A start that was refused has mended nothing: the next one looks for damage again.
    if (db === null && folder.unclean) folder.abandon();
    else folder.release();
  }
}

function warnOfNetwork(dataDir: string, log: Log): void {
  const type = networkFileSystemOf(Deno.realPathSync(dataDir), readMounts());
  if (type === null) return;
  log.warn(
    "the data folder lies on another machine, where SQLite may lose what it saved: move it to a disk of this one",
    { folder: dataDir, type },
  );
}

/** There are no accounts yet: whoever reaches the port is the owner, and can have commands run. */
function warnOfOthers(host: string, log: Log): void {
  if (isLoopback(host)) return;
  log.warn(
    "other machines can reach Gaffer there, without a password, and do all that you can, commands included: " +
      "serve 127.0.0.1 unless only what you trust gets to that address",
    { host },
  );
}

type AppParts = Pick<App, "config" | "log" | "db" | "backups" | "agents"> & { root: URL };

function createApp({ root, ...parts }: AppParts): App {
  const { log, db } = parts;
  const hub = createHub((error) => log.error("a listener failed", { error: messageOf(error) }));
  const app: App = {
    ...parts,
    clock: {
      ...steadyClock({
        notBeforeMs: lastEventMs(db),
        // Not at once: it is noticed in the middle of something.
        onSetBack: (byMs) => void queueMicrotask(() => followClock(app, byMs)),
      }),
      calendar: calendarOf(parts.config.timeZone),
    },
    hub,
    catalog: lazyCatalog(new URL("agents/definitions/", root)),
    turnstile: new Turnstile(),
    actor: "gaffer",
  };
  return app;
}

async function followClock(app: App, byMs: number): Promise<void> {
  app.log.warn("the clock was set back", { hours: Math.round(byMs / HOUR_MS) });
  try {
    const { followSetBack } = await import("./work.ts");
    followSetBack(app, byMs);
  } catch (error) {
    app.log.error("what waits for its time could not follow", { error: messageOf(error) });
  }
}

/** `ready`: what every answer waits for. */
function serveHttp(app: App, root: URL, ready: Promise<unknown>) {
  const assets = loadAssets(new URL("static/", root), { "app.js": appScripts });
  const streams = createEventStreams();
  const tools = { assets, streams };
  const { host: hostname, port } = app.config;
  const http = createHttp(app, {
    assets,
    mountApi: (api) => mountApi(api, streams),
    mountPages: (pages) => mountPages(pages, tools),
    renderError: (error, c) => renderError(error, c, tools),
    port: () => listening.port,
  });
  const handler = async (request: Request) => {
    await ready;
    return await http.fetch(request);
  };
  const listening = listen({ hostname, port, handler, serveOptions, log: app.log });
  return { listening, streams };
}

/**
 * Resolves at the first signal to stop, from which on the process has so long to end; the second one ends it at
 * once.
 */
function stopSignal(): { first: Promise<void>; signal: AbortSignal } {
  const first = Promise.withResolvers<void>();
  const stop = new AbortController();
  let signals = 0;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      if (++signals > 1) Deno.exit(signalExits[signal]);
      // Even of an orderly stop something may be left that keeps the process; it must not be the timer.
      Deno.unrefTimer(setTimeout(() => Deno.exit(1), EXIT_GRACE_MS));
      first.resolve();
      stop.abort();
    });
  }
  return { first: first.promise, signal: stop.signal };
}
