/**
 * What the commands of one run print, kept in files while they are at work: when the server is killed, its next
 * life can tell the model how far they came. A file goes when its call's result is on record.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { removeIfThereSync, writeAllSync } from "../server/disk.ts";
import { HeadAndTail } from "./output.ts";

/** Of one command's output, head and tail. */
const KEPT_BYTES = 8 * 1024;
/** A file that would grow beyond this is cut down to what is kept. All of it fits into a result. */
export const MAX_OUTPUT_FILE_BYTES = 2 * KEPT_BYTES;

/** One run's folder; it is there only while there is a file in it. */
export class OutputFiles {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** For a call that begins; what an earlier one of that id left is gone with the first output. */
  begin(callId: string): OutputFile {
    return new OutputFile(this.#dir, this.#pathOf(callId));
  }

  /** What the call had printed; "" when there is nothing. */
  read(callId: string): string {
    try {
      return Deno.readTextFileSync(this.#pathOf(callId));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    }
  }

  remove(callId: string): void {
    removeIfThereSync(this.#pathOf(callId));
    removeIfEmpty(this.#dir);
  }

  /** Removes what a kill between a result and its clean-up has left. */
  keepOnly(callIds: readonly string[]): void {
    const paths = new Set(callIds.map((id) => this.#pathOf(id)));
    const stale = listIfThere(this.#dir).filter((path) => !paths.has(path));
    for (const path of stale) removeIfThereSync(path);
    if (stale.length > 0) removeIfEmpty(this.#dir);
  }

  /** Ids come from the model's endpoint and may be anything. */
  #pathOf(callId: string): string {
    return join(this.#dir, createHash("sha256").update(callId).digest("hex").slice(0, 32));
  }
}

/** Removes the folders in `dir` of runs that need them no more: a cancelled one leaves its own behind. */
export async function removeStaleOutputs(
  dir: string,
  isNeeded: (runId: string) => boolean,
): Promise<void> {
  try {
    for await (const { name } of Deno.readDir(dir)) {
      if (!isNeeded(name)) await Deno.remove(join(dir, name), { recursive: true });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

export class OutputFile {
  readonly #dir: string;
  readonly #path: string;
  readonly #kept = new HeadAndTail(KEPT_BYTES);
  #file: Deno.FsFile | null = null;
  #bytes = 0;
  #isBehind = false;
  #isOver = false;

  constructor(dir: string, path: string) {
    this.#dir = dir;
    this.#path = path;
  }

  /**
   * On disk when it returns, unless the disk takes no more: no command fails for that. What was not taken is
   * written with the next output, if there is room then.
   */
  write(text: string): void {
    if (this.#isOver) return;
    const bytes = encoder.encode(text);
    this.#kept.push(bytes);
    try {
      if (this.#isBehind || this.#bytes + bytes.length > MAX_OUTPUT_FILE_BYTES) this.#cutDown();
      else this.#append(bytes);
      this.#isBehind = false;
    } catch {
      this.#isBehind = true; // it is lost only if the server is killed before there is room, too
    }
  }

  close(): void {
    this.#isOver = true;
    this.#file?.close();
    this.#file = null;
  }

  #append(bytes: Uint8Array): void {
    if (!this.#file) {
      Deno.mkdirSync(this.#dir, { recursive: true });
      this.#file = Deno.openSync(this.#path, { write: true, create: true, truncate: true });
    }
    writeAllSync(this.#file, bytes);
    this.#bytes += bytes.length;
  }

  /** In one step: a kill in between must not lose what was there. */
  #cutDown(): void {
    const bytes = encoder.encode(this.#kept.text());
    const fresh = `${this.#path}.new`;
    Deno.mkdirSync(this.#dir, { recursive: true });
    const file = Deno.openSync(fresh, { write: true, create: true, truncate: true });
    try {
      writeAllSync(file, bytes);
      Deno.renameSync(fresh, this.#path);
    } catch (error) {
      file.close();
      removeIfThereSync(fresh);
      throw error;
    }
    this.#file?.close();
    this.#file = file;
    this.#bytes = bytes.length;
  }
}

const encoder = new TextEncoder();

function listIfThere(dir: string): string[] {
  try {
    return [...Deno.readDirSync(dir)].map(({ name }) => join(dir, name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function removeIfEmpty(dir: string): void {
  try {
    Deno.removeSync(dir);
  } catch (error) {
    // Another call's file is still in it.
    const isFull = error instanceof Error && "code" in error && error.code === "ENOTEMPTY";
    if (!isFull && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}
