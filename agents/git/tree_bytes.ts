/**
 * A folder as git keeps it: entries of mode, name and object id, in git's own order. Names are bytes; those that are
 * looked for are UTF-8.
 */

import { Buffer } from "node:buffer";

export interface TreeEntry {
  /** As git writes it: "100644" a file, "40000" a folder. */
  mode: string;
  id: string;
}

/** Git's mode of a folder. */
export const FOLDER_MODE = "40000";

interface Place extends TreeEntry {
  from: number;
  to: number;
}

/** The entry of this name; null: there is none. `chars`: of the repository's ids (40 or 64). Throws for no tree. */
export function entryIn(tree: Uint8Array, name: string, chars: number): TreeEntry | null {
  const { found } = placeOf(tree, { name: encode(name), isFolder: false }, chars);
  return found && { mode: found.mode, id: found.id };
}

/** The same tree with another entry of this name, or without one. Throws for no tree. */
export function withEntry(
  tree: Uint8Array,
  name: string,
  entry: TreeEntry | null,
  chars: number,
): Uint8Array<ArrayBuffer> {
  const isFolder = entry?.mode === FOLDER_MODE;
  const { found, before } = placeOf(tree, { name: encode(name), isFolder }, chars);
  const made = entry === null ? [] : [
    encode(`${entry.mode} ${name}\0`),
    Buffer.from(entry.id, "hex"),
  ];
  // Its place is another one where a file becomes a folder, or the other way round.
  const parts = found === null
    ? [tree.subarray(0, before), ...made, tree.subarray(before)]
    : before <= found.from
    ? [
      tree.subarray(0, before),
      ...made,
      tree.subarray(before, found.from),
      tree.subarray(found.to),
    ]
    : [
      tree.subarray(0, found.from),
      tree.subarray(found.to, before),
      ...made,
      tree.subarray(before),
    ];
  return joined(parts);
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

const SPACE = 32;
const SLASH = 47;
const ZERO = 48;
const FOUR = 52;

/** Where the entry is, and before which byte one of this name and kind belongs. */
function placeOf(
  tree: Uint8Array,
  { name, isFolder }: { name: Uint8Array; isFolder: boolean },
  chars: number,
): { found: Place | null; before: number } {
  let found: Place | null = null;
  let before: number | null = null;
  for (let from = 0; from < tree.length;) {
    const space = tree.indexOf(SPACE, from);
    const end = tree.indexOf(0, space);
    const to = end + 1 + chars / 2;
    if (space < 0 || end < 0 || to > tree.length) throw new Error("no tree of git's");
    const other = tree.subarray(space + 1, end);
    let mode = from;
    // As some old programs wrote it.
    while (tree[mode] === ZERO) mode++;
    if (isSame(other, name)) {
      found = { mode: ascii(tree, mode, space), id: hex(tree, end + 1, to), from, to };
    }
    if (before === null && !comesAfter(name, isFolder, other, tree[mode] === FOUR)) before = from;
    from = to;
  }
  return { found, before: before ?? tree.length };
}

const ascii = (bytes: Uint8Array, from: number, to: number): string =>
  new TextDecoder().decode(bytes.subarray(from, to));

const hex = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.subarray(from, to)).toString("hex");

/** Git sorts folders as if their names ended with a slash. */
function comesAfter(
  a: Uint8Array,
  aIsFolder: boolean,
  b: Uint8Array,
  bIsFolder: boolean,
): boolean {
  const at = (name: Uint8Array, isFolder: boolean, i: number) =>
    name[i] ?? (i === name.length && isFolder ? SLASH : -1);
  for (let i = 0; i <= Math.max(a.length, b.length); i++) {
    const difference = at(a, aIsFolder, i) - at(b, bIsFolder, i);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
