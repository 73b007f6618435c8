/**
 * What is done with a whole database file, through connections that can only read it: copy, check, look. And the one
 * change that is made to a copy before it is anybody's database.
 */
import { DatabaseSync } from "node:sqlite";
import { machineFaultOf } from "./machine_fault.ts";

/** How long to wait for a lock that somebody else has on the file. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * Copies a database that may be in use to a file that must not exist, for its owner alone. The copy is one
 * moment's state, compact, needs no file beside it, and is on the disk when this returns; of a copy that
 * fails nothing is left. Holds up its thread, but no writer.
 */
export function copyDatabase(from: string, to: string): void {
  Deno.openSync(to, { write: true, createNew: true, mode: 0o600 }).close();
  try {
    using db = openReadOnly(from);
    db.prepare("VACUUM INTO :to").run({ to });
    using file = Deno.openSync(to, { read: true, write: true });
    file.syncSync();
  } catch (error) {
    Deno.removeSync(to);
    throw error;
  }
}

/**
 * What is wrong with a database file, in SQLite's words; null: nothing. `quick` leaves out whether indexes
 * match their tables. Throws when it can't be told: there is no such file, say.
 */
export function findDamage(path: string, how: "quick" | "full"): string | null {
  const check = how === "quick" ? "quick_check" : "integrity_check";
  try {
    using db = openReadOnly(path);
    const found = String(db.prepare(`PRAGMA ${check}(1)`).get()?.[check]);
    return found === "ok" ? null : found.replace(/^\*\*\* .* \*\*\*\n/, "");
  } catch (error) {
    if (machineFaultOf(error) === "damaged") return (error as Error).message;
    throw error;
  }
}

/** Names of the migrations that a database has seen, in order; null: it is none of Gaffer's. */
export function readHistory(path: string): string[] | null {
  using db = openReadOnly(path);
  // Other programs have tables of that name, too.
  const columns = db.prepare("SELECT name FROM pragma_table_info('migrations')").all();
  if (columns.map(({ name }) => name).join() !== "number,name,applied_at") return null;
  const rows = db.prepare("SELECT name FROM migrations ORDER BY number").all();
  return rows.length > 0 ? rows.map(({ name }) => String(name)) : null;
}

/** How far a database has counted: what was handed out before must not come again. */
export interface Counters {
  projects: { id: string; nextIdea: number; nextTicket: number }[];
  /** The last numbers of events and jobs. */
  sequences: { name: string; seq: number }[];
}

/** Null: it does not say, as one that is missing, damaged there, or none of Gaffer's. */
export function readCounters(path: string): Counters | null {
  try {
    using db = openReadOnly(path);
    return {
      projects: db.prepare("SELECT id, next_idea, next_ticket FROM projects").all().map((row) => ({
        id: String(row.id),
        nextIdea: counterOf(row.next_idea),
        nextTicket: counterOf(row.next_ticket),
      })),
      sequences: db.prepare(
        "SELECT name, seq FROM sqlite_sequence WHERE name IN ('events', 'jobs')",
      )
        .all().map(({ name, seq }) => ({ name: String(name), seq: counterOf(seq) })),
    };
  } catch {
    return null; // whoever restores may do so since it can't be read
  }
}

/** Nobody has counted further: it is damage. */
const COUNTER_MAX = 1_000_000_000_000;
const counterOf = (value: unknown): number =>
  typeof value === "number" && Number.isSafeInteger(value) && value <= COUNTER_MAX ? value : 0;

/**
 * Has a copy count on from where another database is, where that one is further. Without a journal: of a copy that was
 * cut off nothing is kept. It is on the disk when this returns.
 */
export function raiseCounters(copy: string, { projects, sequences }: Counters): void {
  {
    using db = new DatabaseSync(copy, { timeout: BUSY_TIMEOUT_MS });
    db.exec("PRAGMA journal_mode = OFF; BEGIN");
    const project = db.prepare(`
      UPDATE projects SET next_idea = max(next_idea, :nextIdea), next_ticket = max(next_ticket, :nextTicket)
      WHERE id = :id`);
    for (const one of projects) project.run(one);
    const sequence = db.prepare(
      "UPDATE sqlite_sequence SET seq = max(seq, :seq) WHERE name = :name",
    );
    for (const one of sequences) sequence.run(one);
    db.exec("COMMIT");
  }
  using file = Deno.openSync(copy, { read: true, write: true });
  file.syncSync();
}

function openReadOnly(path: string): DatabaseSync & Disposable {
  // SQLite tells a missing file and one that may not be read in the same words.
  Deno.openSync(path).close();
  return new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
}
