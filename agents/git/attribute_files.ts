/**
 * Whether any file of attributes (`.gitattributes`, `.git/info/attributes`) has a say on some paths. Mostly none has,
 * and to see that by a few looks saves the process that git would be asked with.
 */
import { Buffer } from "node:buffer";
import { join, resolve } from "node:path";
import { existsSync } from "../../server/disk.ts";
import { folderOf } from "../paths.ts";
import type { GitPlace } from "./git.ts";
import { isFolderSync, readIfThereSync } from "./presence.ts";

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
  const common = readIfThereSync(join(gitDir, "commondir"));
  const shared = common === null ? gitDir : resolve(gitDir, common.trim());
  if (mayBeThere(join(shared, "info", "attributes"))) return true;
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

const VERSION_AT = 4;
/** Its paths are cut; in older ones each stands whole. */
const VERSION_CUT = 4;

/** Beginnings of its parts that say that paths are listed elsewhere, or folders stand for all that is in them. */
const UNLISTED = ["link\0", "sdir\0"];

function mayBeInIndex(path: string): boolean {
  try {
    const { size } = Deno.statSync(path);
    if (size > INDEX_BYTES) return true;
    const bytes = Buffer.from(Deno.readFileSync(path).buffer);
    if (bytes.readUInt32BE(VERSION_AT) >= VERSION_CUT) return true;
    return [NAME, ...UNLISTED].some((text) => bytes.includes(text));
  } catch {
    return true;
  }
}
