/**
 * Runs of agents whose turns take no time, without a server around them: job, run, log, budget and end as they
 * are, with a model in this process that answers at once in place of the brain's, and no hands.
 */
import { loadCatalog } from "../agents/catalog.ts";
import type { Brains } from "../agents/brains.ts";
import type { Hands } from "../agents/hands_client.ts";
import { runLoop } from "../agents/loop/loop.ts";
import type { Model, TurnAnswer } from "../agents/loop/turn.ts";
import { noUsage, type RunSpec } from "../agents/protocol.ts";
import { createAgents } from "../agents/runtime.ts";
import { resolveModel } from "../agents/models.ts";
import { toolSpec } from "../agents/tools/registry.ts";
import { runAgentHandler } from "../queue/handlers/run_agent.ts";
import { createRunner } from "../queue/runner.ts";
import { actingAs, type App } from "../server/app.ts";
import { MINUTE_MS, systemClock, timeText } from "../server/clock.ts";
import { migrate, openDb, transact, transactSoon } from "../server/db.ts";
import { createHub } from "../server/hub.ts";
import { createLog } from "../server/log.ts";
import type { Idea } from "../server/records.ts";
import { createRunHost } from "../server/services/run_host.ts";
import { recordRunEvent, startRun } from "../server/services/runs.ts";
import { insertIdea } from "../server/store/ideas.ts";
import { insertProject } from "../server/store/projects.ts";
import { findStart } from "../server/store/run_log.ts";
import { getRun } from "../server/store/runs.ts";
import { permissionsFor, runContext } from "../tests/loop_support.ts";
import { limitsFor } from "./queue_ours.ts";

/** Of each run: it pauses in all but the last, in which it hands its result in. */
export const TURNS = 4;

/** What nobody asks for here. */
const unused = <T>(): T => ({}) as T;

/** One event of a log. */
export interface StoredEvent {
  type: string;
  data: string;
}

/** The runs of one database, worked off by a queue with so many slots. */
export class DurableRuns implements AsyncDisposable {
  readonly #app: App;
  readonly #runner: ReturnType<typeof createRunner>;
  readonly #idea: Idea;
  readonly #ended = new Map<string, () => void>();

