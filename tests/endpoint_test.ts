/** Endpoints that only resemble the real one, and models that are gone. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { createClaude } from "../agents/loop/claude.ts";
import { refusedField } from "../agents/loop/quirks.ts";
import { replay } from "../agents/loop/replay.ts";
import type { Quirk } from "../agents/protocol.ts";
import { successorsOf, takeInstead } from "../agents/successors.ts";
import {
  asOffered,
  fetchModels,
  keepModels,
  knownQuirks,
  learnQuirk,
  offeredModels,
  QUIRKS_AGE_MS,
} from "../server/services/models.ts";
import { choices } from "../server/services/definition_form.ts";
import {
  answer,
  type FakeClaude,
  type FakeClaudeOptions,
  type Lack,
  type Laxity,
  startFakeClaude,
  thinking,
  toolUse,
} from "./fake_claude/mod.ts";
import { resolveModel } from "../agents/models.ts";
import { transactSoon } from "../server/db.ts";
import { play, runSpec } from "./loop_support.ts";
import { pagesBench } from "./pages_support.ts";
import { testApp } from "./support.ts";

const SECRET = "test-key";

/** The task of four turns: read, edit, bash, text with the result. */
async function fourTurns(options: FakeClaudeOptions, quirks: Quirk[] = []) {
  await using fake = startFakeClaude(options);
  fake.enqueue(
    answer(thinking("Look."), toolUse("Read", { file_path: "a.txt" })),
    answer(toolUse("Edit", { file_path: "a.txt", old_string: "a", new_string: "b" })),
    answer("Now the check.", toolUse("Bash", { command: "make" })),
    answer("Done.", toolUse("submit_result", { status: "done" })),
  );
  const learned: Quirk[] = [];
  const model = clientOf(fake, quirks, (quirk) => learned.push(quirk));
  const { outcome, log } = await play({ spec: runSpec(), model, script: [] });
  equal((await replay(log)).firstDifference, null);
  return { outcome, log, learned, requests: [...fake.requests], accepted: fake.accepted };
}

const clientOf = (fake: FakeClaude, quirks: Quirk[] = [], onQuirk?: (quirk: Quirk) => void) =>
  createClaude({
    kind: "endpoint",
    baseUrl: fake.url,
    apiKey: fake.apiKey,
    idleTimeoutMs: 9_000,
    quirks,
  }, onQuirk);

const done = { type: "succeeded", result: { status: "done" } };

for (const lack of ["cache_control", "thinking", "output_config"] as const) {
  Deno.test(`an endpoint without ${lack} finishes the task, and what it lacks is learned once`, async () => {
    const { outcome, learned, requests, log } = await fourTurns({ lacks: [lack] });
    deepEqual(outcome, done);
    deepEqual(learned, [lack]);
    deepEqual(requests.map(({ status }) => status), [400, 200, 200, 200, 200]);
    equal(log.filter(({ type }) => type === "turn_failed").length, 0);
    const known = await fourTurns({ lacks: [lack] }, [lack]);
    equal(known.requests.length, 4);
  });
}

Deno.test("an endpoint that lacks all of it, models and counting too, finishes the task", async () => {
  const lacks: Lack[] = ["cache_control", "thinking", "output_config", "models", "count_tokens"];
  const { outcome, learned, requests } = await fourTurns({ lacks });
  deepEqual(outcome, done);
  deepEqual(learned.toSorted(), ["cache_control", "output_config", "thinking"]);
  equal(requests.length, 4 + 3);
});

for (const laxity of ["no_request_id", "no_usage", "plain_json", "nameless_events"] as const) {
  Deno.test(`an endpoint that is lax (${laxity}) finishes the task with the same blocks`, async () => {
    const strict = await fourTurns({});
    const { outcome, log, requests } = await fourTurns({ lax: [laxity] });
    deepEqual(outcome, done);
    equal(requests.length, 4);
    const contents = (events: typeof log) =>
      events.flatMap((event) =>
        event.type === "turn_finished" ? [event.content.map(({ type }) => type)] : []
      );
    deepEqual(contents(log), contents(strict.log));
    const turn = log.find((event) => event.type === "turn_finished")!;
    equal(turn.requestId === null, laxity === "no_request_id");
    equal(turn.usage.outputTokens === 0, laxity === "no_usage");
  });
}

Deno.test("all laxities at once", async () => {
  const lax: Laxity[] = ["no_request_id", "no_usage", "nameless_events"];
  deepEqual((await fourTurns({ lax })).outcome, done);
  deepEqual((await fourTurns({ lax: ["no_request_id", "no_usage", "plain_json"] })).outcome, done);
});

Deno.test("refusedField() takes only what a refusal names as unknown, never what is wrong with the history", () => {
  const all = new Set<Quirk>([
    ...["cache_control", "thinking", "output_config", "compaction"] as const,
    "system_messages",
  ]);
  const field = (message: string) => refusedField(message, all);
  equal(field("thinking: Extra inputs are not permitted"), "thinking");
  equal(field("Unrecognized request argument supplied: thinking"), "thinking");
  equal(field("system.0.cache_control: Extra inputs are not permitted"), "cache_control");
  equal(
    field("output_config.effort: This model does not support the effort parameter"),
    "output_config",
  );
  equal(
    field("Unexpected value(s) `compact-2026-09-04` for the anthropic-beta header"),
    "compaction",
  );
  equal(field('messages.3.role: Input should be "user" or "assistant"'), "system_messages");
  equal(
    field(
      "messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to a different conversation.",
    ),
    null,
  );
  equal(field("prompt is too long: 9 tokens > 8 maximum"), null);
  equal(field("max_tokens: 999999 > 128000"), null);
  equal(refusedField("thinking: Extra inputs are not permitted", new Set()), null);
});

