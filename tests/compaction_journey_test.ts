/** A run that outgrows its window through a real server: summed up, killed within the summary, replayed and forked. */
import { match, ok, strictEqual as equal } from "node:assert";
import type { Hands, ToolRequest } from "../agents/hands_client.ts";
import { replay } from "../agents/loop/replay.ts";
import { createAgents } from "../agents/runtime.ts";
import { advanceIdeaHandler } from "../queue/handlers/advance_idea.ts";
import { runAgentHandler } from "../queue/handlers/run_agent.ts";
import type { App } from "../server/app.ts";
import { changeAgent } from "../server/services/agent_changes.ts";
import { submitIdea } from "../server/services/ideas.ts";
import { refreshModels } from "../server/services/models.ts";
import { createRunHost } from "../server/services/run_host.ts";
import { getIdea } from "../server/store/ideas.ts";
import { readRunLog } from "../server/store/run_log.ts";
import { listIdeaRuns } from "../server/store/runs.ts";
import { never, poolFor } from "./brain_support.ts";
import { broken, type ClaudeRequest, compaction, startFakeClaude } from "./fake_claude/mod.ts";
import { type Json, tempDir } from "./gaffer.ts";
import { greetCommands, greetRepo, greetScripts, greetTicket } from "./greet_story.ts";
import { TestRepo } from "./git_support.ts";
import { runnerOf } from "./jobs_support.ts";
import {
  addProject,
  calls,
  chargedBy,
  logOf,
  play,
  Rows,
  runsOf,
  settled,
  submit,
} from "./journey_support.ts";
import { Mortal } from "./mortal.ts";
import { pagesBench } from "./pages_support.ts";
import { results, testApp } from "./support.ts";

const WINDOW = 24_000;
const READS = 36;
const WORD = "heliotrope-41";
const lines = Array.from({ length: 3_000 }, (_, n) => `line ${n} of a long file, read bit by bit`);

/** Learns the word from its first file, reads on and on, and at last does the work and tells the word. */
function developer() {
  let reads = 0;
  let held = false;
  return ({ compacts, body, results }: ClaudeRequest) => {
    const known = JSON.stringify(body.messages).match(/the word is ([\w-]+)/)?.[1];
    if (compacts) {
      const summary = compaction(`I have read ${reads} pieces. the word is ${known}`);
      if (held) return summary;
      held = true;
      return broken(summary, { type: "hold", after: "message_start" });
    }
    const [last] = results;
    if (reads === 0) {
      reads++;
      return calls(["Read", { file_path: "word.txt" }]);
    }
    if (reads < READS) {
      reads++;
      return calls(["Read", { file_path: "long.txt", offset: reads * 50, limit: 110 }]);
    }
    if (last?.name === "Edit" && !last.isError) return calls(["run_checks", { name: "build" }]);
    if (last?.name === "run_checks" && !last.isError) {
      return last.content.startsWith("test")
        ? submit({ status: "done", summary: `It greets; the word is ${known}` })
        : calls(["run_checks", { name: "test" }]);
    }
    if (last?.name === "Read" && last.content.includes("hello")) {
      return calls(["Edit", {
        file_path: "greet.sh",
        old_string: "hello",
        new_string: "hello, world",
      }]);
    }
    return calls(["Read", { file_path: "greet.sh" }]);
  };
}

Deno.test("a run that is summed up knows its first fact at the end, also when it was killed within the summary", async (t) => {
  await using fake = startFakeClaude({
    contextTokens: WINDOW,
    reply: play({ ...greetScripts, develop: developer() }),
  });
  await using data = await tempDir();
  await using repo = await greetRepo({
    "word.txt": `the word is ${WORD}\n`,
    "long.txt": lines.join("\n") + "\n",
  });
  const env = { ANTHROPIC_API_KEY: fake.apiKey, ANTHROPIC_BASE_URL: fake.url };
  await using mortal = new Mortal(data.path, env);
  await mortal.start();
  const models = await mortal.client.post("/models/refresh", {});
  equal(models.items.find(({ id }: Json) => id === "claude-opus-5-5").max_input_tokens, WINDOW);
  const project = await addProject(mortal.client, repo, greetCommands);
  const ticket = await mortal.client.post(`/projects/${project.id}/tickets`, greetTicket);

  await t.step("the server is killed while the summary streams", async () => {
    await fake.waitFor(({ request }) => request?.compacts === true);
    await mortal.killAndStart();
  });

  let run: Json;
  let log: Json[];
  await t.step("the run goes on, and its result still has the fact", async () => {
    const reviewed = await mortal.client.until(`/tickets/${ticket.id}`, settled);
    equal(reviewed.status, "review", reviewed.reason);
    [run] = await runsOf(mortal.client, { ticket_id: ticket.id });
    log = await logOf(mortal.client, run.id);
    match(log.at(-1)!.body.result.summary, new RegExp(WORD));
    const summed = log.filter(({ type }) => type === "compacted");
    ok(summed.length >= 2, `${summed.length} summaries`);
    equal(log.filter(({ body }) => body.reason === "worker_lost").length, 1);
    for (const { status, error } of fake.requests) equal(status, 200, String(error?.message));
  });

  await t.step(
    "it replays to the same events, and what the summaries cost is counted",
    async () => {
      equal((await mortal.client.get(`/runs/${run.id}/replay`)).equal, true);
      const cost = log.reduce((sum, { body }) => sum + (body.costMicroUsd ?? 0), 0);
      equal((await mortal.client.get(`/runs/${run.id}`)).cost_micro_usd, cost);
      ok(log.filter(({ type }) => type === "compacted").every(({ body }) => body.costMicroUsd > 0));
    },
  );

  await t.step(
    "its page says where the history was summed up, and that the cache was not read then",
    async () => {
      const page = await (await fetch(new URL(`/runs/${run.id}?all=1`, mortal.client.url))).text();
      match(page, /Summary before turn \d+/);
      match(page, /Cache (?:not read|read in part): the history was replaced by its summary/);
      match(page, /\d+ % cached/);
    },
  );

  await t.step("a fork from a turn after the first summary goes on from that summary", async () => {
    const [first] = log.filter(({ type }) => type === "compacted");
    const fork = await mortal.client.post(`/runs/${run.id}/fork`, {
      turn: first!.body.turn,
      message: "Tell the word in the summary, too",
    });
    const reviewed = await mortal.client.until(
      `/runs/${fork.id}`,
      ({ status }: Json) => ["succeeded", "failed"].includes(status),
    );
    equal(reviewed.status, "succeeded", reviewed.error);
    const forked = await logOf(mortal.client, fork.id);
    match(forked.at(-1)!.body.result.summary, new RegExp(WORD));
    equal((await mortal.client.get(`/runs/${fork.id}/replay`)).equal, true);
  });

  await mortal.kill();
  using rows = new Rows(data.path);
  equal(rows.one("SELECT count(*) FROM runs WHERE status = 'failed'"), 0);
});

