/** The two ways to make a copy of a database and check it: here, or in a thread of its own. */
import { copyDatabase, findDamage } from "./database_file.ts";

/**
 * Copies a database to a file that must not exist and checks the copy; resolves with what is wrong with it,
 * null: nothing. Rejects when it could not be made, or with the reason of `signal`.
 */
export type Copy = (from: string, to: string, signal: AbortSignal) => Promise<string | null>;

/** On this thread, which does nothing else meanwhile: for commands, and before the server serves. */
export const copyHere: Copy = (from, to) =>
  Promise.resolve().then(() => {
    copyDatabase(from, to);
    return findDamage(to, "full");
  });

/** What the thread is told, and what it says. */
export interface CopyOrder {
  from: string;
  to: string;
  /** Who sets `stage[0]` from 0 first has its way: the thread to `COPYING`, or the server to `CALLED_OFF`. */
  stage: Int32Array<SharedArrayBuffer>;
}
export const COPYING = 1;
const CALLED_OFF = 2;

export type CopyResult = { damage: string | null } | { error: string };

/** A copy that is under way can't be cut off, and would come back after it was removed: its end is waited for so long. */
const STOP_MS = 2_000;
/** So often the copy's bytes are sent to the disk while it grows. */
const FLUSH_EVERY_MS = 10;

/**
 * In a thread of its own, so that the server goes on. `entry`: the thread's program. It may do all that the
 * server may, since SQLite copies for nobody who may do less; it sees nothing but our own files.
 */
export const copyInThread = (entry: URL): Copy => async (from, to, signal) => {
  signal.throwIfAborted();
  const thread = new Worker(entry, { type: "module" });
  const { promise, resolve, reject } = Promise.withResolvers<CopyResult>();
  const stage = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    const isCopying = Atomics.compareExchange(stage, 0, 0, CALLED_OFF) === COPYING;
    if (isCopying) waiting = setTimeout(() => reject(signal.reason), STOP_MS);
    else reject(signal.reason);
  };
  signal.addEventListener("abort", stop, { once: true });
  thread.onmessage = ({ data }: MessageEvent<CopyResult>) => resolve(data);
  thread.onerror = (event) => {
    // Otherwise an error in the thread would end the whole server.
    event.preventDefault();
    reject(new Error(`the thread that copies failed: ${event.message}`));
  };
  const ended = new AbortController();
  const flushing = keepFlushing(to, ended.signal);
  try {
    thread.postMessage({ from, to, stage } satisfies CopyOrder);
    const result = await promise;
    signal.throwIfAborted();
    if ("error" in result) throw new Error(result.error);
    return result.damage;
  } finally {
    ended.abort();
    clearTimeout(waiting);
    signal.removeEventListener("abort", stop);
    thread.terminate();
    await flushing;
  }
};

/**
 * Measured with 200 MB: behind a copy that is flushed only at its end some write waits for 150 ms; behind one
 * that is flushed as it grows none waits for more than 18.
 */
async function keepFlushing(path: string, ended: AbortSignal): Promise<void> {
  let file: Deno.FsFile | null = null;
  while (!ended.aborted) {
    await new Promise((resolve) => setTimeout(resolve, FLUSH_EVERY_MS));
    try {
      file ??= await Deno.open(path, { read: true, write: true });
      await file.syncData();
    } catch (error) {
      // It is not there yet, or not any more. What can't be written fails in the thread, too, which tells.
      if (!(error instanceof Deno.errors.NotFound)) break;
    }
  }
  file?.close();
}
