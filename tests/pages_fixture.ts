/** Records as the services would hand them to the views: one of everything, in every state that looks different. */
import type { RunEventBody, RunSpec, Usage } from "../agents/protocol.ts";
import type {
  Approval,
  ChangeEvent,
  Check,
  Comment,
  DiffFile,
  DiffLine,
  Idea,
  Job,
  McpServer,
  MemoryChange,
  Project,
  Question,
  ReviewFinding,
  Run,
  RunEvent,
  Subtask,
  Ticket,
} from "../server/records.ts";
import type { Shell } from "../views/shell.ts";

export const NOW_MS = Date.parse("2026-03-14T10:42:00.000Z");
const COMMIT = "4f2a9c1d8e7b6a5f4e3d2c1b0a9f8e7d6c5b4a39";

/** UTC text of a moment some minutes before now. */
export const ago = (minutes: number, nowMs = NOW_MS): string =>
  new Date(nowMs - minutes * 60_000).toISOString();

export function shell(changes: Partial<Shell> = {}): Shell {
  return {
    nowMs: NOW_MS,
    asset: (path) => `/static/${path}`,
    demo: false,
    exposedAt: null,
    storage: null,
    held: null,
    alerts: [],
    paused: [],
    refused: null,
    confinement: { kind: "bubblewrap", hint: "" },
    projects: [{ id: "prj_game", name: "Space game" }, { id: "prj_site", name: "Website" }],
    projectId: null,
    counts: { needs: 4, ideas: 2, development: 2 },
    flash: null,
    ...changes,
  };
}

export function project(changes: Partial<Project> = {}): Project {
  return {
    id: "prj_game",
    slug: "space-game",
    name: "Space game",
    path: "/home/ana/code/space-game",
    baseBranch: "main",
    status: "active",
    commands: [
      { name: "build", command: "sh build.sh", timeoutMs: 600_000 },
      { name: "test", command: "sh test.sh --tap", timeoutMs: 600_000 },
    ],
    commandsAllowed: false,
    setupNetwork: false,
    hosts: [],
    toolchains: [],
    localFiles: [],
    handsLimits: {},
    tagsAllowed: null,
    sample: false,
    createdAt: ago(9_000),
    updatedAt: ago(900),
    ...changes,
  };
}

export function mcpServer(changes: Partial<McpServer> = {}): McpServer {
  return {
    id: "mcp_docs",
    projectId: "prj_game",
    name: "docs",
    transport: "stdio",
    command: "node",
    args: ["tools/mcp.mjs"],
    env: { TOKEN: "$DOCS_TOKEN" },
    url: "",
    headers: {},
    timeoutMs: 60_000,
    active: true,
    createdAt: ago(9_000),
    updatedAt: ago(900),
    ...changes,
  };
}

export function idea(changes: Partial<Idea> = {}): Idea {
  return {
    id: "idea_save",
    projectId: "prj_game",
    number: 12,
    title: "Saving twice loses the second save",
    description: "When I press **save** twice within a second, only the first is kept.\n\n" +
      "- happens on every level\n- see #ticket-7 and `save.sh`\n\nLogs: https://example.com/logs",
    status: "ready",
    priority: 1,
    tags: ["saving", "data loss"],
    plan: {
      summary: "Two quick saves race; the later one must win.",
      type: "bugfix",
      acceptance: ["Two saves within one second keep the second", "A test covers it"],
      subtasks: [
        {
          title: "Write saves through a temporary file",
          description: "In `src/save.sh`, write to a temporary name, then rename.",
          complexity: "small",
        },
        {
          title: "Cover it by a test",
          description: "In `tests/save_test.sh`.",
          complexity: "trivial",
        },
      ],
      findings: [
        {
          kind: "related",
          path: "src/save.sh",
          line: 14,
          text: "Saves are written in place here.",
        },
        { kind: "conflict", path: "src/autosave.sh", text: "Autosave writes the same file." },
        { kind: "note", text: "No lock is used anywhere." },
      ],
      complexity: "small",
      complexityReason: "One function and its test.",
      priorityReason: "People lose their progress.",
    },
    round: 1,
    feedback: "",
    reason: "",
    failure: null,
    ticketId: null,
    costMicroUsd: 184_300,
    createdBy: "owner",
    createdAt: ago(95),
    updatedAt: ago(12),
    ...changes,
  };
}

