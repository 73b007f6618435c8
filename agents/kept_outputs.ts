/**
 * The whole output of commands that print more than goes back to the model: in files of the server's, gone with the
 * run. The Read tool finds them under a name in the project, where nothing is: no git, no search and no command of the
 * project ever meets them.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { removeIfThereSync, writeAllSync } from "../server/disk.ts";
import type { ResolvedPath } from "./policy.ts";
import { count } from "./tools/text.ts";
import { readTool } from "./tools/read.ts";
import { ToolError } from "./tools/tool.ts";

/** Of one output; what comes after it is not kept. */
export const MAX_KEPT_BYTES = 4_000_000;
/** Of one run. */
export const MAX_KEPT_RUN_BYTES = 64_000_000;
/** Where they seem to lie, relative to the place. */
const FOLDER = ".gaffer/outputs";
const PATH = /^(.*\/)?\.gaffer\/outputs\/([0-9a-f]{16})\.txt$/;

export class KeptOutputs {
  readonly #dir: string;

  /** `dir` is the run's own; made when there is something to keep. */
  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Follows one call's output, and keeps it once it is longer than what is shown. */
  begin(callId: string, shownBytes: number): KeptOutput {
    const name = createHash("sha256").update(callId).digest("hex").slice(0, 16);
    return new KeptOutput({ dir: this.#dir, name, shownBytes, room: () => this.#room() });
  }

  /** What the Read tool answers for a path of one of them; null: it is none. Throws `ToolError`. */
  async read(
    input: { file_path: string; offset?: number; limit?: number },
    placeDir: string,
  ): Promise<string | null> {
    const [, folder = "", name] = input.file_path.match(PATH) ?? [];
    if (!name || (folder !== "" && folder !== "./" && folder !== `${placeDir}/`)) return null;
    const relative = `${FOLDER}/${name}.txt`;
    const path: ResolvedPath = { real: relative, relative };
    const bytes = this.#bytesOf(name);
    if (bytes === null) {
      throw new ToolError(`Cannot read ${relative}: there is no output of that name in this run.`);
    }
    const files = { resolve: () => path, read: () => Promise.resolve({ path, bytes, hash: "" }) };
    const { content } = await readTool.run(input, { files } as never);
    return content;
  }

  #bytesOf(name: string): Uint8Array<ArrayBuffer> | null {
    try {
      return Deno.readFileSync(join(this.#dir, name));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
  }

  #room(): number {
    let bytes = 0;
    try {
      for (const { name } of Deno.readDirSync(this.#dir)) {
        bytes += Deno.statSync(join(this.#dir, name)).size;
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return MAX_KEPT_RUN_BYTES - bytes;
  }
}

/** The run is over. */
export function removeKeptOutputs(dir: string): void {
  removeIfThereSync(dir, { recursive: true });
}

interface KeptOptions {
  dir: string;
  name: string;
  shownBytes: number;
  /** Bytes that the run may still keep. */
  room: () => number;
}

class KeptOutput {
  readonly #options: KeptOptions;
  readonly #path: string;
  /** What came before it was too long to be shown. */
  #first: Uint8Array[] = [];
  #file: Deno.FsFile | null = null;
  #bytes = 0;
  #keptBytes = 0;
  #maxBytes = MAX_KEPT_BYTES;
  #failed = false;

  constructor(options: KeptOptions) {
    this.#options = options;
    this.#path = join(options.dir, options.name);
  }

  write(text: string): void {
    const bytes = encoder.encode(text);
    this.#bytes += bytes.length;
    if (this.#failed) return;
    try {
      if (this.#file) return this.#keep(bytes);
      this.#first.push(bytes);
      if (this.#bytes > this.#options.shownBytes) this.#open();
    } catch {
      // A disk that takes no more fails no command: its output is cut as if nothing were kept.
      this.#giveUp();
    }
  }

  /** Tells the model where the whole of it is; null: all of it was shown, or it could not be kept. */
  close(): string | null {
    this.#file?.close();
    if (!this.#file) return null;
    this.#file = null;
    const path = `${FOLDER}/${this.#options.name}.txt`;
    const what = this.#keptBytes < this.#bytes
      ? `The first ${count(this.#keptBytes, "byte")} of it are`
      : `The whole of it, ${count(this.#bytes, "byte")}, is`;
    return `[${what} in ${path} until this run ends: use Read, with offset and limit.]`;
  }

  #open(): void {
    const room = this.#options.room();
    if (room <= this.#bytes) return this.#giveUp();
    this.#maxBytes = Math.min(MAX_KEPT_BYTES, room);
    Deno.mkdirSync(this.#options.dir, { recursive: true });
    this.#file = Deno.openSync(this.#path, { write: true, create: true, truncate: true });
    for (const bytes of this.#first) this.#keep(bytes);
    this.#first = [];
  }

  #keep(bytes: Uint8Array): void {
    const kept = bytes.subarray(0, Math.max(0, this.#maxBytes - this.#keptBytes));
    writeAllSync(this.#file!, kept);
    this.#keptBytes += kept.length;
  }

  #giveUp(): void {
    this.#failed = true;
    this.#first = [];
    if (!this.#file) return;
    this.#file.close();
    this.#file = null;
    removeIfThereSync(this.#path);
  }
}

const encoder = new TextEncoder();
