/** When backups are made: by schedule, by hand on page and API, and what is said when one can't be. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { dirname, join } from "node:path";
import { Hono } from "hono";
import { backupHandler } from "../queue/handlers/backup.ts";
import { Api, type Env } from "../server/api.ts";
import { type Backups, createBackups } from "../server/backup.ts";
import { HOUR_MS, MINUTE_MS, timeText } from "../server/clock.ts";
import type { Config } from "../server/config.ts";
import { createHttp } from "../server/http.ts";
import { systemApi } from "../server/routes/system.ts";
import { mountPages } from "../server/routes/pages.tsx";
import { scheduleBackup } from "../server/services/backups.ts";
import { createEventStreams } from "../server/sse.ts";
import { openDb } from "../server/db.ts";
import { tempDir } from "./gaffer.ts";
import { noAssets } from "./http_support.ts";
import { type TestApp, testApp } from "./support.ts";

const NOW = "2026-01-02T03:04:05.000Z";
const NOW_MS = Date.parse(NOW);
const never = new AbortController().signal;

interface Place extends AsyncDisposable {
  app: TestApp;
  /** Moves the clock of the App and of the backups. */
  advance(ms: number): void;
  failWith(message: string | null): void;
  http: Hono<Env>;
}

/** An App whose data folder has a database; its own is in memory. */
async function place(config: Partial<Config> = {}): Promise<Place> {
  const temp = await tempDir();
  openDb(join(temp.path, "gaffer.db")).close();
  const app = testApp({ now: NOW, config: { ...config, dataDir: temp.path } });
  let failure: string | null = null;
  const real = createBackups({ dataDir: temp.path, nowMs: app.clock.nowMs });
  const failing = createBackups({
    dataDir: temp.path,
    nowMs: app.clock.nowMs,
    copy: () => Promise.reject(new Error(failure!)),
  });
  const backups: Backups = {
    make: (...args) => (failure === null ? real : failing).make(...args),
    list: () => real.list(),
    get failure() {
      return failure === null ? real.failure : failing.failure;
    },
  };
  app.backups = backups;
  const streams = createEventStreams();
  const http = createHttp(app, {
    assets: noAssets,
    mountApi: (api: Api) => systemApi(api),
    mountPages: (pages) => mountPages(pages, { assets: noAssets, streams }),
    renderError: ({ message }) => message,
  });
  return {
    app,
    http,
    advance: app.advance,
    failWith: (message) => void (failure = message),
    async [Symbol.asyncDispose]() {
      app[Symbol.dispose]();
      await temp[Symbol.asyncDispose]();
    },
  };
}

/** When the waiting backup is due, in minutes from now; null: none waits. */
function dueIn({ app }: Place): number | null {
  const row = app.db.prepare(
    "SELECT scheduled_at FROM jobs WHERE kind = 'backup' AND status IN ('scheduled', 'available')",
  ).get();
  return row
    ? Math.round((Date.parse(String(row.scheduled_at)) - app.clock.nowMs()) / MINUTE_MS)
    : null;
}

const schedule = ({ app }: Place) => app.tx((tx) => scheduleBackup(app, tx));
/** What the queue does when the job is due. */
async function runDue(p: Place): Promise<string> {
  p.app.db.exec("UPDATE jobs SET status = 'completed', finished_at = scheduled_at");
  const job = {} as never;
  return (await backupHandler.run({}, { app: p.app, job, signal: never })).type;
}
const kinds = ({ app }: Place) => app.backups.list().map(({ kind }) => kind);

Deno.test("the first backup is made soon after the first start, the next a day after that", async () => {
  await using p = await place();
  schedule(p);
  equal(dueIn(p), 10);
  schedule(p);
  p.advance(5 * MINUTE_MS);
  schedule(p);
  equal(dueIn(p), 5, "a further start does not put it off");
  p.advance(5 * MINUTE_MS);
  equal(await runDue(p), "done");
  deepEqual(kinds(p), ["daily"]);
  equal(dueIn(p), 24 * 60);
});

Deno.test("a backup that is overdue at a start is made soon, one that is not waits for its time", async () => {
  await using p = await place();
  await p.app.backups.make("daily", never);
  p.advance(10 * HOUR_MS);
  schedule(p);
  equal(dueIn(p), 14 * 60);
  p.advance(100 * HOUR_MS);
  p.app.db.exec("DELETE FROM jobs");
  schedule(p);
  equal(dueIn(p), 10);
});

Deno.test("a backup that was made while the clock was wrong puts none off", async () => {
  await using p = await place();
  p.advance(400 * 24 * HOUR_MS);
  await p.app.backups.make("daily", never);
  p.advance(-400 * 24 * HOUR_MS);
  schedule(p);
  equal(dueIn(p), 10);
});

