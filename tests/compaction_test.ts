/** Histories that outgrow the model's window: summed up in time, by the API or by the model, with nothing lost. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { createClaude } from "../agents/loop/claude.ts";
import { fold } from "../agents/loop/fold.ts";
import { COMPACT_AT, mustCompact } from "../agents/loop/limits.ts";
import { goOnNote, summaryRequest } from "../agents/loop/notes.ts";
import { replay } from "../agents/loop/replay.ts";
import type { RunEventBody, RunSpec } from "../agents/protocol.ts";
import { forkPoints } from "../server/services/forking.ts";
import {
  answer,
  broken,
  type ClaudeRequest,
  compaction,
  type FakeClaude,
  type FakeClaudeOptions,
  type Reply,
  startFakeClaude,
  thinking,
  toolUse,
} from "./fake_claude/mod.ts";
import {
  answer as said,
  call,
  type Play,
  play,
  runSpec,
  stopped,
  submit,
  text,
  typesOf,
} from "./loop_support.ts";

const WINDOW = 24_000;
const TURNS = 150;
const WORD = "heliotrope-41";

const spec: RunSpec = runSpec({
  system: "You are the feature-dev agent of Gaffer.\n" + "Work with care. ".repeat(200),
  model: { ...runSpec().model, contextTokens: WINDOW },
  limits: { ...runSpec().limits, maxTurns: 400 },
});

/**
 * A model that learns a word from its first file, reads on for 148 turns, and hands the word in. It knows nothing
 * but what the request holds.
 */
function forgetful(change: (request: ClaudeRequest) => Reply | null = () => null) {
  let turn = 0;
  return (request: ClaudeRequest): Reply => {
    const changed = change(request);
    if (changed) return changed;
    const known = JSON.stringify(request.body.messages).match(/the word is ([\w-]+)/)?.[1];
    if (request.compacts) return compaction(`Read so far: ${turn} files. the word is ${known}`);
    if (request.notes.concat(request.said).some((text) => text.includes(summaryRequest))) {
      return answer(`Read so far: ${turn} files. the word is ${known}`);
    }
    turn++;
    if (turn >= TURNS) return answer(toolUse("submit_result", { status: "done", word: known }));
    return answer(thinking("On."), toolUse("Read", { file_path: `file${turn}` }));
  };
}

const tools: Play["tools"] = ({ input }) => ({
  content: input.file_path === "file1"
    ? `1\tthe word is ${WORD}`
    : `${input.file_path} ${"filler of the file ".repeat(100)}`,
});

const fakeFor = (options: FakeClaudeOptions = {}) =>
  startFakeClaude({ contextTokens: WINDOW, reply: forgetful(), ...options });
const claudeFor = (fake: FakeClaude) =>
  createClaude({ kind: "endpoint", baseUrl: fake.url, apiKey: fake.apiKey, idleTimeoutMs: 9_000 });
const run = (fake: FakeClaude, log: RunEventBody[] = []) =>
  play({ spec, log, model: claudeFor(fake), script: [], tools });

const compactions = (log: readonly RunEventBody[]) =>
  log.filter((event) => event.type === "compacted");
const costOf = (log: readonly RunEventBody[]) =>
  log.reduce((sum, event) => sum + ("costMicroUsd" in event ? event.costMicroUsd : 0), 0);

Deno.test("a run of 150 turns is summed up in time, and its first fact is still known at the end", async () => {
  await using fake = fakeFor();
  const { outcome, log } = await run(fake);
  deepEqual(outcome, { type: "succeeded", result: { status: "done", word: WORD } });
  equal(log.filter(({ type }) => type === "turn_finished").length, TURNS);
  ok(compactions(log).length >= 3, `${compactions(log).length} summaries`);
  deepEqual(fake.requests.filter(({ status }) => status !== 200), []);
  // What a summary took is told apart in the answer, and still paid for.
  ok(compactions(log).every(({ usage }) => usage.cacheReadTokens > 0 && usage.outputTokens > 0));
  const bill = fake.costMicroUsd;
  ok(costOf(log) >= bill && costOf(log) - bill <= fake.paidTurns, `${costOf(log)} for ${bill}`);
  // The block goes back as it came, first, with the task behind it.
  const after = fake.accepted.findLast(({ compacts }) => !compacts)!.body.messages;
  deepEqual(after[0], { role: "assistant", content: compactions(log).at(-1)!.content });
  match(JSON.stringify(after[1]), /Add a greeting.*replaced by its summary/);
  equal((await replay(log)).firstDifference, null);
});

