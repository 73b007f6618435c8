/** Wires the App and owns the order of start and stop. */
import { createAgents } from "../agents/runtime.ts";
import { createBrains } from "../agents/brains.ts";
import { createHands } from "../agents/hands_client.ts";
import { lazyCatalog } from "../agents/catalog.ts";
import type { ModelEndpoint } from "../agents/protocol.ts";
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
import { type Db, migrate, openDb, transact } from "./db.ts";
import { AppError, messageOf } from "./errors.ts";
import { createHttp, serveOptions } from "./http.ts";
import { createHub } from "./hub.ts";
import { createLog, type Log } from "./log.ts";
import { proveConfinement } from "./proof.ts";
import { mountApi } from "./routes/api.ts";
import { mountPages, renderError } from "./routes/pages.tsx";
import { resumeAgents } from "./services/agents.ts";
import { createRunHost } from "./services/run_host.ts";
import { createEventStreams } from "./sse.ts";
import { pruneKeys } from "./store/idempotency_keys.ts";
import { VERSION } from "./version.ts";

/** How long a stop may take before what still runs is left to the next start. */
const STOP_GRACE_MS = 8 * SECOND_MS;
/** Whatever hangs after that must not keep the process. */
const EXIT_GRACE_MS = 10 * SECOND_MS;
/** From the start to the proof that agents are confined; runs wait for it, pages do not. */
const PROOF_DELAY_MS = 100;
/** Brains share the work of all runs; each is a thread. */
const BRAINS = 2;
/** Jobs at work at the same time, beside the runs. */
const STEP_JOBS = 2;
const MERGE_JOBS = 2;

/** Serves until a signal stops it; gives the exit code. */
export async function serve(config: Config, root: URL): Promise<number> {
  const log = createLog(config.logFormat, systemClock.nowMs);
  const folder = openDataFolder(config.dataDir);
  const db = openDb(`${config.dataDir}/gaffer.db`);
  try {
    const done = migrate(db, timeText(systemClock.nowMs()));
    if (done.length > 0) log.info("the database was brought up to date", { migrations: done });
    const { app, proof } = await createApp(config, root, log, db);
    const runner = createAppRunner(app);
    const stop = stopSignal();
    const web = listen(app, root);
    const { hostname, port } = web.server.addr;
    const address = `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
    folder.announce(address, timeText(systemClock.nowMs()));
    transact(app, (tx) => scheduleUpkeep(tx, 0));
    // What held the agents may be mended by this very start, with another key say.
    resumeAgents(app);
    runner.start();
    console.log(`Gaffer ${VERSION} serves ${address}`);
    void proof.then((hole) => hole && log.error(hole));

    await stop.first;
    log.info("stopping");
    const forced = setTimeout(() => Deno.exit(1), EXIT_GRACE_MS);
    web.streams.closeAll();
    await Promise.all([runner.stop(STOP_GRACE_MS), web.server.shutdown(), proof]);
    await app.agents.close();
    clearTimeout(forced);
    return 0;
  } finally {
    db.close();
    folder.release();
  }
}

/** `proof`: whether the agents are confined, which is still being tried; see `AgentsOptions`. */
async function createApp(
  config: Config,
  root: URL,
  log: Log,
  db: Db,
): Promise<{ app: App; proof: Promise<string | null> }> {
  const compiled = Deno.build.standalone;
  const hub = createHub((error) => log.error("a listener failed", { error: messageOf(error) }));
  const endpoint: ModelEndpoint = config.endpoint
    ? { kind: "endpoint", ...config.endpoint, idleTimeoutMs: config.idleTimeoutMs }
    : { kind: "demo", paceMs: config.demoPaceMs };
  const brains = createBrains({ root, compiled, endpoint, size: BRAINS, log });
  const hands = createHands({
    root,
    compiled,
    sandbox: config.sandbox,
    log,
    protectedPaths: [await Deno.realPath(config.dataDir)],
  });
  const confinement = await hands.confinement();
  const { dataDir } = config;
  const proof = proveConfinement({ brains, hands, dataDir, delayMs: PROOF_DELAY_MS });
  const app: App = {
    config,
    db,
    clock: systemClock,
    hub,
    log,
    catalog: lazyCatalog(new URL("agents/definitions/", root)),
    actor: "gaffer",
    agents: createAgents({
      brains,
      hands,
      host: createRunHost(() => app),
      model: config.endpoint
        ? { kind: "endpoint", baseUrl: config.endpoint.baseUrl }
        : { kind: "demo" },
      confinement,
      proof,
      nowMs: systemClock.nowMs,
    }),
  };
  return { app, proof };
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

function listen(app: App, root: URL) {
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
    }, http.fetch);
    return { server, streams };
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new AppError(
      "conflict",
      `Cannot start: port ${port} is in use. Choose another with --port, or 0 for any free one`,
      [],
      { cause: error },
    );
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
