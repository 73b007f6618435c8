/** The data folder: made at the first start, and owned by one server at a time. */
import { join } from "node:path";
import { AppError, messageOf } from "./errors.ts";
import { machineFaultOf } from "./machine_fault.ts";

/** Who holds a data folder, as written into its lock file for the next one to read. */
interface Owner {
  pid: number;
  /** Where it can be reached; empty before it listens, or when it is a command that soon ends. */
  address: string;
  since: string;
}

export interface DataFolder {
  path: string;
  /** The server before this one was killed, or lost its power, and could not put things in order. */
  unclean: boolean;
  /** Says under which address the server can be found. */
  announce(address: string): void;
  /** Lets go of it, everything in order: the next one has no reason to look for damage. */
  release(): void;
  /** Lets go of it as a killed server does: the next one looks for damage. */
  abandon(): void;
}

export const DATABASE = "gaffer.db";
const LOCK = "gaffer.lock";
/** The owner is always written over the same bytes: a disk that is full since has room for it. */
const OWNER_BYTES = 512;

/**
 * Makes the folder if it is missing and takes its lock. The lock is the operating system's and ends with
 * the process, so a killed server leaves none behind. Throws `conflict`, naming the first server, when
 * one runs on this folder; `invalid` when the folder can't be made or written. `doing` completes "Cannot …".
 */
export function openDataFolder(path: string, now: string, doing = "start"): DataFolder {
  const file = openLock(path);
  if (!file.tryLockSync(true)) {
    file.close();
    throw new AppError(
      "conflict",
      `Cannot ${doing}: another Gaffer${describe(readOwner(path))} already serves ${path}. ` +
        "Stop it, or choose another folder with --data",
    );
  }
  const unclean = file.statSync().size > 0 && Deno.readTextFileSync(join(path, LOCK)).trim() !== "";
  const write = (owner: Owner | null) => {
    const text = (owner ? JSON.stringify(owner) : "").padEnd(OWNER_BYTES);
    file.seekSync(0, Deno.SeekMode.Start);
    writeAll(file, new TextEncoder().encode(text));
    // After a loss of power the next start must see that this one had begun.
    file.syncSync();
  };
  const close = () => {
    file.unlockSync();
    file.close();
  };
  try {
    write({ pid: Deno.pid, address: "", since: now });
  } catch (error) {
    close();
    throw cannotUse(path, error);
  }
  return {
    path,
    unclean,
    announce: (address) => write({ pid: Deno.pid, address, since: now }),
    release() {
      try {
        write(null);
      } catch {
        // The disk fails: it is left as a killed server leaves it.
      }
      close();
    },
    abandon: close,
  };
}

function openLock(path: string): Deno.FsFile {
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
    return Deno.openSync(join(path, LOCK), { read: true, write: true, create: true });
  } catch (error) {
    throw cannotUse(path, error);
  }
}

function cannotUse(path: string, cause: unknown): AppError {
  const mend = cause instanceof Deno.errors.PermissionDenied
    ? "Give the user that runs Gaffer the right to write in it (chown, chmod), or choose"
    : cause instanceof Deno.errors.AlreadyExists || cause instanceof Deno.errors.NotADirectory
    ? "It is a file, or would lie below one. Choose"
    : machineFaultOf(cause) === "read_only"
    ? "Make the disk writable (it is mounted read-only), or choose"
    : machineFaultOf(cause) === "disk_full"
    ? "Free some space on its disk, or choose"
    : "Choose";
  return new AppError(
    "invalid",
    `Cannot use the data folder ${path}: ${messageOf(cause)}. ${mend} another with --data`,
    [],
    { cause },
  );
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
}

function readOwner(path: string): Owner | null {
  try {
    return JSON.parse(Deno.readTextFileSync(join(path, LOCK)));
  } catch {
    // The other server may be writing it this very moment; the refusal does not depend on it.
    return null;
  }
}

function describe(owner: Owner | null): string {
  if (!owner) return "";
  const { pid, address, since } = owner;
  return ` (process ${pid}, ${address || "starting"}, since ${since})`;
}

/** File systems of other machines: their locks may not hold, and SQLite's write-ahead log breaks on them. */
const networkFileSystems =
  /^(nfs|nfs4|cifs|smb3|smbfs|9p|afs|ceph|glusterfs|lustre|fuse\.(sshfs|glusterfs|s3fs|rclone))$/;

/**
 * Name of the network file system that a folder lies on; null: it is a local one, or this system does not
 * tell. `mounts`: text of /proc/self/mountinfo.
 */
export function networkFileSystemOf(path: string, mounts: string | null): string | null {
  let best = { length: -1, type: "" };
  for (const line of mounts?.split("\n") ?? []) {
    const [mount = "", source = ""] = line.split(" - ");
    // Octal escapes stand for spaces and the like.
    const point = mount.split(" ")[4]
      ?.replace(/\\(\d{3})/g, (_, code) => String.fromCharCode(parseInt(code, 8)));
    if (!point || !`${path}/`.startsWith(point === "/" ? "/" : `${point}/`)) continue;
    // A later mount on the same point hides the earlier.
    if (point.length >= best.length) best = { length: point.length, type: source.split(" ")[0]! };
  }
  return networkFileSystems.test(best.type) ? best.type : null;
}

/** What `networkFileSystemOf` reads; null where there is no such file. */
export function readMounts(): string | null {
  try {
    return Deno.readTextFileSync("/proc/self/mountinfo");
  } catch {
    // Another system than Linux: nothing is known, and nothing is said.
    return null;
  }
}
