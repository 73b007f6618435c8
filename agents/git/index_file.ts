/**
 * Git's index as a file: one entry of it is given another content. Only plain ones are touched, as git writes them by
 * default (versions 2 and 3); git does whatever is kept in any other way.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

const HEAD_BYTES = 12;
const STAT_BYTES = 40;
const MODE_AT = 24;
const MTIME_AT = 8;
const SIZE_AT = 36;
const FILE_MODE = 0o100644;
const EXTENDED = 0x4000;
const ASSUMED_UNCHANGED = 0x8000;
/** Of a merge that is not done: git lands nothing then. */
const STAGE = 0x3000;
const SHA1_CHARS = 40;
/** Most entries whose files must be read. */
const RACY_MAX = 100;

/** What of an index may stay, as long as what it says of the folders on the way is taken back. */
const TREES = "TREE";
const UNDOING = "REUC";
/** Where entries begin, for readers with several threads: done without. */
const OFFSETS = ["EOIE", "IEOT"];

export interface EntryChange {
  /** From the repository's root. */
  path: string;
  /** Object ids that its content may have now, and the one that it gets. */
  from: readonly string[];
  to: string;
  /** When the index was written, since 1970. */
  writtenSeconds: number;
  /** Whether the file at a path has the content of this object id; null: it can't be looked at now. */
  isSame: (path: string, id: string) => boolean | null;
}

export interface ChangedIndex {
  bytes: Uint8Array<ArrayBuffer>;
  /** Where in it the entry is. */
  entryAt: number;
}

/**
 * The same index with that content, and no word of how its file looks (`withStat` says that): git would read it once
 * more. Null: the entry is none of an ordinary file with one of these contents, or the index is not kept in the plain
 * way, or in the middle of a merge.
 */
export function withContent(
  index: Uint8Array,
  { path, from, to, writtenSeconds, isSame }: EntryChange,
): ChangedIndex | null {
  const bytes = Buffer.from(index);
  const idBytes = to.length / 2;
  const end = bytes.length - idBytes;
  if (end < HEAD_BYTES || bytes.toString("latin1", 0, 4) !== "DIRC") return null;
  const version = bytes.readUInt32BE(4);
  if (version !== 2 && version !== 3) return null;
  if (!bytes.subarray(end).equals(hashOf(bytes.subarray(0, end), to.length))) return null;
  const wanted = Buffer.from(path);
  const idAt = (entry: number): string =>
    bytes.toString("hex", entry + STAT_BYTES, entry + STAT_BYTES + idBytes);
  let at = HEAD_BYTES;
  let entryAt = 0;
  let racy = 0;
  for (let left = bytes.readUInt32BE(8); left > 0; left--) {
    if (at + STAT_BYTES + idBytes + 2 > end) return null;
    const flags = bytes.readUInt16BE(at + STAT_BYTES + idBytes);
    const name = at + STAT_BYTES + idBytes + (flags & EXTENDED ? 4 : 2);
    const nameEnd = bytes.indexOf(0, name);
    if (nameEnd < 0 || nameEnd >= end || (flags & STAGE) !== 0) return null;
    if (nameEnd - name === wanted.length && wanted.compare(bytes, name, nameEnd) === 0) {
      const id = idAt(at);
      const isPlain = bytes.readUInt32BE(at + MODE_AT) === FILE_MODE &&
        (flags & (ASSUMED_UNCHANGED | EXTENDED)) === 0;
      if (!isPlain || !from.includes(id)) return null;
      entryAt = at;
      bytes.fill(0, at, at + STAT_BYTES);
      bytes.writeUInt32BE(FILE_MODE, at + MODE_AT);
      bytes.write(to, at + STAT_BYTES, "hex");
    } else if (bytes.readUInt32BE(at + MTIME_AT) >= writtenSeconds) {
      // Changed within the second of the index, its file may look the same and be another one. The new index is
      // younger: only a size that can't be tells git to look. Where it need not, the size stays, as git has it: commands
      // that look at no file (`git diff-index`) would call it changed.
      if (++racy > RACY_MAX) return null;
      const same = isSame(bytes.toString("utf8", name, nameEnd), idAt(at));
      if (same === null) return null;
      if (!same) bytes.writeUInt32BE(0, at + SIZE_AT);
    }
    at += (nameEnd - at + 8) & ~7;
  }
  const kept = entryAt > 0 ? keptParts(bytes.subarray(at, end), path, idBytes) : null;
  if (kept === null) return null;
  const whole = Buffer.concat([bytes.subarray(0, at), ...kept]);
  return { bytes: new Uint8Array(Buffer.concat([whole, hashOf(whole, to.length)])), entryAt };
}

