/** How much a run reads from the provider's cache, and what its page says where it does not. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import { createClaude } from "../agents/loop/claude.ts";
import { noUsage, type RunEventBody, type Usage } from "../agents/protocol.ts";
import type { RunEvent } from "../server/records.ts";
import { foldActivity, type TurnItem } from "../views/activity_fold.ts";
import { cacheUseOf } from "../views/cache_use.ts";
import { inputTokens } from "../views/format.ts";
import { answer, startFakeClaude, thinking, toolUse } from "./fake_claude/mod.ts";
import { play, runSpec } from "./loop_support.ts";

const longSystem = "You are the feature-dev agent of Gaffer.\n" + "Work with care. ".repeat(400);

/** A run of so many turns, each with so many calls. */
async function ran(turns: number, callsPerTurn: number): Promise<RunEventBody[]> {
  await using fake = startFakeClaude({
    reply: ({ turn }) =>
      turn === turns ? answer(toolUse("submit_result", { status: "done" })) : answer(
        thinking("On."),
        ...Array.from({ length: callsPerTurn }, (_, n) => toolUse("Read", { n, turn })),
      ),
  });
  const model = createClaude({
    kind: "endpoint",
    baseUrl: fake.url,
    apiKey: fake.apiKey,
    idleTimeoutMs: 9_000,
  });
  const spec = runSpec({ system: longSystem });
  const content = "a line of the file\n".repeat(8);
  const { log } = await play({ spec, model, script: [], tools: () => ({ content }) });
  return [{ type: "started", spec }, ...log];
}

const usages = (log: RunEventBody[]): Usage[] =>
  log.flatMap((event) => event.type === "turn_finished" ? [event.usage] : []);

Deno.test("from the third turn on 95 % of a run's input is read from the cache", async () => {
  const after = usages(await ran(20, 1)).slice(2);
  equal(after.length, 18);
  const read = after.reduce((sum, usage) => sum + usage.cacheReadTokens, 0);
  const all = after.reduce((sum, usage) => sum + inputTokens(usage), 0);
  ok(read / all >= 0.95, `${read} of ${all}`);
});

Deno.test("a turn with more calls than the provider looks back still reads all that was written before", async () => {
  const [first, ...rest] = usages(await ran(6, 14));
  let left = first!.cacheWrite5mTokens + first!.cacheReadTokens;
  for (const usage of rest) {
    equal(usage.cacheReadTokens, left);
    left += usage.cacheWrite5mTokens;
  }
});

// ---------------------------------------------------------------- what the page says

const used = (changes: Partial<Usage>): Usage => ({ ...noUsage, ...changes });
const at = (minute: number) => new Date(Date.UTC(2026, 10, 1, 9, minute)).toISOString();
const before = {
  usage: used({ cacheWrite5mTokens: 4_000, cacheReadTokens: 1_000, inputTokens: 10 }),
  at: at(0),
  forked: false,
  compacted: false,
};

Deno.test("cacheUseOf() tells the share, and why a turn did not read what was there", () => {
  const miss = used({ cacheWrite5mTokens: 5_200, inputTokens: 3 });
  const hit = used({ cacheReadTokens: 5_000, cacheWrite5mTokens: 200 });
  deepEqual(cacheUseOf({ usage: hit, at: at(1) }, before), { share: 5_000 / 5_200, broke: null });
  const why = (usage: Usage, minute: number, change: Partial<typeof before> = {}) =>
    cacheUseOf({ usage, at: at(minute) }, { ...before, ...change }).broke;
  equal(cacheUseOf({ usage: miss, at: at(0) }, null).broke, "first");
  equal(why(miss, 1), "changed");
  equal(why(used({ cacheReadTokens: 1_000, cacheWrite5mTokens: 4_200 }), 1), "changed");
  equal(why(miss, 6), "gap");
  equal(why(hit, 6), null);
  equal(why(miss, 6, { usage: used({ cacheWrite1hTokens: 5_000 }) }), "changed");
  equal(why(miss, 61, { usage: used({ cacheWrite1hTokens: 5_000 }) }), "gap");
  equal(why(miss, 1, { forked: true }), "forked");
  equal(why(miss, 1, { compacted: true }), "compacted");
  equal(why(miss, 1, { usage: used({ inputTokens: 400 }) }), "short");
  equal(why(miss, 1, { usage: used({ inputTokens: 4_000 }) }), "uncached");
  equal(cacheUseOf({ usage: noUsage, at: at(0) }, null).share, 0);
});

const eventsOf = (log: RunEventBody[], from = 0): RunEvent[] =>
  log.map((body, i) => ({ seq: i + 1, runId: "run_1", number: i + 1, at: at(0), body }))
    .slice(from);
const turnsOf = (events: RunEvent[]) =>
  foldActivity(events).filter((item): item is TurnItem => item.kind === "turn");

Deno.test("each turn of a run knows what it read; the first of a part of a log is not judged", async () => {
  const log = await ran(4, 1);
  const turns = turnsOf(eventsOf(log));
  deepEqual(turns.map(({ cache }) => cache!.broke), ["first", null, null, null]);
  ok(turns[3]!.cache!.share > 0.9);
  const second = log.findIndex((event) => event.type === "turn_started" && event.turn === 2);
  const part = turnsOf(eventsOf(log, second));
  deepEqual(part.map(({ cache }) => cache?.broke), [undefined, null, null]);
});

Deno.test("a summary is an item of its own, and the turn after it says why nothing was read", async () => {
  const log = await ran(4, 1);
  const finished = log.filter((event) => event.type === "turn_finished");
  const third = log.findIndex((event) => event.type === "turn_started" && event.turn === 3);
  const { content: _content, stopReason: _stop, ...paid } = finished[1]!;
  const summed: RunEventBody[] = [
    { type: "turn_started", turn: 3, maxOutputTokens: 1_000, compacts: true },
    { ...paid, type: "compacted", turn: 3, content: [{ type: "text", text: "So far so good" }] },
  ];
  const turns = turnsOf(eventsOf(log.toSpliced(third, 0, ...summed)));
  deepEqual(turns.map(({ compacts, summary }) => compacts && summary), [
    false,
    false,
    "So far so good",
    false,
    false,
  ]);
  equal(turns[3]!.cache!.broke, "compacted");
});
