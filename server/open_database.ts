/** How a start gets at its database: puts in order what a killed process left, and opens nothing that is damaged. */
import { join } from "node:path";
import { type Backups, newestGoodBackup } from "./backup.ts";
import { systemClock, timeText } from "./clock.ts";
import { DATABASE, type DataFolder } from "./data_folder.ts";
import { findDamage } from "./database_file.ts";
import { appliedMigrations, checkHistory, type Db, migrate, openDb } from "./db.ts";
import { hasRoom } from "./disk.ts";
import { AppError, messageOf } from "./errors.ts";
import type { Log } from "./log.ts";
import { machineFaultOf, Unavailable } from "./machine_fault.ts";
import { type Migration, migrations } from "./migrations/mod.ts";
import { finishRestore } from "./restore.ts";

export interface OpenOptions {
  folder: DataFolder;
  backups: Backups;
  log: Log;
  nowMs?: () => number;
  steps?: readonly Migration[];
}

/**
 * Opens the folder's database, made or brought up to date. Throws `conflict` when it is damaged or missing
 * although there are backups (it is left as it is, and the newest good backup is named), when a newer Gaffer
 * wrote it, and when no backup could be made before it is changed; `unavailable` when the disk fails.
 */
export async function openDatabase(options: OpenOptions): Promise<Db> {
  const { folder, backups, log, nowMs = systemClock.nowMs, steps = migrations } = options;
  const path = join(folder.path, DATABASE);
  let db: Db | null = null;
  try {
    noticeRestore(folder.path, log);
    const exists = requireDatabase(path, backups);
    if (exists && folder.unclean) refuseDamaged(folder.path);
    // Its log takes the rights over from it.
    if (!exists) Deno.openSync(path, { write: true, create: true, mode: 0o600 }).close();
    db = openDb(path);
    const history = appliedMigrations(db);
    checkHistory(history, steps);
    if (history.length > 0 && history.length < steps.length) await backUpFirst(backups, log);
    const done = migrate(db, timeText(nowMs()), steps);
    if (history.length > 0 && done.length > 0) {
      log.info("the database was brought up to date", { migrations: done });
    }
    return db;
  } catch (error) {
    db?.close();
    if (error instanceof AppError) throw error;
    const fault = machineFaultOf(error);
    if (fault === "damaged") throw damaged(folder.path, messageOf(error));
    // SQLite says no more than that it could not, when there is no room for the files beside the database.
    const kind = fault === "disk_error" && !hasRoom(folder.path) ? "disk_full" : fault;
    if (kind !== null) throw new Unavailable(kind, `open the database ${path}`, error, "starting");
    throw error;
  }
}

function noticeRestore(dataDir: string, log: Log): void {
  const left = finishRestore(dataDir);
  if (left === "finished") log.warn("a restore that was cut off has been finished", {});
  if (left === "undone") {
    log.warn("a restore was cut off before it changed anything: run it again if you want it", {});
  }
}

/**
 * Whether there is a database already. Throws when it was lost: to SQLite a missing or an empty file is a new
 * database, and a person with backups has not asked for one.
 */
function requireDatabase(path: string, backups: Backups): boolean {
  const size = sizeOf(path);
  if (size !== null) requireWritable(path);
  if (size !== null && size > 0) return true;
  const [newest] = backups.list();
  const log = sizeOf(`${path}-wal`);
  if (!newest && !log) return false;
  const lost = `Cannot open the database ${path}: it is ${size === null ? "gone" : "empty"}`;
  throw new AppError(
    "conflict",
    newest
      ? `${lost}, and there are backups. ${restoreWords(newest.path, path)}. ` +
        "To begin anew, move the backups away"
      : `${lost}, but its log ${path}-wal is there. Put the database back. To begin anew, move the log away`,
  );
}

/** SQLite tells everything that keeps it from opening a file in the same words. */
function requireWritable(path: string): void {
  try {
    Deno.openSync(path, { read: true, write: true }).close();
  } catch (error) {
    throw new AppError(
      "invalid",
      `Cannot open the database ${path}: ${messageOf(error)}. ` +
        "Give the user that runs Gaffer the right to write it",
      [],
      { cause: error },
    );
  }
}

function sizeOf(path: string): number | null {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** After a kill or a loss of power the disk may hold anything. Takes a second for a few hundred megabytes. */
function refuseDamaged(dataDir: string): void {
  const damage = findDamage(join(dataDir, DATABASE), "quick");
  if (damage !== null) throw damaged(dataDir, damage);
}

function damaged(dataDir: string, damage: string): AppError {
  const path = join(dataDir, DATABASE);
  const backup = newestGoodBackup(dataDir);
  return new AppError(
    "conflict",
    `Cannot open the database ${path}: it is damaged (${damage}). It is left as it is. ` +
      (backup
        ? `The newest good backup is of ${backup.madeAt}. ${restoreWords(backup.path, path)}`
        : "There is no good backup. SQLite's own tool may save most of it: " +
          `sqlite3 ${quote(path)} .recover`),
  );
}

const restoreWords = (backup: string, database: string): string =>
  `To restore it: gaffer restore ${quote(backup)} --data ${
    quote(database.slice(0, -DATABASE.length - 1))
  }`;

const quote = (path: string): string =>
  /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;

async function backUpFirst(backups: Backups, log: Log): Promise<void> {
  const { path } = await backups.make("update", new AbortController().signal);
  log.info("the database was backed up before it is brought up to date", { backup: path });
}
