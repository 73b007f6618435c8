/** The page of the queue, and what its forms send. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  strictEqual as equal,
} from "node:assert";
import { enqueue, getJob } from "../queue/queue.ts";
import { pagesBench } from "./pages_support.ts";
import { type TestApp, testApp } from "./support.ts";

const add = (app: TestApp, runAtMs?: number): string =>
  app.tx((tx) =>
    enqueue(tx, {
      kind: "prune",
      args: {},
      ...(runAtMs ? { runAtMs } : {}),
    })!
  );

Deno.test("the page shows what waits and why, and offers what its state allows", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const now = add(app);
  const later = add(app, app.clock.nowMs() + 60_000);
  const html = await (await pages.get("/jobs")).text();
  match(html, /Throw away what nobody needs/);
  match(html, new RegExp(`/jobs/${now}/cancel`));
  doesNotMatch(html, new RegExp(`/jobs/${now}/retry`));
  match(html, new RegExp(`/jobs/${later}/retry`));
  match(html, /It comes next/);
  const scheduled = await (await pages.get("/jobs?status=scheduled")).text();
  doesNotMatch(scheduled, new RegExp(`job-${now}"`));
});

Deno.test("a job is run at once, or cancelled, from its row; one that has ended is refused", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const id = add(app, app.clock.nowMs() + 60_000);
  equal((await pages.post(`/jobs/${id}/retry`)).status, 303);
  equal(getJob(app.db, id).status, "available");
  equal((await pages.post(`/jobs/${id}/cancel`)).status, 303);
  equal(getJob(app.db, id).status, "cancelled");
  equal((await pages.post(`/jobs/${id}/cancel`)).status, 409);
});

Deno.test("a queue is paused and goes on; jobs say that they wait for it", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  add(app);
  equal((await pages.post("/queues/upkeep/pause")).status, 303);
  match(await (await pages.get("/jobs")).text(), /Its queue was paused by/);
  equal((await pages.post("/queues/upkeep/pause")).status, 409);
  equal((await pages.post("/queues/upkeep/resume")).status, 303);
  equal((await pages.post("/queues/upkeep/resume")).status, 409);
  equal((await pages.post("/queues/nonsense/pause")).status, 404);
});

Deno.test("all that was given up runs again with one press", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const ids = [add(app), add(app)];
  app.db.exec("UPDATE jobs SET status = 'discarded', finished_at = created_at");
  match(await (await pages.get("/jobs?status=discarded")).text(), /Run all 2 again/);
  equal((await pages.post("/jobs/retry-discarded")).status, 303);
  deepEqual(ids.map((id) => getJob(app.db, id).status), ["available", "available"]);
});
