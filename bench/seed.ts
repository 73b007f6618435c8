/** A database as months of work leave it: ideas and tickets in every state, with their runs, checks and history. */
import type { RunEventBody } from "../agents/protocol.ts";
import { MINUTE_MS, timeText } from "../server/clock.ts";
import { migrate, openDb, transact, type Transactor, type Tx } from "../server/db.ts";
import { createHub } from "../server/hub.ts";
import type { Run, RunPurpose, Ticket } from "../server/records.ts";
import {
  type IdeaStatus,
  ideaStatuses,
  type TicketStatus,
  ticketStatuses,
} from "../server/states.ts";
import { insertCheck } from "../server/store/checks.ts";
import { insertIdea, moveIdea } from "../server/store/ideas.ts";
import { insertProject } from "../server/store/projects.ts";
import { insertQuestion } from "../server/store/questions.ts";
import { replaceFindings } from "../server/store/reviews.ts";
import { appendRunEvent } from "../server/store/run_log.ts";
import { addTurnUsage, getRun, insertRun, moveRun } from "../server/store/runs.ts";
import { insertSubtasks, listSubtasks, moveSubtask } from "../server/store/subtasks.ts";
import { insertTicket, moveTicket, type TicketChanges } from "../server/store/tickets.ts";

/** Turns of an ordinary run, and of the one that the measured page shows. */
const TURNS = 5;
const LONG_TURNS = 75;
/** Every so many minutes something is submitted, so that times differ as in life. */
const STEP_MS = 30 * MINUTE_MS;
const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const BASE = COMMIT.replaceAll("0", "f");

interface Seeding {
  tx: Tx;
  projectId: string;
}

/** Writes `count` ideas and as many tickets; gives a ticket in review whose developer worked for long. */
export function seed(path: string, count: number): { ticketId: string } {
  const db = openDb(path);
  let nowMs = Date.now() - 2 * count * STEP_MS;
  const app: Transactor = {
    db,
    clock: { nowMs: () => nowMs += STEP_MS },
    hub: createHub((error) => {
      throw error;
    }),
    actor: "owner",
  };
  migrate(db, timeText(nowMs));
  const projectId = transact(app, (tx) => seedProject(tx));
  for (let n = 0; n < count; n++) {
    transact(app, (tx) => seedIdea({ tx, projectId }, ideaStatuses[n % ideaStatuses.length]!, n));
    transact(app, (tx) => {
      seedTicket({ tx, projectId }, ticketStatuses[n % ticketStatuses.length]!, n, TURNS);
    });
  }
  const { id } = transact(app, (tx) => seedTicket({ tx, projectId }, "review", count, LONG_TURNS));
  db.close();
  return { ticketId: id };
}

/** A ticket in review whose commits are in the repository. */
export function seedReview(
  path: string,
  repo: string,
  { base, head }: { base: string; head: string },
): { ticketId: string } {
  const db = openDb(path);
  const app: Transactor = {
    db,
    clock: { nowMs: () => Date.now() },
    hub: createHub((error) => {
      throw error;
    }),
    actor: "owner",
  };
  migrate(db, timeText(Date.now()));
  const { id } = transact(app, (tx) => {
    const projectId = seedProject(tx, repo);
    const { id } = seedTicket({ tx, projectId }, "in_progress", 0, TURNS);
    for (const name of ["build", "test"] as const) {
      insertCheck(tx, checkAt(id, name, head, false));
    }
    const commits = { baseCommit: base, headCommit: head };
    return moveTicket(tx, id, "review", { ...commits, reviewSummary: "Good", step: null });
  });
  db.close();
  return { ticketId: id };
}

function seedProject(tx: Tx, repo = "/nowhere/bench"): string {
  const timeoutMs = 10 * MINUTE_MS;
  return insertProject(tx, {
    slug: "bench",
    name: "Bench",
    path: repo,
    baseBranch: "main",
    commands: [
      { name: "build", command: "make", timeoutMs },
      { name: "test", command: "make test", timeoutMs },
    ],
    commandsAllowed: true,
    setupNetwork: false,
    sample: false,
  }).id;
}

