/** When the database is backed up: by schedule, and when a person asks for it. */
import type { Outcome } from "../../queue/job.ts";
import { enqueue } from "../../queue/queue.ts";
import { dropSchedule, putSchedule, scheduleKey } from "../../queue/schedules.ts";
import type { App } from "../app.ts";
import type { Backup } from "../backup.ts";
import { HOUR_MS, MINUTE_MS } from "../clock.ts";
import type { Tx } from "../db.ts";
import { messageOf } from "../errors.ts";

const SCHEDULE = "backup";
/** Looks each hour whether one is due: so none that was cancelled or failed is the last. */
const LOOK_CRON = "43 * * * *";
/** One that is due in less than this is made now: no later look is nearer to its time. */
const NEAREST_LOOK_MS = HOUR_MS / 2;
/** A start has other things to do first. */
const AFTER_START_MS = 10 * MINUTE_MS;
/** A person waits for it. */
const MANUAL_TIMEOUT_MS = 10 * MINUTE_MS;

/**
 * Has it looked again and again whether a backup is due, and once soon after this start; serve.ts says it at each.
 * With backups switched off (`backupEveryHours` 0) nothing looks any more.
 */
export function scheduleBackups(app: App, tx: Tx): void {
  if (app.config.backupEveryHours === 0) {
    dropSchedule(tx, SCHEDULE);
    return;
  }
  putSchedule(tx, { name: SCHEDULE, cron: LOOK_CRON, kind: "backup", args: {}, priority: 3 });
  enqueue(tx, {
    kind: "backup",
    args: {},
    priority: 3,
    runAtMs: tx.nowMs + AFTER_START_MS,
    // Also takes in what the schedule missed while Gaffer did not run.
    uniqueKey: scheduleKey(SCHEDULE),
  });
}

/**
 * Makes the scheduled backup if it is due. A look whose time came before `startedAtMs`, when Gaffer did not run, is
 * put off so that it is none of the start's first minutes. A failure is shown, and the next look tries again.
 */
export async function backUpIfDue(
  app: App,
  { scheduledAt, startedAtMs, signal }: {
    scheduledAt: string;
    startedAtMs: number;
    signal: AbortSignal;
  },
): Promise<Outcome> {
  const { backupEveryHours } = app.config;
  if (backupEveryHours === 0) return { type: "cancel", reason: "Backups are switched off" };
  const waitMs = startedAtMs + AFTER_START_MS - app.clock.nowMs();
  if (Date.parse(scheduledAt) < startedAtMs && waitMs > 0) {
    return { type: "snooze", ms: waitMs, reason: "Gaffer has only just started" };
  }
  if (isDue(app, backupEveryHours)) await backUp(app, signal);
  return { type: "done" };
}

function isDue({ backups, clock }: App, everyHours: number): boolean {
  const nowMs = clock.nowMs();
  // One of the future was made while the clock was wrong.
  const last = backups.list().find(({ kind, madeAt }) =>
    kind === "daily" && Date.parse(madeAt) <= nowMs
  );
  if (!last) return true;
  return Date.parse(last.madeAt) + everyHours * HOUR_MS < nowMs + NEAREST_LOOK_MS;
}

async function backUp(app: App, signal: AbortSignal): Promise<void> {
  try {
    const { path, bytes } = await app.backups.make("daily", signal);
    app.log.info("the database was backed up", { path, bytes });
  } catch (error) {
    signal.throwIfAborted();
    app.log.error("the database could not be backed up", { error: messageOf(error) });
  }
  app.hub.publish({ kind: "storage" });
}

/** Throws as `Backups.make` does. */
export async function backUpNow(app: App): Promise<Backup> {
  try {
    return await app.backups.make("manual", AbortSignal.timeout(MANUAL_TIMEOUT_MS));
  } finally {
    app.hub.publish({ kind: "storage" });
  }
}
