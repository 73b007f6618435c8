/** A disk of a few megabytes that a test can fill, in memory. Only who may mount can have one. */
import { join } from "node:path";

const BLOCK_BYTES = 64 * 1024;

export class SmallDisk implements AsyncDisposable {
  private constructor(readonly path: string) {}

  /** Null: not here. */
  static async make(megabytes: number): Promise<SmallDisk | null> {
    const path = await Deno.makeTempDir({ prefix: "gaffer-disk-" });
    const mounted = await succeeds(
      "mount",
      "-t",
      "tmpfs",
      "-o",
      `size=${megabytes}m`,
      "tmpfs",
      path,
    );
    if (mounted) return new SmallDisk(path);
    await Deno.remove(path);
    return null;
  }

  get #ballast(): string {
    return join(this.path, "ballast");
  }

  /** Leaves not a byte. */
  fill(): void {
    using file = Deno.openSync(this.#ballast, { write: true, create: true, append: true });
    for (let bytes = BLOCK_BYTES; bytes >= 1; bytes = Math.floor(bytes / 2)) {
      const block = new Uint8Array(bytes);
      while (isWritten(file, block));
    }
  }

  empty(): void {
    Deno.removeSync(this.#ballast);
  }

  async [Symbol.asyncDispose]() {
    // What a killed server started may hold it for a moment longer.
    if (!await succeeds("umount", this.path)) await succeeds("umount", "--lazy", this.path);
    await Deno.remove(this.path);
  }
}

function isWritten(file: Deno.FsFile, block: Uint8Array): boolean {
  try {
    return file.writeSync(block) === block.length;
  } catch (error) {
    if (error instanceof Error && /No space left/.test(error.message)) return false;
    throw error;
  }
}

async function succeeds(program: string, ...args: string[]): Promise<boolean> {
  try {
    const command = new Deno.Command(program, { args, stdout: "null", stderr: "null" });
    return (await command.output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
