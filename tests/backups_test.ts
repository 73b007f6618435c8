/** Backups by hand, on page and API, and what is said when one can't be made. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { dirname, join } from "node:path";
import { Hono } from "hono";
import { Api, type Env } from "../server/api.ts";
import { type Backups, createBackups } from "../server/backup.ts";
import { MINUTE_MS, timeText } from "../server/clock.ts";
import type { Config } from "../server/config.ts";
import { createHttp } from "../server/http.ts";
import { systemApi } from "../server/routes/system.ts";
import { mountPages } from "../server/routes/pages.tsx";
import { createEventStreams } from "../server/sse.ts";
import { openDb } from "../server/db.ts";
import { tempDir } from "./gaffer.ts";
import { noAssets } from "./http_support.ts";
import { type TestApp, testApp } from "./support.ts";

const NOW = "2026-01-02T03:04:05.000Z";
const NOW_MS = Date.parse(NOW);

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
