/**
 * Backups: copies of the database in the data folder's backups/, made while it is in use, and each checked
 * before it gets its name. Repositories are not in them: git has those.
 */
import { basename, dirname, join } from "node:path";
import { type Copy, copyHere } from "./backup_copy.ts";
import { DAY_MS, HOUR_MS, timeText } from "./clock.ts";
import { DATABASE } from "./data_folder.ts";
import { findDamage } from "./database_file.ts";
import { existsSync, freeBytes, removeIfThereSync, syncFolder } from "./disk.ts";
import { AppError, messageOf } from "./errors.ts";
import { machineFaultOf, Unavailable } from "./machine_fault.ts";

/** `daily` by schedule, `update` before a new version changed the database, `manual` a person asked for it. */
export const backupKinds = ["daily", "update", "manual"] as const;
export type BackupKind = typeof backupKinds[number];

export interface Backup {
  name: string;
  path: string;
  kind: BackupKind;
  madeAt: string;
  bytes: number;
}

export interface Backups {
  /**
   * Makes one, then removes those that nobody needs any more. Throws `conflict` while another one is being
   * made and when the database is damaged, `unavailable` when the disk can't take it; nothing is left then.
   */
  make(kind: BackupKind, signal: AbortSignal): Promise<Backup>;
  /** The newest first. */
  list(): Backup[];
  /** Why the last one could not be made; null: it could, or none was tried since the start. */
  readonly failure: { message: string; at: string } | null;
}

export interface BackupsOptions {
  dataDir: string;
  nowMs: () => number;
  copy?: Copy;
}

const FOLDER = "backups";
const UNFINISHED = ".part";
/** What SQLite adds to the name of a file for the journal that it keeps while it writes to it. */
const JOURNAL = "-journal";
/** A copy that is being made is written to all the time: nobody works on one that is older. */
const LEFT_BEHIND_MS = HOUR_MS;

export function createBackups({ dataDir, nowMs, copy = copyHere }: BackupsOptions): Backups {
  const folder = join(dataDir, FOLDER);
  let busy = false;
  let failure: Backups["failure"] = null;
  return {
    async make(kind, signal) {
      if (busy) {
        throw new AppError("conflict", "Cannot back up: a backup is being made. Wait for it");
      }
      busy = true;
      const name = nameOf(kind, nowMs());
      const to = join(folder, name);
      try {
        Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
        clearUnfinished(folder, nowMs());
        await writeBackup(join(dataDir, DATABASE), to, copy, signal);
        failure = null;
      } catch (error) {
        if (signal.aborted) throw error;
        const refusal = refusalOf(error, to);
        failure = { message: refusal.message, at: timeText(nowMs()) };
        throw refusal;
      } finally {
        busy = false;
      }
      for (const { path } of superfluous(listBackups(dataDir), nowMs())) Deno.removeSync(path);
      return backupOf(folder, name)!;
    },
    list: () => listBackups(dataDir),
    get failure() {
      return failure;
    },
  };
}

/** Backups in a data folder, the newest first. */
export function listBackups(dataDir: string): Backup[] {
  const folder = join(dataDir, FOLDER);
  try {
    return [...Deno.readDirSync(folder)]
      .flatMap(({ name, isFile }) => (isFile && backupOf(folder, name)) || [])
      .sort((a, b) => a.madeAt < b.madeAt ? 1 : -1);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return []; // none was ever made
    throw error;
  }
}

/** How many of the newest are tried before it is said that none is good. */
const MAX_TRIED = 10;

/** The newest backup that is not damaged itself. */
export function newestGoodBackup(dataDir: string): Backup | null {
  const good = (path: string) => {
    try {
      return findDamage(path, "full") === null;
    } catch {
      return false; // it can't even be read
    }
  };
  return listBackups(dataDir).slice(0, MAX_TRIED).find(({ path }) => good(path)) ?? null;
}

/**
 * Copies the database to a file that must not exist and checks the copy. Until it is known to be good it
 * has another name, so a file of this name is always whole. Throws `conflict` and `unavailable`.
 */
export async function writeBackup(
  database: string,
  to: string,
  copy: Copy,
  signal: AbortSignal,
): Promise<void> {
  const unfinished = to + UNFINISHED;
  let started = false;
  try {
    refuseToOverwrite(to);
    refuseToOverwrite(unfinished);
    requireRoom(database, dirname(to));
    signal.throwIfAborted();
    started = true;
    const damage = await copy(database, unfinished, signal);
    if (damage !== null) throw new Damaged(damage);
    Deno.renameSync(unfinished, to);
    syncFolder(dirname(to));
  } catch (error) {
    if (started) {
      removeIfThereSync(unfinished);
      removeIfThereSync(unfinished + JOURNAL);
    }
    if (signal.aborted) throw error;
    throw refusalOf(error, to);
  }
}

