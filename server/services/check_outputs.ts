/** All that a check prints, as a file: written while the command is at work, read by pages and over the API. */
import { join } from "node:path";
import type { App } from "../app.ts";
import { newId } from "../db.ts";
import type { Check, CommandName, Project, Ticket } from "../records.ts";

/** Most output that is kept as a file: what is longer loses its middle. */
export const OUTPUT_FILE_MAX_BYTES = 20_000_000;
/** Of what has no room in the file, its end: there a failure is told. */
const END_BYTES = 200_000;

/**
 * The file with a check's output. A write that fails throws nothing at whoever reads the command's output. What is
 * longer than the file may be is left out in the middle, and the file says so there.
 */
export class CheckOutput {
  readonly #file: Deno.FsFile;
  readonly #failed = new AbortController();
  readonly #encoder = new TextEncoder();
  readonly #room: number;
  #written = 0;
  /** The newest of what had no room. */
  #end: Uint8Array[] = [];
  #endBytes = 0;
  #left = 0;

  constructor(path: string, maxBytes = OUTPUT_FILE_MAX_BYTES) {
    this.#file = Deno.openSync(path, { write: true, create: true, truncate: true });
    this.#room = Math.max(0, maxBytes - END_BYTES);
  }

  /** Aborts with the error of the first write that failed; nothing is written after it. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  write(text: string): void {
    if (this.failed.aborted) return;
    const bytes = this.#encoder.encode(text);
    const fits = bytes.subarray(0, this.#room - this.#written);
    this.#append(fits);
    this.#written += fits.length;
    if (fits.length < bytes.length) this.#keepEnd(bytes.slice(fits.length));
  }

  #append(bytes: Uint8Array): void {
    try {
      for (let done = 0; done < bytes.length;) done += this.#file.writeSync(bytes.subarray(done));
    } catch (error) {
      this.#failed.abort(error);
    }
  }

  #keepEnd(bytes: Uint8Array): void {
    this.#end.push(bytes);
    this.#endBytes += bytes.length;
    while (this.#endBytes - this.#end[0]!.length >= END_BYTES) {
      const { length } = this.#end.shift()!;
      this.#endBytes -= length;
      this.#left += length;
    }
  }

  /** Nothing comes any more: the end of what was too long is written. */
  end(): void {
    if (this.#endBytes === 0 || this.failed.aborted) return;
    const tooMany = Math.max(0, this.#end[0]!.length - END_BYTES);
    this.#end[0] = this.#end[0]!.subarray(tooMany);
    const left = this.#left + tooMany;
    if (left > 0) this.#append(this.#encoder.encode(leftOut(left)));
    for (const bytes of this.#end) this.#append(bytes);
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

const leftOut = (bytes: number): string =>
  `\n[Gaffer left out ${bytes} bytes here: of one check's output it keeps ${
    OUTPUT_FILE_MAX_BYTES / 1_000_000
  } MB, its beginning and its end]\n`;

/** A new name for the file; its folder is there. */
export async function outputFile(
  app: App,
  project: Project,
  ticket: Ticket,
  name: CommandName,
): Promise<string> {
  const dir = join(app.config.dataDir, "projects", project.slug, "checks", String(ticket.number));
  await Deno.mkdir(dir, { recursive: true });
  return join(dir, `${newId(name)}.log`);
}

/** Everything that a check printed, as far as it was kept. */
export async function checkOutput(check: Check): Promise<string> {
  if (check.outputPath === null) return check.tail;
  try {
    return await Deno.readTextFile(check.outputPath);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return `The full output is gone (${check.outputPath}). Its end was:\n\n${check.tail}`;
  }
}

/** All that a check has printed that is still at work; its end alone where it has just lost its file. */
export const outputSoFar = (
  { outputPath, tail }: { outputPath: string; tail: string },
): Promise<string> =>
  Deno.readTextFile(outputPath).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return tail;
    throw error;
  });

/** Bytes of an output that one page shows, from its end: there a failure is told. */
export const OUTPUT_PAGE_BYTES = 200_000;

/** The end of what a check printed; `output` null: nothing was kept. */
export async function outputEnd(
  check: Check,
): Promise<{ output: string | null; omittedBytes: number }> {
  if (check.outputPath === null) return { output: check.tail || null, omittedBytes: 0 };
  const size = await Deno.stat(check.outputPath).then((info) => info.size, () => 0);
  if (size <= OUTPUT_PAGE_BYTES) return { output: await checkOutput(check), omittedBytes: 0 };
  const file = await Deno.open(check.outputPath); // its stream closes it
  await file.seek(size - OUTPUT_PAGE_BYTES, Deno.SeekMode.Start);
  const bytes = new Uint8Array(await new Response(file.readable).arrayBuffer());
  // From a whole line on: the cut may have gone through a character.
  const line = bytes.indexOf("\n".charCodeAt(0)) + 1;
  const omittedBytes = size - bytes.length + line;
  return { output: new TextDecoder().decode(bytes.subarray(line)), omittedBytes };
}
