/** When the database is backed up: by schedule, and when a person asks for it. */
import { enqueue } from "../../queue/queue.ts";
import type { App } from "../app.ts";
import type { Backup } from "../backup.ts";
import { HOUR_MS, MINUTE_MS } from "../clock.ts";
import { transact, type Tx } from "../db.ts";
import { messageOf } from "../errors.ts";

/** A start has other things to do first. */
const AFTER_START_MS = 10 * MINUTE_MS;
/** What kept it from being made may be over by then. */
const AFTER_FAILURE_MS = HOUR_MS;
/** A person waits for it. */
const MANUAL_TIMEOUT_MS = 10 * MINUTE_MS;

/** Asks for the next backup; serve.ts does it at the start, then each one does it for the next. */
export function scheduleBackup(app: App, tx: Tx, notBeforeMs = tx.nowMs + AFTER_START_MS): void {
  const { backupEveryHours } = app.config;
  if (backupEveryHours === 0) return;
  // One of the future was made while the clock was wrong.
  const last = app.backups.list().find(({ kind, madeAt }) =>
    kind === "daily" && Date.parse(madeAt) <= tx.nowMs
  );
  const dueMs = last ? Date.parse(last.madeAt) + backupEveryHours * HOUR_MS : 0;
  enqueue(tx, {
    kind: "backup",
    args: {},
    priority: 3,
    runAtMs: Math.max(dueMs, notBeforeMs),
    uniqueKey: "backup",
    // The time between two of them may have been made shorter.
    onClash: "sooner",
  });
}

/** Makes the scheduled one and asks for the next. A failure is shown, and tried again. False: not wanted. */
export async function backUpBySchedule(app: App, signal: AbortSignal): Promise<boolean> {
  if (app.config.backupEveryHours === 0) return false;
  let failed = false;
  try {
    const { path, bytes } = await app.backups.make("daily", signal);
    app.log.info("the database was backed up", { path, bytes });
  } catch (error) {
    signal.throwIfAborted();
    failed = true;
    app.log.error("the database could not be backed up", { error: messageOf(error) });
  }
  app.hub.publish({ kind: "storage" });
  transact(app, (tx) => scheduleBackup(app, tx, failed ? tx.nowMs + AFTER_FAILURE_MS : tx.nowMs));
  return true;
}

/** Throws as `Backups.make` does. */
export async function backUpNow(app: App): Promise<Backup> {
  try {
    return await app.backups.make("manual", AbortSignal.timeout(MANUAL_TIMEOUT_MS));
  } finally {
    app.hub.publish({ kind: "storage" });
  }
}