export function question(changes: Partial<Question> = {}): Question {
  return {
    id: "q_window",
    ideaId: "idea_save",
    number: 1,
    round: 1,
    text: "Should the second save wait for the first, or replace it?",
    why: "Waiting keeps both in the history; replacing is quicker.",
    options: ["Wait for the first", "Replace it"],
    status: "pending",
    answer: "",
    askedBy: "clarifier",
    createdAt: ago(30),
    decidedAt: null,
    ...changes,
  };
}

export function ticket(changes: Partial<Ticket> = {}): Ticket {
  return {
    id: "tkt_save",
    projectId: "prj_game",
    number: 7,
    ideaId: "idea_save",
    type: "bugfix",
    title: "Fix save corruption",
    description: "Two quick saves race. Write through a temporary file.",
    acceptance: ["Two saves within one second keep the second"],
    status: "in_progress",
    step: "develop",
    priority: 1,
    round: 1,
    guidance: "",
    reason: "",
    failure: null,
    branch: "gaffer/7-fix-save-corruption",
    baseCommit: "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
    headCommit: COMMIT,
    mergeCommit: null,
    mergeWait: "",
    pausedBy: null,
    placedBy: null,
    place: 0,
    reviewSummary: "",
    costMicroUsd: 1_284_000,
    createdAt: ago(80),
    updatedAt: ago(3),
    movedAt: ago(14),
    startedAt: ago(14),
    doneAt: null,
    ...changes,
  };
}

export function subtask(changes: Partial<Subtask> = {}): Subtask {
  return {
    id: "sub_1",
    ticketId: "tkt_save",
    position: 1,
    title: "Write saves through a temporary file",
    description: "In `src/save.sh`.",
    complexity: "small",
    status: "done",
    summary: "Renames a finished temporary file over the save.",
    startedAt: ago(12),
    doneAt: ago(6),
    ...changes,
  };
}

export const usage: Usage = {
  inputTokens: 1_210,
  outputTokens: 412,
  cacheWrite5mTokens: 2_400,
  cacheWrite1hTokens: 0,
  cacheReadTokens: 18_200,
};

export function run(changes: Partial<Run> = {}): Run {
  return {
    id: "run_dev",
    projectId: "prj_game",
    agent: "bugfix-dev",
    purpose: "develop",
    ideaId: null,
    ticketId: "tkt_save",
    subtaskId: "sub_1",
    askId: null,
    round: 1,
    status: "running",
    model: "claude-sonnet-5",
    demo: false,
    waitReason: "",
    pausedBy: null,
    failure: null,
    error: "",
    result: null,
    turns: 3,
    usage,
    costMicroUsd: 96_400,
    maxTurns: 60,
    maxCostMicroUsd: 5_000_000,
    createdAt: ago(12),
    startedAt: ago(12),
    finishedAt: null,
    forkedFrom: null,
    definition: null,
    trial: false,
    ...changes,
  };
}

export function job(changes: Partial<Job> = {}): Job {
  return {
    id: "2041",
    kind: "run_agent",
    args: { runId: "run_dev" },
    queue: "agents",
    status: "executing",
    priority: 2,
    attempt: 1,
    maxAttempts: 100,
    uniqueKey: "run:run_dev",
    concurrencyKey: "run:run_dev",
    projectId: "prj_game",
    scheduledAt: ago(13),
    startedAt: ago(12),
    leaseToken: "token",
    leaseExpiresAt: ago(-1),
    leasedBy: "boot",
    crashes: 0,
    errors: [],
    createdAt: ago(13),
    finishedAt: null,
    ...changes,
  };
}

