/** Wires the App and owns the order of start and stop. */
import { setTimeout as delay } from "node:timers/promises";
import { lazyCatalog } from "../agents/catalog.ts";
import { findSandbox } from "../agents/find_sandbox.ts";
import { lateAgents } from "../agents/late.ts";
import type { Agents, Confinement } from "../agents/runtime.ts";
import { advanceIdeaHandler } from "../queue/handlers/advance_idea.ts";
import { advanceTicketHandler } from "../queue/handlers/advance_ticket.ts";
import { mergeTicketHandler } from "../queue/handlers/merge_ticket.ts";
import { removeWorktreeHandler } from "../queue/handlers/remove_worktree.ts";
import { runAgentHandler } from "../queue/handlers/run_agent.ts";
import { createRunner, type Runner } from "../queue/runner.ts";
import { pruneHandler, scheduleUpkeep } from "../queue/upkeep.ts";
import { appScripts } from "../views/shell.ts";
import type { App } from "./app.ts";
import { loadAssets } from "./assets.ts";
import { SECOND_MS, systemClock, timeText } from "./clock.ts";
import type { Config } from "./config.ts";
import { openDataFolder } from "./data_folder.ts";
import { migrate, openDb, transact } from "./db.ts";
import { AppError, messageOf } from "./errors.ts";
import { createHttp, serveOptions } from "./http.ts";
import { createHub } from "./hub.ts";
import { createLog } from "./log.ts";
import { mountApi } from "./routes/api.ts";
import { mountPages, renderError } from "./routes/pages.tsx";
import { resumeAgents } from "./services/agents.ts";
import { createRunHost } from "./services/run_host.ts";
import { createEventStreams } from "./sse.ts";
import { modelOf, startAgents } from "./start_agents.ts";
import { pruneKeys } from "./store/idempotency_keys.ts";
import { VERSION } from "./version.ts";

/** How long a stop may take before what still runs is left to the next start. */
const STOP_GRACE_MS = 8 * SECOND_MS;
/** Whatever hangs after that must not keep the process. */
const EXIT_GRACE_MS = 10 * SECOND_MS;
/** The first pages come before the work: loading the agents and starting a brain hold up this thread. */
const WORK_DELAY_MS = 100;
/** Jobs at work at the same time, beside the runs. */
const STEP_JOBS = 2;
const MERGE_JOBS = 2;

/** Serves until a signal stops it; gives the exit code. */
export async function serve(config: Config, root: URL): Promise<number> {
  const log = createLog(config.logFormat, systemClock.nowMs);
  const folder = openDataFolder(config.dataDir);
  const db = openDb(`${config.dataDir}/gaffer.db`);
  try {
    // Bubblewrap is tried in another process, while the rest is made; requests wait for what was found.
    const confinement: Confinement = { kind: "process", hint: "" };
    const confined = findSandbox(config.sandbox).then(({ kind, hint }) => {
      Object.assign(confinement, { kind, hint });
    });
    const done = migrate(db, timeText(systemClock.nowMs()));
    if (done.length > 0) log.info("the database was brought up to date", { migrations: done });
    const agents = Promise.withResolvers<Agents>();
    const status = { model: modelOf(config), confinement, refused: null, active: 0 };
    const app = createApp({ config, root, log, db, agents: lateAgents(status, agents.promise) });
    const runner = createAppRunner(app);
    const stop = stopSignal();
    const web = listen(app, root, confined);
    const { hostname, port } = web.server.addr;
    const address = `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
    folder.announce(address, timeText(systemClock.nowMs()));
    console.log(`Gaffer ${VERSION} serves ${address}`);

    await Promise.race([stop.first, delay(WORK_DELAY_MS)]);
    await confined;
    const host = createRunHost(() => app);
    const { nowMs } = systemClock;
    const started = await startAgents({ config, root, log, host, confinement, nowMs });
    agents.resolve(started.agents);
    transact(app, (tx) => scheduleUpkeep(tx, 0));
    // What held the agents may be mended by this very start, with another key say.
    resumeAgents(app);
    runner.start();

    await stop.first;
    log.info("stopping");
    const forced = setTimeout(() => Deno.exit(1), EXIT_GRACE_MS);
    web.streams.closeAll();
    await Promise.all([runner.stop(STOP_GRACE_MS), web.server.shutdown(), started.proven]);
    await app.agents.close();
    clearTimeout(forced);
    return 0;
  } finally {
    db.close();
    folder.release();
  }
}

type AppParts = Pick<App, "config" | "log" | "db" | "agents"> & { root: URL };

function createApp({ root, ...parts }: AppParts): App {
  const { log } = parts;
  return {
    ...parts,
    clock: systemClock,
    hub: createHub((error) => log.error("a listener failed", { error: messageOf(error) })),
    catalog: lazyCatalog(new URL("agents/definitions/", root)),
    actor: "gaffer",
  };
}

function createAppRunner(app: App): Runner {
  return createRunner({
    app,
    handlers: [
      advanceIdeaHandler,
      runAgentHandler,
      advanceTicketHandler,
      mergeTicketHandler,
      removeWorktreeHandler,
      pruneHandler([pruneKeys]),
    ],
    limits: { agents: app.config.maxRuns, steps: STEP_JOBS, merges: MERGE_JOBS, upkeep: 1 },
    bootId: crypto.randomUUID(),
  });
}

/** `ready`: what every answer waits for. */
function listen(app: App, root: URL, ready: Promise<unknown>) {
  const assets = loadAssets(new URL("static/", root), { "app.js": appScripts });
  const streams = createEventStreams();
  const tools = { assets, streams };
  let port = app.config.port;
  const http = createHttp(app, {
    assets,
    mountApi: (api) => mountApi(api, streams),
    mountPages: (pages) => mountPages(pages, tools),
    renderError: (error, c) => renderError(error, c, tools),
    port: () => port,
  });
  try {
    const server = Deno.serve({
      ...serveOptions,
      hostname: app.config.host,
      port,
      onListen: (address) => void (port = address.port),
    }, async (request) => {
      await ready;
      return await http.fetch(request);
    });
    return { server, streams };
  } catch (error) {
    const { host } = app.config;
    const why = error instanceof Deno.errors.AddrInUse
      ? `port ${port} is in use. Choose another with --port, or 0 for any free one`
      : `port ${port} of ${host} can't be listened on (${messageOf(error)}). ` +
        "Choose others with --host and --port";
    throw new AppError("conflict", `Cannot start: ${why}`, [], { cause: error });
  }
}

/** Resolves at the first signal to stop; the second one ends the process at once. */
function stopSignal(): { first: Promise<void> } {
  const first = Promise.withResolvers<void>();
  let signals = 0;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      if (++signals > 1) Deno.exit(130);
      first.resolve();
    });
  }
  return { first: first.promise };
}
