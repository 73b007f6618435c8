/** What the tests share: an App on a database in memory with a clock that stands still, and makers of records. */
import { loadCatalog } from "../agents/catalog.ts";
import { McpServers } from "../agents/mcp/servers.ts";
import type { NoteEvent, RunOutcome } from "../agents/protocol.ts";
import type { Agents } from "../agents/runtime.ts";
import type { App } from "../server/app.ts";
import { createBackups } from "../server/backup.ts";
import type { Config } from "../server/config.ts";
import { type CommittedEvent, transact, transactSoon, type Tx } from "../server/db.ts";
import { calendarOf } from "../server/calendar.ts";
import { createHub } from "../server/hub.ts";
import { silentLog } from "../server/log.ts";
import type { Outcome } from "../queue/job.ts";
import type { Idea, Project, Run, RunPurpose, Ticket } from "../server/records.ts";
import { insertProject } from "../server/store/projects.ts";
import { approveIdea, submitIdea } from "../server/services/ideas.ts";
import { advanceIdea } from "../server/services/refinement.ts";
import type { Attempt } from "../server/services/faults.ts";
import { takeUpRun, workRun } from "../server/services/outcomes.ts";
import { getIdea } from "../server/store/ideas.ts";
import { listIdeaRuns } from "../server/store/runs.ts";
import { insertCheck, type NewCheck } from "../server/store/checks.ts";
import { getTicket } from "../server/store/tickets.ts";
import { Turnstile } from "../server/turnstile.ts";
import { migratedDb } from "./migrated.ts";

export const catalog = loadCatalog(new URL("../agents/definitions/", import.meta.url));

export const testConfig: Config = {
  port: 0,
  host: "127.0.0.1",
  dataDir: "/nonexistent",
  logFormat: "human",
  maxRuns: 4,
  maxRunsPerProject: 0,
  maxJobs: 0,
  sandbox: "auto",
  endpoint: null,
  idleTimeoutMs: 1_000,
  demoPaceMs: 0,
  backupEveryHours: 24,
  maxCrashes: 3,
  notifyUrl: null,
  toolchains: [],
  handsLimits: {},
  mail: null,
  publicUrl: "http://localhost:4242",
  chromium: "",
  timeZone: "UTC",
};

/** Agents that do what the test says next, and remember what they were asked. */
export interface ScriptedAgents extends Agents {
  /** Outcomes of the next runs, in the order in which they are asked for. */
  outcomes: RunOutcome[];
  stopped: string[];
  paused: { runId: string; killTools: boolean }[];
  told: { runId: string; note: NoteEvent }[];
  released: string[];
  confinement: "bubblewrap" | "process";
}

function scriptedAgents(): ScriptedAgents {
  const agents: ScriptedAgents = {
    outcomes: [],
    stopped: [],
    paused: [],
    told: [],
    serve: () => Promise.resolve(McpServers.none),
    released: [],
    confinement: "bubblewrap",
    status: () => ({
      model: { kind: "demo" },
      confinement: { kind: agents.confinement, hint: "" },
      refused: null,
      active: 0,
    }),
    run() {
      const outcome = agents.outcomes.shift();
      if (!outcome) throw new Error("The test scripted no outcome for this run");
      return Promise.resolve(outcome);
    },
    stopRun: (runId) => Promise.resolve(void agents.stopped.push(runId)),
    pauseRun: (runId, { killTools }) => void agents.paused.push({ runId, killTools }),
    letGo: () => {},
    tellRun: (runId, note) => void agents.told.push({ runId, note }),
    liveText: () => null,
    command: () => Promise.reject(new Error("The test runs no commands")),
    release: (dir) => Promise.resolve(void agents.released.push(dir)),
    close: () => Promise.resolve(),
  };
  return agents;
}

export interface TestApp extends App, Disposable {
  agents: ScriptedAgents;
  /** Moves the clock. */
  advance(ms: number): void;
  /** Everything that was committed, in order. */
  events: CommittedEvent[];
  tx<T>(work: (tx: Tx) => T): T;
  project(changes?: Partial<Project>): Project;
  /** An idea moved to `status` along the real path. */
  idea(status: "submitted" | "refining" | "ready", changes?: { title?: string }): Promise<Idea>;
  /** A ticket just approved, with two subtasks. */
  ticket(): Promise<Ticket>;
  /** Lets the newest active run of a purpose succeed with this result. */
  succeed(of: Idea | Ticket, purpose: RunPurpose, result: unknown): Promise<void>;
  /** Lets it end like this. */
  end(run: Run, outcome: RunOutcome): Promise<void>;
  jobs(): { kind: string; args: Record<string, unknown>; status: string }[];
}