export function check(changes: Partial<Check> = {}): Check {
  return {
    id: "chk_test",
    ticketId: "tkt_save",
    name: "test",
    commit: COMMIT,
    baseline: false,
    command: "sh test.sh --tap",
    status: "failed",
    exitCode: 1,
    durationMs: 4_210,
    report: {
      format: "tap",
      passed: 46,
      failed: 1,
      skipped: 2,
      failures: [{
        file: "tests/save_test.sh",
        line: 31,
        test: "keeps the second save",
        message: "expected: level 3\n  actual: level 2",
      }],
    },
    tail:
      "ok 46 - loads\nnot ok 47 - keeps the second save\n# expected: level 3\n# actual: level 2",
    outputPath: "/data/projects/space-game/checks/7/test_1.log",
    unconfined: false,
    rerunOf: null,
    flaky: [],
    knownFailures: false,
    createdAt: ago(5),
    ...changes,
  };
}

export const passedReport = { format: "tap", passed: 47, failed: 0, skipped: 2, failures: [] };

export function approval(changes: Partial<Approval> = {}): Approval {
  return {
    id: "apr_1",
    runId: "run_dev",
    callId: "call_9",
    tool: "Bash",
    detail: "sh tools/regenerate.sh --all --output build/assets",
    rule: "bash(*)",
    diff: null,
    status: "pending",
    reason: "",
    createdAt: ago(4),
    decidedAt: null,
    decidedBy: null,
    ...changes,
  };
}

export function memoryChange(changes: Partial<MemoryChange> = {}): MemoryChange {
  return {
    id: "memory_1",
    memory: "reviewer.global",
    path: "checks.md",
    diff: "--- a/checks.md\n+++ b/checks.md\n@@ -1,2 +1,3 @@\n # Checks\n \n+- needs <b>SDL</b>\n",
    runId: "run_dev",
    callId: "c1",
    by: "reviewer",
    at: ago(30),
    ...changes,
  };
}

export function finding(changes: Partial<ReviewFinding> = {}): ReviewFinding {
  return {
    id: "fnd_1",
    ticketId: "tkt_save",
    runId: "run_review",
    severity: "major",
    path: "src/save.sh",
    line: 16,
    message: "The temporary file is not removed when `mv` fails.",
    suggestion: "Add a `trap` that removes it.",
    commit: COMMIT,
    appliedCommit: null,
    ...changes,
  };
}

export function comment(changes: Partial<Comment> = {}): Comment {
  return {
    id: "cmt_1",
    ticketId: "tkt_save",
    path: "src/save.sh",
    line: 15,
    side: "new",
    body: "Name it after the slot, please.",
    sent: false,
    author: "owner",
    createdAt: ago(2),
    commit: COMMIT,
    appliedCommit: null,
    ...changes,
  };
}

let seq = 0;
export const change = (
  type: string,
  data: Record<string, unknown> = {},
  minutes = 20,
): ChangeEvent => ({
  seq: ++seq,
  at: ago(minutes),
  actor: "owner",
  type,
  projectId: "prj_game",
  ideaId: null,
  ticketId: null,
  data,
});

export const changes: ChangeEvent[] = [
  change("ticket_changed", { step: "develop" }, 3),
  change("check_finished", { name: "test", status: "failed", baseline: false }, 5),
  change("ticket_moved", { from: "queued", to: "in_progress", step: "prepare" }, 14),
  change("ticket_created", { title: "Fix save corruption" }, 80),
];

