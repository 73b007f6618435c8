/** What can go wrong between Gaffer and Claude, through the whole server: it is said, and nothing is lost. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { join } from "node:path";
import {
  answer,
  broken,
  failure,
  type FakeClaude,
  overloaded,
  rateLimited,
  spendLimitReached,
  startFakeClaude,
} from "./fake_claude/mod.ts";
import { Client, type Gaffer, type Json, startGaffer, tempDir } from "./gaffer.ts";
import type { TestRepo } from "./git_support.ts";
import { asking, greetCommands, greetRepo, greetScripts, greetTicket } from "./greet_story.ts";
import {
  addProject,
  calls,
  chargedBy,
  Events,
  logOf,
  play,
  purposeOf,
  runsOf,
  type Scripts,
  settled,
  submit,
  type Turn,
} from "./journey_support.ts";
import { appeared, untilNoProcess, WITHIN_A_SECOND_MS } from "./mortal.ts";

const clarified = submit({ summary: "Greet more", type: "feature", acceptance: ["It greets"] });

/** A server on the greeting project, with a Claude whose answers the test gives. */
class Site implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  gaffer!: Gaffer;
  project!: Json;

  private constructor(
    readonly fake: FakeClaude,
    readonly dataDir: string,
    readonly repo: TestRepo,
  ) {}

  /** With a fake that plays these scripts, or that one. */
  static async open(
    scripts: Scripts | FakeClaude,
    { commands = greetCommands, key, url }: {
      commands?: Record<string, string>;
      /** Other than the one that is accepted. */
      key?: string;
      /** Another way to the fake. */
      url?: string;
    } = {},
  ): Promise<Site> {
    const fake = "requests" in scripts
      ? scripts as FakeClaude
      : startFakeClaude({ reply: play({ ...greetScripts, ...scripts }) });
    const data = await tempDir();
    const site = new Site(fake, data.path, await greetRepo({ ".gitignore": "begun\ntried\n" }));
    // In this order, so that they end in the other: the server first.
    for (const resource of [fake, data, site.repo]) site.#stack.use(resource);
    await site.start(key, url);
    site.project = await addProject(site.client, site.repo, commands);
    return site;
  }

  async start(key = this.fake.apiKey, url = this.fake.url): Promise<void> {
    this.gaffer = this.#stack.use(
      await startGaffer({
        dataDir: this.dataDir,
        env: { ANTHROPIC_API_KEY: key, ANTHROPIC_BASE_URL: url },
      }),
    );
  }

  get client(): Client {
    return new Client(this.gaffer.url);
  }

  submit(title = "Greet more"): Promise<Json> {
    return this.client.post(`/projects/${this.project.id}/ideas`, { title });
  }

  /** The one run of the idea or ticket with this purpose. */
  async run(of: { idea_id?: string; ticket_id?: string }, purpose: string): Promise<Json> {
    const runs = (await runsOf(this.client, of)).filter((run) => run.purpose === purpose);
    equal(runs.length, 1, `there should be one ${purpose} run`);
    return runs[0];
  }

  async [Symbol.asyncDispose]() {
    await this.#stack[Symbol.asyncDispose]();
  }
}

const waiting = (run: Json): boolean => run.status === "waiting";
const ended = (run: Json): boolean => ["succeeded", "failed", "cancelled"].includes(run.status);
const failuresIn = (log: Json[]): string[] =>
  log.filter((event) => event.type === "turn_failed").map((event) => event.body.reason);
const turnsOf = (fake: FakeClaude, purpose: string, turn: number) =>
  fake.requests.filter(({ request }) =>
    request && purposeOf(request) === purpose && request.turn === turn
  );

Deno.test("a wrong key holds the agents; a start with the right one lets them go on", async () => {
  await using site = await Site.open({}, { key: "wrong-key" });
  const idea = await site.submit();
  const runs = await site.client.until(
    "/runs",
    ({ items }) => items.length === 2 && items.every(waiting),
  );
  for (const { failure, wait_reason } of runs.items) {
    equal(failure, "authentication");
    match(wait_reason, /401 authentication_error/);
    ok(!wait_reason.includes("wrong-key"), "no key is ever shown");
  }
  const { hold } = await site.client.get("/system/status");
  equal(hold.reason, "authentication");

  const asked = site.fake.requests.length;
  const other = await site.submit("Another one");
  await site.client.until(
    "/runs",
    ({ items }) => items.length === 4 && items.every(waiting),
  );
  equal(site.fake.requests.length, asked, "held agents ask nothing");
  equal((await site.client.get(`/ideas/${other.id}`)).status, "refining");

  equal(await site.gaffer.stop(), 0);
  await site.start();
  for (const { id } of [idea, other]) {
    await site.client.until(`/ideas/${id}`, (i) => i.status === "questions");
  }
  equal((await site.client.get("/system/status")).hold, null);
  equal((await site.client.get("/runs")).items.length, 4, "the same runs went on");
});

