/** Jobs, queues and schedules over the API. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import { claim } from "../queue/claim.ts";
import { finish, type LeasedJob } from "../queue/lease.ts";
import { queueLimits } from "../queue/limits.ts";
import { enqueue, getJob } from "../queue/queue.ts";
import { putSchedule } from "../queue/schedules.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS, timeText } from "../server/clock.ts";
import type { Config } from "../server/config.ts";
import { createHttp } from "../server/http.ts";
import { jobsApi } from "../server/routes/jobs.tsx";
import { giveUpJob } from "../server/services/jobs.ts";
import { listIdeaRuns } from "../server/store/runs.ts";
import { noAssets } from "./http_support.ts";
import { jobOf } from "./jobs_support.ts";
import { type TestApp, testApp } from "./support.ts";

// deno-lint-ignore no-explicit-any
type Json = any;

interface Bench extends Disposable {
  app: TestApp;
  get(path: string): Promise<Json>;
  /** The status first, then the answer. */
  call(method: "GET" | "POST", path: string): Promise<[number, Json]>;
}

function bench(config: Partial<Config> = {}): Bench {
  const app = testApp({ config });
  const http = createHttp(app, {
    assets: noAssets,
    mountApi: jobsApi,
    mountPages: () => {},
    renderError: () => "",
  });
  const call: Bench["call"] = async (method, path) => {
    const answer = await http.request(`/api/v1${path}`, { method });
    return [answer.status, await answer.json()];
  };
  return {
    app,
    call,
    async get(path) {
      const [status, json] = await call("GET", path);
      equal(status, 200, JSON.stringify(json));
      return json;
    },
    [Symbol.dispose]: () => app[Symbol.dispose](),
  };
}

const prune = (app: TestApp, runAtMs = app.clock.nowMs()): string =>
  app.tx((tx) => enqueue(tx, { kind: "prune", args: {}, runAtMs }))!;
const run = (app: TestApp, projectId: string, runId: string): string =>
  app.tx((tx) => enqueue(tx, { kind: "run_agent", args: { runId }, projectId }))!;
const take = (app: TestApp, max = 1): LeasedJob[] =>
  app.tx((tx) =>
    claim(tx, { limits: queueLimits(app.config), owner: "this boot", leaseMs: MINUTE_MS, max })
  );
const ids = ({ items }: Json): string[] => items.map(({ id }: Json) => id);

Deno.test("GET /jobs filters by state, queue, kind and project, all at once, and pages", async () => {
  using site = bench();
  const { app, get, call } = site;
  const [one, two] = [prune(app), prune(app)];
  const [a, b] = [run(app, "prj_a", "r1"), run(app, "prj_b", "r2")];
  take(app); // the first one
  deepEqual(ids(await get("/jobs")), [b, a, two, one]);
  deepEqual(ids(await get("/jobs?status=executing")), [one]);
  deepEqual(ids(await get("/jobs?queue=agents")), [b, a]);
  deepEqual(ids(await get("/jobs?kind=prune")), [two, one]);
  deepEqual(ids(await get("/jobs?project_id=prj_a")), [a]);
  deepEqual(ids(await get("/jobs?status=available&kind=run_agent&project_id=prj_b")), [b]);
  deepEqual(ids(await get("/jobs?status=executing&project_id=prj_b")), []);
  const first = await get("/jobs?queue=upkeep&limit=1");
  deepEqual([ids(first), first.next], [[two], two]);
  const second = await get(`/jobs?queue=upkeep&limit=1&cursor=${first.next}`);
  deepEqual([ids(second), second.next], [[one], null]);
  for (const wrong of ["queue=none", "kind=none", "status=none"]) {
    equal((await call("GET", `/jobs?${wrong}`))[0], 422, wrong);
  }
});