Deno.test("backups by hand and before updates don't take the place of the scheduled one", async () => {
  await using p = await place();
  await p.app.backups.make("manual", never);
  schedule(p);
  equal(dueIn(p), 10);
});

Deno.test("they can be made more often, or not at all", async () => {
  await using often = await place({ backupEveryHours: 3 });
  schedule(often);
  await runDue(often);
  equal(dueIn(often), 180);
  await using never = await place({ backupEveryHours: 0 });
  schedule(never);
  equal(dueIn(never), null);
  equal(await runDue(never), "cancel");
  deepEqual(kinds(never), []);
});

Deno.test("when the time between them is made shorter, the one that waits comes sooner", async () => {
  await using p = await place();
  schedule(p);
  await runDue(p);
  equal(dueIn(p), 24 * 60);
  p.app.config.backupEveryHours = 2;
  schedule(p);
  equal(dueIn(p), 120);
});

Deno.test("one that fails is shown, tried again within the hour, and then the day counts from there", async () => {
  await using p = await place();
  p.failWith("database or disk is full");
  const messages: string[] = [];
  p.app.hub.subscribe(({ kind }) => messages.push(kind));
  equal(await runDue(p), "done");
  ok(messages.includes("storage"), "open pages hear of it");
  equal(dueIn(p), 60);
  deepEqual(kinds(p), []);
  match(p.app.backups.failure!.message, /the disk with the data folder is full/);
  p.failWith(null);
  p.advance(HOUR_MS);
  await runDue(p);
  equal(dueIn(p), 24 * 60);
});

Deno.test("a stop in the middle of one is no failure: its job comes back", async () => {
  await using p = await place();
  const stop = AbortSignal.abort(new Error("Gaffer stops"));
  p.app.db.exec("DELETE FROM jobs");
  try {
    await backupHandler.run({}, { app: p.app, job: {} as never, signal: stop });
    throw new Error("it went on");
  } catch (error) {
    match(String(error), /Gaffer stops/);
  }
  equal(dueIn(p), null);
  equal(p.app.backups.failure, null);
});

// ------------------------------------------------------------------ API and page

Deno.test("the API makes one and lists them all, the newest first", async () => {
  await using p = await place();
  const made = await p.http.request("/api/v1/system/backups", { method: "POST" });
  equal(made.status, 201);
  const { name, kind, made_at, bytes } = await made.json();
  deepEqual([name, kind, made_at], ["gaffer-2026-01-02T030405.000Z-manual.db", "manual", NOW]);
  ok(bytes > 0);
  p.advance(MINUTE_MS);
  await p.http.request("/api/v1/system/backups", { method: "POST" });
  const list = await (await p.http.request("/api/v1/system/backups")).json();
  deepEqual(list.items.map((item: { made_at: string }) => item.made_at), [
    timeText(NOW_MS + MINUTE_MS),
    NOW,
  ]);
  equal(list.failure, null);
});

Deno.test("the API says why one could not be made, then and later", async () => {
  await using p = await place();
  p.failWith("Read-only file system (os error 30)");
  const refused = await p.http.request("/api/v1/system/backups", { method: "POST" });
  equal(refused.status, 503);
  match((await refused.json()).detail, /^Cannot back up to .*: the data folder can't be written/);
  const list = await (await p.http.request("/api/v1/system/backups")).json();
  match(list.failure.message, /can't be written/);
});

Deno.test("the page shows them with their sizes and what to do with one, and makes one at a press", async () => {
  await using p = await place();
  const settings = async () => await (await p.http.request("/settings")).text();
  match(await settings(), /Backups.*There is none yet/s);
  const pressed = await p.http.request("/settings/back-up", { method: "POST" });
  deepEqual([pressed.status, pressed.headers.get("location")], [303, "/settings"]);
  match(decodeURIComponent(pressed.headers.get("set-cookie")!), /Backed up: gaffer-2026-01-02T03/);
  const page = await settings();
  match(page, /gaffer-2026-01-02T030405\.000Z-manual\.db.*MB, asked for/s);
  // With the folder: this server's is seldom the default one.
  const { dataDir } = p.app.config;
  const [, file, folder] = /deno task start restore (\S+-manual\.db) --data ([^\s<]+)</.exec(page)!;
  deepEqual([dirname(file!), folder], [join(dataDir, "backups"), dataDir]);
  match(page, /<form[^>]*action="\/settings\/back-up"/);
  p.failWith("database or disk is full");
  p.advance(MINUTE_MS);
  await p.http.request("/settings/back-up", { method: "POST" });
  match(await settings(), /The last backup could not be made.*disk with the data folder is full/s);
});
