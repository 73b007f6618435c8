/**
 * The database: one read-write connection of the runtime's own SQLite, and one way to write.
 * The stores see only `Db` and `Statement`; another driver with the same few calls fits behind this file.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { AppError } from "./errors.ts";
import { type Clock, timeText } from "./clock.ts";
import { type Migration, migrations } from "./migrations/mod.ts";
import type { Hub } from "./hub.ts";

export type Value = string | number | bigint | null | Uint8Array;
export type Row = Record<string, Value>;
export type Params = Record<string, Value>;

/** A prepared statement; parameters are named (`:id`) and given without the colon. */
export interface Statement {
  run(params?: Params): { changes: number };
  get(params?: Params): Row | undefined;
  all(params?: Params): Row[];
}

/** What the stores may do with the database. */
export interface Db {
  /** Prepared once per text and kept, so texts must be constants, never built from input. */
  prepare(sql: string): Statement;
  exec(sql: string): void;
  readonly inTransaction: boolean;
  close(): void;
}

/** How long a write waits for a lock held by another process (a backup tool, a shell) before it fails. */
const BUSY_TIMEOUT_MS = 5_000;

/** Opens `path` (or ":memory:") with the pragmas that make an acknowledged write survive a power cut. */
export function openDb(path: string): Db {
  const connection = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  connection.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA temp_store = MEMORY;
    PRAGMA journal_size_limit = 67108864;
  `);
  const statements = new Map<string, StatementSync>();
  return {
    prepare(sql) {
      let statement = statements.get(sql);
      if (!statement) statements.set(sql, statement = connection.prepare(sql));
      const prepared = statement;
      return {
        run: (params = {}) => ({ changes: Number(prepared.run(params).changes) }),
        get: (params = {}) => prepared.get(params) as Row | undefined,
        all: (params = {}) => prepared.all(params) as Row[],
      };
    },
    exec: (sql) => connection.exec(sql),
    get inTransaction() {
      return connection.isTransaction;
    },
    close() {
      statements.clear();
      connection.close();
    },
  };
}

/**
 * Brings the schema up to date, each step in a transaction of its own.
 * Throws `conflict` when the database was written by a newer Gaffer: it is left as it is.
 */
export function migrate(db: Db, now: string, steps: readonly Migration[] = migrations): string[] {
  db.exec(`CREATE TABLE IF NOT EXISTS migrations (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL) STRICT`);
  const applied = db.prepare("SELECT number, name FROM migrations ORDER BY number").all();
  for (const row of applied) {
    const step = steps[Number(row.number) - 1];
    if (step?.name !== row.name) {
      throw new AppError(
        "conflict",
        `Cannot open the database: it has the migration "${row.name}", which this version of Gaffer ` +
          `does not know. Start the version that made it, or a newer one`,
      );
    }
  }
  const done: string[] = [];
  for (const [index, step] of steps.entries()) {
    if (index < applied.length) continue;
    db.exec("BEGIN IMMEDIATE");
    try {
      db.exec(step.sql);
      db.prepare("INSERT INTO migrations VALUES (:number, :name, :now)")
        .run({ number: index + 1, name: step.name, now });
      db.exec("COMMIT");
    } catch (error) {
      if (db.inTransaction) db.exec("ROLLBACK");
      throw new Error(`Cannot apply the migration "${step.name}"`, { cause: error });
    }
    done.push(step.name);
  }
  return done;
}

/** A change to record: the history of things, or the next event of a run. */
export interface NewEvent {
  type: string;
  projectId?: string | null;
  ideaId?: string | null;
  ticketId?: string | null;
  /** With it the event is the run's next one, and gets its number. */
  runId?: string;
  data?: unknown;
}

/** What a committed event looks like to those who listen. */
export interface CommittedEvent {
  seq: number;
  at: string;
  actor: string;
  type: string;
  projectId: string | null;
  ideaId: string | null;
  ticketId: string | null;
  runId: string | null;
  number: number | null;
  data: unknown;
}

/** One write transaction: its database, its one time stamp, its actor, its events. */
export interface Tx {
  readonly db: Db;
  /** UTC text; every row written by this transaction carries this time. */
  readonly now: string;
  readonly nowMs: number;
  readonly actor: string;
  /** For what is no event, after COMMIT: a bell that rings. */
  readonly hub: Hub;
  /** Appends to `events` now; listeners hear of it only after COMMIT. */
  emit(event: NewEvent): CommittedEvent;
  /** Runs after COMMIT, never after a rollback. */
  afterCommit(callback: () => void): void;
}

/** What `transact` needs of the App. */
export interface Transactor {
  db: Db;
  clock: Clock;
  hub: Hub;
  /** Who acts: "owner" for a person's request, "gaffer" for the server itself, or an agent's name. */
  actor: string;
}

/**
 * Runs `work` in one write transaction. Everything it wrote and emitted happens, or nothing.
 * `work` must be synchronous: while it awaited, other requests would write into its transaction.
 */
export function transact<T>(app: Transactor, work: (tx: Tx) => T): T {
  const { db } = app;
  if (db.inTransaction) throw new Error("transact() inside transact(): pass the Tx on instead");
  const nowMs = app.clock.nowMs();
  const committed: CommittedEvent[] = [];
  const callbacks: (() => void)[] = [];
  const tx: Tx = {
    db,
    now: timeText(nowMs),
    nowMs,
    actor: app.actor,
    hub: app.hub,
    emit(event) {
      const full = insertEvent(tx, event);
      committed.push(full);
      return full;
    },
    afterCommit: (callback) => void callbacks.push(callback),
  };
  db.exec("BEGIN IMMEDIATE");
  let result: T;
  try {
    result = work(tx);
    if (result instanceof Promise) throw new Error("transact() was given an async function");
    db.exec("COMMIT");
  } catch (error) {
    if (db.inTransaction) db.exec("ROLLBACK");
    throw error;
  }
  for (const event of committed) app.hub.publish({ kind: "event", event });
  for (const callback of callbacks) callback();
  return result;
}

function insertEvent(tx: Tx, event: NewEvent): CommittedEvent {
  const row = tx.db.prepare(`
    INSERT INTO events (at, actor, type, project_id, idea_id, ticket_id, run_id, number, data)
    VALUES (:at, :actor, :type, :projectId, :ideaId, :ticketId, :runId,
      CASE WHEN :runId IS NULL THEN NULL
        ELSE (SELECT coalesce(max(number), 0) + 1 FROM events WHERE run_id = :runId) END,
      :data)
    RETURNING seq, number
  `).get({
    at: tx.now,
    actor: tx.actor,
    type: event.type,
    projectId: event.projectId ?? null,
    ideaId: event.ideaId ?? null,
    ticketId: event.ticketId ?? null,
    runId: event.runId ?? null,
    data: JSON.stringify(event.data ?? {}),
  })!;
  return {
    seq: Number(row.seq),
    at: tx.now,
    actor: tx.actor,
    type: event.type,
    projectId: event.projectId ?? null,
    ideaId: event.ideaId ?? null,
    ticketId: event.ticketId ?? null,
    runId: event.runId ?? null,
    number: row.number === null ? null : Number(row.number),
    data: event.data ?? {},
  };
}

/** A new opaque id: `prefix_` and 80 random bits in base 36. */
export function newId(prefix: string): string {
  const bytes = crypto.getRandomValues(new Uint8Array(10));
  let n = 0n;
  for (const byte of bytes) n = (n << 8n) | BigInt(byte);
  return `${prefix}_${n.toString(36).padStart(16, "0")}`;
}
