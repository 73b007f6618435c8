/** What git would keep of files in a working tree, of those that it keeps as they are. */
import { Buffer } from "node:buffer";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";

export interface StoredFile {
  /** As git writes it. */
  mode: "100644" | "100755" | "120000";
  bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Of a file or a link with this path, relative to the real path `root`. "gone": there is none; null: it is longer than
 * `maxBytes`, or only git knows what it keeps of it: a file with carriage returns or `$Id`, for one, which some setting
 * or attribute may have changed on the way in.
 */
export function storedFile(
  root: string,
  path: string,
  maxBytes: number,
): StoredFile | "gone" | null {
  const full = join(root, path);
  const folder = join(full, "..");
  try {
    if (Deno.realPathSync(folder) !== folder) return null;
    const info = Deno.lstatSync(full);
    if (info.isSymlink) return storedLink(Deno.readLinkSync(full));
    if (!info.isFile || info.size > maxBytes) return null;
  } catch (error) {
    return isGone(error) ? "gone" : null; // git says what is the matter
  }
  return readPlain(full, maxBytes);
}

function storedLink(target: string): StoredFile | null {
  // What it leads to is not UTF-8.
  if (target.includes("\ufffd")) return null;
  return { mode: "120000", bytes: new TextEncoder().encode(target) };
}

/** It may be another file by now: a link is not followed, and a pipe not waited for. */
function readPlain(full: string, maxBytes: number): StoredFile | null {
  let file: number;
  try {
    file = openSync(full, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null; // git says what is the matter
  }
  try {
    const info = fstatSync(file);
    if (!info.isFile() || info.size > maxBytes) return null;
    // One more than there should be: it may be growing.
    const bytes = new Uint8Array(info.size + 1);
    let length = 0;
    while (length < bytes.length) {
      const count = readSync(file, bytes, length, bytes.length - length, length);
      if (count === 0) break;
      length += count;
    }
    if (length !== info.size) return null;
    const content = bytes.subarray(0, length);
    if (isConverted(content)) return null;
    return { mode: (info.mode & 0o100) === 0 ? "100644" : "100755", bytes: content };
  } finally {
    closeSync(file);
  }
}

const CARRIAGE_RETURN = 13;

/** By some `core.autocrlf` or attribute; see `gitattributes(5)`. Encodings and filters are the caller's to ask for. */
const isConverted = (bytes: Uint8Array): boolean =>
  bytes.includes(CARRIAGE_RETURN) ||
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes("$Id");

const isGone = (error: unknown): boolean =>
  error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
