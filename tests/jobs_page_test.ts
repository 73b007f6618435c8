/** The page of the queue, and what its forms send. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  strictEqual as equal,
} from "node:assert";
import { claim } from "../queue/claim.ts";
import { finish } from "../queue/lease.ts";
import { queueLimits } from "../queue/limits.ts";
import { enqueue, getJob } from "../queue/queue.ts";
import { putSchedule } from "../queue/schedules.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS, timeText } from "../server/clock.ts";
import { giveUpJob } from "../server/services/jobs.ts";
import { listIdeaRuns } from "../server/store/runs.ts";
import { jobOf } from "./jobs_support.ts";
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

const take = (app: TestApp, max = 1) =>
  app.tx((tx) =>
    claim(tx, { limits: queueLimits(app.config), owner: "boot", leaseMs: MINUTE_MS, max })
  );
/** A job's row of the page. */
const rowOf = (html: string, id: string): string => {
  const [, row = ""] = html.split(`id="job-${id}"`);
  return row.split('id="job-')[0]!;
};
const text = (html: string): string => html.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");

Deno.test("a row says which agent does the job, in which run, for what, and since when", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  const [clarifier] = listIdeaRuns(app.db, idea.id);
  const { id } = jobOf(app, "run_agent", { runId: clarifier!.id });
  app.db.exec("UPDATE jobs SET status = 'cancelled' WHERE kind = 'advance_idea'");
  equal(take(app)[0]!.id, id);
  app.advance(2 * MINUTE_MS);
  const row = rowOf(await (await pagesBench(app).get("/jobs")).text(), id);
  match(row, new RegExp(`by <a href="/runs/${clarifier!.id}">clarifier</a>`));
  match(row, new RegExp(`<a href="/ideas/${idea.id}">Idea #1 Greet people by name</a>`));
  match(text(row), /Working .*Sample agents Normal 2 min Cancel/);
});

Deno.test("only the first that nothing holds up comes next; the others wait their turn, or for the disk", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const [first, second] = [add(app), add(app)];
  const html = await (await pages.get("/jobs")).text();
  match(rowOf(html, first), /It comes next/);
  match(rowOf(html, second), /Waits its turn/);
  app.db.fault = { kind: "disk_full", since: timeText(app.clock.nowMs()) };
  const held = await (await pages.get("/jobs")).text();
  match(rowOf(held, first), /Nothing can be saved: the disk with the data folder is full/);
  match(held, /Nothing begins/);
});

Deno.test("the page shows the limits, and what recurs", async () => {
  using app = testApp({ config: { maxRunsPerProject: 2, maxJobs: 5 } });
  app.tx((tx) => putSchedule(tx, { name: "n", cron: "17 * * * *", kind: "prune", args: {} }));
  const words = text(await (await pagesBench(app).get("/jobs")).text());
  match(words, /Agents 0 of 4 at work, 0 waiting At most 2 of one project/);
  match(words, /At most 5 jobs of all queues at a time/);
  match(words, /Recurring Throw away what nobody needs 17 \* \* \* \* UTC Next in 12 min/);
});

Deno.test("a queue's figures and the list's agree on what waits and what has its time", async () => {
  using app = testApp();
  add(app);
  add(app, app.clock.nowMs() + MINUTE_MS);
  const words = text(await (await pagesBench(app).get("/jobs")).text());
  match(words, /Scheduled 1 .*Waiting 1 .*Upkeep 0 of 1 at work, 1 waiting, 1 scheduled/);
});

Deno.test("the charts of the last day hold what ended in each hour, and how long it had waited", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  add(app);
  add(app);
  app.advance(3 * SECOND_MS);
  const [job] = take(app);
  app.tx((tx) => finish(tx, job!, { type: "done" }));
  const [dead] = take(app);
  app.tx((tx) => finish(tx, dead!, { type: "discard", reason: "r", failure: "internal" }));
  app.advance(HOUR_MS);
  const html = await (await pages.get("/jobs")).text();
  const chart = (id: string) =>
    html.split(`<figure class="chart" id="${id}">`)[1]!.split("</figure>")[0]!;
  const rows = (id: string) =>
    [...chart(id).matchAll(/<tr><th scope="row">(.*?)<\/tr>/g)].map(([, row]) => text(row!).trim());
  equal(rows("jobs-ended").length, 24);
  deepEqual(rows("jobs-ended").slice(-2), ["03:00 1 1", "04:00 0 0"]);
  deepEqual(rows("jobs-wait").slice(-2), ["03:00 3 s", "04:00 –"]);
  deepEqual([...chart("jobs-ended").matchAll(/<rect /g)].length, 2, "a bar for each part");
  match(text(chart("jobs-ended")), /Jobs ended up to 2/);
});

Deno.test("a dead letter is run again from its row, unless its work has moved on", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  await app.idea("submitted");
  const { id } = jobOf(app, "advance_idea");
  app.db.exec("UPDATE jobs SET status = 'discarded', finished_at = created_at");
  app.tx((tx) => giveUpJob(app, tx, getJob(tx.db, id), "a fault"));
  const row = async () => rowOf(await (await pages.get("/jobs?status=discarded")).text(), id);
  match(await row(), new RegExp(`/jobs/${id}/retry`));
  app.db.exec("UPDATE ideas SET status = 'ready'");
  doesNotMatch(await row(), new RegExp(`/jobs/${id}/retry`));
  match(
    await row(),
    /run again: idea #1 is .*ready/,
  );
  equal((await pages.post(`/jobs/${id}/retry`)).status, 409);
  const all = await pages.post("/jobs/retry-discarded");
  match(
    decodeURIComponent(all.headers.get("set-cookie")!),
    /The work of 0 jobs was taken up again; 1 stays as it is/,
  );
  app.db.exec("UPDATE ideas SET status = 'stuck'");
  equal((await pages.post(`/jobs/${id}/retry`)).status, 303);
  equal(getJob(app.db, id).status, "available");
});