Deno.test("an endpoint without compaction has the model write the summary itself", async () => {
  for (const lacks of [["compaction"], ["compaction", "system_messages"]] as const) {
    await using fake = fakeFor({ lacks });
    const { outcome, log } = await run(fake);
    deepEqual(outcome, { type: "succeeded", result: { status: "done", word: WORD } });
    ok(compactions(log).length >= 3);
    ok(compactions(log).every(({ content }) => content[0]!.type === "text"));
    // It is learned once.
    equal(fake.requests.filter(({ status }) => status === 400).length, lacks.length);
    equal((await replay(log)).firstDifference, null);
  }
});

Deno.test("a summary that comes to nothing is asked of the model instead", async () => {
  let failed = 0;
  await using fake = fakeFor({
    reply: forgetful(({ compacts }) => compacts && failed++ === 0 ? compaction(null) : null),
  });
  const { outcome, log } = await run(fake);
  equal(outcome.type, "succeeded");
  const failure = log.find((event) => event.type === "turn_failed")!;
  match(failure.message, /it holds no summary/);
  equal(compactions(log)[0]!.content[0]!.type, "text");
  ok(failure.costMicroUsd > 0);
  equal((await replay(log)).firstDifference, null);
});

Deno.test("a run that is cut off anywhere around a summary goes on from its log", async () => {
  let log: RunEventBody[];
  {
    await using fake = fakeFor();
    log = (await run(fake)).log;
  }
  const second = log.indexOf(compactions(log)[1]!);
  for (let end = second - 3; end <= second + 4; end++) {
    const left = log.slice(0, end);
    const before = log.slice(0, end).filter(({ type }) => type === "turn_finished").length;
    let turn = before;
    await using fake = startFakeClaude({
      contextTokens: WINDOW,
      reply: (request) => {
        const known = JSON.stringify(request.body.messages).match(/the word is ([\w-]+)/)?.[1];
        if (request.compacts) return compaction(`the word is ${known}`);
        return ++turn >= before + 5
          ? answer(toolUse("submit_result", { word: known }))
          : answer(toolUse("Read", { file_path: `again${turn}` }, `again_${turn}`));
      },
    });
    // Another server did not sign what this one is sent: it takes it as it came.
    const unsigned = left.map((event) =>
      "content" in event
        ? { ...event, content: event.content.filter(({ type }) => type !== "thinking") }
        : event
    );
    const { outcome, log: whole } = await run(fake, unsigned.map(asText));
    deepEqual(outcome, { type: "succeeded", result: { word: WORD } }, `cut at ${end}`);
    const doubt = fold(spec, whole).doubt.requests;
    equal(doubt, log[end - 1]!.type === "turn_started" ? 1 : 0, `cut at ${end}`);
    equal((await replay(whole)).firstDifference, null, `cut at ${end}`);
  }
});

/** Signed by the server that wrote it only: elsewhere a summary is a text. */
function asText(event: RunEventBody): RunEventBody {
  if (event.type !== "compacted") return event;
  const summary = String((event.content[0] as unknown as { content: string }).content);
  return { ...event, content: [{ type: "text", text: summary }] };
}

Deno.test("a stream that breaks within a summary is tried again, and nothing is lost", async () => {
  let breaks = 1;
  await using fake = fakeFor({
    reply: forgetful((request) => {
      if (!request.compacts || breaks-- <= 0) return null;
      return broken(compaction("lost"), { type: "eof", after: "content_block_delta" });
    }),
  });
  const { outcome, log } = await run(fake);
  deepEqual(outcome, { type: "succeeded", result: { status: "done", word: WORD } });
  equal(log.filter(({ type }) => type === "turn_failed").length, 1);
});

Deno.test("forks are cut before a summary or after the turn that follows it", async () => {
  await using fake = fakeFor();
  const { log } = await run(fake);
  const started: RunEventBody[] = [{ type: "started", spec }, ...log];
  const points = forkPoints(spec, started);
  equal(points.length, TURNS); // one before each turn; the last handed in
  const [first] = compactions(started);
  const at = started.indexOf(first!);
  const before = points.find(({ turn }) => turn === first!.turn - 1)!;
  ok(before.events < at);
  ok(points.find(({ turn }) => turn === first!.turn)!.events > at);
});

Deno.test("a person's note that comes during a summary follows it", () => {
  const events: RunEventBody[] = [
    said(text("."), call("c1", "Read")),
  ].flatMap((reply): RunEventBody[] => [
    { type: "turn_started", turn: 1, maxOutputTokens: 1_000 },
    {
      type: "turn_finished",
      turn: 1,
      content: reply.content,
      stopReason: "tool_use",
      usage: { ...reply.usage, inputTokens: WINDOW * COMPACT_AT },
      costMicroUsd: 1,
      price: spec.model.price,
      requestId: null,
      durationMs: 1,
    },
    { type: "tool_started", turn: 1, call: { id: "c1", name: "Read", input: {} } },
    {
      type: "tool_finished",
      turn: 1,
      result: { callId: "c1", content: "x", isError: false, durationMs: 1 },
    },
  ]);
  ok(mustCompact(fold(spec, events)));
  const state = fold(spec, [
    ...events,
    { type: "turn_started", turn: 2, maxOutputTokens: 1_000, compacts: true },
    { type: "note", text: "Mind the tests", by: "ana" },
    {
      type: "compacted",
      turn: 2,
      content: [{ type: "text", text: "All is well" }],
      usage: said().usage,
      costMicroUsd: 1,
      price: spec.model.price,
      requestId: null,
      durationMs: 1,
    },
  ]);
  const sent = JSON.stringify(state.messages);
  ok(sent.indexOf("All is well") < sent.indexOf(goOnNote.slice(0, 40)));
  ok(sent.indexOf(goOnNote.slice(0, 40)) < sent.indexOf("Mind the tests"));
  equal(mustCompact(state), false);
});

