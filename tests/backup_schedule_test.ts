/** When backups are made by schedule: by the real queue, on a clock that the test moves. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { join } from "node:path";
import { backupHandler } from "../queue/handlers/backup.ts";
import { getJob, listJobs } from "../queue/queue.ts";
import { createRunner, type Runner } from "../queue/runner.ts";
import { listSchedules } from "../queue/schedules.ts";
import { createBackups } from "../server/backup.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../server/clock.ts";
import type { Config } from "../server/config.ts";
import { scheduleBackups } from "../server/services/backups.ts";
import { cancelJob } from "../server/services/jobs.ts";
import { type BareApp, bareApp, START_MS } from "./bare_app.ts";
import { tempDir } from "./gaffer.ts";

const limits = { queues: { agents: 1, steps: 1, merges: 1, forges: 1, upkeep: 1 }, crashes: 3 };
/** The clock is moved no further at once, so that what takes a moment is over before the next. */
const STEP_MS = MINUTE_MS;

interface Server extends AsyncDisposable {
  app: BareApp;
  /** A start, with settings that may have changed. */
  start(config?: Partial<Config>): Promise<void>;
  stop(): Promise<void>;
  /** Time passes, with the server or without. */
  pass(ms: number): Promise<void>;
  /** When backups by schedule were made, in minutes from the test's beginning; the oldest first. */
  made(): number[];
  /** From now on every backup does this instead; null: it is made. */
  instead(make: ((signal: AbortSignal) => Promise<never>) | null): void;
}

async function server(): Promise<Server> {
  const temp = await tempDir();
  const app = bareApp({ path: join(temp.path, "gaffer.db"), config: { dataDir: temp.path } });
  let instead: ((signal: AbortSignal) => Promise<never>) | null = null;
  const { make } = app.backups;
  const made: number[] = [];
  app.backups.make = async (kind, signal) => {
    if (instead) return await instead(signal);
    const atMs = app.clock.nowMs();
    const backup = await make(kind, signal);
    if (kind === "daily") made.push(Math.round((atMs - START_MS) / MINUTE_MS));
    return backup;
  };
  let runner: Runner | null = null;
  let lives = 0;
  /** Until what has begun is over, or waits for what never comes. */
  const settle = async () => {
    if (instead === null) await runner?.idle();
    else await new Promise<void>((resolve) => setImmediate(resolve));
  };
  const stop = async () => {
    await runner?.stop(0);
    runner = null;
  };
  return {
    app,
    async start(config = {}) {
      Object.assign(app.config, config);
      app.tx((tx) => scheduleBackups(app, tx));
      runner = createRunner({
        app,
        handlers: [backupHandler(app.clock.nowMs())],
        limits,
        bootId: `life ${++lives}`,
        timers: app.timers,
        random: () => 0.5,
      });
      runner.start();
      await settle();
    },
    stop,
    async pass(ms) {
      for (let left = ms; left > 0; left -= STEP_MS) {
        app.advance(Math.min(left, STEP_MS));
        await settle();
      }
    },
    made: () => made,
    instead: (make) => void (instead = make),
    async [Symbol.asyncDispose]() {
      await stop();
      app[Symbol.dispose]();
      await temp[Symbol.asyncDispose]();
    },
  };
}

/** The job that waits for its time to look. */
const waiting = ({ app }: Server) => {
  const [job, ...others] = listJobs(app.db, { status: "scheduled", kind: "backup", limit: 9 });
  equal(others.length, 0);
  return job!;
};
const DAY = 24 * 60;

Deno.test("the first backup is made soon after the first start but not in its first minutes, the next ones daily", async () => {
  await using s = await server();
  await s.start();
  await s.pass(9 * MINUTE_MS);
  deepEqual(s.made(), []);
  await s.pass(MINUTE_MS);
  deepEqual(s.made(), [10]);
  await s.pass(3 * DAY_MS + HOUR_MS);
  const [, ...later] = s.made();
  equal(later.length, 3);
  later.forEach((at, index) => ok(Math.abs(at - (index + 1) * DAY) <= 40, `${at}`));
});

Deno.test("a backup whose job a person cancels is made all the same, an hour later at most", async () => {
  await using s = await server();
  await s.start();
  await s.pass(5 * MINUTE_MS);
  cancelJob(s.app, waiting(s).id);
  await s.pass(10 * MINUTE_MS);
  deepEqual(s.made(), []);
  await s.pass(HOUR_MS);
  equal(s.made().length, 1);
});

const hang = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });

Deno.test("a backup that times out over and over is made once that is over", async () => {
  await using s = await server();
  s.instead(hang);
  await s.start();
  await s.pass(5 * HOUR_MS);
  const notes = listJobs(s.app.db, { kind: "backup", limit: 99 }).flatMap(({ errors }) => errors);
  ok(notes.filter(({ failure }) => failure === "timed_out").length >= 4);
  deepEqual(s.made(), []);
  await s.stop();
  s.instead(null);
  await s.start();
  await s.pass(HOUR_MS);
  equal(s.made().length, 1);
});

