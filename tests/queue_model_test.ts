/** Random histories of the queue: SQLite and a plain list must agree after every single step. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal, throws } from "node:assert";
import { HOUR_MS, MINUTE_MS } from "../server/clock.ts";
import { claim } from "../queue/claim.ts";
import type { JobKind } from "../queue/job.ts";
import { type Ending, finish, type Lease, markStopping, releaseOrphans } from "../queue/lease.ts";
import type { QueueLimits } from "../queue/limits.ts";
import { pauseQueue, resumeQueue } from "../queue/pauses.ts";
import {
  cancelJobs,
  enqueue,
  getJob,
  reprioritize,
  requeue,
  settleDiscarded,
} from "../queue/queue.ts";
import { AGE_STEP_MS } from "../queue/rows.ts";
import { queueStates, waitReasons } from "../queue/stats.ts";
import { type BareApp, bareApp, START_MS } from "./bare_app.ts";
import { isOpen, Model } from "./queue_model.ts";
import { randomFrom, shrink } from "./shrink.ts";

const limits: QueueLimits = {
  queues: { agents: 2, steps: 3, merges: 1, forges: 1, upkeep: 1 },
  perProject: { agents: 1, steps: 2 },
  total: 4,
  crashes: 3,
};

/** One step of a history. `pick` chooses among what there is at that time. */
type Step =
  | {
    do: "enqueue";
    kind: "advance_ticket" | "advance_idea" | "run_agent";
    thing: string;
    priority: number;
    inMs: number;
    onClash: "keep" | "sooner" | "replace";
    uniqueKey: string | null;
    concurrencyKey: string | null;
    projectId: string | null;
  }
  | { do: "claim"; max: number }
  | { do: "finish"; pick: number; type: Ending["type"]; inMs: number }
  | { do: "finish with a stale token"; pick: number }
  | { do: "cancel" | "requeue"; pick: number }
  | { do: "reprioritize"; key: string; from: number; to: number }
  | { do: "settle"; key: string }
  | { do: "pause" | "resume"; queue: "steps" | "agents" }
  | { do: "kill"; told: boolean }
  | { do: "set the clock"; byMs: number };

function randomSteps(seed: number, count: number): Step[] {
  const random = randomFrom(seed);
  const int = (below: number) => Math.floor(random() * below);
  const pick = <T>(list: readonly T[]): T => list[int(list.length)]!;
  const makers: [weight: number, make: () => Step][] = [
    [9, () => ({
      do: "enqueue",
      kind: pick(["advance_ticket", "advance_ticket", "advance_idea", "run_agent"]),
      thing: pick(["a", "b"]),
      priority: int(4),
      inMs: pick([-5, 0, 0, 10, 30, HOUR_MS]),
      onClash: pick(["keep", "sooner", "replace"]),
      uniqueKey: pick([null, null, "u1", "u2"]),
      concurrencyKey: pick([null, null, "c1", "c2"]),
      projectId: pick([null, "p1", "p1", "p2"]),
    })],
    [7, () => ({ do: "claim", max: 1 + int(4) })],
    [6, () => ({
      do: "finish",
      pick: int(8),
      type: pick(["done", "cancel", "discard", "retry", "retry", "snooze", "release"]),
      inMs: int(20),
    })],
    [1, () => ({ do: "finish with a stale token", pick: int(8) })],
    [1, () => ({ do: "cancel", pick: int(20) })],
    [2, () => ({ do: "requeue", pick: int(20) })],
    [1, () => ({ do: "reprioritize", key: pick(["u1", "u2"]), from: int(4), to: int(4) })],
    [1, () => ({ do: "settle", key: pick(["u1", "u2"]) })],
    [1, () => ({ do: "pause", queue: pick(["steps", "agents"]) })],
    [2, () => ({ do: "resume", queue: pick(["steps", "agents"]) })],
    [2, () => ({ do: "kill", told: random() < 0.2 })],
    [4, () => ({ do: "set the clock", byMs: pick([1, 10, 25, 2 * HOUR_MS, -HOUR_MS]) })],
  ];
  const bag = makers.flatMap(([weight, make]) => Array<() => Step>(weight).fill(make));
  return Array.from({ length: count }, () => pick(bag)());
}

/** Plays a history on both; throws where they differ. */
class Play {
  readonly #app: BareApp;
  readonly #model = new Model(limits);
  readonly #stale: Lease[] = [];
  #boot = 1;

  constructor(app: BareApp) {
    this.#app = app;
    app.db.exec("DELETE FROM jobs; DELETE FROM queue_pauses");
    app.setClock(START_MS);
    this.#model.nowMs = START_MS;
  }

