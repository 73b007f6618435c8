/**
 * Recurring jobs. A schedule keeps the time at which it fires next; asking for the job and moving that time on
 * are one transaction, so a kill between the two loses and doubles nothing. Times that have fired never fire
 * again, even if the clock is set back to before them.
 */
import { DAY_MS, MINUTE_MS, timeText } from "../server/clock.ts";
import type { Db, Row, Tx } from "../server/db.ts";
import { DEFAULT_PRIORITY } from "../server/states.ts";
import { nextTime } from "./cron.ts";
import type { JobKind, JobKinds } from "./job.ts";
import { enqueue, ring } from "./queue.ts";

/**
 * What becomes of times that passed while Gaffer did not run (or slept): `once` they give one job together,
 * `all` one each, `skip` none.
 */
export type CatchUp = "once" | "all" | "skip";

export interface NewSchedule<K extends JobKind = JobKind> {
  /** A second one of the name replaces the first. */
  name: string;
  /** Five parts, or @daily and the like (cron.ts). */
  cron: string;
  /** "UTC" when absent. */
  timeZone?: string;
  kind: K;
  args: JobKinds[K];
  priority?: number;
  projectId?: string;
  /** `once` when absent. */
  catchUp?: CatchUp;
}

export interface Schedule {
  name: string;
  cron: string;
  timeZone: string;
  kind: string;
  args: Record<string, unknown>;
  priority: number;
  projectId: string | null;
  catchUp: CatchUp;
  /** Null: its expression names no time that is still to come. */
  nextAt: string | null;
  /** When it fired last. */
  lastAt: string | null;
}

/** With `skip`, a time counts as passed when it is noticed later than this. */
const LATE_MS = MINUTE_MS;
/** With `all`, of more than so many times that have passed only the first are made up for. */
export const MAX_CAUGHT_UP = 100;
/** A last time so far in the future means that the clock was wrong then. */
const WRONG_CLOCK_MS = DAY_MS;

/**
 * Adds a schedule, or changes the one of its name; one that stays as it was keeps its next time. Throws
 * `invalid` for an expression or time zone that there is not.
 */
export function putSchedule<K extends JobKind>(tx: Tx, schedule: NewSchedule<K>): void {
  const { name, cron, timeZone = "UTC" } = schedule;
  const nextMs = nextTime({ expression: cron, timeZone }, tx.nowMs);
  tx.db.prepare(`
    INSERT INTO schedules (name, cron, time_zone, kind, args, priority, project_id, catch_up, next_at,
      created_at, updated_at)
    VALUES (:name, :cron, :timeZone, :kind, :args, :priority, :projectId, :catchUp, :nextAt, :now, :now)
    ON CONFLICT (name) DO UPDATE SET
      next_at = CASE WHEN cron = excluded.cron AND time_zone = excluded.time_zone
        THEN next_at ELSE excluded.next_at END,
      cron = excluded.cron, time_zone = excluded.time_zone, kind = excluded.kind, args = excluded.args,
      priority = excluded.priority, project_id = excluded.project_id, catch_up = excluded.catch_up,
      updated_at = excluded.updated_at
  `).run({
    name,
    cron,
    timeZone,
    kind: schedule.kind,
    args: JSON.stringify(schedule.args),
    priority: schedule.priority ?? DEFAULT_PRIORITY,
    projectId: schedule.projectId ?? null,
    catchUp: schedule.catchUp ?? "once",
    nextAt: textOf(nextMs),
    now: tx.now,
  });
  ring(tx);
}

/** The jobs that it has asked for stay. False: there is none of this name. */
export function dropSchedule(tx: Tx, name: string): boolean {
  return tx.db.prepare("DELETE FROM schedules WHERE name = :name").run({ name }).changes > 0;
}

/** By name. */
export function listSchedules(db: Db): Schedule[] {
  return db.prepare("SELECT * FROM schedules ORDER BY name").all().map(scheduleFromRow);
}

/** Asks for the jobs of all schedules whose time has come, and moves them on. */
export function fireSchedules(tx: Tx): void {
  const due = tx.db.prepare(`
    SELECT * FROM schedules WHERE next_at <= :now ORDER BY next_at
  `).all({ now: tx.now });
  for (const row of due) fire(tx, scheduleFromRow(row));
}

function fire(tx: Tx, schedule: Schedule): void {
  for (const atMs of timesToDo(schedule, tx.nowMs)) ask(tx, schedule, atMs);
  tx.db.prepare(`
    UPDATE schedules SET next_at = :nextAt, last_at = :now WHERE name = :name
  `).run({ name: schedule.name, nextAt: textOf(timeAfter(schedule, tx.nowMs)), now: tx.now });
}

/** Which of the times from its next one up to now get a job. */
function timesToDo(schedule: Schedule, nowMs: number): number[] {
  const firstMs = Date.parse(schedule.nextAt!);
  switch (schedule.catchUp) {
    case "once":
      return [firstMs];
    case "skip": {
      const atMs = timeAfter(schedule, Math.max(firstMs, nowMs - LATE_MS) - 1);
      return atMs !== null && atMs <= nowMs ? [atMs] : [];
    }
    case "all": {
      const times: number[] = [];
      let atMs: number | null = firstMs;
      while (atMs !== null && atMs <= nowMs && times.length < MAX_CAUGHT_UP) {
        times.push(atMs);
        atMs = timeAfter(schedule, atMs);
      }
      return times;
    }
  }
}

/** The unique key of a schedule's jobs, but for one with `all`: whoever asks for its job uses it as well. */
export const scheduleKey = (name: string): string => `schedule:${name}`;

/** While its last job still waits, one is enough; only `all` counts them. */
function ask(tx: Tx, { name, kind, args, priority, projectId, catchUp }: Schedule, atMs: number) {
  const key = catchUp === "all" ? `${scheduleKey(name)}:${timeText(atMs)}` : scheduleKey(name);
  enqueue(tx, {
    kind: kind as JobKind,
    args: args as never,
    priority,
    runAtMs: atMs,
    uniqueKey: key,
    ...projectId === null ? {} : { projectId },
  });
}

/**
 * After a clock that was a day or more ahead: schedules that fired in that future would wait until it comes,
 * so they are planned anew.
 */
export function replanSchedules(tx: Tx): void {
  const soon = timeText(tx.nowMs + WRONG_CLOCK_MS);
  const wrong = tx.db.prepare("SELECT * FROM schedules WHERE last_at > :soon").all({ soon });
  for (const schedule of wrong.map(scheduleFromRow)) {
    tx.db.prepare(`
      UPDATE schedules SET next_at = :nextAt, last_at = NULL WHERE name = :name
    `).run({ name: schedule.name, nextAt: textOf(timeAfter(schedule, tx.nowMs)) });
  }
}

const timeAfter = ({ cron, timeZone }: Schedule, ms: number): number | null =>
  nextTime({ expression: cron, timeZone }, ms);

const textOf = (ms: number | null): string | null => ms === null ? null : timeText(ms);

const scheduleFromRow = (row: Row): Schedule => ({
  name: String(row.name),
  cron: String(row.cron),
  timeZone: String(row.time_zone),
  kind: String(row.kind),
  args: JSON.parse(String(row.args)),
  priority: Number(row.priority),
  projectId: row.project_id as string | null,
  catchUp: row.catch_up as CatchUp,
  nextAt: row.next_at as string | null,
  lastAt: row.last_at as string | null,
});
