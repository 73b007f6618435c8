/**
 * Git's objects, written as git itself writes single ones: a file each, compressed, named by what it holds, and on the
 * disk before anything refers to it. A few of them by git take three processes and a wait for the disk each; so all
 * wait for it together. What no commit refers to in the end is cleaned away by git like its own.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { existsSync, removeIfThereSync, writeAllSync } from "../../server/disk.ts";
import { folderOf } from "../paths.ts";

export interface NewObject {
  /** By what it holds; see `objectOf`. */
  id: string;
  kind: ObjectKind;
  bytes: Uint8Array<ArrayBuffer>;
}

export type ObjectKind = "blob" | "tree" | "commit";

const SHA1_CHARS = 40;

/** The object id that git gives this content. `chars`: of the repository's ids (40 or 64), which tells their kind. */
export const objectId = (kind: ObjectKind, bytes: Uint8Array, chars: number): string =>
  createHash(chars === SHA1_CHARS ? "sha1" : "sha256")
    .update(headOf(kind, bytes)).update(bytes).digest("hex");

/** As `objectId`, with its content. */
export const objectOf = (
  kind: ObjectKind,
  bytes: Uint8Array<ArrayBuffer>,
  chars: number,
): NewObject => ({ id: objectId(kind, bytes, chars), kind, bytes });

const headOf = (kind: ObjectKind, bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(`${kind} ${bytes.length}\0`);

/**
 * All of them are in the repository, and on the disk, when it returns; after an error some may be, which harms nothing.
 * `commonDir`: the repository's `.git` folder. Throws what the system says.
 */
export async function writeObjects(
  commonDir: string,
  objects: readonly NewObject[],
): Promise<void> {
  const missing = objects
    .map((object) => ({ ...object, path: pathOf(commonDir, object) }))
    .filter(({ path }) => !isKept(path));
  const compressed = await Promise.all(
    missing.map(({ kind, bytes }) => compress([headOf(kind, bytes), bytes])),
  );
  const begun: Begun[] = [];
  try {
    // First all of them are made: whatever begins beside a wait for the disk waits for that, too.
    missing.forEach(({ path }, i) => begun.push(begin(path, compressed[i]!)));
    const synced = await Promise.allSettled(begun.map(({ file }) => file.sync()));
    const failed = synced.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
    for (const { path, unfinished } of begun) Deno.renameSync(unfinished, path);
  } finally {
    for (const { file, unfinished } of begun) {
      file.close();
      removeIfThereSync(unfinished);
    }
  }
}

interface Begun {
  path: string;
  /** Its name until it is whole. Git takes away what a crash leaves of such a name. */
  unfinished: string;
  file: Deno.FsFile;
}

const pathOf = (commonDir: string, { id }: NewObject): string =>
  `${commonDir}/objects/${id.slice(0, 2)}/${id.slice(2)}`;

function begin(path: string, compressed: Uint8Array): Begun {
  const folder = folderOf(path);
  Deno.mkdirSync(folder, { recursive: true });
  const unfinished = `${folder}/tmp_obj_${crypto.randomUUID().slice(0, 8)}`;
  const file = Deno.openSync(unfinished, { write: true, createNew: true, mode: 0o444 });
  try {
    writeAllSync(file, compressed);
    return { path, unfinished, file };
  } catch (error) {
    file.close();
    removeIfThereSync(unfinished);
    throw error;
  }
}

/** It is there, and young again: git's cleaning up takes what is old and nowhere referred to. */
function isKept(path: string): boolean {
  if (!existsSync(path)) return false;
  const now = new Date();
  try {
    Deno.utimeSync(path, now, now);
    return true;
  } catch {
    return false; // Another person's: written anew, and its content is the same.
  }
}

async function compress(parts: readonly Uint8Array[]): Promise<Uint8Array> {
  const { deflateSync } = await import("node:zlib");
  return deflateSync(Buffer.concat(parts), { level: 1 });
}

/** Whether the system said it, so that git says the same better or knows a way. */
export const isOfSystem = (error: unknown): boolean =>
  error instanceof Error && (error.name in Deno.errors || "code" in error);
