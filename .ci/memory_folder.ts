/** Where the tests have their folders: in memory where that can be, since a disk is waited for. */

/** Room in it, and what the machine must have free besides. */
const SIZE_BYTES = 2 * 1024 ** 3;
const FREE_BYTES = 2 * SIZE_BYTES;

/** How to run a program whose `TMPDIR` is in memory: what to write before it, and the folder. */
export interface MemoryFolder {
  path: string;
  command: string[];
}

/**
 * A folder that has its files in memory for what `command` starts, and goes with that: nobody else sees them. Null where
 * somebody has chosen another folder, where memory is short, and where this user may mount nothing. `/dev/shm` will not
 * do: Deno keeps programs without all rights, as hands are, away from what is in `/dev`.
 */
export async function memoryFolder(): Promise<MemoryFolder | null> {
  if (Deno.build.os !== "linux" || Deno.env.get("TMPDIR")) return null;
  if (Deno.systemMemoryInfo().available < FREE_BYTES) return null;
  // Short: sockets are in it, whose paths have an end.
  const path = await Deno.makeTempDir({ prefix: "g-" });
  const mount = `mount -t tmpfs -o size=${SIZE_BYTES} tmpfs "$0" && exec "$@"`;
  const command = ["unshare", "--mount", "sh", "-c", mount, path];
  if (await works([...command, "true"])) return { path, command };
  await Deno.remove(path);
  return null;
}

async function works([program, ...args]: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(program!, { args, stderr: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false; // there is no such program
    throw error;
  }
}