Deno.test("a spending limit holds the agents; resumed, each goes on from its log", async () => {
  let limited = true;
  await using site = await Site.open({
    clarify: ({ turn }) => turn === 1 ? asking : limited ? spendLimitReached() : clarified,
  });
  const idea = await site.submit();
  const { id } = await site.client.until(
    "/runs",
    ({ items }) => items.some((run: Json) => run.purpose === "clarify" && waiting(run)),
  ).then(() => site.run({ idea_id: idea.id }, "clarify"));
  const held = await site.client.get(`/runs/${id}`);
  equal(held.failure, "spend_limit");
  match(held.wait_reason, /spending limit/);
  equal((await site.client.get("/system/status")).hold.reason, "spend_limit");

  limited = false;
  await site.client.post("/system/resume-agents");
  const run = await site.client.until(`/runs/${id}`, ended);
  equal(run.status, "succeeded", run.error);
  equal(turnsOf(site.fake, "clarify", 1).length, 1, "the first turn was not asked for again");
  deepEqual(failuresIn(await logOf(site.client, id)), ["spend_limit"]);
});

Deno.test("402 and 403 hold all agents until a person acts; 400 ends the one run that met it", async () => {
  let reply = failure("billing_error", "Your credit balance is too low");
  await using site = await Site.open({ clarify: () => reply });
  const { client } = site;
  const idea = await site.submit();
  /** Until the agents are, and each of so many clarifiers waits for it: none is on its way to a refusal. */
  const heldFor = async (reason: string, clarifiers: number) => {
    await client.until("/runs", ({ items }) => {
      const asking = items.filter((run: Json) => run.purpose === "clarify");
      return asking.length === clarifiers &&
        asking.every((run: Json) => waiting(run) && run.failure === reason);
    });
    equal((await client.get("/system/status")).hold.reason, reason);
  };
  await heldFor("billing", 1);
  const asked = turnsOf(site.fake, "clarify", 1).length;
  const other = await site.submit("Another one");
  await heldFor("billing", 2);
  equal(turnsOf(site.fake, "clarify", 1).length, asked, "held agents ask nothing");

  reply = failure("permission_error", "This key may not use the model");
  await client.post("/system/resume-agents");
  await heldFor("permission", 2);

  reply = failure("invalid_request_error", "Your credit balance is too low");
  await client.post("/system/resume-agents");
  for (const { id } of [idea, other]) {
    await client.until(`/ideas/${id}`, (i) => i.status === "stuck");
  }
  equal((await client.get(`/ideas/${idea.id}`)).failure, "invalid_request");
  equal((await client.get("/system/status")).hold, null);
});

Deno.test("limits, overload and broken streams are tried again within the run", async () => {
  const first: Turn[] = [rateLimited(1), asking];
  const second: Turn[] = [
    overloaded(),
    broken(clarified, { type: "eof", after: "content_block_delta" }),
    clarified,
  ];
  await using site = await Site.open({
    clarify: ({ turn }) => (turn === 1 ? first : second).shift() as never,
  });
  const idea = await site.submit();
  await site.client.until(`/ideas/${idea.id}`, (i) => i.status === "questions");
  const { id } = await site.run({ idea_id: idea.id }, "clarify");
  const run = await site.client.until(`/runs/${id}`, ended);
  equal(run.status, "succeeded", run.error);
  const log = await logOf(site.client, id);
  deepEqual(failuresIn(log), ["rate_limited", "overloaded", "stream_broken"]);
  const refused = log.findIndex((event) => event.type === "turn_failed");
  const waited = Date.parse(log[refused + 1].at) - Date.parse(log[refused].at);
  ok(waited >= 1_000, `it waited ${waited} ms, as it was told to`);
  const cutOff = log.find((event) => event.body.reason === "stream_broken");
  ok(cutOff.body.costMicroUsd > 0, "what broke off is paid, too");
  await site.client.until("/runs", ({ items }) => items.every(ended));
  const { items } = await site.client.get("/runs");
  const cost = items.reduce((sum: number, run: Json) => sum + run.cost_micro_usd, 0);
  equal(cost, chargedBy(site.fake));
});