Deno.test("a backup whose job was given up is made with the next look", async () => {
  await using s = await server();
  await s.start();
  // As for a job with which the process died three times.
  const { id } = waiting(s);
  s.app.db.exec("UPDATE jobs SET status = 'discarded', finished_at = scheduled_at");
  await s.pass(HOUR_MS);
  equal(getJob(s.app.db, id).status, "discarded");
  equal(s.made().length, 1);
});

Deno.test("what was missed while Gaffer did not run is made once, soon after the start", async () => {
  await using s = await server();
  await s.start();
  await s.pass(2 * HOUR_MS);
  await s.stop();
  await s.pass(5 * DAY_MS);
  const startedAt = 2 * 60 + 5 * DAY;
  await s.start();
  await s.pass(9 * MINUTE_MS);
  deepEqual(s.made(), [10], "not in the first minutes");
  await s.pass(MINUTE_MS);
  deepEqual(s.made(), [10, startedAt + 10]);
  await s.pass(20 * HOUR_MS);
  deepEqual(s.made(), [10, startedAt + 10]);
});

Deno.test("a start with a look that came due while Gaffer did not run puts it off; another start does not", async () => {
  await using s = await server();
  await s.start();
  await s.pass(5 * MINUTE_MS);
  await s.stop();
  await s.pass(MINUTE_MS);
  await s.start();
  await s.pass(4 * MINUTE_MS);
  deepEqual(s.made(), [10], "starts that follow each other don't keep it from being made");

  await using late = await server();
  await late.start();
  await late.pass(5 * MINUTE_MS);
  await late.stop();
  await late.pass(20 * MINUTE_MS);
  await late.start();
  await late.pass(9 * MINUTE_MS);
  deepEqual(late.made(), []);
  await late.pass(MINUTE_MS);
  deepEqual(late.made(), [35]);
});

Deno.test("a start makes none while the last one is not old enough", async () => {
  await using s = await server();
  await s.start();
  await s.pass(2 * HOUR_MS);
  await s.stop();
  await s.start();
  await s.pass(20 * HOUR_MS);
  deepEqual(s.made(), [10]);
});

Deno.test("they can be made more often, or not at all, from the next start on", async () => {
  await using s = await server();
  await s.start();
  await s.pass(4 * HOUR_MS);
  deepEqual(s.made(), [10]);
  await s.stop();
  await s.start({ backupEveryHours: 2 });
  await s.pass(12 * HOUR_MS);
  const often = [...s.made()];
  ok(often.length >= 6 && often.length <= 8, `${often}`);
  await s.stop();
  await s.start({ backupEveryHours: 0 });
  deepEqual(listSchedules(s.app.db), []);
  await s.pass(2 * DAY_MS);
  deepEqual(s.made(), often);
  await s.stop();
  await s.start({ backupEveryHours: 24 });
  await s.pass(HOUR_MS);
  equal(s.made().length, often.length + 1);
});

Deno.test("hourly ones come every hour", async () => {
  await using s = await server();
  await s.start({ backupEveryHours: 1 });
  await s.pass(6 * HOUR_MS);
  deepEqual(s.made(), [10, 99, 159, 219, 279, 339]);
});

Deno.test("a backup that was made while the clock was wrong puts none off, nor do those by hand", async () => {
  await using s = await server();
  s.app.setClock(START_MS + 400 * DAY_MS);
  const { madeAt } = await s.app.backups.make("daily", new AbortController().signal);
  equal(Date.parse(madeAt), START_MS + 400 * DAY_MS);
  s.app.setClock(START_MS);
  await s.app.backups.make("manual", new AbortController().signal);
  await s.start();
  await s.pass(10 * MINUTE_MS);
  deepEqual(s.made(), [400 * DAY, 10]);
});

Deno.test("one that fails is shown, and tried again within the hour", async () => {
  await using s = await server();
  const news: string[] = [];
  s.app.hub.subscribe(({ kind }) => news.push(kind));
  await s.start();
  const failing = createBackups({
    dataDir: s.app.config.dataDir,
    nowMs: s.app.clock.nowMs,
    copy: () => Promise.reject(new Error("database or disk is full")),
  });
  const { make } = s.app.backups;
  s.app.backups.make = failing.make;
  await s.pass(10 * MINUTE_MS);
  deepEqual(s.made(), []);
  match(failing.failure!.message, /the disk with the data folder is full/);
  ok(news.includes("storage"), "open pages hear of it");
  match(s.app.lines.at(-1)!.message, /could not be backed up/);
  s.app.backups.make = make;
  await s.pass(HOUR_MS);
  equal(s.made().length, 1);
});

Deno.test("a stop in the middle of one is no failure: it comes with the next start", async () => {
  await using s = await server();
  s.instead(hang);
  await s.start();
  await s.pass(11 * MINUTE_MS);
  const [job] = listJobs(s.app.db, { status: "executing", limit: 9 });
  equal(job!.kind, "backup");
  await s.stop();
  equal(s.app.backups.failure, null);
  s.instead(null);
  await s.start();
  await s.pass(15 * MINUTE_MS);
  equal(s.made().length, 1);
});