const wish = (n: number) => ({
  title: `Page ${n} should greet people by name`,
  description: `People ask for it in **many** words, see #idea-${1 + n % 50}.\n\n`.repeat(4),
  priority: n % 4,
});

const waysTo: Record<IdeaStatus, IdeaStatus[]> = {
  submitted: [],
  refining: ["refining"],
  questions: ["refining", "questions"],
  ready: ["refining", "ready"],
  converted: ["refining", "ready", "converted"],
  rejected: ["rejected"],
  stuck: ["refining", "stuck"],
};

function seedIdea({ tx, projectId }: Seeding, status: IdeaStatus, n: number): void {
  const idea = insertIdea(tx, { projectId, ...wish(n), tags: ["bench", `tag-${n % 7}`] });
  const run = seedRun({ tx, projectId }, { ideaId: idea.id, purpose: "clarify", turns: TURNS });
  if (status === "questions") {
    insertQuestion(tx, {
      ideaId: idea.id,
      runId: run.id,
      round: 1,
      text: "Whom should it greet?",
      why: "It is shown to everyone.",
      options: ["The user", "The world"],
      askedBy: "clarifier",
    });
  }
  for (const to of waysTo[status]) {
    moveIdea(tx, idea.id, to, {
      ...(to === "rejected" || to === "stuck" ? { reason: "Nobody can tell what it means" } : {}),
      ...(to === "converted" ? { ticketId: seedTicketRow({ tx, projectId }, n, idea.id).id } : {}),
    });
  }
}

const seedTicketRow = ({ tx, projectId }: Seeding, n: number, ideaId: string | null): Ticket =>
  insertTicket(tx, {
    projectId,
    ideaId,
    ...wish(n),
    type: "feature",
    acceptance: ["It greets by name", "A test shows it"],
  });

function seedTicket(seeding: Seeding, status: TicketStatus, n: number, turns: number): Ticket {
  const { tx } = seeding;
  const ticket = seedTicketRow(seeding, n, null);
  insertSubtasks(tx, ticket.id, [
    { title: "Greet", description: "In src/greet.ts", complexity: "small" },
    { title: "Test it", description: "In tests/", complexity: "trivial" },
  ]);
  if (status === "queued") return ticket;
  if (status === "cancelled") return moveTicket(tx, ticket.id, "cancelled");
  moveTicket(tx, ticket.id, "in_progress", { step: "develop" });
  for (const subtask of listSubtasks(tx.db, ticket.id)) {
    const ids = { ticketId: ticket.id, subtaskId: subtask.id };
    seedRun(seeding, { ...ids, purpose: "develop", turns });
    moveSubtask(tx, subtask.id, "in_progress");
    moveSubtask(tx, subtask.id, "done", "Greets");
  }
  if (status === "in_progress") return ticket;
  seedChecks(tx, ticket);
  const review = seedRun(seeding, { ticketId: ticket.id, purpose: "review", turns: TURNS });
  seedFindings(tx, ticket, review);
  const changes: TicketChanges = { baseCommit: BASE, headCommit: COMMIT, reviewSummary: "Good" };
  if (status === "blocked") {
    const reason = { reason: "Two tests fail", failure: "checks_failed" as const };
    return moveTicket(tx, ticket.id, "blocked", { ...changes, ...reason });
  }
  const reviewed = moveTicket(tx, ticket.id, "review", { ...changes, step: "review" });
  return status === "done"
    ? moveTicket(tx, ticket.id, "done", { mergeCommit: COMMIT, step: null })
    : reviewed;
}

function seedChecks(tx: Tx, { id: ticketId }: Ticket): void {
  for (const baseline of [true, false]) {
    for (const name of ["build", "test"] as const) {
      insertCheck(tx, checkAt(ticketId, name, baseline ? BASE : COMMIT, baseline));
    }
  }
}

