/**
 * The database: one read-write connection of the runtime's own SQLite, and one way to write.
 * The stores see only `Db` and `Statement`; another driver with the same few calls fits behind this file.
 *
 * Before 3.51.3 SQLite could damage a database in which two connections wrote or checkpointed at the same
 * moment, and Deno 2.7 brings 3.50.2. So this is the only file that opens one for writing, once per process;
 * the lock of the data folder keeps other processes away; and all others (database_file.ts) only read.
 */
import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers";
import { AppError } from "./errors.ts";
import { type Calendar, calendarIn } from "./calendar.ts";
import { type Clock, timeText } from "./clock.ts";
import { inOrder, numbered, type Params, type Value } from "./sql_parameters.ts";
import { type MachineFault, machineFaultOf, Unavailable } from "./machine_fault.ts";
import { type Migration, migrations } from "./migrations/mod.ts";
import { forgetNumbers, insertEvent } from "./new_events.ts";
import type { Hub } from "./hub.ts";

export type { Params, Value } from "./sql_parameters.ts";
export type Row = Record<string, Value>;

/** A prepared statement; parameters are named (`:id`) and given without the colon. */
export interface Statement {
  /** `id`: the row id of what was inserted last, of use after an INSERT only. */
  run(params?: Params): { changes: number; id: number };
  get(params?: Params): Row | undefined;
  all(params?: Params): Row[];
}

/** What the stores may do with the database. */
export interface Db {
  /** Prepared once per text and kept, so texts must be constants, never built from input. */
  prepare(sql: string): Statement;
  exec(sql: string): void;
  readonly inTransaction: boolean;
  /** Why nothing can be saved: set by the write that failed, until storage.ts has found that it can again. */
  fault: StorageFault | null;
  close(): void;
}

/** Reading goes on; what wants to write is refused, and the queue waits. */
export interface StorageFault {
  kind: MachineFault;
  since: string;
}

/** How long a write waits for a lock held by another process (a backup tool, a shell) before it fails. */
const BUSY_TIMEOUT_MS = 5_000;

const BEGIN = "BEGIN IMMEDIATE";
const COMMIT = "COMMIT";

/**
 * Pages of 4 KiB in the log before a commit takes the time to bring them into the database: often enough that
 * the log stays small, and so seldom that it is not felt among a hundred commits.
 */
export const CHECKPOINT_PAGES = 4_000;

/**
 * Opens `path` (or ":memory:") with the pragmas that make an acknowledged write survive a power cut. One in memory
 * may begin as a copy of the file of another, `image`, that is in no WAL mode.
 */
