/** Pause, resume, message, cancel, retry, fork and replay of runs, through a real server, git and a strict Claude. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { join } from "node:path";
import { type FakeClaude, overloaded, startFakeClaude } from "./fake_claude/mod.ts";
import { type Json, run as command, tempDir } from "./gaffer.ts";
import {
  greetCommands,
  greetDeveloper,
  greetRepo,
  greetScripts,
  greetTicket,
} from "./greet_story.ts";
import type { TestRepo } from "./git_support.ts";
import {
  addProject,
  calls,
  chargedBy,
  logOf,
  play,
  purposeOf,
  Rows,
  runsOf,
  type Scripts,
  settled,
  submit,
} from "./journey_support.ts";
import { appeared, Mortal, untilNoProcess, WITHIN_A_SECOND_MS } from "./mortal.ts";

/** A server that may be killed, on the greeting project. */
class Site implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  fake!: FakeClaude;
  dataDir!: string;
  repo!: TestRepo;
  mortal!: Mortal;
  project!: Json;

  static async open(scripts: Scripts, commands: Record<string, string> = greetCommands) {
    const site = new Site();
    site.fake = site.#stack.use(startFakeClaude({ reply: play({ ...greetScripts, ...scripts }) }));
    const data = site.#stack.use(await tempDir());
    site.dataDir = data.path;
    site.repo = site.#stack.use(await greetRepo({ ".gitignore": "begun\n" }));
    site.mortal = site.#stack.use(
      new Mortal(data.path, {
        ANTHROPIC_API_KEY: site.fake.apiKey,
        ANTHROPIC_BASE_URL: site.fake.url,
      }),
    );
    await site.mortal.start();
    site.project = await addProject(site.client, site.repo, commands);
    return site;
  }

  get client() {
    return this.mortal.client;
  }

  get worktree(): string {
    return join(this.dataDir, "projects", this.project.slug, "worktrees", "1");
  }

  ticket(): Promise<Json> {
    return this.client.post(`/projects/${this.project.id}/tickets`, greetTicket);
  }

  /** The newest run of a ticket with this purpose, once there is one. */
  async run(ticketId: string, purpose = "develop"): Promise<Json> {
    const find = async () =>
      (await runsOf(this.client, { ticket_id: ticketId })).findLast((run) =>
        run.purpose === purpose
      );
    for (;;) {
      const found = await find();
      if (found) return found;
      await this.mortal.events.next("a run", (e) => e.type === "run_created");
    }
  }

  async [Symbol.asyncDispose]() {
    await this.#stack[Symbol.asyncDispose]();
  }
}

const paused = (run: Json): boolean => run.status === "waiting" && run.paused_by !== null;
const ended = (run: Json): boolean => ["succeeded", "failed", "cancelled"].includes(run.status);
const typesOf = (log: Json[]): string[] => log.map((event) => event.type);
/** Requests of a purpose that were answered, by turn. */
const turnsOf = (fake: FakeClaude, purpose: string): number[] =>
  fake.requests.filter(({ request, billed }) => request && billed && purposeOf(request) === purpose)
    .map(({ request }) => request!.turn);

Deno.test("a run pauses after its request, outlives a kill, hears a message, and goes on", async () => {
  const [asked, answers] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using site = await Site.open({
    develop: async (request) => {
      asked.resolve();
      if (request.turn === 1) await answers.promise;
      return greetDeveloper(request);
    },
  });
  const ticket = await site.ticket();
  await asked.promise;
  const { id } = await site.run(ticket.id);
  const pausing = await site.client.post(`/runs/${id}/pause`);
  deepEqual([pausing.status, pausing.paused_by], ["running", "owner"]);
  answers.resolve();
  const waiting = await site.client.until(`/runs/${id}`, paused);
  equal(waiting.wait_reason, "Paused by owner");
  deepEqual(typesOf(await logOf(site.client, id)), [
    "started",
    "turn_started",
    "turn_finished",
    "waiting",
  ]);
  deepEqual(turnsOf(site.fake, "develop"), [1], "what is paid for is kept");

  await site.mortal.killAndStart();
  equal((await site.client.get(`/runs/${id}`)).paused_by, "owner");
  const outlook = await site.client.get(`/runs/${id}/outlook`);
  deepEqual(
    [outlook.last_event.type, outlook.open_calls.map((call: Json) => call.name)],
    ["waiting", ["Read"]],
  );
  ok(outlook.turns_left > 0 && outlook.tokens_left > 0 && outlook.cost_left_micro_usd > 0);
  await site.client.post(`/runs/${id}/message`, { message: "Greet politely" });

  await site.client.post(`/runs/${id}/resume`);
  const reviewed = await site.client.until(`/tickets/${ticket.id}`, settled);
  equal(reviewed.status, "review", reviewed.reason);
  deepEqual(turnsOf(site.fake, "develop"), [1, 2, 3, 4], "each turn is asked for once");
  const notes = site.fake.accepted.filter((r) => purposeOf(r) === "develop")
    .map((r) => r.notes.join());
  equal(notes[0], "");
  match(notes[1]!, /^owner, who oversees this run, says:\n\nGreet politely$/);
  const { cost_micro_usd } = await site.client.get(`/tickets/${ticket.id}`);
  equal(cost_micro_usd, chargedBy(site.fake));
  const replay = await site.client.get(`/runs/${id}/replay`);
  deepEqual([replay.equal, replay.difference], [true, null]);
});

