/** A file system of a few megabytes, to be filled up; and a server whose files can't grow beyond a size. */
import { join } from "node:path";
import { tempDir } from "./gaffer.ts";

export interface SmallDisk extends AsyncDisposable {
  path: string;
  /** Takes every byte that is left. */
  fill(): void;
  /** Gives them back. */
  empty(): void;
  /** Mounts it again, for reading only or not; nobody may have a file open in it. */
  remount(how: "ro" | "rw"): Promise<void>;
}

/** At a path of its own, or over an empty folder. Null: this machine does not let us mount one. */
export async function smallDisk(megabytes: number, at?: string): Promise<SmallDisk | null> {
  if (Deno.build.os !== "linux") return null;
  const dir = at === undefined
    ? await tempDir()
    : { path: at, [Symbol.asyncDispose]: () => Deno.remove(at, { recursive: true }) };
  const mounted = await run("mount", "-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", dir.path);
  if (!mounted) {
    await dir[Symbol.asyncDispose]();
    return null;
  }
  const ballast = join(dir.path, "ballast");
  return {
    path: dir.path,
    fill() {
      using file = Deno.openSync(ballast, { create: true, append: true });
      for (const bytes of [1 << 16, 1 << 12, 1]) writeUntilFull(file, new Uint8Array(bytes));
    },
    empty: () => Deno.removeSync(ballast),
    async remount(how) {
      if (!await run("mount", "-o", `remount,${how}`, dir.path)) throw new Error(`not ${how}`);
    },
    async [Symbol.asyncDispose]() {
      // Lazily: a server that was killed this moment may still hold it.
      await run("umount", "--lazy", dir.path);
      await dir[Symbol.asyncDispose]();
    },
  };
}

function writeUntilFull(file: Deno.FsFile, bytes: Uint8Array): void {
  try {
    while (file.writeSync(bytes) > 0);
  } catch (error) {
    if (!String(error).includes("No space left")) throw error;
  }
}

async function run(program: string, ...args: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program, { args, stderr: "null" }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false; // no such program
    throw error;
  }
}

/** Whether tests may mount here; ask once. */
export async function canMount(): Promise<boolean> {
  await using disk = await smallDisk(1);
  return disk !== null;
}

/** Runs a server whose files may grow to so many KiB only, and then gives it the disk's error. */
export const withFileLimit = (kib: number): string[] => [
  ...["bash", "-c", 'trap "" XFSZ; ulimit -S -f $1; shift; exec "$@"', "bash", String(kib)],
];

/** Runs a server that may open so many files. */
export const withOpenFiles = (files: number): string[] => [
  ...["bash", "-c", 'ulimit -n $1; shift; exec "$@"', "bash", String(files)],
];

/** Lets the files of a process grow again. False: there is no program here that can. */
export const liftFileLimit = (pid: number): Promise<boolean> =>
  run("prlimit", `--pid=${pid}`, "--fsize=unlimited");
