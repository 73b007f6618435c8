/**
 * Whether any file of attributes (`.gitattributes`, `.git/info/attributes`) has a say on some paths. Mostly none has,
 * and to see that by a few looks saves the process that git would be asked with.
 */
import { join } from "node:path";
import { existsSync } from "../../server/disk.ts";
import { folderOf } from "../paths.ts";
import type { GitPlace } from "./git.ts";
import { isFolderSync, sharedGitDir } from "./presence.ts";

const NAME = ".gitattributes";
/** Of larger indexes git is asked: to read one takes longer than to start a process. */
const INDEX_BYTES = 8 * 1024 * 1024;
/** Most folders that are looked at. */
const FOLDERS_MAX = 200;

/**
 * False: no attributes of the repository's own hold for any of `paths`, by the files of the working tree as they are
 * now or by the index. True where that is not seen at a glance; git knows then. Those of the person and of the machine
 * are not looked at.
 */
export function mayHaveAttributes(place: GitPlace, paths: readonly string[]): boolean {
  const { path: root, gitDir } = typeof place === "string"
    ? { path: place, gitDir: join(place, ".git") }
    : place;
  if (!isFolderSync(gitDir)) return true;
  if (mayBeThere(join(sharedGitDir(gitDir), "info", "attributes"))) return true;
  const folders = foldersOnTheWay(paths);
  if (folders.size > FOLDERS_MAX) return true;
  for (const folder of folders) if (mayBeThere(join(root, folder, NAME))) return true;
  // One that is gone from the working tree, or was never put there, holds by the index.
  return mayBeInIndex(join(gitDir, "index"));
}

/** Whether the person, or the machine at the usual place, has a file of attributes for all repositories. */
export function hasOwnAttributes(): boolean {
  const home = Deno.env.get("HOME");
  const config = Deno.env.get("XDG_CONFIG_HOME") || (home && `${home}/.config`);
  return mayBeThere("/etc/gitattributes") || !!config && mayBeThere(`${config}/git/attributes`);
}

/** What can't be looked at, since a name on the way is a file, may be seen by git. */
function mayBeThere(path: string): boolean {
  try {
    return existsSync(path);
  } catch {
    return true;
  }
}

function foldersOnTheWay(paths: readonly string[]): Set<string> {
  const folders = new Set([""]);
  for (const path of paths) {
    for (let at = folderOf(path); at !== "" && !folders.has(at); at = folderOf(at)) folders.add(at);
  }
  return folders;
}

/** Places in git's index, by its documented format: a head, an entry for each path, parts with a name, a checksum. */
const HEAD_BYTES = 12;
const VERSION_AT = 4;
const COUNT_AT = 8;
/** From the beginning of an entry, where object ids have 20 bytes. */
const FLAGS_AT = 60;
const EXTENDED = 0x4000;
const NAME_LENGTH = 0xfff;
const CHECKSUM_BYTES = 20;
/** In these each path stands whole. */
const VERSIONS = [2, 3];
/** Parts that say that paths are listed elsewhere, or that folders stand for all that is in them. */
const UNLISTED = ["link", "sdir"];

/** True also where it is not read for certain. By its entries: to search all of its bytes takes far longer. */
function mayBeInIndex(path: string): boolean {
  try {
    const { size } = Deno.statSync(path);
    if (size > INDEX_BYTES) return true;
    const index = new DataView(Deno.readFileSync(path).buffer);
    if (!VERSIONS.includes(index.getUint32(VERSION_AT))) return true;
    const partsAt = afterEntries(index);
    return partsAt === null || hasUnlisted(index, partsAt);
  } catch {
    return true;
  }
}

/** Where the entries end; null: one is a file of attributes, or is kept in another way. Throws where it is cut. */
function afterEntries(index: DataView): number | null {
  let at = HEAD_BYTES;
  for (let left = index.getUint32(COUNT_AT); left > 0; left--) {
    const flags = index.getUint16(at + FLAGS_AT);
    const length = flags & NAME_LENGTH;
    const end = at + FLAGS_AT + (flags & EXTENDED ? 4 : 2) + length;
    if (length === NAME_LENGTH || index.getUint8(end) !== 0 || isAttributes(index, end, length)) {
      return null;
    }
    at += (end - at + 8) & ~7;
  }
  return at;
}

/** The path's last name is it; it may be all of the path. */
function isAttributes(index: DataView, end: number, length: number): boolean {
  if (length < NAME.length) return false;
  for (let i = 1; i <= NAME.length; i++) {
    if (index.getUint8(end - i) !== NAME.charCodeAt(NAME.length - i)) return false;
  }
  return true;
}

function hasUnlisted(index: DataView, from: number): boolean {
  const end = index.byteLength - CHECKSUM_BYTES;
  let at = from;
  while (at < end) {
    const name = String.fromCharCode(...[0, 1, 2, 3].map((i) => index.getUint8(at + i)));
    if (UNLISTED.includes(name)) return true;
    at += 8 + index.getUint32(at + 4);
  }
  return at !== end;
}