Deno.test("a message to a working agent is read with its next request, over a kill and without a doubt", async () => {
  const [asked, answers] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using site = await Site.open({
    develop: async (request) => {
      if (request.turn === 2) {
        asked.resolve();
        await answers.promise;
      }
      return greetDeveloper(request);
    },
  });
  const ticket = await site.ticket();
  await asked.promise;
  const { id } = await site.run(ticket.id);
  const sent = await site.client.post(`/runs/${id}/message`, { message: "Greet politely" });
  deepEqual([sent.type, sent.body], ["note", { text: "Greet politely", by: "owner" }]);
  answers.resolve();
  await site.mortal.killAt(
    "the third turn",
    (e) => e.type === "turn_finished" && e.data.turn === 3,
  );
  const reviewed = await site.client.until(`/tickets/${ticket.id}`, settled);
  equal(reviewed.status, "review", reviewed.reason);
  // The fake refuses any history that is not the one which its earlier answers belong to.
  for (const { turn, notes } of site.fake.accepted.filter((r) => purposeOf(r) === "develop")) {
    equal(notes.length, turn <= 2 ? 0 : 1, `turn ${turn}`);
  }
  equal((await site.client.get(`/runs/${id}/replay`)).equal, true);
});

/** How long it sleeps, as no other process on the machine does. */
const SLEEP = `600.${Deno.pid}`;
/** A build that hangs, with children of its own, while a file says so. */
const hanging = {
  ...greetCommands,
  build: `[ ! -e slow ] || { sleep ${SLEEP} & (setsid sleep ${SLEEP} &) ; echo > begun; wait; }`,
};
const slowDeveloper: Scripts = {
  develop: (request) => {
    if (request.turn === 1) return calls(["Write", { file_path: "slow", content: "yes\n" }]);
    if (request.turn === 2) return calls(["run_checks", { name: "build" }]);
    return submit({ status: "blocked", summary: "It hangs" });
  },
};

async function inHangingBuild(site: Site): Promise<{ ticketId: string; runId: string }> {
  const begun = site.mortal.events.next("the work", (e) => e.type === "checkpoint");
  const { id } = await site.ticket();
  await begun;
  const watched = appeared(site.worktree, (path) => path.endsWith("/begun"));
  try {
    await Deno.stat(join(site.worktree, "begun"));
    watched.catch(() => {});
  } catch {
    await watched;
  }
  return { ticketId: id, runId: (await site.run(id)).id };
}

Deno.test("a tool call that nobody wants to wait for is ended by the pause, and reported as cut off", async () => {
  await using site = await Site.open(slowDeveloper, hanging);
  const { runId } = await inHangingBuild(site);
  equal((await site.client.post(`/runs/${runId}/pause`)).status, "running");
  await site.client.post(`/runs/${runId}/pause`, { kill_tools: true });
  await site.client.until(`/runs/${runId}`, paused);
  await untilNoProcess(SLEEP, WITHIN_A_SECOND_MS);
  await site.client.post(`/runs/${runId}/resume`);
  await site.client.until(`/runs/${runId}`, ended);
  const results = site.fake.accepted.findLast((r) => purposeOf(r) === "develop")!.results;
  deepEqual(results.map(({ name, isError }) => [name, isError]), [["run_checks", true]]);
});