  constructor(path: string, slots: number) {
    const db = openDb(path);
    migrate(db, timeText(systemClock.nowMs()));
    const app: App = {
      config: { endpoint: null } as App["config"],
      db,
      clock: systemClock,
      hub: createHub((error) => {
        throw error;
      }),
      log: createLog("human", systemClock.nowMs),
      agents: unused(),
      catalog: loadCatalog(new URL("../agents/definitions/", import.meta.url)),
      backups: unused(),
      turnstile: unused(),
      actor: "owner",
    };
    this.#app = app;
    app.agents = createAgents({
      brains: localBrains,
      hands: { close: () => Promise.resolve() } as Hands,
      host: {
        ...createRunHost(() => app),
        // Without a repository: nothing is read from one, and what is read for a prompt is the same for all.
        prepare: (runId) => this.#prepare(runId),
      },
      model: { kind: "demo" },
      confinement: { kind: "bubblewrap", hint: "" },
      proof: Promise.resolve(null),
      nowMs: systemClock.nowMs,
    });
    this.#idea = transact(app, (tx) => {
      const project = insertProject(tx, {
        slug: "bench",
        name: "Bench",
        path: "/nonexistent",
        baseBranch: "main",
        commands: [],
        commandsAllowed: false,
        setupNetwork: false,
        sample: false,
      });
      return insertIdea(tx, {
        projectId: project.id,
        title: "Do nothing",
        description: "",
        priority: 2,
        tags: [],
      });
    });
    app.hub.subscribe((message) => {
      if (message.kind !== "event") return;
      const { type, runId, data } = message.event;
      if (type === "succeeded") this.#ended.get(runId!)!();
      if (type === "failed") throw new Error(`A run failed: ${JSON.stringify(data)}`);
    });
    this.#runner = createRunner({
      app,
      handlers: [runAgentHandler],
      limits: limitsFor(slots),
      bootId: crypto.randomUUID(),
    });
    this.#runner.start();
  }

  /** Asks for a run; resolves when its result is on disk. */
  async start(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    // Of an earlier round of its idea, so that nothing follows from its result.
    const subject = { idea: { ...this.#idea, round: 0 }, purpose: "clarify", agent: "clarifier" };
    const { id } = await transactSoon(this.#app, (tx) => startRun(this.#app, tx, subject as never));
    this.#ended.set(id, () => {
      this.#ended.delete(id);
      resolve();
    });
    await promise;
  }

  /**
   * Milliseconds from asking for each of `count` runs to its result, so many of them at once. Throws unless all
   * turns are on record.
   */
  async work(count: number, atOnce: number): Promise<number[]> {
    const from = this.#lastEvent();
    const times: number[] = [];
    await Promise.all(Array.from({ length: atOnce }, async () => {
      for (let n = 0; n < count / atOnce; n++) {
        const begin = performance.now();
        await this.start();
        times.push(performance.now() - begin);
      }
    }));
    await this.#runner.idle();
    const turns = Number(
      this.#app.db.prepare(
        "SELECT count(*) AS n FROM events WHERE seq > :from AND type = 'turn_finished'",
      ).get({ from })!.n,
    );
    if (turns !== times.length * TURNS) {
      throw new Error(`${turns} turns of ${times.length} runs are on record`);
    }
    return times;
  }

  /** The log of a run, as it is stored. */
  async sample(): Promise<StoredEvent[]> {
    const from = this.#lastEvent();
    await this.start();
    return this.#app.db.prepare(`
      SELECT type, data FROM events WHERE seq > :from AND run_id IS NOT NULL ORDER BY seq
    `).all({ from }).map(({ type, data }) => ({ type: String(type), data: String(data) }));
  }

  #lastEvent(): number {
    return Number(this.#app.db.prepare("SELECT coalesce(max(seq), 0) AS n FROM events").get()!.n);
  }

  async #prepare(runId: string) {
    const { db } = this.#app;
    const run = getRun(db, runId);
    const spec = specOf(runId);
    if (!findStart(db, runId)) {
      await transactSoon(
        actingAs(this.#app, run.agent),
        (tx) => recordRunEvent(tx, run, { type: "started", spec, commit: "0".repeat(40) }),
      );
    }
    return runContext({ spec, permissions: permissionsFor("clarifier") });
  }

  async [Symbol.asyncDispose]() {
    await this.#runner.stop(MINUTE_MS);
    await this.#app.agents.close();
    this.#app.db.close();
  }
}

const tools = [toolSpec("submit_result", { resultName: "clarifier", checkNames: [] })];

const specOf = (runId: string): RunSpec => ({
  runId,
  agent: "clarifier",
  model: resolveModel("sonnet", null),
  system: "You are the clarifier of Gaffer.",
  tools,
  prompt: '<task purpose="clarify">Do nothing</task>',
  limits: {
    maxTurns: 40,
    maxTokens: 50_000_000,
    maxCostMicroUsd: 100_000_000,
    timeoutMs: MINUTE_MS,
  },
});

const result = { summary: "Nothing", type: "feature", acceptance: ["Nothing is done"] };

const answer = (stopReason: string, content: TurnAnswer["content"]): TurnAnswer => ({
  content,
  stopReason,
  refusal: null,
  usage: { ...noUsage, inputTokens: 1_000, outputTokens: 10 },
  requestId: "req_000001",
});

const model: Model = {
  turn({ messages }) {
    // An answer that paused goes on in the same message.
    const last = messages.at(-1)!;
    const turn = (last.role === "assistant" ? last.content.length : 0) + 1;
    return Promise.resolve(
      turn < TURNS
        ? answer("pause_turn", [{ type: "text", text: "Nothing to do." }])
        : answer("tool_use", [{
          type: "tool_use",
          id: "call_1",
          name: "submit_result",
          input: result,
        }]),
    );
  },
};

/** The loops of all runs in this process. */
const localBrains: Brains = {
  run: (spec, log, elapsedMs, host, signal) =>
    runLoop({
      spec,
      log,
      elapsedMs,
      model,
      signal,
      append: async (event) => await host.append(event),
      tools: (turn, calls) => host.tools(turn, calls),
      delta: (turn, kind, text) => host.delta(turn, kind, text),
      nowMs: () => performance.now(),
      delay: () => Promise.reject(new Error("nothing is to wait for")),
      random: Math.random,
    }),
  canary: () => Promise.resolve(null),
  active: () => 0,
  close() {},
};
