/**
 * The folder of one server among the system's temporary files. Beside it lies a file that the server holds
 * locked: the lock is the operating system's and ends with the process, so a folder whose file can be locked
 * was left by a server that is gone, whichever data folder it served.
 */
import { messageOf } from "../server/errors.ts";
import type { Log } from "../server/log.ts";
import { baseName, folderOf } from "./paths.ts";
import { sweepMarked } from "./sweep.ts";

const PREFIX = "gaffer-server-";
/** As `Deno.makeTempFile` makes it: a person's own folder with a lock beside it must never look like one. */
const LOCK_NAME = new RegExp(`^${PREFIX}[0-9a-f]+\\.lock$`);
/** Another server that sweeps at the same moment may take a name away, seldom twice. */
const MAX_TRIES = 10;

export interface TempFolder {
  /** Absolute real path. */
  path: string;
  /** Begins the marker of all that is started for this server, so that the next one can end what is left. */
  markerPrefix: string;
  /** Removes it with all that is in it. */
  close(): Promise<void>;
}

export interface TempOptions {
  /** Absolute path of the shell that ends what killed servers have left running. */
  sh: string;
  log: Log;
  /** Where to make it; the system's folder of temporary files by default. */
  dir?: string;
}

/** Makes a folder, and removes those of servers that were killed. */
export async function openTempFolder({ sh, log, dir }: TempOptions): Promise<TempFolder> {
  for (let left = MAX_TRIES; left > 0; left--) {
    const made = await Deno.makeTempFile({ dir, prefix: PREFIX, suffix: ".lock" });
    const lockPath = `${await Deno.realPath(folderOf(made))}/${baseName(made)}`;
    const lock = await takeLock(lockPath);
    if (!lock) continue;
    const path = folderBeside(lockPath);
    await Deno.mkdir(path, { mode: 0o700 });
    await sweepLeftFolders(folderOf(lockPath), sh, log).catch((error) =>
      log.warn("folders of killed servers can't be looked for", { error: messageOf(error) })
    );
    return {
      path,
      markerPrefix: markerPrefixOf(path),
      async close() {
        await removeBoth(lockPath, log);
        lock.close();
      },
    };
  }
  throw new Error("Cannot make a temporary folder: other servers take each one away");
}

/** A folder in which something runs that can't be ended stays for a later start. */
async function sweepLeftFolders(dir: string, sh: string, log: Log): Promise<void> {
  for await (const { name, isFile } of Deno.readDir(dir)) {
    if (!isFile || !LOCK_NAME.test(name)) continue;
    const lockPath = `${dir}/${name}`;
    using lock = await takeLock(lockPath);
    if (!lock) continue;
    const ended = await sweepMarked(sh, markerPrefixOf(folderBeside(lockPath)));
    if (ended) await removeBoth(lockPath, log);
  }
}

/** Null: a server holds it, it is not ours to look at, or whoever held it has just removed it. */
async function takeLock(path: string): Promise<Deno.FsFile | null> {
  const file = await Deno.open(path, { read: true, write: true }).catch(() => null);
  if (!file) return null;
  const there = file.tryLockSync(true) ? await Deno.lstat(path).catch(() => null) : null;
  const { dev, ino } = await file.stat();
  if (there && there.dev === dev && there.ino === ino) return file;
  file.close();
  return null;
}

/** The lock goes last: cut off in between, the next start does the rest. */
async function removeBoth(lockPath: string, log: Log): Promise<void> {
  try {
    await Deno.remove(folderBeside(lockPath), { recursive: true }).catch(unlessGone);
    await Deno.remove(lockPath).catch(unlessGone);
  } catch (error) {
    log.warn("a temporary folder can't be removed", { error: messageOf(error) });
  }
}

function unlessGone(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

const folderBeside = (lockPath: string): string => lockPath.replace(/\.lock$/, "");
const markerPrefixOf = (path: string): string => `${baseName(path)}.`;
