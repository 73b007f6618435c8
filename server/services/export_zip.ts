/** Documents and their images as a zip, in the folders that they lie in. */
import { setImmediate } from "node:timers/promises";
import { PLANNING } from "../../agents/planning/document_paths.ts";

export interface ZipEntry {
  /** From the zip's root. */
  path: string;
  bytes: Uint8Array;
  /** It is packed already, as images are. */
  packed?: boolean;
}

/** A file of `planning/`. */
export const planningEntry = (path: string, bytes: Uint8Array, packed = false): ZipEntry => ({
  path: `${PLANNING}/${path}`,
  bytes,
  packed,
});

/**
 * Packed file by file, so that others get their turn between; all of it is in memory, whose size the caller limits.
 * `atMs`: date of all files. Throws the signal's reason.
 */
export async function zipOf(
  entries: readonly ZipEntry[],
  { atMs, signal }: { atMs: number; signal: AbortSignal },
): Promise<Uint8Array<ArrayBuffer>> {
  const { Zip, ZipDeflate, ZipPassThrough } = await import("fflate");
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const ended = Promise.withResolvers<void>();
  const zip = new Zip((error, chunk, final) => {
    if (error) return ended.reject(error);
    chunks.push(new Uint8Array(chunk));
    if (final) ended.resolve();
  });
  for (const { path, bytes, packed } of entries) {
    await setImmediate();
    signal.throwIfAborted();
    const file = packed ? new ZipPassThrough(path) : new ZipDeflate(path, { level: 6 });
    file.mtime = atMs;
    zip.add(file);
    file.push(bytes, true);
  }
  zip.end();
  await ended.promise;
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