/** Hands that find a long file at every path, and the word in the first. */
const hands = {
  warm: () => {},
  tool: (_place: unknown, { call, cwd }: ToolRequest) =>
    Promise.resolve({
      result: {
        callId: call.id,
        content: call.input.file_path === "file1"
          ? `1\tthe word is ${WORD}`
          : `${call.input.file_path} ${"filler of the file ".repeat(100)}`,
        isError: false,
        durationMs: 0,
      },
      cwd,
    }),
  close: () => Promise.resolve(),
} as unknown as Hands;

Deno.test("a run of 150 turns through server, queue and brains is summed up in time, and told whole by its log", async () => {
  const turns = 150;
  let turn = 0;
  const clarify = ({ compacts, body }: ClaudeRequest) => {
    const known = JSON.stringify(body.messages).match(/the word is ([\w-]+)/)?.[1];
    if (compacts) return compaction(`Read so far: ${turn} files. the word is ${known}`);
    turn++;
    return turn < turns
      ? calls(["Read", { file_path: `file${turn}` }])
      : submit({ ...results.clarify, summary: `It greets; the word is ${known}` });
  };
  await using repo = await TestRepo.make();
  await using fake = startFakeClaude({
    contextTokens: WINDOW,
    reply: play({
      clarify,
      research: submit(results.research),
      estimate: submit(results.estimate),
      prioritize: submit(results.prioritize),
    }),
  });
  using app = testApp({
    config: {
      endpoint: { baseUrl: fake.url, apiKey: fake.apiKey },
      dataDir: repo.beside("data"),
    },
  });
  const agents = createAgents({
    brains: poolFor(fake),
    hands,
    host: createRunHost(() => app),
    model: { kind: "endpoint", baseUrl: fake.url },
    confinement: { kind: "bubblewrap", hint: "" },
    proof: Promise.resolve(null),
    nowMs: app.clock.nowMs,
  });
  Object.assign(app satisfies App, { agents });
  await refreshModels(app, never);
  changeAgent(app, "clarifier", { keys: { max_turns: 200, max_tokens: 50_000_000 } });
  const project = app.project({ path: repo.dir });
  const runner = runnerOf(app, advanceIdeaHandler, runAgentHandler);
  try {
    const idea = submitIdea(app, { projectId: project.id, title: "Save twice" });
    runner.start();
    await runner.idle();
    const run = listIdeaRuns(app.db, idea.id).find(({ purpose }) => purpose === "clarify");
    equal(run!.status, "succeeded", run!.error);
    equal(run!.turns, turns);
    const log = readRunLog(app.db, run!.id).map(({ body }) => body);
    const last = log.findLast((event) => event.type === "succeeded");
    match(JSON.stringify(last), new RegExp(WORD));
    const summaries = log.filter(({ type }) => type === "compacted");
    ok(summaries.length >= 3, `${summaries.length} summaries`);
    for (const { status, error } of fake.requests) equal(status, 200, String(error?.message));
    equal((await replay(log)).firstDifference, null);
    equal(
      getIdea(app.db, idea.id).costMicroUsd,
      chargedBy(fake),
      "what the summaries cost is counted",
    );
    const page = await (await pagesBench(app).get(`/runs/${run!.id}?all=1`)).text();
    equal(page.match(/Summary before turn \d+/g)!.length >= summaries.length, true);
  } finally {
    await runner.stop(0, 0);
    await agents.close();
  }
});