/** A diff with context, additions, removals, a changed word, a long line and every kind of file. */
export const files: DiffFile[] = [
  {
    path: "src/save.sh",
    oldPath: null,
    kind: "modified",
    binary: false,
    additions: 3,
    deletions: 1,
    hunks: [{
      header: "@@ -12,5 +12,7 @@ save() {",
      lines: lines(12, 12, [
        " save() {",
        "   slot=$1",
        '-  cat > "saves/$slot"',
        '+  cat > "saves/$slot.tmp"',
        '+  mv "saves/$slot.tmp" "saves/$slot"',
        "+  sync",
        " }",
      ]),
    }, {
      header: "@@ -40,3 +42,3 @@ load() {",
      lines: lines(40, 42, [
        " load() {",
        `   echo "${"a very long line that has to wrap on a phone ".repeat(6)}"`,
        " }",
      ]),
    }],
  },
  {
    path: "tests/save_test.sh",
    oldPath: null,
    kind: "added",
    binary: false,
    additions: 2,
    deletions: 0,
    hunks: [{
      header: "@@ -0,0 +1,2 @@",
      lines: lines(0, 1, ["+#!/bin/sh", "+test \"$(load 1)\" = 'level 3'"]),
    }],
  },
  {
    path: "package-lock.json",
    oldPath: null,
    kind: "modified",
    binary: false,
    additions: 1,
    deletions: 1,
    hunks: [{ header: "@@ -1,1 +1,1 @@", lines: lines(1, 1, ["-{}", "+{ }"]) }],
  },
  {
    path: "art/ship.png",
    oldPath: null,
    kind: "modified",
    binary: true,
    additions: 0,
    deletions: 0,
    hunks: [],
  },
];

/** Diff lines from text with their signs in front. */
export function lines(oldStart: number, newStart: number, texts: string[]): DiffLine[] {
  let [oldLine, newLine] = [oldStart, newStart];
  return texts.map((text) => {
    const kind = text[0] === "+" ? "added" : text[0] === "-" ? "removed" : "context";
    return {
      kind,
      oldLine: kind === "added" ? null : oldLine++,
      newLine: kind === "removed" ? null : newLine++,
      text: text.slice(1),
    };
  });
}

export const spec: RunSpec = {
  runId: "run_dev",
  agent: "bugfix-dev",
  model: {
    id: "claude-sonnet-5",
    maxOutputTokens: 32_000,
    contextTokens: 200_000,
    thinking: "adaptive",
    systemMessages: false,
    effort: "high",
    price: { input: 3, output: 15, cacheWrite5m: 3.75, cacheWrite1h: 6, cacheRead: 0.3 },
    longPrompt: null,
  },
  system: "You are the bugfix-dev agent of Gaffer.\n\nFind the cause first.",
  tools: [{ name: "Read", description: "Reads", inputSchema: {}, readOnly: true }],
  prompt: '<task purpose="develop" round="1" project="space-game">…</task>',
  limits: { maxTurns: 60, maxTokens: 2_000_000, maxCostMicroUsd: 5_000_000, timeoutMs: 3_600_000 },
};

const { price } = spec.model;
const ok = { isError: false, durationMs: 40 };

/** Bodies of one turn: what is said, then each call with its result. */
export function turn(
  number: number,
  said: { thinking?: string; text?: string },
  calls: { name: string; input: Record<string, unknown>; result: Partial<RunResult> }[] = [],
): RunEventBody[] {
  return [
    { type: "turn_started", turn: number, maxOutputTokens: 8_000 },
    {
      type: "turn_finished",
      turn: number,
      content: [
        ...(said.thinking ? [{ type: "thinking", thinking: said.thinking, signature: "s" }] : []),
        ...(said.text ? [{ type: "text", text: said.text }] : []),
      ],
      stopReason: calls.length > 0 ? "tool_use" : "end_turn",
      usage,
      costMicroUsd: 31_200,
      price,
      requestId: `req_${number}`,
      durationMs: 4_200,
    },
    ...calls.flatMap(({ name, input, result }, index): RunEventBody[] => {
      const id = `call_${number}_${index}`;
      return [
        { type: "tool_started", turn: number, call: { id, name, input } },
        {
          type: "tool_finished",
          turn: number,
          result: { callId: id, content: "", ...ok, ...result },
        },
      ];
    }),
  ];
}
type RunResult = Extract<RunEventBody, { type: "tool_finished" }>["result"];

const editDiff = "--- a/src/save.sh\n+++ b/src/save.sh\n@@ -14,1 +14,2 @@\n" +
  '-  cat > "saves/$slot"\n+  cat > "saves/$slot.tmp"\n+  mv "saves/$slot.tmp" "saves/$slot"\n';