export function testApp(
  { now = "2026-01-02T03:04:05.000Z", config = {} as Partial<Config> } = {},
): TestApp {
  let nowMs = Date.parse(now);
  const db = migratedDb(":memory:", nowMs);
  const events: CommittedEvent[] = [];
  const hub = createHub((error) => {
    throw error;
  });
  hub.subscribe((message) => {
    if (message.kind === "event") events.push(message.event);
  });
  const app: TestApp = {
    config: { ...testConfig, ...config },
    db,
    clock: { nowMs: () => nowMs, calendar: calendarOf(config.timeZone ?? "UTC") },
    hub,
    log: silentLog,
    agents: scriptedAgents(),
    catalog,
    backups: createBackups({ dataDir: { ...testConfig, ...config }.dataDir, nowMs: () => nowMs }),
    turnstile: new Turnstile(),
    actor: "owner",
    events,
    advance: (ms) => void (nowMs += ms),
    tx: (work) => transact(app, work),
    project: (changes = {}) =>
      transact(app, (tx) =>
        insertProject(tx, {
          slug: changes.slug ?? `project-${events.length}`,
          name: "Sample",
          path: `/repositories/${events.length}-${Math.random()}`,
          baseBranch: "main",
          commands: [{ name: "test", command: "sh test.sh", timeoutMs: 60_000 }],
          commandsAllowed: false,
          setupNetwork: false,
          sample: false,
          ...changes,
        })),
    async idea(status, { title = "Greet people by name" } = {}) {
      const project = app.project();
      const idea = submitIdea(app, { projectId: project.id, title });
      if (status === "submitted") return idea;
      advanceIdea(app, idea.id);
      if (status === "ready") {
        await app.succeed(idea, "clarify", results.clarify);
        await app.succeed(idea, "research", results.research);
        advanceIdea(app, idea.id);
        await app.succeed(idea, "estimate", results.estimate);
        advanceIdea(app, idea.id);
        await app.succeed(idea, "prioritize", results.prioritize);
        advanceIdea(app, idea.id);
      }
      return getIdea(db, idea.id);
    },
    async ticket() {
      const idea = await app.idea("ready");
      return getTicket(db, approveIdea(app, idea.id).id);
    },
    async succeed(of, purpose, result) {
      const run = listIdeaRuns(db, of.id).findLast((r) => r.purpose === purpose);
      if (!run) throw new Error(`There is no run with the purpose "${purpose}"`);
      await app.end(run, { type: "succeeded", result });
    },
    async end(run, outcome) {
      app.agents.outcomes.push(outcome);
      const signal = new AbortController().signal;
      await executeRun(app, run.id, { attempt: 1, maxAttempts: 5 }, signal);
    },
    jobs: () =>
      db.prepare("SELECT kind, args, status FROM jobs ORDER BY id").all().map((row) => ({
        kind: String(row.kind),
        args: JSON.parse(String(row.args)),
        status: String(row.status),
      })),
    [Symbol.dispose]: () => db.close(),
  };
  return app;
}

/** Results as the agents of a refinement hand them in. */
export const results = {
  clarify: { summary: "Say hello", type: "feature", acceptance: ["It says hello"] },
  research: {
    summary: "One script",
    findings: [{ kind: "related", path: "greet.sh", line: 3, text: "Prints the greeting" }],
  },
  estimate: {
    complexity: "small",
    reason: "One file",
    acceptance: ["It says hello", "A test shows it"],
    subtasks: [
      { title: "Change the script", description: "Edit greet.sh", complexity: "small" },
      { title: "Add a test", description: "Edit test.sh", complexity: "trivial" },
    ],
  },
  prioritize: { priority: "high", reason: "People wait for it" },
} as const;

/** A test command of the ticket's that passed, but for the changes. */
export const checkOf = (ticketId: string, changes: Partial<NewCheck> = {}): NewCheck => ({
  ticketId,
  name: "test",
  commit: "b".repeat(40),
  baseline: false,
  command: "sh test.sh",
  status: "passed",
  exitCode: 0,
  durationMs: 5,
  report: null,
  tail: "",
  outputPath: null,
  unconfined: false,
  ...changes,
});

/** Lets the ticket's build and tests have passed at a commit: then it may go to its review. */
export function passChecks(app: TestApp, ticketId: string, commit: string): void {
  app.tx((tx) => {
    for (const name of ["build", "test"] as const) {
      insertCheck(tx, checkOf(ticketId, { name, commit }));
    }
  });
}

/** One attempt at a run's job, without its queue. */
export async function executeRun(
  app: App,
  runId: string,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<Outcome> {
  transact(app, (tx) => takeUpRun(tx, runId));
  const outcome = await workRun(app, runId, attempt, signal);
  return typeof outcome === "function" ? await transactSoon(app, outcome) : outcome;
}