  step(step: Step): void {
    const model = this.#model;
    const app = this.#app;
    switch (step.do) {
      case "enqueue":
        this.#enqueue(step);
        break;
      case "claim":
        this.#claim(step.max);
        break;
      case "finish":
        this.#finish(step);
        break;
      case "finish with a stale token": {
        const lease = chosen(this.#stale, step.pick);
        if (lease) equal(app.tx((tx) => finish(tx, lease, { type: "done" })), false);
        break;
      }
      case "cancel": {
        const job = chosen(model.jobs, step.pick);
        if (!job) break;
        equal(app.tx((tx) => cancelJobs(tx, { id: job.id })), isOpen(job) ? 1 : 0);
        if (job.token) this.#stale.push({ id: job.id, leaseToken: job.token });
        if (isOpen(job)) Object.assign(job, { status: "cancelled", token: null });
        break;
      }
      case "requeue": {
        const job = chosen(model.jobs, step.pick);
        if (!job) break;
        const again = () => app.tx((tx) => requeue(tx, job.id));
        if (model.requeue(job)) again();
        else throws(again, { code: "conflict" });
        break;
      }
      case "reprioritize": {
        const { key, from, to } = step;
        const changed = model.jobs.filter((job) =>
          isOpen(job) && job.uniqueKey === key && job.priority === from && from !== to
        );
        for (const job of changed) job.priority = to;
        equal(app.tx((tx) => reprioritize(tx, [key], { from, to })), changed.length);
        break;
      }
      case "settle": {
        const settled = model.jobs.filter((job) =>
          job.uniqueKey === step.key && job.status === "discarded"
        );
        for (const job of settled) job.status = "cancelled";
        equal(app.tx((tx) => settleDiscarded(tx, [step.key], "r")), settled.length);
        break;
      }
      case "pause":
        equal(app.tx((tx) => pauseQueue(tx, step.queue)), !model.paused.has(step.queue));
        model.paused.add(step.queue);
        break;
      case "resume":
        equal(app.tx((tx) => resumeQueue(tx, step.queue)), model.paused.delete(step.queue));
        break;
      case "kill":
        this.#kill(step.told);
        break;
      case "set the clock":
        model.nowMs += step.byMs;
        app.setClock(model.nowMs);
    }
    this.#compare();
  }

  #enqueue({ kind, thing, inMs, onClash, ...job }: Step & { do: "enqueue" }): void {
    const { nowMs } = this.#model;
    const dueMs = nowMs + inMs;
    const args = { ticketId: thing };
    const { uniqueKey, concurrencyKey, projectId, priority } = job;
    const id = this.#app.tx((tx) =>
      enqueue(tx, {
        kind: kind as JobKind,
        args: args as never,
        priority,
        runAtMs: dueMs,
        onClash,
        ...uniqueKey === null ? {} : { uniqueKey },
        ...concurrencyKey === null ? {} : { concurrencyKey },
        ...projectId === null ? {} : { projectId },
      })
    );
    const queue = kind === "run_agent" ? "agents" : "steps";
    const fresh = { kind, queue, args: JSON.stringify(args), priority, dueMs } as const;
    const added = this.#model.enqueue(
      id,
      { ...fresh, uniqueKey, concurrencyKey, projectId },
      onClash,
    );
    equal(id !== null, added, "uniqueness");
  }

  #claim(max: number): void {
    const owner = `boot-${this.#boot}`;
    const claimed = this.#app.tx((tx) => claim(tx, { limits, owner, leaseMs: MINUTE_MS, max }));
    const expected = this.#model.claim(max);
    deepEqual(
      claimed.map(({ id }) => id),
      expected.map(({ id }) => id),
      "what is claimed, in order",
    );
    for (const [n, job] of expected.entries()) job.token = claimed[n]!.leaseToken;
  }

  #finish({ pick, type, inMs }: Step & { do: "finish" }): void {
    const job = chosen(this.#model.executing(), pick);
    if (!job) return;
    const ending = endingOf(type, this.#model.nowMs + inMs);
    const lease = { id: job.id, leaseToken: job.token! };
    ok(this.#app.tx((tx) => finish(tx, lease, ending)));
    this.#stale.push(lease);
    this.#model.finish(job, ending);
  }

  #kill(told: boolean): void {
    for (const job of this.#model.executing()) {
      this.#stale.push({ id: job.id, leaseToken: job.token! });
    }
    if (told) this.#app.tx((tx) => markStopping(tx, `boot-${this.#boot}`));
    const before = this.#model.executing();
    this.#model.kill(told);
    this.#boot++;
    const options = { bootId: `boot-${this.#boot}`, crashes: limits.crashes };
    const { released, quarantined } = this.#app.tx((tx) => releaseOrphans(tx, options));
    const expected = before.filter((job) => job.status === "discarded").map(({ id }) => id);
    deepEqual(quarantined.map(({ id }) => id), expected, "quarantined");
    equal(released, before.length - expected.length);
  }

  #compare(): void {
    const rows = this.#app.db.prepare(`
      SELECT id, status, priority, attempt, crashes, claim_order, lease_token, args FROM jobs ORDER BY id
    `).all().map((row) => Object.values(row));
    const expected = this.#model.jobs.map((job) => [
      Number(job.id),
      job.status,
      job.priority,
      job.attempt,
      job.crashes,
      job.dueMs + job.priority * AGE_STEP_MS,
      job.token,
      job.args,
    ]);
    // Texts are compared sooner than lists; only where they differ is it worth to say where.
    if (JSON.stringify(rows) !== JSON.stringify(expected)) deepEqual(rows, expected);
  }

  /** At the end of a history, what the page says must be true as well. */
  checkPage(): void {
    const { db } = this.#app;
    for (const { queue, paused, counts } of queueStates(db)) {
      const mine = this.#model.jobs.filter((job) => job.queue === queue);
      for (const [status, count] of Object.entries(counts)) {
        equal(count, mine.filter((job) => job.status === status).length, `${queue} ${status}`);
      }
      equal(paused !== null, this.#model.paused.has(queue));
    }
    // Whatever waits for nothing is claimed, and nothing else is.
    const { nowMs } = this.#model;
    const reasonOf = waitReasons(db, limits, nowMs);
    const says = new Map(this.#model.jobs.map(({ id }) => [id, reasonOf(getJob(db, id))]));
    const available = new Set(
      this.#model.jobs.filter((job) => job.status === "available").map(({ id }) => id),
    );
    const [next] = this.#model.claim(1);
    if (!next) {
      ok(![...says.values()].some((why) => why?.why === "order"), "somebody waits for nothing");
      return;
    }
    const nextIs = { why: "order", next: available.has(next.id) };
    deepEqual(says.get(next.id), nextIs, "why the next one waits");
  }
}

function endingOf(type: Ending["type"], runAtMs: number): Ending {
  const reason = "r";
  switch (type) {
    case "done":
      return { type };
    case "cancel":
    case "release":
      return { type, reason };
    case "discard":
      return { type, reason, failure: "internal" };
    case "retry":
      return { type, reason, failure: "network", runAtMs };
    case "snooze":
      return { type, reason, runAtMs };
  }
}

const chosen = <T>(list: readonly T[], pick: number): T | undefined =>
  list.length === 0 ? undefined : list[pick % list.length];

const play = (app: BareApp, steps: readonly Step[]): void => {
  const history = new Play(app);
  for (const step of steps) history.step(step);
  history.checkPage();
};

Deno.test("random histories of operations, kills and clock moves agree with the model", () => {
  using app = bareApp();
  const first = Number(Deno.env.get("SEED") ?? 1);
  const histories = Number(Deno.env.get("HISTORIES") ?? 2_000);
  for (let seed = first; seed < first + histories; seed++) {
    // Many short ones find more than a few long ones; some are long.
    const steps = randomSteps(seed, seed % 10 === 0 ? 80 : 25);
    try {
      play(app, steps);
    } catch {
      const { smallest, cause } = shrink(steps, (part) => play(app, part));
      throw new Error(
        `History ${seed} went wrong (repeat it with SEED=${seed} HISTORIES=1); its smallest part:\n` +
          smallest.map((step) => JSON.stringify(step)).join("\n"),
        { cause },
      );
    }
  }
});

Deno.test("a history that goes wrong is cut down to the steps that matter", () => {
  const steps = randomSteps(7, 60);
  const { smallest } = shrink(steps, (part) => {
    const kinds = part.map((step) => step.do);
    if (kinds.includes("kill") && kinds.indexOf("kill") < kinds.lastIndexOf("claim")) {
      throw new Error("wrong");
    }
  });
  deepEqual(smallest.map((step) => step.do), ["kill", "claim"]);
});

Deno.test("no job is overtaken by one that is due more than three hours after it, and urgency counts", () => {
  using app = bareApp();
  const random = randomFrom(11);
  const dueMs = new Map<string, number>();
  const priorities = new Map<string, number>();
  const waiting = new Set<string>();
  const one: QueueLimits = { queues: { ...limits.queues, steps: 10_000 }, crashes: 3 };
  for (let n = 0; n < 600; n++) {
    app.setClock(START_MS + n * 5 * MINUTE_MS);
    const job = { priority: Math.floor(random() * 4), runAtMs: app.clock.nowMs() };
    const id = app.tx((tx) =>
      enqueue(tx, { kind: "advance_ticket", args: { ticketId: "t" }, ...job })
    )!;
    dueMs.set(id, job.runAtMs);
    priorities.set(id, job.priority);
    waiting.add(id);
    if (random() < 0.4) continue; // more comes than is done, and most of it urgent or not
    const [next] = app.tx((tx) =>
      claim(tx, { limits: one, owner: "b", leaseMs: MINUTE_MS, max: 1 })
    );
    waiting.delete(next!.id);
    for (const id of waiting) {
      const laterMs = dueMs.get(next!.id)! - dueMs.get(id)!;
      const moreUrgent = priorities.get(id)! - priorities.get(next!.id)!;
      ok(laterMs <= moreUrgent * AGE_STEP_MS, "overtaken by more than its urgency is worth");
      ok(laterMs <= 3 * AGE_STEP_MS);
    }
  }
});
