/**
 * A second reader of SQLite's write-ahead log (sqlite.org/fileformat2.html, section 4), which knows nothing of
 * SQLite's own: it tells what must be left of a database when its log was cut or torn.
 */

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/** A transaction that is whole in the log. */
export interface Commit {
  /** Offset in the log at which its last frame ends. */
  end: number;
  /** Page images up to here, in order: number from 1, and offset of the bytes in the log. */
  pages: { number: number; offset: number }[];
  /** Pages of the database after it. */
  size: number;
}

export interface Wal {
  pageBytes: number;
  /** Where each valid frame ends, committed or not. */
  frames: number[];
  commits: Commit[];
}

/** Reads up to the first frame that is not of this log: cut, torn, or left over from an earlier round. */
export function readWal(bytes: Uint8Array): Wal {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wal: Wal = { pageBytes: 0, frames: [], commits: [] };
  if (bytes.length < HEADER_BYTES) return wal;
  const little = view.getUint32(0) === 0x377f0682;
  if (!little && view.getUint32(0) !== 0x377f0683) return wal;
  let sum: Sum = checksum(view, 0, HEADER_BYTES - 8, little, [0, 0]);
  if (!isAt(view, HEADER_BYTES - 8, sum)) return wal;
  wal.pageBytes = view.getUint32(8);
  const salts = [view.getUint32(16), view.getUint32(20)];
  const frameBytes = FRAME_HEADER_BYTES + wal.pageBytes;
  let pages: Commit["pages"] = [];
  for (let at = HEADER_BYTES; at + frameBytes <= bytes.length; at += frameBytes) {
    if (view.getUint32(at + 8) !== salts[0] || view.getUint32(at + 12) !== salts[1]) break;
    sum = checksum(view, at, 8, little, sum);
    sum = checksum(view, at + FRAME_HEADER_BYTES, wal.pageBytes, little, sum);
    if (!isAt(view, at + 16, sum)) break;
    const end = at + frameBytes;
    wal.frames.push(end);
    pages.push({ number: view.getUint32(at), offset: at + FRAME_HEADER_BYTES });
    const size = view.getUint32(at + 4);
    if (size === 0) continue;
    wal.commits.push({ end, pages, size });
    pages = [];
  }
  return wal;
}

type Sum = [number, number];

function checksum(view: DataView, from: number, count: number, little: boolean, sum: Sum): Sum {
  let [a, b] = sum;
  for (let at = from; at < from + count; at += 8) {
    a = (a + view.getUint32(at, little) + b) | 0;
    b = (b + view.getUint32(at + 4, little) + a) | 0;
  }
  return [a, b];
}

const isAt = (view: DataView, at: number, [a, b]: Sum): boolean =>
  view.getUint32(at) === a >>> 0 && view.getUint32(at + 4) === b >>> 0;

/** A database with its log. */
export interface Whole {
  base: Uint8Array;
  log: Uint8Array;
  wal: Wal;
}

/** The database's file as it is after each commit; walks forward. */
export class Images {
  #image: Uint8Array;
  #applied = 0;

  constructor(readonly whole: Whole) {
    this.#image = whole.base.slice();
  }

  /** After so many commits, no fewer than were asked for before. */
  after(commits: number): Uint8Array {
    const { log, wal: { pageBytes, commits: all } } = this.whole;
    for (; this.#applied < commits; this.#applied++) {
      const { pages, size } = all[this.#applied]!;
      const next = new Uint8Array(size * pageBytes);
      next.set(this.#image.subarray(0, next.length));
      for (const { number, offset } of pages) {
        next.set(log.subarray(offset, offset + pageBytes), (number - 1) * pageBytes);
      }
      this.#image = next;
    }
    return this.#image;
  }
}
