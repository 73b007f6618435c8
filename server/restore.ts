/**
 * Puts a backup in the place of the database. What was there is kept. The exchange takes several steps, so a
 * note of it is on the disk before the first and until after the last: whoever finds the note goes on.
 */
import { join } from "node:path";
import { timeText } from "./clock.ts";
import { DATABASE } from "./data_folder.ts";
import {
  copyDatabase,
  findDamage,
  raiseCounters,
  readCounters,
  readHistory,
} from "./database_file.ts";
import { checkHistory } from "./db.ts";
import { existsSync, removeIfThereSync, syncFolder } from "./disk.ts";
import { AppError, messageOf } from "./errors.ts";
import { machineFaultOf, Unavailable } from "./machine_fault.ts";

const NEXT = `${DATABASE}.restoring`;
const NOTE = "restore.json";
const WAL = `${DATABASE}-wal`;
/** An index of the write-ahead log, made anew whenever it is missing. */
const SHM = `${DATABASE}-shm`;

/** Where the data before goes, below the data folder. */
interface Note {
  aside: string;
}

/** Replaces the database by `from`; gives the folder with the one before, or null when there was none. */
export function restoreBackup(dataDir: string, from: string, nowMs: number): string | null {
  for (const step of restoreSteps(dataDir, from, nowMs)) step();
  const aside = join(dataDir, asideOf(nowMs));
  return existsSync(join(aside, DATABASE)) ? aside : null;
}

const asideOf = (nowMs: number): string =>
  join("backups", `replaced-${timeText(nowMs).replaceAll(":", "")}`);

/**
 * What is to be done, in order. Between any two of them the process may be killed: until the note is
 * written the old database is in place, and from then on `finishRestore` does what is left.
 */
export function restoreSteps(dataDir: string, from: string, nowMs: number): (() => void)[] {
  const next = join(dataDir, NEXT);
  const note: Note = { aside: asideOf(nowMs) };
  return [
    () => void finishRestore(dataDir),
    () => checkBackup(dataDir, from),
    () => copyBackup(from, next, join(dataDir, DATABASE)),
    () => writeNote(dataDir, note),
    ...exchangeSteps(dataDir, note),
  ];
}

function exchangeSteps(dataDir: string, { aside }: Note): (() => void)[] {
  const [next, folder] = [join(dataDir, NEXT), join(dataDir, aside)];
  const moveAside = (name: string) => () => {
    if (existsSync(join(dataDir, name))) Deno.renameSync(join(dataDir, name), join(folder, name));
  };
  const settle = () => {
    syncFolder(folder);
    syncFolder(dataDir);
  };
  return [
    () => Deno.mkdirSync(folder, { recursive: true, mode: 0o700 }),
    // Before the database: a log must never stand beside one that it does not belong to.
    moveAside(WAL),
    () => removeIfThereSync(join(dataDir, SHM)),
    moveAside(DATABASE),
    settle,
    () => Deno.renameSync(next, join(dataDir, DATABASE)),
    settle,
    () => removeIfThereSync(join(dataDir, NOTE)),
    () => syncFolder(dataDir),
  ];
}

/** Throws `invalid` or `conflict`, with what is wrong with the file. */
function checkBackup(dataDir: string, from: string): void {
  const refuse = (why: string, cause?: unknown) =>
    new AppError("invalid", `Cannot restore ${from}: ${why}. Nothing was changed`, [], { cause });
  let damage: string | null;
  try {
    const info = Deno.statSync(from);
    if (!info.isFile) throw refuse("it is no file");
    if (Deno.realPathSync(from) === realPath(join(dataDir, DATABASE))) {
      throw refuse("it is the database that is in use");
    }
    damage = findDamage(from, "full");
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (error instanceof Deno.errors.NotFound) throw refuse("there is no such file", error);
    throw refuse(messageOf(error), error);
  }
  if (damage === "file is not a database") throw refuse("it is not a database");
  if (damage !== null) throw refuse(`it is damaged (${damage})`);
  const history = readHistory(from);
  if (history === null) throw refuse("it is not a database of Gaffer");
  checkHistory(history);
}

/**
 * Through SQLite: what is still in a log beside the file comes along, and nothing but one file results. It counts on
 * from where the database before is: branches, commits and people name its ideas and tickets by their numbers.
 */
function copyBackup(from: string, next: string, before: string): void {
  try {
    copyDatabase(from, next);
    const counters = readCounters(before);
    if (counters !== null) raiseCounters(next, counters);
    const damage = findDamage(next, "full");
    if (damage !== null) throw new Error(`the copy is damaged (${damage})`);
  } catch (error) {
    removeIfThereSync(next);
    const fault = machineFaultOf(error);
    if (fault !== null) throw new Unavailable(fault, `restore ${from}`, error);
    throw error;
  }
}

function writeNote(dataDir: string, note: Note): void {
  const path = join(dataDir, NOTE);
  // Under another name first: a note that is there is whole.
  const unfinished = `${path}.part`;
  Deno.writeTextFileSync(unfinished, JSON.stringify(note));
  using file = Deno.openSync(unfinished, { read: true, write: true });
  file.syncSync();
  Deno.renameSync(unfinished, path);
  syncFolder(dataDir);
}

/**
 * Ends what a killed `restoreBackup` left: `finished` it had begun to exchange the databases, and the
 * exchange is done now; `undone` it had not, and the old database is as it was. Null: there was nothing.
 */
export function finishRestore(dataDir: string): "finished" | "undone" | null {
  const next = join(dataDir, NEXT);
  removeIfThereSync(join(dataDir, `${NOTE}.part`));
  const note = readNote(dataDir);
  if (note === null) {
    if (!existsSync(next)) return null;
    removeIfThereSync(next);
    return "undone";
  }
  const steps = exchangeSteps(dataDir, note);
  // Without it the new database has its place already, and only the note is left to be removed.
  for (const step of existsSync(next) ? steps : steps.slice(-2)) step();
  return "finished";
}

function readNote(dataDir: string): Note | null {
  const path = join(dataDir, NOTE);
  return existsSync(path) ? JSON.parse(Deno.readTextFileSync(path)) : null;
}

const realPath = (path: string): string | null => existsSync(path) ? Deno.realPathSync(path) : null;
