/** What is done with a whole database file, through connections that can only read it: copy, check, look. */
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

function openReadOnly(path: string): DatabaseSync & Disposable {
  // SQLite tells a missing file and one that may not be read in the same words.
  Deno.openSync(path).close();
  return new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
}
