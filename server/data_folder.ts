/** The data folder: made at the first start, and owned by one server at a time. */
import { join } from "node:path";
import { AppError, messageOf } from "./errors.ts";

/** Who holds a data folder, as written into its lock file for the next one to read. */
interface Owner {
  pid: number;
  address: string;
  since: string;
}

export interface DataFolder {
  path: string;
  /** Says under which address the server can be found. */
  announce(address: string, now: string): void;
  release(): void;
}

/**
 * Makes the folder if it is missing and takes its lock. The lock is the operating system's and ends with
 * the process, so a killed server leaves none behind. Throws `conflict`, naming the first server, when
 * one runs on this folder; `invalid` when the folder can't be made or written.
 */
export function openDataFolder(path: string): DataFolder {
  let file: Deno.FsFile;
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
    file = Deno.openSync(join(path, "gaffer.lock"), { read: true, write: true, create: true });
  } catch (error) {
    throw new AppError(
      "invalid",
      `Cannot use the data folder ${path}: ${messageOf(error)}. Choose another with --data`,
      [],
      { cause: error },
    );
  }
  if (!file.tryLockSync(true)) {
    file.close();
    const owner = readOwner(path);
    const who = owner ? ` (process ${owner.pid}, ${owner.address || "starting"})` : "";
    throw new AppError(
      "conflict",
      `Cannot start: another Gaffer${who} already serves ${path}. Stop it, or choose another folder with --data`,
    );
  }
  const announce = (address: string, now: string) => {
    const owner: Owner = { pid: Deno.pid, address, since: now };
    file.truncateSync(0);
    file.seekSync(0, Deno.SeekMode.Start);
    file.writeSync(new TextEncoder().encode(JSON.stringify(owner)));
  };
  announce("", "");
  return {
    path,
    announce,
    release() {
      file.unlockSync();
      file.close();
    },
  };
}

function readOwner(path: string): Owner | null {
  try {
    return JSON.parse(Deno.readTextFileSync(join(path, "gaffer.lock")));
  } catch {
    // The other server may be writing it this very moment; the refusal does not depend on it.
    return null;
  }
}