Deno.test("GET /jobs/:id tells who does a job, under which keys, and what became of its attempts", async () => {
  using site = bench();
  const { app, get, call } = site;
  const idea = await app.idea("refining");
  const [clarifier] = listIdeaRuns(app.db, idea.id);
  const { id } = jobOf(app, "run_agent", { runId: clarifier!.id });
  app.db.exec("UPDATE jobs SET status = 'cancelled' WHERE kind = 'advance_idea'");
  const taken = take(app).find((job) => job.id === id)!;
  const now = timeText(app.clock.nowMs());
  const job = await get(`/jobs/${id}`);
  deepEqual(job, {
    id,
    kind: "run_agent",
    args: { runId: clarifier!.id },
    project_id: idea.projectId,
    queue: "agents",
    status: "executing",
    waits_for: null,
    agent: "clarifier",
    priority: 2,
    unique_key: `run:${clarifier!.id}`,
    concurrency_key: `run:${clarifier!.id}`,
    attempt: 1,
    max_attempts: 1000,
    scheduled_at: now,
    leased_by: "this boot",
    started_at: now,
    crashes: 0,
    errors: [],
    created_at: now,
    finished_at: null,
  });
  const runAtMs = app.clock.nowMs() + MINUTE_MS;
  app.tx((tx) =>
    finish(tx, taken, { type: "retry", reason: "Cut off", failure: "network", runAtMs })
  );
  const later = await get(`/jobs/${id}`);
  deepEqual([later.status, later.leased_by, later.waits_for], ["retryable", null, {
    why: "time",
    at: timeText(runAtMs),
  }]);
  deepEqual(later.errors, [{ attempt: 1, at: now, message: "Cut off", failure: "network" }]);
  equal((await get(`/jobs/${prune(app)}`)).agent, null);
  deepEqual((await call("GET", "/jobs/4711"))[0], 404);
});

Deno.test("GET /jobs/:id says why a job waits", async () => {
  using site = bench({ maxRuns: 2, maxRunsPerProject: 1, maxJobs: 3 });
  const { app, get, call } = site;
  const why = async (id: string) => (await get(`/jobs/${id}`)).waits_for;
  run(app, "prj_a", "r1");
  take(app);
  const sameProject = run(app, "prj_a", "r2");
  const other = run(app, "prj_b", "r3");
  const last = run(app, "prj_c", "r4");
  deepEqual(await why(sameProject), { why: "project", busy: 1 });
  deepEqual(await why(other), { why: "order", next: true });
  deepEqual(await why(last), { why: "order", next: false });
  take(app);
  deepEqual(await why(last), { why: "slots", busy: 2 });

  const merge = (ticketId: string) =>
    app.tx((tx) =>
      enqueue(tx, { kind: "merge_ticket", args: { ticketId }, concurrencyKey: "merge:prj_a" })
    )!;
  const [first, second] = [merge("t1"), merge("t2")];
  equal(take(app)[0]!.id, first);
  deepEqual(await why(second), { why: "key", key: "merge:prj_a", job_id: first });
  const step = prune(app);
  deepEqual(await why(step), { why: "total", busy: 3 });

  app.db.exec(`UPDATE jobs SET crashes = 2 WHERE id IN (${first}, ${step})`);
  deepEqual(await why(step), { why: "suspect", job_id: first });
  await call("POST", "/queues/upkeep/pause");
  const at = timeText(app.clock.nowMs());
  deepEqual(await why(step), { why: "paused", by: "owner", at });
  app.db.fault = { kind: "disk_full", since: at };
  deepEqual(await why(step), { why: "storage", fault: "disk_full", since: at });
});

Deno.test("POST /jobs/:id/retry runs a waiting job now, or answers with the one that takes up a dead one", async () => {
  using site = bench();
  const { app, call } = site;
  const waiting = prune(app, app.clock.nowMs() + HOUR_MS);
  const [status, now] = await call("POST", `/jobs/${waiting}/retry`);
  deepEqual([status, now.id, now.status], [200, waiting, "available"]);
  const [again, problem] = await call("POST", `/jobs/${waiting}/retry`);
  deepEqual([again, problem.code], [409, "conflict"]);

  const idea = await app.idea("refining");
  const [clarifier] = listIdeaRuns(app.db, idea.id);
  const { id } = jobOf(app, "run_agent", { runId: clarifier!.id });
  app.db.exec(`UPDATE jobs SET status = 'discarded', finished_at = created_at WHERE id = ${id}`);
  app.tx((tx) => giveUpJob(app, tx, getJob(tx.db, id), "a fault"));
  const [ok, successor] = await call("POST", `/jobs/${id}/retry`);
  deepEqual([ok, successor.kind, successor.agent, successor.status], [
    200,
    "run_agent",
    "clarifier",
    "available",
  ]);
  equal(getJob(app.db, id).status, "cancelled");
  const [refused, why] = await call("POST", `/jobs/${id}/retry`);
  equal(refused, 409);
  match(why.detail, /it is "cancelled"/);
  equal((await call("POST", "/jobs/4711/retry"))[0], 404);
});

