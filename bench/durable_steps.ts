/**
 * Durable steps: runs of four turns in which nothing is done, each on disk before the next begins. Beside a bare
 * loop on node:sqlite (the limit) that appends the same events, with as few commits as that rule allows.
 */
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { systemClock, timeText } from "../server/clock.ts";
import { CHECKPOINT_PAGES, migrate, openDb } from "../server/db.ts";
import { tempDir } from "../tests/gaffer.ts";
import { DurableRuns, type StoredEvent } from "./durable_runs.ts";
import { type Group, type Measured, quantile } from "./table.ts";

const ROUNDS = 3;
const WARM_UP = 300;
const AT_ONCE = [1, 10, 100] as const;
const RUNS = { 1: 100, 10: 400, 100: 1_000 };
/** At least this share of what the bare loop does. */
const SHARE = 0.25;
/** And so many times what the best comparable program does, as measured on this kind of machine. */
const TIMES = 10;
const DBOS_RUNS_PER_SECOND = { 1: 125, 10: 340, 100: 347 };
/** A run of four steps, start to result (QUEUE.md, D1). */
const START_TO_RESULT_MS = 2;

const rowOf = (atOnce: number) => `durable run of four turns, ${atOnce} at once`;
const LATENCY = "durable run of four turns, start to result, p50";

export const durableSteps: Group = {
  name: "durable steps",
  rows: [...AT_ONCE.map(rowOf), LATENCY],
  async measure() {
    await using temp = await tempDir("gaffer-bench-");
    await using runs = new DurableRuns(join(temp.path, "ours.db"), Math.max(...AT_ONCE));
    await runs.work(WARM_UP, 10);
    using bare = new BareLog(join(temp.path, "bare.db"), await runs.sample());
    bare.work(WARM_UP, 10);
    const perRun = AT_ONCE.map((): Times => ({ ours: [], bare: [] }));
    const starts: Times = { ours: [], bare: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, atOnce] of AT_ONCE.entries()) {
        const count = RUNS[atOnce];
        const begin = performance.now();
        const times = await runs.work(count, atOnce);
        perRun[index]!.ours.push((performance.now() - begin) / count);
        const bareMs = bare.work(count, atOnce) / count;
        perRun[index]!.bare.push(bareMs);
        if (atOnce > 1) continue;
        starts.ours.push(quantile(times, 0.5));
        starts.bare.push(bareMs);
      }
    }
    return [
      ...AT_ONCE.map((atOnce, index): Measured => {
        const limit = quantile(perRun[index]!.bare, 0.5);
        const goal = Math.min(limit / SHARE, 1_000 / (TIMES * DBOS_RUNS_PER_SECOND[atOnce]));
        return { name: rowOf(atOnce), unit: "ms", values: perRun[index]!.ours, goal, limit };
      }),
      {
        name: LATENCY,
        unit: "ms",
        values: starts.ours,
        goal: START_TO_RESULT_MS,
        limit: quantile(starts.bare, 0.5),
      },
    ];
  },
};

interface Times {
  ours: number[];
  bare: number[];
}

/** After these a commit must come: what follows begins something. */
const BEGINS = /^(turn_started|tool_started|succeeded)$/;

/** A log and nothing else: the events of a run, committed as seldom as may be. */
class BareLog implements Disposable {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  /** What is committed together, in order. */
  readonly #steps: StoredEvent[][] = [[]];

  constructor(path: string, events: StoredEvent[]) {
    const db = openDb(path); // as the server does, for the tables
    migrate(db, timeText(systemClock.nowMs()));
    db.close();
    this.#db = new DatabaseSync(path);
    this.#db.exec(`
      PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
      PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    this.#insert = this.#db.prepare(`
      INSERT INTO events (at, actor, type, project_id, idea_id, run_id, number, data)
      VALUES (:at, 'clarifier', :type, 'project_1', 'idea_1', :runId, :number, :data)`);
    this.#begin = this.#db.prepare("BEGIN IMMEDIATE");
    this.#commit = this.#db.prepare("COMMIT");
    for (const event of events) {
      this.#steps.at(-1)!.push(event);
      if (BEGINS.test(event.type) && event !== events.at(-1)) this.#steps.push([]);
    }
  }

  /** Milliseconds for `count` runs, of which `atOnce` go through each step together and share its commit. */
  work(count: number, atOnce: number): number {
    const begin = performance.now();
    for (let n = 0; n < count; n += atOnce) {
      const ids = Array.from({ length: atOnce }, () => `run_${crypto.randomUUID()}`);
      let number = 0;
      for (const step of this.#steps) {
        this.#begin.run();
        const at = timeText(Date.now());
        for (const runId of ids) {
          for (const [index, { type, data }] of step.entries()) {
            this.#insert.run({ at, type, data, runId, number: number + index + 1 });
          }
        }
        this.#commit.run();
        number += step.length;
      }
    }
    return performance.now() - begin;
  }

  [Symbol.dispose]() {
    this.#db.close();
  }
}