export function openDb(path: string, image?: Uint8Array): Db {
  const connection = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    if (image) connection.deserialize(image);
    connection.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA foreign_keys = ON;
      PRAGMA trusted_schema = OFF;
      PRAGMA temp_store = MEMORY;
      PRAGMA journal_size_limit = 67108864;
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
    `);
  } catch (error) {
    connection.close();
    throw error;
  }
  // Every write's own: compiling them each time takes longer than they do.
  const [begin, commit] = [connection.prepare(BEGIN), connection.prepare(COMMIT)];
  const statements = new Map<string, Statement>();
  const prepare = (sql: string): Statement => {
    const { text, names } = numbered(sql);
    const prepared = connection.prepare(text);
    const valuesOf = inOrder(sql, names);
    return {
      run(params) {
        const { changes, lastInsertRowid } = prepared.run(...valuesOf(params));
        return { changes: Number(changes), id: Number(lastInsertRowid) };
      },
      get: (params) => prepared.get(...valuesOf(params)) as Row | undefined,
      all: (params) => prepared.all(...valuesOf(params)) as Row[],
    };
  };
  return {
    prepare(sql) {
      let statement = statements.get(sql);
      if (!statement) statements.set(sql, statement = prepare(sql));
      return statement;
    },
    exec(sql) {
      if (sql === BEGIN) begin.run();
      else if (sql === COMMIT) commit.run();
      else connection.exec(sql);
    },
    get inTransaction() {
      return connection.isTransaction;
    },
    fault: null,
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
  const applied = appliedMigrations(db);
  checkHistory(applied, steps);
  db.exec(`CREATE TABLE IF NOT EXISTS migrations (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL) STRICT`);
  const done: string[] = [];
  for (const [index, step] of steps.entries()) {
    if (index < applied.length) continue;
    if (step.rebuilds) db.exec("PRAGMA foreign_keys = OFF");
    const broken = () => step.rebuilds ? db.prepare("PRAGMA foreign_key_check").all().length : 0;
    try {
      db.exec(BEGIN);
      // What an older fault has left behind is no reason to refuse.
      const before = broken();
      db.exec(step.sql);
      if (broken() > before) {
        throw new Error("It would leave rows that refer to nothing");
      }
      db.prepare("INSERT INTO migrations VALUES (:number, :name, :now)")
        .run({ number: index + 1, name: step.name, now });
      db.exec(COMMIT);
    } catch (error) {
      if (db.inTransaction) db.exec("ROLLBACK");
      throw new Error(`Cannot apply the migration "${step.name}"`, { cause: error });
    } finally {
      if (step.rebuilds) db.exec("PRAGMA foreign_keys = ON");
    }
    done.push(step.name);
  }
  return done;
}

/** Names of the steps that made the schema as it is; none in a new database. */
export function appliedMigrations(db: Db): string[] {
  const known = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").get();
  if (!known) return [];
  const rows = db.prepare("SELECT name FROM migrations ORDER BY number").all();
  return rows.map((row) => String(row.name));
}

/** Throws `conflict` when a database with these migrations is not an older self of this Gaffer's. */
export function checkHistory(
  applied: readonly string[],
  steps: readonly Migration[] = migrations,
): void {
  const strange = applied.find((name, index) => steps[index]?.name !== name);
  if (strange === undefined) return;
  throw new AppError(
    "conflict",
    `Cannot open the database: it has the migration "${strange}", which this version of Gaffer ` +
      `does not know. Start the version that made it, or a newer one`,
  );
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
  /** Whose days limits and sums go by. */
  readonly calendar: Calendar;
  readonly actor: string;
  /** For what is no event, after COMMIT: a bell that rings. */
  readonly hub: Hub;
  /** Appends to `events` now; listeners hear of it only after COMMIT. */
  emit(event: NewEvent): CommittedEvent;
  /** Runs after COMMIT, never after a rollback. */
  afterCommit(callback: () => void): void;
  /** Null: what is done apart in it can be undone by itself. */
  readonly haste: Haste | null;
}

/**
 * Of a transaction that is done as if nothing in it were refused, as nearly all are: without the savepoints that
 * could undo one part of it. What is refused all the same undoes the whole, and it is done again with them.
 */
interface Haste {
  refused: boolean;
}

/** What `transact` needs of the App. */
export interface Transactor {
  db: Db;
  clock: Clock;
  hub: Hub;
  /** Who acts: "owner" for a person's request, "gaffer" for the server itself, or an agent's name. */
  actor: string;
  /** The open transaction that all it writes is part of; without one, each `transact` is one of its own. */
  inside?: Tx;
}

/**
 * The same one, whose verbs become parts of `tx`: what several of them write happens together or not at all.
 * Of no use once `tx` is over.
 */
export const within = <A extends Transactor>(tx: Tx, app: A): A => ({ ...app, inside: tx });

/**
 * Runs `work` in one write transaction. Everything it wrote and emitted happens, or nothing.
 * `work` must be synchronous: while it awaited, other requests would write into its transaction.
 * Throws `unavailable` when the machine would not let it write; then nothing has happened.
 */
export function transact<T>(app: Transactor, work: (tx: Tx) => T): T {
  if (!app.inside && waiting.get(app.db)?.patient && !app.db.inTransaction) writeWaiting(app.db);
  return app.inside ? doPart(app.inside, app, work) : doWhole(app, work, null);
}

function doWhole<T>(app: Transactor, work: (tx: Tx) => T, haste: Haste | null): T {
  const { db } = app;
  if (db.inTransaction) throw new Error("transact() inside transact(): pass the Tx on instead");
  const news: News = { events: [], callbacks: [] };
  const nowMs = app.clock.nowMs();
  const time = { nowMs, now: timeText(nowMs), calendar: calendarIn(app) };
  const tx = openTx(app, { ...time, haste }, news);
  let result: T;
  try {
    db.exec(BEGIN);
    result = work(tx);
    if (result instanceof Promise) throw new Error("transact() was given an async function");
    // Whoever caught what was refused can't have undone it.
    if (haste?.refused) throw new Error("A part of the transaction was refused");
    db.exec(COMMIT);
  } catch (error) {
    if (db.inTransaction) db.exec("ROLLBACK");
    forgetNumbers(db);
    throw refusedWrite(app, error, tx.now);
  }
  tell(app.hub, news);
  return result;
}

/** Who acts, and who is told of it. */
type Speaker = Pick<Transactor, "hub" | "actor">;

/** What is told after COMMIT. */
interface News {
  events: CommittedEvent[];
  callbacks: (() => void)[];
}

function tell(hub: Hub, { events, callbacks }: News): void {
  for (const event of events) hub.publish({ kind: "event", event });
  for (const callback of callbacks) callback();
}

function openTx(
  { db, hub, actor }: Omit<Transactor, "clock">,
  { nowMs, now, calendar, haste }: Pick<Tx, "nowMs" | "now" | "calendar" | "haste">,
  news: News,
): Tx {
  const tx: Tx = {
    db,
    now,
    nowMs,
    calendar,
    actor,
    hub,
    emit(event) {
      const full = insertEvent(tx, event);
      news.events.push(full);
      return full;
    },
    afterCommit: (callback) => void news.callbacks.push(callback),
    haste,
  };
  return tx;
}

/** Works that wait for the COMMIT they share, by database. */
const waiting = new WeakMap<Db, Group>();
interface SharedWork {
  app: Transactor;
  work: (tx: Tx) => unknown;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}
interface Group {
  works: SharedWork[];
  /** It is written at the end of this turn of the event loop. */
  due: boolean;
  /** Some of it may have waited for longer: what is written by then comes after it. */
  patient: boolean;
  patience?: ReturnType<typeof setTimeout>;
}

/**
 * As `transact`, but at the end of this turn of the event loop, together with all that is asked for until then:
 * they share one COMMIT, which is what a durable write spends its time on. Of each, everything happens or
 * nothing; what one of them throws undoes and rejects it alone. Resolves after the COMMIT. `work` may be called twice,
 * the first time for nothing: it leaves no trace outside of the database. With `patienceMs` it may wait for so long
 * for something else to be written, whatever that is, and comes before it. `failed` is called as soon as it is rejected,
 * which whoever waits for the promise learns a little later: what else is asked for until then.
 */
export function transactSoon<T>(
  app: Transactor,
  work: (tx: Tx) => T,
  { patienceMs = 0, failed }: { patienceMs?: number; failed?: () => void } = {},
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const { db } = app;
    let group = waiting.get(db);
    if (!group) waiting.set(db, group = { works: [], due: false, patient: false });
    group.works.push({
      app,
      work,
      resolve: (result) => resolve(result as T),
      reject(error) {
        failed?.();
        reject(error);
      },
    });
    if (patienceMs > 0) {
      group.patient = true;
      if (!group.due) group.patience ??= setTimeout(() => writeWaiting(db), patienceMs);
    } else if (!group.due) {
      group.due = true;
      const mine = group;
      setImmediate(() => {
        if (waiting.get(db) === mine) writeWaiting(db);
      });
    }
  });
}

/** Writes now what was asked for with `transactSoon`; nothing to do when nothing waits. */
export function writeWaiting(db: Db): void {
  const group = waiting.get(db);
  if (!group) return;
  waiting.delete(db);
  clearTimeout(group.patience);
  transactTogether(group.works);
}

function transactTogether(group: readonly SharedWork[]): void {
  let settle: (() => void)[];
  try {
    settle = group.length === 1 ? [doAlone(group[0]!)] : doTogether(group);
  } catch (error) {
    for (const { reject } of group) reject(error);
    return;
  }
  for (const tell of settle) tell();
}

function doAlone({ app, work, resolve }: SharedWork): () => void {
  const result = transact(app, work);
  return () => resolve(result);
}

function doTogether(group: readonly SharedWork[]): (() => void)[] {
  const [{ app }] = group as [SharedWork];
  const work = (tx: Tx) => group.map((shared) => doShared(tx, shared));
  const haste: Haste = { refused: false };
  try {
    return doWhole(app, work, haste);
  } catch (error) {
    if (!haste.refused) throw error;
    return doWhole(app, work, null);
  }
}

/** Does one of several works; returns what tells whoever asked how it went, once all is committed. */
function doShared(tx: Tx, { app, work, resolve, reject }: SharedWork): () => void {
  let refusal: unknown;
  const done = doApart(tx, (part) => {
    const result = work(part);
    return () => resolve(result);
  }, { actingAs: app, refused: (error) => refusal = error });
  return done ?? (() => reject(refusal));
}

/**
 * Does a part of a transaction of which everything happens or nothing: what it throws undoes it alone, goes to
 * `refused`, and gives null. What the machine is to blame for (a full disk) ends the whole transaction.
 */
export function doApart<T>(
  tx: Tx,
  work: (part: Tx) => T,
  { refused, actingAs = tx }: { refused: (error: unknown) => void; actingAs?: Speaker },
): T | null {
  try {
    return tx.haste ? doInPart(tx, actingAs, work) : doPart(tx, actingAs, work);
  } catch (error) {
    if (!tx.db.inTransaction || machineFaultOf(error) !== null) throw error;
    if (tx.haste) {
      tx.haste.refused = true;
      throw error;
    }
    refused(error);
    return null;
  }
}

/** All that `work` writes becomes part of the open transaction; when it throws, nothing of it does. */
function doPart<T>(tx: Tx, speaker: Speaker, work: (tx: Tx) => T): T {
  const { db } = tx;
  if (!db.inTransaction) throw new Error("The transaction that this was to be part of is over");
  db.prepare("SAVEPOINT part").run();
  try {
    const result = doInPart(tx, speaker, work);
    db.prepare("RELEASE part").run();
    return result;
  } catch (error) {
    // A full disk may have ended the whole transaction.
    if (db.inTransaction) db.exec("ROLLBACK TO part; RELEASE part");
    forgetNumbers(db);
    throw error;
  }
}

/** A part in which `actor` acts. It can't be undone by itself: what it throws is for the caller to pass on. */
export const doAs = <T>(tx: Tx, actor: string, work: (tx: Tx) => T): T =>
  doInPart(tx, { hub: tx.hub, actor }, work);

/** What it tells is told after COMMIT, in the order of the parts. */
function doInPart<T>(tx: Tx, { hub, actor }: Speaker, work: (tx: Tx) => T): T {
  const news: News = { events: [], callbacks: [] };
  const result = work(openTx({ db: tx.db, hub, actor }, tx, news));
  if (result instanceof Promise) throw new Error("transact() was given an async function");
  if (news.events.length + news.callbacks.length > 0) tx.afterCommit(() => tell(hub, news));
  return result;
}

/** What the machine is to blame for is remembered and told; everything else is the work's own. */
function refusedWrite({ db, hub }: Transactor, error: unknown, now: string): unknown {
  const kind = error instanceof AppError ? null : machineFaultOf(error);
  if (kind === null) return error;
  // A lock is somebody's for a moment, and the next write may have it.
  if (kind !== "locked" && db.fault === null) {
    db.fault = { kind, since: now };
    hub.publish({ kind: "storage" });
  }
  // SQLite has the same words for much that the system tells apart.
  const told = kind === "disk_error" ? db.fault?.kind ?? kind : kind;
  return new Unavailable(told, "save it", error);
}

/** Writes as little as can be, for real, to find out whether writing works. Throws as `transact` does. */
export function tryToWrite(app: Transactor): void {
  transact(app, ({ db }) => db.exec("PRAGMA user_version = 0"));
}

/** A new opaque id: `prefix_` and 80 random bits in base 36. */
export const newId = (prefix: string): string => idOf(prefix, randomBits(10));

/**
 * The same of what there is much of, and to which other tables refer: 42 bits of the time (until the year 2109), then
 * 40 random ones. What is made in the same moment lies side by side in each index, so that what a hundred of them
 * write in one commit is a few pages and not a hundred of each.
 */
export const newTimedId = (prefix: string, nowMs: number): string =>
  idOf(prefix, (BigInt(Math.trunc(nowMs)) << 40n) | randomBits(5));

const idOf = (prefix: string, n: bigint): string => `${prefix}_${n.toString(36).padStart(16, "0")}`;

function randomBits(bytes: number): bigint {
  let n = 0n;
  for (const byte of crypto.getRandomValues(new Uint8Array(bytes))) n = (n << 8n) | BigInt(byte);
  return n;
}