Deno.test("a long wait frees the run's place; a person can have it tried at once", async () => {
  let limited = true;
  await using site = await Site.open({
    clarify: ({ turn }) => limited ? rateLimited(3_600) : turn === 1 ? asking : clarified,
  });
  const idea = await site.submit();
  await using events = await Events.open(site.gaffer.url, 0);
  const { run_id: id } = await events.next("the wait", (e) => e.type === "waiting");
  const held = await site.client.get(`/runs/${id}`);
  deepEqual([held.status, held.failure], ["waiting", "rate_limited"]);
  match(held.wait_reason, /429 rate_limit_error.* It goes on by itself when the limit allows/);
  equal((await site.client.get("/system/status")).hold, null);
  const { items: [job] } = await site.client.until(
    "/jobs?status=retryable",
    ({ items }) => items.length === 1,
  );
  ok(Date.parse(job.scheduled_at) - Date.parse(held.created_at) >= 3_600_000);

  limited = false;
  await site.client.post(`/jobs/${job.id}/retry`);
  await site.client.until(`/ideas/${idea.id}`, (i) => i.status === "questions");
  const again = await site.client.request("POST", `/jobs/${job.id}/retry`);
  equal(again.status, 409, await again.text());
});

/** A line to the fake that can be cut. */
class Line implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serving: Promise<void>;
  #cut = new AbortController();
  up = true;

  constructor(to: string) {
    this.#serving = this.#serve(Number(new URL(to).port));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}`;
  }

  /** Breaks what is open, and whatever comes until `up` is set again. */
  cut(): void {
    this.up = false;
    this.#cut.abort();
    this.#cut = new AbortController();
  }

  async #serve(port: number): Promise<void> {
    for await (const near of this.#listener) {
      if (!this.up) {
        near.close();
        continue;
      }
      const far = await Deno.connect({ hostname: "127.0.0.1", port });
      const { signal } = this.#cut;
      // Either end hangs up sooner or later.
      void near.readable.pipeTo(far.writable, { signal }).catch(() => {});
      void far.readable.pipeTo(near.writable, { signal }).catch(() => {});
    }
  }

  async [Symbol.asyncDispose]() {
    this.cut();
    this.#listener.close();
    await this.#serving;
  }
}

Deno.test("while each connection breaks a run waits, and goes on from its log when one holds", async () => {
  const develop = greetScripts.develop as Extract<Turn, (...args: never[]) => unknown>;
  const fake = startFakeClaude({
    reply: play({
      ...greetScripts,
      develop(request) {
        if (request.turn === 2 && failing) line.cut();
        return develop(request);
      },
    }),
  });
  let failing = true;
  await using line = new Line(fake.url);
  await using site = await Site.open(fake, { url: line.url });
  const ticket = await site.client.post(`/projects/${site.project.id}/tickets`, greetTicket);
  await using events = await Events.open(site.gaffer.url, 0);
  const { run_id: id } = await events.next("the wait", (e) => e.type === "waiting");
  const held = await site.client.get(`/runs/${id}`);
  deepEqual([held.status, held.failure], ["waiting", "stream_broken"]);
  match(held.wait_reason, /the connection broke: .*The turn is asked for again by itself/);
  equal((await site.client.get(`/tickets/${ticket.id}`)).status, "in_progress");

  failing = false;
  line.up = true;
  // It comes by itself, too, within seconds; unless it has come already this is at once.
  const { items: [job] } = await site.client.get("/jobs?status=retryable");
  if (job) await (await site.client.request("POST", `/jobs/${job.id}/retry`)).body?.cancel();
  const reviewed = await site.client.until(`/tickets/${ticket.id}`, settled);
  equal(reviewed.status, "review", reviewed.reason);
  const run = await site.client.get(`/runs/${id}`);
  equal(run.status, "succeeded", run.error);
  equal(turnsOf(fake, "develop", 1).length, 1, "the first turn was not asked for again");
});

