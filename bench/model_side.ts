/**
 * A developer's run of 20 turns in the real program, against the strict fake of the Claude API: what the runtime
 * takes for a turn when the model takes nothing, how much of the input is paid for anew, and how many tokens a
 * fixed ticket begins with, so that growth is seen.
 */
import { promptSegments } from "../agents/demo/tokens.ts";
import type { MessagesRequest } from "../agents/demo/wire.ts";
import { answer, type FakeClaude, startFakeClaude, toolUse } from "../tests/fake_claude/mod.ts";
import { Client, type Json, startGaffer, tempDir } from "../tests/gaffer.ts";
import { greetRepo } from "../tests/greet_story.ts";
import { grantAll, logOf, play, runsOf, settled, submit } from "../tests/journey_support.ts";
import { goodReview, seedWork } from "./seed_work.ts";
import { type Group, quantile } from "./table.ts";

const RUNS = 5;
const TURNS = 20;
/** From the third on. */
const SETTLED_TURNS = 3;
const PER_TURN = "runtime per turn without the model, a Read included";
const UNCACHED = "input not read from the cache, from turn 3 of 20";
const BEGINNINGS = {
  tools: "input tokens of a ticket: tools",
  system: "input tokens of a ticket: system",
  messages: "input tokens of a ticket: context",
} as const;

const reads = Array.from(
  { length: TURNS - 3 },
  (_, n) =>
    answer("On.", toolUse("Read", { file_path: "long.txt", offset: 1 + 12 * n, limit: 12 })),
);
const change = (old_string: string, new_string: string) => [
  answer("I look at it.", toolUse("Read", { file_path: "greet.sh" })),
  answer("I change it.", toolUse("Edit", { file_path: "greet.sh", old_string, new_string })),
  submit({ status: "done", summary: "It greets in another way" }),
];
const scripts = {
  "develop 1": [...reads, ...change("hello", "hello, world")],
  "develop 2": change("hello, world", "good day"),
  review: goodReview,
};

export const modelSide: Group = {
  name: "model side",
  rows: [PER_TURN, UNCACHED, ...Object.values(BEGINNINGS)],
  async measure() {
    await using claude = startFakeClaude({ reply: play(scripts) });
    const lines = Array.from(
      { length: 400 },
      (_, n) => `line ${n} of a file that is read bit by bit`,
    );
    await using repo = await greetRepo({ "long.txt": lines.join("\n") + "\n" });
    const env = { ANTHROPIC_API_KEY: claude.apiKey, ANTHROPIC_BASE_URL: claude.url };
    await using data = await tempDir("gaffer-bench-");
    const tickets = seedWork(`${data.path}/gaffer.db`, repo.dir, RUNS);
    await using gaffer = await startGaffer({ dataDir: data.path, env });
    const client = new Client(gaffer.url);
    await using _person = await grantAll(client);
    const perTurn: number[] = [];
    const uncached: number[] = [];
    for (const ticket of tickets) {
      const log = await develop(client, ticket);
      perTurn.push(runtimePerTurnMs(log));
      uncached.push(100 - 100 * cachedShare(log));
    }
    const tokens = beginning(claude);
    return [
      { name: PER_TURN, unit: "ms", values: perTurn, goal: 5 },
      { name: UNCACHED, unit: "%", values: uncached, goal: 5 },
      ...Object.entries(BEGINNINGS).map(([part, name]) => ({
        name,
        unit: "tokens",
        values: [tokens[part as keyof typeof BEGINNINGS]],
      })),
    ];
  },
};

/** Takes a ticket to its end; gives the log of its first developer. */
async function develop(client: Client, ticketId: string): Promise<Json[]> {
  await client.post(`/tickets/${ticketId}/retry`);
  await client.until(`/tickets/${ticketId}`, settled);
  const runs = await runsOf(client, { ticket_id: ticketId });
  const first = runs.find(({ purpose }) => purpose === "develop");
  return await logOf(client, first!.id);
}

/**
 * From the end of one answer to the next request, in the middle of the turns: what of it is no request's own
 * time. That the hands start, and that a turn which changed something is committed, is in the time of a run.
 */
function runtimePerTurnMs(log: Json[]): number {
  const started = log.filter(({ type }) => type === "turn_started");
  const finished = log.filter(({ type }) => type === "turn_finished");
  return quantile(
    started.slice(1).map(({ at }, n) => Date.parse(at) - Date.parse(finished[n]!.at)),
    0.5,
  );
}

function cachedShare(log: Json[]): number {
  let [read, all] = [0, 0];
  for (const { type, body } of log) {
    if (type !== "turn_finished" || body.turn < SETTLED_TURNS) continue;
    const { inputTokens, cacheReadTokens, cacheWrite5mTokens, cacheWrite1hTokens } = body.usage;
    read += cacheReadTokens;
    all += inputTokens + cacheReadTokens + cacheWrite5mTokens + cacheWrite1hTokens;
  }
  return read / all;
}

/** By the fake's count: four characters are a token. */
function beginning(claude: FakeClaude): Record<keyof typeof BEGINNINGS, number> {
  const first = claude.accepted.find(({ turn, agent }) => turn === 1 && agent === "bugfix-dev");
  const sums = { tools: 0, system: 0, messages: 0 };
  for (const { part, tokens } of promptSegments(first!.body as MessagesRequest)) {
    sums[part] += tokens;
  }
  return sums;
}
