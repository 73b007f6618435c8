/**
 * The limit: a bare loop on node:sqlite that sends the database the very statements which the queue sends, and
 * does nothing else. Nobody can be faster with the same guarantees.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { SECOND_MS, timeText } from "../server/clock.ts";
import { CHECKPOINT_PAGES, type Db, transact } from "../server/db.ts";
import { claim } from "../queue/claim.ts";
import { finish } from "../queue/lease.ts";
import { enqueue } from "../queue/queue.ts";
import { limitsFor, newJob, openQueue, type Sync } from "./queue_ours.ts";

type Texts = Record<
  "insert" | "done" | "due" | "lane" | "pauses" | "executing" | "next" | "take",
  string
>;

/** The statements, as the queue prepares them. */
function textsOf(path: string): Texts {
  using app = openQueue(path, "NORMAL");
  const texts: string[] = [];
  const db: Db = Object.create(app.db, {
    prepare: {
      value: (sql: string) => {
        texts.push(sql);
        return app.db.prepare(sql);
      },
    },
  });
  transact(app, (tx) => {
    const heard = { ...tx, db };
    for (let n = 0; n < 2; n++) enqueue(heard, newJob(n));
    const options = { limits: limitsFor(9), owner: "bench", leaseMs: SECOND_MS };
    for (const job of claim(heard, options)) finish(heard, job, { type: "done" });
  });
  const find = (words: string) => {
    const found = texts.find((sql) => sql.includes(words));
    if (!found) throw new Error(`The queue has no statement with "${words}"`);
    return found;
  };
  return {
    insert: find("INSERT INTO jobs"),
    done: find("status = 'completed'"),
    due: find("min(at)"),
    lane: find("lane > :after"),
    pauses: find("FROM queue_pauses"),
    executing: find("status = 'executing' AND queue"),
    next: find("(claim_order, id) >"),
    take: find("SET status = 'executing'"),
  };
}

interface Taken {
  id: number;
  token: string;
}

export class BareQueue implements Disposable {
  readonly #connection: DatabaseSync;
  readonly #statements: Record<keyof Texts, StatementSync>;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;

  constructor(path: string, sync: Sync) {
    const texts = textsOf(path);
    this.#connection = new DatabaseSync(path);
    this.#connection.exec(`
      PRAGMA journal_mode = WAL; PRAGMA synchronous = ${sync}; PRAGMA foreign_keys = ON;
      PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; DELETE FROM jobs`);
    this.#begin = this.#connection.prepare("BEGIN IMMEDIATE");
    this.#commit = this.#connection.prepare("COMMIT");
    this.#statements = Object.fromEntries(
      Object.entries(texts).map(([name, sql]) => [name, this.#connection.prepare(sql)]),
    ) as Record<keyof Texts, StatementSync>;
  }

  [Symbol.dispose]() {
    this.#connection.close();
  }

  #insert(n: number): void {
    const nowMs = Date.now();
    const now = timeText(nowMs);
    this.#statements.insert.get({
      kind: "advance_ticket",
      args: `{"ticketId":"ticket_${n}"}`,
      queue: "steps",
      status: "available",
      priority: 2,
      maxAttempts: 8,
      uniqueKey: null,
      concurrencyKey: null,
      projectId: null,
      lane: "steps ",
      runAt: now,
      order: nowMs + 7_200_000,
      now,
    });
  }

  /** Microseconds per job; `together` share a commit. */
  enqueue(count: number, together: number): number {
    return perJobUs(count, () => {
      for (let n = 0; n < count; n += together) {
        this.#begin.run();
        for (let i = 0; i < together; i++) this.#insert(n + i);
        this.#commit.run();
      }
    });
  }

  /** Leaves the queue empty, and its log as long as it gets. */
  warmUp(count: number): void {
    this.#fill(count);
    this.#connection.exec("DELETE FROM jobs");
  }

  #fill(count: number): void {
    this.#begin.run();
    for (let n = 0; n < count; n++) this.#insert(n);
    this.#commit.run();
  }

  /** Microseconds per job, `concurrency` ended and taken by each commit. */
  drain(count: number, concurrency: number): number {
    const { done } = this.#statements;
    return perJobUs(count, () => {
      this.#begin.run();
      let taken = this.#take(concurrency);
      this.#commit.run();
      for (let left = count; left > 0; left -= concurrency) {
        this.#begin.run();
        const now = timeText(Date.now());
        for (const { id, token } of taken) done.run({ id: String(id), token, now });
        taken = this.#take(concurrency);
        this.#commit.run();
      }
    });
  }

  #take(count: number): Taken[] {
    const { due, lane, pauses, executing, next, take } = this.#statements;
    due.get();
    const first = lane.get({ after: "" });
    executing.all();
    pauses.all();
    if (!first) return [];
    lane.get({ after: String(first.lane) });
    const nowMs = Date.now();
    const expires = timeText(nowMs + 60_000);
    const now = timeText(nowMs);
    const taken: Taken[] = [];
    const takeAll = (rows: Record<string, unknown>[]) => {
      for (const row of rows) {
        const id = Number(row.id);
        const token = crypto.randomUUID();
        take.run({ id, token, expires, owner: "bench", now });
        taken.push({ id, token });
      }
    };
    takeAll([first]);
    if (count === 1) return taken;
    takeAll(next.all({
      lane: "steps ",
      order: Number(first.claim_order),
      id: Number(first.id),
      keys: "[]",
      crashes: Number.MAX_SAFE_INTEGER,
      limit: count - 1,
    }));
    return taken;
  }
}

function perJobUs(count: number, work: () => void): number {
  const begin = performance.now();
  work();
  return (performance.now() - begin) * 1_000 / count;
}