const checkAt = (
  ticketId: string,
  name: "build" | "test",
  commit: string,
  baseline: boolean,
) => ({
  ticketId,
  name,
  commit,
  baseline,
  command: name === "build" ? "make" : "make test",
  status: "passed" as const,
  exitCode: 0,
  durationMs: 2_300,
  report: { format: "tap", passed: 120, failed: 0, skipped: 2, failures: [] },
  tail: "ok 120 - the last one\n".repeat(20),
  outputPath: null,
  unconfined: false,
});

function seedFindings(tx: Tx, { id: ticketId }: Ticket, { id: runId }: Run): void {
  const finding = { runId, path: "src/greet.ts", suggestion: "Say why" };
  replaceFindings(tx, ticketId, [
    { ...finding, severity: "minor", line: 3, message: "An empty name greets nobody" },
    { ...finding, severity: "note", line: 9, message: "Could be one line" },
  ]);
}

function seedRun(
  { tx, projectId }: Seeding,
  { turns, purpose, ...of }: {
    ideaId?: string;
    ticketId?: string;
    subtaskId?: string;
    purpose: RunPurpose;
    turns: number;
  },
): Run {
  const run = insertRun(tx, {
    projectId,
    ...of,
    purpose,
    agent: purpose === "develop" ? "feature-dev" : purpose === "review" ? "reviewer" : "clarifier",
    round: 1,
    model: "claude-haiku-4-5",
    demo: false,
    maxTurns: 100,
    maxCostMicroUsd: 5_000_000,
  });
  moveRun(tx, run.id, "running");
  for (let turn = 1; turn <= turns; turn++) seedTurn(tx, run, turn);
  const result = { status: "done", summary: "Greets" };
  appendRunEvent(tx, run, { type: "succeeded", result });
  moveRun(tx, run.id, "succeeded", { result });
  return getRun(tx.db, run.id);
}

const usage = {
  inputTokens: 900,
  outputTokens: 240,
  cacheWrite5mTokens: 1_200,
  cacheWrite1hTokens: 0,
  cacheReadTokens: 9_000,
};
const price = { input: 1, output: 5, cacheWrite5m: 1.25, cacheWrite1h: 2, cacheRead: 0.1 };
const costMicroUsd = 4_500;

/** A turn that reads a file, or every third time changes one. */
function seedTurn(tx: Tx, run: Run, turn: number): void {
  const edits = turn % 3 === 0;
  const call = {
    id: `call_${turn}`,
    name: edits ? "Edit" : "Read",
    input: edits
      ? { file_path: "src/greet.ts", old_string: "hello", new_string: `good day ${turn}` }
      : { file_path: "src/greet.ts" },
  };
  const text = "I look at how it greets, *then* change it.";
  const result = edits
    ? { content: "Edited.", changed: ["src/greet.ts"], diff: diff(turn) }
    : { content: fileText };
  const events: RunEventBody[] = [
    { type: "turn_started", turn, maxOutputTokens: 16_384 },
    {
      type: "turn_finished",
      turn,
      content: [{ type: "text", text }, { type: "tool_use", ...call }],
      stopReason: "tool_use",
      usage,
      costMicroUsd,
      price,
      requestId: null,
      durationMs: 2_900,
    },
    { type: "tool_started", turn, call },
    {
      type: "tool_finished",
      turn,
      result: { callId: call.id, isError: false, durationMs: 3, ...result },
    },
  ];
  const numbers = events.map((event) => appendRunEvent(tx, run, event).number);
  addTurnUsage(tx, run, {
    number: numbers[1]!,
    turn,
    day: tx.now.slice(0, 10),
    usage,
    costMicroUsd,
    counts: true,
  });
}

const fileText = Array.from({ length: 60 }, (_, n) => `${n + 1}\tconst line${n} = ${n};`).join(
  "\n",
);
const diff = (turn: number) =>
  `--- a/src/greet.ts\n+++ b/src/greet.ts\n@@ -1,3 +1,3 @@\n const a = 1;\n-hello\n+good day ${turn}\n const b = 2;\n`;