Deno.test("a check whose hands are lost is run again; what it left is not taken for work", async () => {
  const killer = "touch tried left.txt; kill -KILL $PPID; sleep 600";
  const test = `if grep -q world greet.sh && ! [ -e tried ]; then ${killer}; fi; sh test.sh`;
  await using site = await Site.open({}, { commands: { ...greetCommands, test } });
  const ticket = await site.client.post(`/projects/${site.project.id}/tickets`, greetTicket);
  const reviewed = await site.client.until(`/tickets/${ticket.id}`, settled);
  equal(reviewed.status, "review", reviewed.reason);
  const jobs = (await site.client.get("/jobs?limit=200")).items;
  const [again, ...others] = jobs.filter((job: Json) => job.errors.length > 0);
  deepEqual([others.length, again.kind, again.attempt], [0, "advance_ticket", 2]);
  match(again.errors[0].message, /its process was lost: it ended by itself/);
  const checks = (await site.client.get(`/tickets/${ticket.id}/checks`)).items;
  const tests = checks.filter((check: Json) => check.name === "test" && !check.baseline);
  deepEqual(tests.map((check: Json) => check.status), ["passed"]);
  equal(await site.repo.git("diff", "--name-only", "main", reviewed.branch), "greet.sh");
});

Deno.test("cancelling a ticket ends a command that hangs, and keeps the work", async () => {
  const watched = Promise.withResolvers<void>();
  await using site = await Site.open({
    develop: [
      calls(["Write", { file_path: "slow", content: "yes\n" }]),
      () => watched.promise.then(() => calls(["run_checks", { name: "build" }])),
    ],
  }, { commands: { build: "[ ! -e slow ] || { echo > begun; exec sleep 600; }" } });
  const worktree = join(site.dataDir, "projects", site.project.slug, "worktrees", "1");
  const { id } = await site.client.post(`/projects/${site.project.id}/tickets`, greetTicket);
  await using events = await Events.open(site.gaffer.url, 0);
  const { run_id: runId } = await events.next("the work", (e) => e.type === "checkpoint");
  const begun = appeared(worktree, (path) => path.endsWith("/begun"));
  watched.resolve();
  await begun;

  const cancelled = await site.client.post(`/tickets/${id}/cancel`);
  equal(cancelled.status, "cancelled");
  equal((await site.client.get(`/runs/${runId}`)).status, "cancelled");
  await untilNoProcess(worktree, WITHIN_A_SECOND_MS);
  equal(
    await site.repo.git("show", `${cancelled.branch}:slow`),
    "yes",
    "the turn before is committed on the ticket's branch",
  );
  const log = await logOf(site.client, runId);
  equal(log.at(-1).type, "cancelled");
});

Deno.test("cancelling a run in the middle of an answer hangs up; the idea can be refined again", async () => {
  let mute = true;
  await using site = await Site.open({
    clarify: ({ turn }) => {
      if (!mute) return turn === 1 ? asking : clarified;
      return broken(answer("I begin …"), { type: "hold", after: "content_block_delta" });
    },
  });
  const idea = await site.submit();
  const heard = await site.fake.waitFor(({ request, billed }) =>
    request !== null && billed !== null && purposeOf(request) === "clarify"
  );
  const { id } = await site.run({ idea_id: idea.id }, "clarify");
  equal((await site.client.post(`/runs/${id}/cancel`)).status, "cancelled");
  await site.fake.waitFor(({ number, ending }) => number === heard.number && ending !== null);
  equal(heard.ending, "disconnected");
  const stuck = await site.client.get(`/ideas/${idea.id}`);
  deepEqual([stuck.status, stuck.failure], ["stuck", "cancelled"]);

  mute = false;
  await site.client.post(`/ideas/${idea.id}/refine`);
  await site.client.until(`/ideas/${idea.id}`, (i) => i.status === "questions");
  const runs = await runsOf(site.client, { idea_id: idea.id });
  equal(runs.filter((run) => run.purpose === "research").length, 1, "what succeeded is kept");
});

Deno.test("a base branch that is gone makes the idea stuck with the reason", async () => {
  await using site = await Site.open({});
  await site.repo.git("branch", "-m", "main", "trunk");
  const idea = await site.submit();
  const stuck = await site.client.until(`/ideas/${idea.id}`, (i) => i.status === "stuck");
  equal(stuck.failure, "repository");
  match(stuck.reason, /has no branch "main" any more/);

  await site.repo.git("branch", "-m", "trunk", "main");
  await site.client.post(`/ideas/${idea.id}/refine`);
  await site.client.until(`/ideas/${idea.id}`, (i) => i.status === "questions");
});
