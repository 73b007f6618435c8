/** How much a memory holds. */

/** Most that one memory holds. All of it is meant to be read at a run's start. */
export const memoryLimits = {
  notes: 40,
  noteBytes: 16 * 1024,
  totalBytes: 128 * 1024,
  /** Folders above a note, and the note itself. */
  depth: 3,
  /** Of a whole path. */
  pathChars: 120,
} as const;

const encoder = new TextEncoder();
export const bytesOf = (text: string): number => encoder.encode(text).length;
export const totalBytes = (notes: ReadonlyMap<string, string>): number =>
  [...notes.values()].reduce((sum, text) => sum + bytesOf(text), 0);