Deno.test("a cancelled run's whole process tree is gone within a second; a retry is its next attempt", async () => {
  await using site = await Site.open(slowDeveloper, hanging);
  const { ticketId, runId } = await inHangingBuild(site);
  equal((await site.client.post(`/runs/${runId}/cancel`)).status, "cancelled");
  await untilNoProcess(site.worktree, WITHIN_A_SECOND_MS);
  const blocked = await site.client.get(`/tickets/${ticketId}`);
  deepEqual([blocked.status, blocked.failure], ["blocked", "cancelled"]);
  const page = async () => await (await fetch(`${site.client.url}/runs/${runId}`)).text();
  match(await page(), new RegExp(`action="/tickets/${ticketId}/retry"`));
  match(await page(), /attempt 2 of this/);
  await site.client.post(`/tickets/${ticketId}/retry`);
  const again = (await runsOf(site.client, { ticket_id: ticketId })).filter((run) =>
    run.purpose === "develop"
  );
  equal(again.length, 2);
  ok(!/\/retry"/.test(await page()), "nothing but the newest is tried again");
  await site.client.post(`/tickets/${ticketId}/cancel`);
});

Deno.test("a developer's run is forked from a turn: branch, log and money are as they should be", async () => {
  const polite = "Greet politely instead";
  const [asked, killed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let requests = 0;
  await using site = await Site.open({
    develop: async (request) => {
      if (!request.notes.join().includes(polite)) return greetDeveloper(request);
      if (++requests === 1) {
        asked.resolve();
        await killed.promise;
        return overloaded(); // to nobody
      }
      if (request.turn === 2) {
        return calls(["Edit", {
          file_path: "greet.sh",
          old_string: "hello",
          new_string: "hello, dear world",
        }]);
      }
      if (request.turn === 3) return calls(["run_checks", { name: "build" }]);
      return submit({ status: "done", summary: "greet.sh is polite" });
    },
  });
  const ticket = await site.ticket();
  const reviewed = await site.client.until(`/tickets/${ticket.id}`, settled);
  equal(reviewed.status, "review", reviewed.reason);
  const source = await site.run(ticket.id);
  const before = await logOf(site.client, source.id);
  await Deno.writeTextFile(join(site.worktree, "notes.txt"), "a person's own\n");

  const refused = await site.client.request("POST", `/runs/${source.id}/fork`, {
    turn: 4,
    message: polite,
  });
  equal(refused.status, 409, "its last turn handed in");
  match((await refused.json()).detail, /Choose one of: 0, 1, 2, 3$/);

  const fork = await site.client.post(`/runs/${source.id}/fork`, { turn: 1, message: polite });
  deepEqual(fork.forked_from, { run_id: source.id, turn: 1 });
  await asked.promise;
  await site.mortal.killAndStart();
  killed.resolve();
  const second = await site.client.until(`/tickets/${ticket.id}`, settled);
  equal(second.status, "review", second.reason);

  const log = await logOf(site.client, fork.id);
  const at = typesOf(log).indexOf("forked");
  const bare = ({ type, body }: Json) => ({ type, body });
  deepEqual(log.slice(1, at).map(bare), before.slice(1, at).map(bare), "the same events");
  deepEqual(log[0].body.spec, { ...before[0].body.spec, runId: fork.id });
  deepEqual(bare(log[at + 1]), { type: "note", body: { text: polite, by: "owner" } });

  deepEqual(
    await site.repo.git("show", `${second.branch}:greet.sh`),
    '# Greets.\necho "hello, dear world"',
  );
  const kept = `refs/gaffer/forks/${fork.id}`;
  match(await site.repo.git("show", `${kept}:greet.sh`), /hello, world/);
  equal(await site.repo.git("show", `${kept}:notes.txt`), "a person's own");
  equal(await site.repo.git("show", `${second.branch}:notes.txt`), "one");
  equal(await command(site.worktree, "git", "status", "--porcelain"), "");

  // The first request of the fork read from the cache what its source had written, and paid for nothing twice.
  const first = site.fake.requests.find(({ request, billed }) =>
    billed && request?.notes.join().includes(polite)
  );
  ok(first!.billed!.cache_read_input_tokens! > 0);
  const { cost_micro_usd } = await site.client.get(`/tickets/${ticket.id}`);
  equal(cost_micro_usd, chargedBy(site.fake));
  const forked = await site.client.get(`/runs/${fork.id}`);
  using rows = new Rows(site.dataDir);
  equal(
    forked.cost_micro_usd,
    rows.one("SELECT sum(cost_micro_usd) FROM turn_usage WHERE run_id = ?", fork.id),
  );
  ok(forked.turns >= 3 && forked.turns <= 4, `its own turns: ${forked.turns}`);
  for (const { id } of [source, fork]) {
    equal((await site.client.get(`/runs/${id}/replay`)).equal, true);
  }
});