class Damaged extends Error {}

function refuseToOverwrite(path: string): void {
  try {
    Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  throw new AppError("conflict", `Cannot back up to ${path}: it exists. Name another file`);
}

/** What the copy needs at most, and a tenth: a backup must not be what fills the disk. */
function requireRoom(database: string, folder: string): void {
  if (!existsSync(folder)) {
    throw new AppError(
      "invalid",
      `Cannot back up to ${folder}: there is no such folder. Make it first`,
    );
  }
  const neededBytes = Math.ceil(1.1 * (sizeOf(database) + sizeOf(`${database}-wal`)));
  const bytes = freeBytes(folder);
  if (bytes === null || bytes >= neededBytes) return;
  const mb = (n: number) => `${(n / 1_000_000).toFixed(1)} MB`;
  throw new AppError(
    "unavailable",
    `Cannot back up to ${folder}: it needs ${mb(neededBytes)} there, and ${mb(bytes)} are free. ` +
      "Free some space, or back up to another disk: gaffer backup FILE",
  );
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return 0; // none there: the copy says so
  }
}

function refusalOf(error: unknown, to: string): AppError {
  if (error instanceof AppError) return error;
  const fault = error instanceof Damaged ? "damaged" : machineFaultOf(error);
  if (fault === "damaged") {
    return new AppError(
      "conflict",
      `Cannot back up: the database is damaged (${messageOf(error)}). ` +
        "Stop Gaffer and restore the newest backup",
      [],
      { cause: error },
    );
  }
  if (fault !== null) return new Unavailable(fault, `back up to ${to}`, error);
  return new AppError("invalid", `Cannot back up to ${to}: ${messageOf(error)}`, [], {
    cause: error,
  });
}

// ------------------------------------------------------------------ names

/** `gaffer-2026-01-02T030405.678Z-daily.db`: sorts by time, and is a file name everywhere. */
const nameOf = (kind: BackupKind, nowMs: number): string =>
  `gaffer-${timeText(nowMs).replaceAll(":", "")}-${kind}.db`;

const namePattern = /^gaffer-(\d{4}-\d\d-\d\dT\d\d)(\d\d)(\d\d\.\d{3}Z)-(daily|update|manual)\.db$/;

function backupOf(folder: string, name: string): Backup | null {
  const [, hours, minutes, seconds, kind] = namePattern.exec(name) ?? [];
  if (!hours) return null;
  const path = join(folder, name);
  return {
    name,
    path,
    kind: kind as BackupKind,
    madeAt: `${hours}:${minutes}:${seconds}`,
    bytes: Deno.statSync(path).size,
  };
}

function clearUnfinished(folder: string, nowMs: number): void {
  for (const { name } of Deno.readDirSync(folder)) {
    const copy = basename(name, JOURNAL);
    if (!copy.endsWith(UNFINISHED) || !namePattern.test(basename(copy, UNFINISHED))) continue;
    const path = join(folder, name);
    const writtenMs = Deno.statSync(path).mtime?.getTime() ?? 0;
    if (nowMs - writtenMs > LEFT_BEHIND_MS) removeIfThereSync(path);
  }
}

// ------------------------------------------------------------------ rotation

export const DAYS_KEPT = 7;
export const WEEKS_KEPT = 4;
export const UPDATES_KEPT = 3;

/**
 * Those that may go, of a list that has the newest first. Of the scheduled ones the newest of each of the
 * last 7 days and 4 weeks (UTC, from Monday) that have one stay, of those before updates the newest 3; what
 * a person asked for is the person's to remove. Those of the future, made while the clock was wrong, take the
 * place of none.
 */
export function superfluous(backups: readonly Backup[], nowMs: number): Backup[] {
  const days = new Set<number>();
  const weeks = new Set<number>();
  let updates = 0;
  return backups.filter(({ kind, madeAt }) => {
    if (kind === "manual" || Date.parse(madeAt) > nowMs + DAY_MS) return false;
    if (kind === "update") return ++updates > UPDATES_KEPT;
    const day = Math.floor(Date.parse(madeAt) / DAY_MS);
    // The first day of all was a Thursday.
    const week = Math.floor((day + 3) / 7);
    const newest = !days.has(day) && days.size < DAYS_KEPT ||
      !weeks.has(week) && weeks.size < WEEKS_KEPT;
    days.add(day);
    weeks.add(week);
    return !newest;
  });
}