// ---------------------------------------------------------------- models

Deno.test("a model that is gone: the run's message names the one to take", async () => {
  await using fake = startFakeClaude({ gone: ["claude-opus-4-8"], reply: () => answer("?") });
  const spec = runSpec({ model: resolveModel("claude-opus-4-8", null) });
  const { outcome, log } = await play({ spec, model: clientOf(fake), script: [] });
  ok(outcome.type === "failed");
  equal(outcome.reason, "model_not_found");
  match(outcome.message, /404 .*claude-opus-4-8.*\. Take "claude-opus-5-5" instead/);
  equal((await replay([...log])).firstDifference, null);
});

Deno.test("successorsOf() prefers the newest of the same line among what is offered", () => {
  deepEqual(successorsOf("claude-opus-4-8", ["claude-opus-5", "claude-opus-5-5", "x"]), [
    "claude-opus-5-5",
    "claude-opus-5",
  ]);
  equal(successorsOf("claude-opus-4-8", null)[0], "claude-opus-5-5");
  match(takeInstead("gpt-x", ["a", "b"]), /Take one of these instead.*: a, b/);
  match(takeInstead("gpt-x", []), /lists no model at all/);
});

const appFor = (fake: FakeClaude) =>
  testApp({ config: { endpoint: { baseUrl: fake.url, apiKey: fake.apiKey } } });

Deno.test("the endpoint's list of models is bounded, kept, and narrows a model's window", async () => {
  await using fake = startFakeClaude({ contextTokens: 50_000 });
  using app = appFor(fake);
  const list = (await fetchModels(app))!;
  equal(list.error, null);
  ok(list.models.length >= 8);
  keepModels(app, list);
  const offered = offeredModels(app)!;
  const choice = (has: string[], present = "") => choices(has, present).model;
  deepEqual(choice(offered), choices().model);
  deepEqual(choice(["claude-opus-5-5", "other"], "claude-opus-5"), [
    "opus",
    "claude-opus-5-5",
    "claude-opus-5",
  ]);
  const model = resolveModel("sonnet", null);
  equal(asOffered(app, model).contextTokens, 50_000);
  equal(asOffered(app, { ...model, id: "other" }).contextTokens, model.contextTokens);
});

Deno.test("an endpoint without a list keeps the one before, and says why; the key is not told", async () => {
  await using fake = startFakeClaude({ lacks: ["models"] });
  using app = appFor(fake);
  const list = (await fetchModels(app))!;
  deepEqual(list.models, []);
  match(list.error!, /Cannot list the models: it answered 404/);
  ok(!JSON.stringify(list).includes(SECRET));
});

Deno.test("what an endpoint lacks is remembered for that endpoint only, for a day, and shown", async () => {
  await using fake = startFakeClaude();
  using app = appFor(fake);
  const learn = async (quirk: Quirk) => {
    learnQuirk(app, quirk);
    await transactSoon(app, () => {}); // shares its COMMIT
  };
  await learn("cache_control");
  app.advance(QUIRKS_AGE_MS / 2);
  await learn("compaction");
  deepEqual(knownQuirks(app).toSorted(), ["cache_control", "compaction"]);
  const other = {
    ...app,
    config: { ...app.config, endpoint: { baseUrl: "http://x", apiKey: "" } },
  };
  deepEqual(knownQuirks(other), []);
  const { status } = app.agents;
  const model = { kind: "endpoint", baseUrl: fake.url } as const;
  app.agents.status = () => ({ ...status(), model });
  const page = await (await pagesBench(app).get("/settings")).text();
  match(page, /It does not take prompt caching, so each turn of a run pays for all of its history/);
  app.advance(QUIRKS_AGE_MS / 2);
  deepEqual(knownQuirks(app), [], "somebody may have mended it");
});

Deno.test("what one model lacks is asked of the others, and of itself after the next start", async () => {
  await using fake = startFakeClaude({
    lacksOf: (model) => model === "claude-sonnet-5-5" ? ["thinking", "output_config"] : [],
    reply: () => answer(toolUse("submit_result", { status: "done" })),
  });
  const model = clientOf(fake);
  const sent = async (name: string) => {
    const before = fake.requests.length;
    const { outcome } = await play({
      spec: runSpec({ model: resolveModel(name, "high") }),
      model,
      script: [],
    });
    deepEqual(outcome, done);
    return fake.requests.slice(before).map(({ status, body }) => {
      const { thinking, output_config } = body as unknown as Record<string, unknown>;
      return [status, thinking !== undefined, output_config !== undefined];
    });
  };
  deepEqual((await sent("sonnet")).at(-1), [200, false, false]);
  deepEqual(await sent("opus"), [[200, true, true]], "it thinks, and as hard as it was told to");
  deepEqual(await sent("sonnet"), [[200, false, false]], "it is not asked for it twice");
  using app = appFor(fake);
  learnQuirk(app, "thinking");
  await transactSoon(app, () => {});
  deepEqual(knownQuirks(app), []);
});