Deno.test("POST /jobs/retry-discarded takes up what was given up, and counts what stays", async () => {
  using site = bench();
  const { app, call } = site;
  const dead = prune(app);
  await app.idea("submitted");
  app.db.exec("UPDATE jobs SET status = 'discarded', finished_at = created_at");
  app.db.exec("UPDATE ideas SET status = 'ready'");
  deepEqual(await call("POST", "/jobs/retry-discarded"), [200, { jobs: 1, left: 1 }]);
  equal(getJob(app.db, dead).status, "available");
});

Deno.test("GET /queues gives limits and counts, and says what holds all of them", async () => {
  using site = bench({ maxRunsPerProject: 2, maxJobs: 6 });
  const { app, get } = site;
  prune(app);
  prune(app);
  take(app);
  const { items, max_jobs, held, next } = await get("/queues");
  deepEqual([max_jobs, held, next], [6, null, null]);
  deepEqual(items.map((q: Json) => [q.queue, q.slots, q.slots_per_project]), [
    ["agents", 4, 2],
    ["steps", 2, null],
    ["merges", 2, null],
    ["forges", 4, null],
    ["upkeep", 1, null],
  ]);
  const { counts, paused } = items[4];
  deepEqual([counts.available, counts.executing, counts.discarded, paused], [1, 1, 0, null]);
  const since = timeText(app.clock.nowMs());
  app.db.fault = { kind: "read_only", since };
  deepEqual((await get("/queues")).held, { fault: "read_only", since });

  using unlimited = bench();
  const without = await unlimited.get("/queues");
  deepEqual([without.max_jobs, without.items[0].slots_per_project], [null, null]);
});

Deno.test("POST /queues/:name/pause and /resume stop a queue and let it go on; twice is refused", async () => {
  using site = bench();
  const { app, call, get } = site;
  prune(app);
  const [status, queue] = await call("POST", "/queues/upkeep/pause");
  const paused = { by: "owner", at: timeText(app.clock.nowMs()) };
  deepEqual([status, queue.queue, queue.slots, queue.paused], [200, "upkeep", 1, paused]);
  deepEqual((await get("/queues")).items[4].paused, paused);
  deepEqual(take(app), []);
  equal((await call("POST", "/queues/upkeep/pause"))[0], 409);
  const [resumed, again] = await call("POST", "/queues/upkeep/resume");
  deepEqual([resumed, again.paused], [200, null]);
  equal(take(app).length, 1);
  equal((await call("POST", "/queues/upkeep/resume"))[0], 409);
  for (const verb of ["pause", "resume"]) {
    equal((await call("POST", `/queues/none/${verb}`))[0], 404);
  }
});

Deno.test("GET /queues/stats gives the last 24 hours: what ended, and how long it had waited", async () => {
  using site = bench();
  const { app, get } = site;
  prune(app);
  app.advance(2 * SECOND_MS);
  const [job] = take(app);
  app.tx((tx) => finish(tx, job!, { type: "done" }));
  const { items } = await get("/queues/stats");
  equal(items.length, 24);
  deepEqual(items.at(-1), {
    hour: "2026-01-02T03:00:00.000Z",
    completed: 1,
    discarded: 0,
    cancelled: 0,
    median_wait_ms: 2 * SECOND_MS,
    p95_wait_ms: 2 * SECOND_MS,
  });
  deepEqual([items[0].hour, items[0].median_wait_ms], ["2026-01-01T04:00:00.000Z", null]);
});

Deno.test("GET /schedules gives what recurs, with its last time and its next", async () => {
  using site = bench();
  const { app, get } = site;
  deepEqual(await get("/schedules"), { items: [], next: null });
  app.tx((tx) => {
    putSchedule(tx, {
      ...{ name: "prune", cron: "17 * * * *", timeZone: "Europe/Berlin", kind: "prune" },
      ...{ args: {}, priority: 3 },
    });
  });
  deepEqual((await get("/schedules")).items, [{
    name: "prune",
    cron: "17 * * * *",
    time_zone: "Europe/Berlin",
    kind: "prune",
    args: {},
    priority: 3,
    project_id: null,
    catch_up: "once",
    next_at: "2026-01-02T03:17:00.000Z",
    last_at: null,
  }]);
  app.advance(HOUR_MS);
  take(app);
  const [{ last_at, next_at }] = (await get("/schedules")).items;
  deepEqual([last_at, next_at], ["2026-01-02T04:04:05.000Z", "2026-01-02T04:17:00.000Z"]);
});