/**
 * Says in an index of `withContent` how the file looks, as git notes it. Milliseconds are all that is known of its
 * times; most gits compare seconds, and the others read the file. `chars`: of object ids.
 */
export function withStat(
  { bytes: index, entryAt }: ChangedIndex,
  { ctime, mtime, dev, ino, uid, gid, size }: Deno.FileInfo,
  chars: number,
): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.from(index);
  const parts = [ctime, mtime].flatMap((time) => {
    const ms = time?.getTime() ?? 0;
    return [Math.floor(ms / 1000), (ms % 1000) * 1_000_000];
  });
  parts.push(
    dev,
    Number(BigInt.asUintN(32, BigInt(ino ?? 0))),
    FILE_MODE,
    uid ?? 0,
    gid ?? 0,
    size,
  );
  parts.forEach((part, i) => bytes.writeUInt32BE(part >>> 0, entryAt + 4 * i));
  const end = bytes.length - chars / 2;
  hashOf(bytes.subarray(0, end), chars).copy(bytes, end);
  return new Uint8Array(bytes);
}

/** What follows the entries. Null: something that only git knows. */
function keptParts(bytes: Buffer, path: string, idBytes: number): Buffer[] | null {
  const kept: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 8 > bytes.length) return null;
    const name = bytes.toString("latin1", at, at + 4);
    const to = at + 8 + bytes.readUInt32BE(at + 4);
    if (to > bytes.length) return null;
    if (name === TREES) {
      const trees = withoutTreesOf(bytes.subarray(at + 8, to), path, idBytes);
      if (trees === null) return null;
      const head = Buffer.from(bytes.subarray(at, at + 8));
      head.writeUInt32BE(trees.length, 4);
      kept.push(head, trees);
    } else if (name === UNDOING) kept.push(bytes.subarray(at, to));
    else if (!OFFSETS.includes(name)) return null;
    at = to;
  }
  return kept;
}

const LF = 10;

/**
 * Object ids of folders, without those on the way to the path: they will be others. A folder's own name, how many
 * entries are below (-1: not known, and no id), how many folders follow that are in it; the root is the first.
 */
function withoutTreesOf(bytes: Buffer, path: string, idBytes: number): Buffer | null {
  const names = path.split("/").slice(0, -1);
  const parts: Buffer[] = [];
  /** Of each folder that is not done: how many in it are still to come, and whether it is on the way. */
  const open: { left: number; onTheWay: boolean }[] = [];
  let at = 0;
  do {
    const nameEnd = bytes.indexOf(0, at);
    const lineEnd = bytes.indexOf(LF, nameEnd);
    if (nameEnd < 0 || lineEnd < 0) return null;
    const [, count, folders] =
      /^(-?\d+) (\d+)$/.exec(bytes.toString("latin1", nameEnd + 1, lineEnd)) ?? [];
    if (count === undefined) return null;
    const to = lineEnd + 1 + (count.startsWith("-") ? 0 : idBytes);
    if (to > bytes.length) return null;
    const above = open.at(-1);
    const name = bytes.toString("utf8", at, nameEnd);
    const onTheWay = !above || above.onTheWay && name === names[open.length - 1];
    parts.push(
      onTheWay
        ? Buffer.concat([bytes.subarray(at, nameEnd), Buffer.from(`\0-1 ${folders}\n`)])
        : bytes.subarray(at, to),
    );
    if (above) above.left--;
    open.push({ left: Number(folders), onTheWay });
    while (open.at(-1)?.left === 0) open.pop();
    at = to;
  } while (open.length > 0);
  return at === bytes.length ? Buffer.concat(parts) : null;
}

const hashOf = (bytes: Uint8Array, chars: number): Buffer =>
  createHash(chars === SHA1_CHARS ? "sha1" : "sha256").update(bytes).digest() as Buffer;
