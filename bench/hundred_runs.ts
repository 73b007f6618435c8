/**
 * A hundred agents at once, twenty of them in worktrees of their own: how much memory all of it takes, how long
 * a turn takes from its last byte to the database, and how long pages take meanwhile.
 */
import { DatabaseSync } from "node:sqlite";
import { answer, slow, startFakeClaude, toolUse } from "../tests/fake_claude/mod.ts";
import { Client, startGaffer, tempDir } from "../tests/gaffer.ts";
import { greetRepo } from "../tests/greet_story.ts";
import { grantAll, play, submit, type Turn } from "../tests/journey_support.ts";
import { watchCommits } from "./commit_watch.ts";
import { familyPssMb } from "./programs.ts";
import { seedWork } from "./seed_work.ts";
import { type Group, quantile } from "./table.ts";

const WORKTREES = 20;
/** Each has two agents at once, who only read. */
const IDEAS = 40;
const RUNS = WORKTREES + 2 * IDEAS;
/** Between two pieces of what a model writes. */
const PACE_MS = 20;
/** About as long an answer takes: some 700 tokens, several times as fast as any model writes them. */
const TURN_MS = 3_000;
const TURNS = 3;
const TIMEOUT_MS = 240_000;
/** Between two pages: twenty a second, as many people at once would open. Without a pause it were all that is done. */
const PAGE_EVERY_MS = 50;
/** Between two looks at the memory. */
const SAMPLE_MS = 500;
const MEMORY = "100 runs at once, memory in all";
const TO_DATABASE = "100 runs at once, event to database, p95";
const PAGE = "100 runs at once, page, p95";

export const hundredRuns: Group = {
  name: "hundred runs",
  rows: [MEMORY, TO_DATABASE, PAGE],
  async measure() {
    const all = Promise.withResolvers<void>();
    let begun = 0;
    // Nobody goes on before everybody has begun; then not all in the same instant, as no hundred people would.
    const together: Turn = async () => {
      const turnMs = begun * TURN_MS / RUNS;
      if (++begun === RUNS) all.resolve();
      await all.promise;
      await new Promise((resolve) => setTimeout(resolve, turnMs));
      return thinkAloud;
    };
    const agent = (result: Record<string, unknown>): Turn[] => [
      together,
      ...Array<Turn>(TURNS).fill(thinkAloud),
      submit(result),
    ];
    const later = (result: Record<string, unknown>): Turn[] => [thinkAloud, submit(result)];
    const reply = play({
      clarify: agent({ summary: "Greet everyone", type: "feature", acceptance: ["It greets"] }),
      research: agent({ summary: "See greet.sh", findings: [] }),
      estimate: later({
        complexity: "small",
        reason: "One file",
        acceptance: ["It greets"],
        subtasks: [{ title: "Greet", description: "In greet.sh", complexity: "small" }],
      }),
      prioritize: later({ priority: "normal", reason: "It can wait" }),
      develop: agent({ status: "blocked", summary: "That was all" }),
    });
    await using claude = startFakeClaude({ reply });
    await using repo = await greetRepo();
    await using data = await tempDir("gaffer-bench-");
    const tickets = seedWork(`${data.path}/gaffer.db`, repo.dir, WORKTREES);
    await using gaffer = await startGaffer({
      dataDir: data.path,
      env: {
        ANTHROPIC_API_KEY: claude.apiKey,
        ANTHROPIC_BASE_URL: claude.url,
        GAFFER_MAX_RUNS: String(RUNS),
      },
    });
    const client = new Client(gaffer.url);
    await using _person = await grantAll(client);
    const { items: [project] } = await client.get("/projects");
    for (const id of tickets) await client.post(`/tickets/${id}/retry`);
    for (let n = 1; n <= IDEAS; n++) {
      await client.post(`/projects/${project.id}/ideas`, { title: `Greet in language ${n}` });
    }
    const commits = watchCommits(`${data.path}/gaffer.db`);
    await within(all.promise, () => `only ${begun} of ${RUNS} runs have begun`);

    using db = new DatabaseSync(`${data.path}/gaffer.db`, { readOnly: true });
    const atWork = db.prepare("SELECT count(*) AS n FROM runs WHERE status = 'running'");
    const paths = ["/", "/ideas", "/runs", `/tickets/${tickets[0]}`];
    const pageMs: number[] = [];
    let peakMb = 0;
    const end = performance.now() + TIMEOUT_MS;
    for (let sampledMs = -Infinity; Number(atWork.get()!.n) > RUNS / 2;) {
      if (performance.now() > end) throw new Error("the runs come to no end");
      // Not more often: the kernel holds up a process while it counts its pages.
      if (performance.now() - sampledMs > SAMPLE_MS) {
        sampledMs = performance.now();
        peakMb = Math.max(peakMb, await familyPssMb(gaffer.pid));
      }
      for (const path of paths) {
        const next = performance.now() + PAGE_EVERY_MS;
        pageMs.push(await timeOf(gaffer.url + path));
        await new Promise((resolve) => setTimeout(resolve, next - performance.now()));
      }
    }
    const endedAt = new Map(claude.requests.map((r) => [r.requestId, r.endedAtMs]));
    const delays = [...await commits.end()].map(([request, atMs]) =>
      Math.max(0, atMs - endedAt.get(request)!)
    );
    return [
      { name: MEMORY, unit: "MB", values: [peakMb], goal: 1_288 }, // 1.2 GiB
      { name: TO_DATABASE, unit: "ms", values: [quantile(delays, 0.95)], goal: 50 },
      { name: PAGE, unit: "ms", values: [quantile(pageMs, 0.95)], goal: 50 },
    ];
  },
};

const thinkAloud = slow(
  answer(
    "I look at the program again, from its first line to its last, and say what I see. ".repeat(32),
    toolUse("Read", { file_path: "greet.sh" }),
  ),
  PACE_MS,
);

async function timeOf(url: string): Promise<number> {
  const begin = performance.now();
  const response = await fetch(url);
  await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return performance.now() - begin;
}

async function within(promise: Promise<void>, why: () => string): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(why())), TIMEOUT_MS);
  });
  await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