Deno.test("results that would burst the window at once are cut for the summary, and the run goes on", async () => {
  for (const lacks of [[], ["compaction"]] as const) {
    let turn = 0;
    await using fake = startFakeClaude({
      contextTokens: WINDOW,
      lacks,
      reply: ({ compacts, notes, body }) => {
        if (compacts) return compaction("Too much at once");
        if (notes.some((text) => text.includes(summaryRequest))) return answer("Too much at once");
        if (turn++ > 0) {
          const told = JSON.stringify(body.messages).includes("Too much at once");
          return answer(toolUse("submit_result", { told }));
        }
        return answer(
          thinking("All of it."),
          ..."abcdef".split("").map((id) => toolUse("Read", { id })),
        );
      },
    });
    const huge = { content: "a long line of a long file\n".repeat(1_500) };
    const { outcome, log } = await play({
      ...{ spec, model: claudeFor(fake), script: [], tools: () => huge },
    });
    deepEqual(outcome, { type: "succeeded", result: { told: true } });
    equal(compactions(log).length, 1);
    equal((await replay(log)).firstDifference, null);
  }
});

// ------------------------------------------------------------------ a window that is smaller than was thought

const cutOff = stopped("model_context_window_exceeded", text("So f"));

Deno.test("an answer cut off at the end of the window has the history summed up, and the run goes on", async () => {
  const { outcome, log, sent } = await play({
    script: [said(call("a", "Read")), cutOff, said(text("What I know so far")), submit()],
  });
  equal(outcome.type, "succeeded");
  deepEqual(typesOf(log).filter((type) => type.startsWith("turn_f") || type === "compacted"), [
    ...["turn_finished", "turn_failed", "compacted", "turn_finished"],
  ]);
  deepEqual(sent.map(({ compacts = false }) => compacts), [false, false, true, false]);
  match(JSON.stringify(sent[3]!.messages), /What I know so far/);
  ok(!JSON.stringify(sent).includes('So f"'), "what was cut off is no part of it");
  equal(costOf(log), fold(runSpec(), log).costMicroUsd, "it is paid");
  equal((await replay([{ type: "started", spec: runSpec() }, ...log])).firstDifference, null);
});

Deno.test("killed before the summary, it asks for that and not for the answer again", async () => {
  const { log } = await play({
    script: [said(call("a", "Read")), cutOff, said(text("All")), submit()],
  });
  const failed = log.findIndex(({ type }) => type === "turn_failed");
  const after = await play({
    log: log.slice(0, failed + 1),
    script: [said(text("What I know")), submit()],
  });
  equal(after.outcome.type, "succeeded");
  deepEqual(after.sent.map(({ compacts = false }) => compacts), [true, false]);
});

for (
  const [name, script] of [
    ["there is nothing to sum up yet", [cutOff]],
    ["the summary does not fit either", [said(call("a", "Read")), cutOff, cutOff]],
    [
      "it was summed up and is cut off again at once",
      [said(call("a", "Read")), cutOff, said(text("All")), cutOff],
    ],
  ] as const
) {
  Deno.test(`such a run fails with context_full where ${name}`, async () => {
    const { outcome, log } = await play({ script: [...script] });
    equal(outcome.type === "failed" && outcome.reason, "context_full");
    const whole: RunEventBody[] = [{ type: "started", spec: runSpec() }, ...log];
    equal((await replay(whole)).firstDifference, null);
  });
}

Deno.test("a log of an earlier version, which failed where this one sums up, replays as it was", async () => {
  const { log } = await play({
    script: [said(call("a", "Read")), cutOff, said(text("All")), submit()],
  });
  const failed = log.findIndex(({ type }) => type === "turn_failed");
  const message = (log[failed] as { message: string }).message;
  const earlier = [
    { type: "started", spec: runSpec() },
    ...log.slice(0, failed),
    { ...log[failed], retryInMs: null },
    { type: "failed", reason: "context_full", message },
  ] as RunEventBody[];
  equal((await replay(earlier)).firstDifference, null);
});
