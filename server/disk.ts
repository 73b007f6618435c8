/** What is asked of the disk itself. */
import { statfsSync } from "node:fs";

/** Bytes that this process may still write to the disk of a folder; null: the system does not tell. */
export function freeBytes(folder: string): number | null {
  try {
    const { bsize, bavail, bfree } = statfsSync(folder);
    // The last percents of a disk are often the administrator's.
    return bsize * (Deno.uid() === 0 ? bfree : bavail);
  } catch {
    // No such call here, or no such folder: whoever writes finds out.
    return null;
  }
}

/** With less than this a disk counts as full, or the next checkpoint or build would fill it. */
const ROOM_BYTES = 256 * 1024;

/** False: the disk of a folder is full, although a small write may still fit in by luck. */
export function hasRoom(folder: string): boolean {
  const bytes = freeBytes(folder);
  return bytes === null || bytes >= ROOM_BYTES;
}

/** What the system says when a file is made in a folder; null: it could be made. */
export function tryToMakeFile(folder: string): unknown {
  const path = `${folder}/.try`;
  try {
    Deno.writeFileSync(path, new Uint8Array(4096));
    Deno.removeSync(path);
    return null;
  } catch (error) {
    return error;
  }
}

/** Makes sure that files which were made, renamed or removed in a folder stay so after a loss of power. */
export function syncFolder(folder: string): void {
  // Windows can't open folders, and keeps their order itself.
  if (Deno.build.os === "windows") return;
  using opened = Deno.openSync(folder);
  opened.syncSync();
}

/** Whether anything has this name; a dangling symbolic link counts. */
export function existsSync(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Writes all of it, where one call may take less. */
export function writeAllSync(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
}

/** Reads so many bytes from where the file stands, or what there is of them. */
export function readAllSync(file: Deno.FsFile, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const n = file.readSync(bytes.subarray(length));
    if (n === null) break;
    length += n;
  }
  return bytes.subarray(0, length);
}

/** Removes a file, or a folder that is empty or, with `recursive`, is not. No-op where there is nothing. */
export async function removeIfThere(path: string, options?: Deno.RemoveOptions): Promise<void> {
  await Deno.remove(path, options).catch(unlessGone);
}

/** The same at once. */
export function removeIfThereSync(path: string, options?: Deno.RemoveOptions): void {
  try {
    Deno.removeSync(path, options);
  } catch (error) {
    unlessGone(error);
  }
}

function unlessGone(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
