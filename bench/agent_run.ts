/**
 * A developer's run of four turns (Read, Edit, Bash, submit) in the real program, against the strict fake of
 * the Claude API: how long it takes with hands that must be started and with hands that are there, and how
 * much more memory the program takes meanwhile.
 */
import { answer, startFakeClaude, toolUse } from "../tests/fake_claude/mod.ts";
import { Client, type Gaffer, type Json, startGaffer, tempDir } from "../tests/gaffer.ts";
import { greetRepo } from "../tests/greet_story.ts";
import { grantAll, ifGood, play, runsOf, settled, submit } from "../tests/journey_support.ts";
import { familyPssMb } from "./programs.ts";
import { goodReview, seedWork } from "./seed_work.ts";
import type { Group } from "./table.ts";

const MEMORY_TICKETS = 3;
const TICKETS = 7;
const SAMPLE_MS = 25;
/** As for the memory at rest. */
const SETTLE_MS = 10_000;
const COLD = "run of four turns, hands cold";
const WARM = "run of four turns, hands warm";
/**
 * Most of it is the runtime's own: with the runtime of Deno 2.7.11 an empty process takes 17 MB beside the code that
 * all share, an empty worker 15 MB, and each process has a copy of all that the executable has inside, 6 MB. With that
 * of 2.9.6 the first two are 10 MB and 7 MB.
 */
const MEMORY = "memory of a run, hands included";

const turns = (old_string: string, new_string: string) => [
  answer("I look at it first.", toolUse("Read", { file_path: "greet.sh" })),
  ifGood(
    answer("Now I change it.", toolUse("Edit", { file_path: "greet.sh", old_string, new_string })),
  ),
  ifGood(answer("Does it work?", toolUse("Bash", { command: "sh greet.sh" }))),
  ifGood(submit({ status: "done", summary: "It greets in another way" })),
];
const scripts = {
  "develop 1": turns("hello", "hello, world"),
  "develop 2": turns("hello, world", "good day"),
  review: goodReview,
};

export const agentRun: Group = {
  name: "agent run",
  rows: [COLD, WARM, MEMORY],
  async measure() {
    await using claude = startFakeClaude({ reply: play(scripts) });
    await using repo = await greetRepo();
    const env = { ANTHROPIC_API_KEY: claude.apiKey, ANTHROPIC_BASE_URL: claude.url };
    const memory: number[] = [];
    for (let n = 0; n < MEMORY_TICKETS; n++) {
      await using data = await tempDir("gaffer-bench-");
      const [ticket] = seedWork(`${data.path}/gaffer.db`, repo.dir, 1);
      await using gaffer = await startGaffer({ dataDir: data.path, env });
      memory.push(await memoryOfRun(gaffer, ticket!));
      await repo.git("worktree", "prune");
    }
    await using data = await tempDir("gaffer-bench-");
    const [first, ...tickets] = seedWork(`${data.path}/gaffer.db`, repo.dir, 1 + TICKETS);
    await using gaffer = await startGaffer({ dataDir: data.path, env });
    const client = new Client(gaffer.url);
    await using _person = await grantAll(client);
    await develop(client, first!); // starts the brain, which the others find
    const times: number[][] = [];
    for (const ticket of tickets) times.push(await develop(client, ticket));
    return [
      { name: COLD, unit: "s", values: times.map(([cold]) => cold!), goal: 0.25 },
      { name: WARM, unit: "s", values: times.map(([, warm]) => warm!), goal: 0.15 },
      { name: MEMORY, unit: "MB", values: memory, goal: 40 },
    ];
  },
};

/** Takes a ticket to its review; gives the seconds that its two subtasks' runs took. */
async function develop(client: Client, ticketId: string): Promise<number[]> {
  await client.post(`/tickets/${ticketId}/retry`);
  const ticket = await client.until(`/tickets/${ticketId}`, settled);
  if (ticket.status !== "review") {
    throw new Error(`The ticket is ${ticket.status}: ${ticket.reason}`);
  }
  const runs = await runsOf(client, { ticket_id: ticketId });
  return runs.filter((run: Json) => run.purpose === "develop").map(({ started_at, finished_at }) =>
    (Date.parse(finished_at) - Date.parse(started_at)) / 1_000
  );
}

/** How much more than at rest the program and all that it starts take until the first run has ended, in MB. */
async function memoryOfRun({ url, pid }: Gaffer, ticketId: string): Promise<number> {
  const client = new Client(url);
  await using _person = await grantAll(client);
  // What whoever begins a run has looked at before has loaded is no part of the run.
  for (const path of ["/runs", `/tickets/${ticketId}`]) await client.get(path);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const restMb = await familyPssMb(pid);
  await client.post(`/tickets/${ticketId}/retry`);
  let ended = false;
  const ending = client.until("/runs", ({ items }) => items.at(-1)?.finished_at)
    .finally(() => ended = true);
  let peakMb = 0;
  while (!ended) {
    peakMb = Math.max(peakMb, await familyPssMb(pid));
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
  }
  await ending;
  return Math.max(peakMb, await familyPssMb(pid)) - restMb;
}
