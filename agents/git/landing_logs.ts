/** Git's own logs of a branch, written by the landing of a file that holds git's locks (`landing_steps.ts`). */

/** Lines that were added to logs, all of them or none. */
export class LogLines {
  readonly #sizes: [log: string, size: number][];

  /** The logs must be there. */
  constructor(logs: readonly string[]) {
    this.#sizes = logs.map((log) => [log, Deno.lstatSync(log).size]);
  }

  /** Not where it is the last line already: a landing that was cut off had written it. */
  add(log: string, line: string): void {
    if (!endsWith(log, line)) Deno.writeTextFileSync(log, line, { append: true, create: false });
  }

  /** With git's locks held nobody else writes there: what is beyond is ours, and of a full disk maybe half a line. */
  takeBack(): void {
    for (const [log, size] of this.#sizes) Deno.truncateSync(log, size);
  }
}

function endsWith(log: string, line: string): boolean {
  const wanted = new TextEncoder().encode(line);
  const bytes = new Uint8Array(wanted.length);
  using file = Deno.openSync(log);
  const { size } = file.statSync();
  if (size < wanted.length) return false;
  file.seekSync(size - wanted.length, Deno.SeekMode.Start);
  // A line comes from one read; less of it is another line, at worst one too many.
  return file.readSync(bytes) === wanted.length && bytes.every((byte, i) => byte === wanted[i]);
}