/** A whole run: looking, editing, a failed check, a retry of the model, a checkpoint. */
export const runBodies: RunEventBody[] = [
  { type: "started", spec },
  ...turn(1, {
    thinking: "The save is written in place.",
    text: "I look at how saves are written.",
  }, [
    { name: "Read", input: { file_path: "src/save.sh" }, result: { content: "1\tsave() {" } },
    { name: "Read", input: { file_path: "src/autosave.sh" }, result: { content: "1\t#!/bin/sh" } },
    { name: "Grep", input: { pattern: "saves/" }, result: { content: "src/save.sh" } },
  ]),
  ...turn(2, { text: "It writes in place, so the second save truncates the first." }, [
    {
      name: "Edit",
      input: { file_path: "src/save.sh", old_string: "cat >", new_string: "cat > tmp" },
      result: { content: "Edited src/save.sh", diff: editDiff, changed: ["src/save.sh"] },
    },
    {
      name: "run_checks",
      input: { name: "test" },
      result: { content: "not ok 47", isError: true, exitCode: 1, durationMs: 4_210 },
    },
    {
      name: "Bash",
      input: { command: "sh tools/regenerate.sh --all" },
      result: {
        ...{ content: "Exit code 0", exitCode: 0, durationMs: 900 },
        hosts: [
          { host: "registry.npmjs.org", port: 443, allowed: true, count: 12 },
          {
            ...{ host: `${"a-long-name-".repeat(5)}x.tracker.example`, port: 443, count: 1 },
            ...{ allowed: false, why: "it is not among the hosts that are allowed" },
          },
        ],
      },
    },
  ]),
  { type: "checkpoint", turn: 2, commit: COMMIT, files: ["src/save.sh"] },
  { type: "turn_started", turn: 3, maxOutputTokens: 8_000 },
  {
    type: "turn_failed",
    turn: 3,
    reason: "overloaded",
    message: "the service answered 529",
    usage: { ...usage, outputTokens: 0 },
    costMicroUsd: 0,
    retryInMs: 2_000,
  },
  { type: "note", text: "One turn is left before the limit." },
];

/** Events numbered from `first`. */
/** A turn that searched the web, fetched a page, failed once and cites what it found. */
export const webTurn = (number: number): RunEventBody[] => {
  const [started, finished] = turn(number, {}) as [RunEventBody, RunEventBody];
  const page = { url: "https://docs.example.com/saving/atomic", title: "Saving files so that" };
  const use = (id: string, name: string, input: Record<string, unknown>) => (
    { type: "server_tool_use", id, name, input }
  );
  return [started, {
    ...finished,
    usage: { ...usage, webSearches: 2 },
    content: [
      use("s1", "web_search", { query: "how to save a file so that a crash leaves the old one" }),
      {
        type: "web_search_tool_result",
        tool_use_id: "s1",
        content: [
          { type: "web_search_result", ...page },
          {
            type: "web_search_result",
            url: `https://example.org/${"a-very-long-path/".repeat(12)}`,
            title:
              "A title that goes on for longer than a phone is wide, by far, and then some more",
          },
        ],
      },
      use("s2", "web_search", { query: "rename fsync folder" }),
      {
        type: "web_search_tool_result",
        tool_use_id: "s2",
        content: { type: "web_search_tool_result_error", error_code: "max_uses_exceeded" },
      },
      { type: "text", text: "Write beside the old file, then rename: " },
      {
        type: "text",
        text: "a rename replaces the old file at once",
        citations: [{ type: "web_search_result_location", ...page, cited_text: "at once" }],
      },
      { type: "text", text: "." },
    ],
  } as RunEventBody];
};

export const eventsOf = (bodies: RunEventBody[], first = 1, runId = "run_dev"): RunEvent[] =>
  bodies.map((body, index) => ({
    seq: 100 + first + index,
    runId,
    number: first + index,
    at: ago(10 - index * 0.2),
    body,
  }));
