/**
 * Sees from outside when what a server writes is committed: another reader of its database, in a thread that
 * nothing else holds up, for which a row is there only when the log has been synced.
 */
import { DatabaseSync } from "node:sqlite";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

/** How exact it is. */
const LOOK_EVERY_MS = 2;

export interface CommitWatch {
  /** Ends it; gives when each finished turn was there to see, in milliseconds since the epoch, by its request. */
  end(): Promise<Map<string, number>>;
}

/** Watches the database at `path`, which exists. */
export function watchCommits(path: string): CommitWatch {
  const worker = new Worker(new URL(import.meta.url), { workerData: path });
  const seen = new Promise<Map<string, number>>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  return {
    async end() {
      worker.postMessage("end");
      return await seen;
    },
  };
}

function watch(path: string): void {
  const seen = new Map<string, number>();
  const db = new DatabaseSync(path, { readOnly: true });
  const version = db.prepare("PRAGMA data_version");
  const newest = db.prepare("SELECT coalesce(max(seq), 0) AS seq FROM events");
  const news = db.prepare(`
    SELECT seq, CASE WHEN type = 'turn_finished' THEN data ->> '$.requestId' END AS request FROM events
    WHERE seq > ? ORDER BY seq`);
  let seq = Number(newest.get()!.seq);
  let known: unknown = null;
  const timer = setInterval(() => {
    const { data_version: now } = version.get()!;
    if (now === known) return;
    known = now;
    const rows = news.all(seq);
    const atMs = Date.now();
    for (const row of rows) {
      seq = Number(row.seq);
      if (row.request !== null) seen.set(String(row.request), atMs);
    }
  }, LOOK_EVERY_MS);
  parentPort!.once("message", () => {
    clearInterval(timer);
    db.close();
    parentPort!.postMessage(seen);
  });
}

if (!isMainThread) watch(workerData as string);
