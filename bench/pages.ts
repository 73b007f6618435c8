/** How long Home, Ideas and a Ticket take with 1,000 ideas and 1,000 tickets in the database. */
import { startGaffer, tempDir } from "../tests/gaffer.ts";
import { systemClock, timeText } from "../server/clock.ts";
import { migrate, openDb, transact, type Transactor } from "../server/db.ts";
import { createHub } from "../server/hub.ts";
import type { RunEventBody } from "../agents/protocol.ts";
import { noUsage } from "../agents/protocol.ts";
import { insertIdea } from "../server/store/ideas.ts";
import { insertProject } from "../server/store/projects.ts";
import { appendRunEvent, insertRun, moveRun } from "../server/store/runs.ts";
import { insertSubtasks } from "../server/store/subtasks.ts";
import { insertTicket } from "../server/store/tickets.ts";
import { type Measured, quantile } from "./table.ts";

const THINGS = 1_000;
const TURNS = 30;
const WARM_UP = 10;
const REQUESTS = 60;
const GOAL_P95_MS = 20;

export async function measurePages(): Promise<Measured[]> {
  await using data = await tempDir("gaffer-bench-");
  const ticketId = seed(`${data.path}/gaffer.db`);
  await using gaffer = await startGaffer({ dataDir: data.path });
  const pages = { Home: "/", Ideas: "/ideas", Ticket: `/tickets/${ticketId}` };
  const rows: Measured[] = [];
  for (const [name, path] of Object.entries(pages)) {
    const times: number[] = [];
    for (let i = 0; i < WARM_UP + REQUESTS; i++) {
      const begin = performance.now();
      const response = await fetch(gaffer.url + path);
      await response.text();
      if (!response.ok) throw new Error(`${path} answered ${response.status}`);
      if (i >= WARM_UP) times.push(performance.now() - begin);
    }
    times.sort((a, b) => a - b);
    rows.push({ name: `${name}, p50`, unit: "ms", values: [quantile(times, 0.5)] });
    rows.push({
      name: `${name}, p95`,
      unit: "ms",
      values: [quantile(times, 0.95)],
      goal: GOAL_P95_MS,
    });
  }
  return rows;
}

/** Writes the database as the program would; gives the ticket with an activity to show. */
function seed(path: string): string {
  const db = openDb(path);
  const app: Transactor = {
    db,
    clock: systemClock,
    hub: createHub((error) => {
      throw error;
    }),
    actor: "owner",
  };
  migrate(db, timeText(systemClock.nowMs()));
  let last = "";
  transact(app, (tx) => {
    const { id: projectId } = insertProject(tx, {
      slug: "bench",
      name: "Bench",
      path: "/nowhere",
      baseBranch: "main",
      commands: [],
      commandsAllowed: true,
      sample: false,
    });
    for (let n = 0; n < THINGS; n++) {
      const common = {
        projectId,
        title: `Number ${n} should be different`,
        description: "In a **few** words.",
        priority: n % 4,
      };
      insertIdea(tx, { ...common, tags: ["bench"] });
      const ticket = insertTicket(tx, {
        ...common,
        type: "feature",
        acceptance: ["It works"],
        ideaId: null,
      });
      const subtask = { title: "Do it", description: "As said", complexity: "small" as const };
      insertSubtasks(tx, ticket.id, [subtask, { ...subtask, title: "Test it" }]);
      // All but the newest rest, so that nothing is done while we measure.
      db.prepare("UPDATE tickets SET status = 'cancelled' WHERE id = :id AND :n % 10 <> 0")
        .run({ id: ticket.id, n });
      last = ticket.id;
    }
    const run = insertRun(tx, {
      projectId,
      ticketId: last,
      agent: "feature-dev",
      purpose: "develop",
      round: 0,
      model: "gaffer-demo",
      demo: true,
      maxTurns: 60,
      maxCostMicroUsd: 1,
    });
    for (const event of activity()) appendRunEvent(tx, run, event);
    moveRun(tx, run.id, "running");
    moveRun(tx, run.id, "cancelled");
  });
  db.close();
  return last;
}

function* activity(): Generator<RunEventBody> {
  const price = { input: 0, output: 0, cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0 };
  for (let turn = 1; turn <= TURNS; turn++) {
    const call = { id: `call_${turn}`, name: "Read", input: { file_path: "src/main.ts" } };
    yield { type: "turn_started", turn, maxOutputTokens: 16_384 };
    yield {
      type: "turn_finished",
      turn,
      content: [{ type: "text", text: "I look at it." }, { type: "tool_use", ...call }],
      stopReason: "tool_use",
      usage: noUsage,
      costMicroUsd: 0,
      price,
      requestId: null,
      durationMs: 900,
    };
    yield { type: "tool_started", turn, call };
    const content = Array.from({ length: 60 }, (_, n) => `${n + 1}\tconst line = ${n};`).join("\n");
    yield {
      type: "tool_finished",
      turn,
      result: { callId: call.id, content, isError: false, durationMs: 3 },
    };
  }
}
