import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { Executor, groupCalls } from "../agents/executor.ts";
import type { Hands } from "../agents/hands_client.ts";
import type { RunEventBody, ToolCall, ToolResult } from "../agents/protocol.ts";
import type { RunContext, RunHost } from "../agents/runtime.ts";
import { toolSpec } from "../agents/tools/registry.ts";
import { catalog } from "./support.ts";

const call = (name: string, input: Record<string, unknown> = {}, id = `${name}_1`): ToolCall => ({
  id,
  name,
  input,
});
const read = (path: string) => call("Read", { file_path: path }, `read ${path}`);
const edit = (path: string) =>
  call("Edit", { file_path: path, old_string: "a", new_string: "b" }, `edit ${path}`);

interface Bench {
  executor: Executor;
  events: RunEventBody[];
  /** Calls in the order in which the hands began and ended them. */
  done: string[];
  approvals: Record<string, "pending" | "granted" | "denied">;
  questions: unknown[];
}

/** An executor whose hands only note what they are asked; the run's events are kept as its log would. */
function bench(options: {
  log?: RunEventBody[];
  confinement?: "bubblewrap" | "process";
  answer?: (call: ToolCall) => Promise<Partial<ToolResult>>;
  exitCode?: number;
  signal?: AbortSignal;
} = {}): Bench {
  const names = ["Read", "Grep", "Edit", "Bash", "run_checks", "ask_questions", "submit_result"];
  const setup = { resultName: "developer", checkNames: ["test"] } as const;
  const log = options.log ?? [];
  const context: RunContext = {
    spec: {
      runId: "run_1",
      agent: "feature-dev",
      model: catalog.demoModel,
      system: "",
      tools: names.map((name) => toolSpec(name, setup)),
      prompt: "",
      limits: { maxTurns: 1, maxTokens: 1, maxCostMicroUsd: 1, timeoutMs: 1 },
    },
    log,
    workedMs: 0,
    place: { dir: "/nowhere", access: "write", gitDir: null },
    policy: { allow: [], block: [] },
    commands: [{ name: "test", command: "sh test.sh", timeoutMs: 1_000 }],
    unconfinedAllowed: false,
    resultName: "developer",
  };
  const state: Omit<Bench, "executor"> = {
    events: [...log],
    done: [],
    approvals: {},
    questions: [],
  };
  const host: RunHost = {
    prepare: () => Promise.reject(new Error("not asked")),
    append: (_runId, event) => void state.events.push(event),
    worked: () => {},
    delta: () => {},
    questions: (_runId, input) => void state.questions.push(input),
    approval: (_runId, { id }) => ({ status: state.approvals[id] ??= "pending", reason: "" }),
    checkpoint: () => Promise.resolve({ commit: "c1", files: ["a.ts"] }),
  };
  const hands = {
    async tool(_place: unknown, request: { call: ToolCall; cwd: string }) {
      state.done.push(`begin ${request.call.id}`);
      const answer = await options.answer?.(request.call) ?? {};
      state.done.push(`end ${request.call.id}`);
      const result = { callId: request.call.id, content: "ok", isError: false, durationMs: 0 };
      return { result: { ...result, ...answer }, cwd: request.cwd };
    },
    command: () =>
      Promise.resolve({
        exitCode: options.exitCode ?? 0,
        timedOut: false,
        durationMs: 1,
        output: "ran",
        outputBytes: 3,
        cwd: "",
        unconfined: false,
      }),
  } as unknown as Hands;
  const executor = new Executor({
    context,
    host,
    hands,
    confinement: { kind: options.confinement ?? "bubblewrap", hint: "" },
    nowMs: () => 0,
    signal: options.signal ?? new AbortController().signal,
  });
  return { executor, ...state };
}

const types = (events: RunEventBody[]) => events.map((event) => event.type);

Deno.test("groupCalls() lets neighbours that only read run together, and every other call alone", () => {
  const calls = [read("a"), read("b"), edit("c"), edit("d"), read("e")];
  const groups = groupCalls(calls, (name) => name === "Read");
  deepEqual(groups.map((group) => group.length), [2, 1, 1, 1]);
});

Deno.test("reads run side by side, writers in order, and results come back in call order", async () => {
  const gate = Promise.withResolvers<void>();
  const b = bench({
    answer: async ({ id }) => {
      if (id === "read a") await gate.promise;
      if (id === "read b") gate.resolve();
      return id.startsWith("edit") ? { changed: ["c"] } : {};
    },
  });
  const { results } = await b.executor.tools(1, [read("a"), read("b"), edit("c")]);
  deepEqual(results.map((r) => r.callId), ["read a", "read b", "edit c"]);
  deepEqual(b.done.slice(0, 2), ["begin read a", "begin read b"]);
  deepEqual(b.done.slice(-2), ["begin edit c", "end edit c"]);
});

Deno.test("each call is on record before it begins and when it has ended, and a change is committed", async () => {
  const b = bench({ answer: () => Promise.resolve({ changed: ["a.ts"] }) });
  await b.executor.tools(3, [edit("a.ts")]);
  deepEqual(types(b.events), ["tool_started", "tool_finished", "checkpoint"]);
});

Deno.test("a turn that only read makes no checkpoint", async () => {
  const b = bench();
  await b.executor.tools(1, [read("a")]);
  deepEqual(types(b.events), ["tool_started", "tool_finished"]);
});

Deno.test("a tool that the agent does not have is refused, and the refusal is on record", async () => {
  const b = bench();
  const { results } = await b.executor.tools(1, [call("Write", { file_path: "a", content: "" })]);
  equal(results[0]!.isError, true);
  deepEqual(b.done, []);
  deepEqual(types(b.events), ["tool_started", "tool_finished"]);
});

Deno.test("wrong arguments come back naming the parameter; the hands are not asked", async () => {
  const b = bench();
  const { results } = await b.executor.tools(1, [call("Read", { path: "a" })]);
  match(results[0]!.content, /file_path/);
  deepEqual(b.done, []);
});

Deno.test("without a sandbox Bash waits for a person, and what follows waits with it", async () => {
  const b = bench({ confinement: "process" });
  const bash = call("Bash", { command: "rm -rf x" });
  const calls = [read("a"), bash, edit("c")];
  const first = await b.executor.tools(1, calls);
  equal(first.suspended, true);
  deepEqual(first.results.map((r) => r.callId), ["read a"]);
  deepEqual(b.done, ["begin read a", "end read a"]);

  b.approvals[bash.id] = "granted";
  const resumed = bench({ confinement: "process", log: b.events });
  resumed.approvals[bash.id] = "granted";
  const second = await resumed.executor.tools(1, calls);
  equal(second.suspended, false);
  deepEqual(second.results.map((r) => r.callId), ["read a", "Bash_1", "edit c"]);
  ok(!resumed.done.includes("begin read a"), "what was finished is not done again");
});

Deno.test("a denied call is answered with the denial and not executed", async () => {
  const b = bench({ confinement: "process" });
  b.approvals.Bash_1 = "denied";
  const { results } = await b.executor.tools(1, [call("Bash", { command: "rm -rf x" })]);
  match(results[0]!.content, /denied this call.*Trying it again will not help/);
  deepEqual(b.done, []);
});

Deno.test("after a restart a read is done again; a write and a granted command are reported as interrupted", async () => {
  const bash = call("Bash", { command: "make" });
  const log: RunEventBody[] = [read("a"), edit("b"), bash].map((c) => ({
    type: "tool_started",
    turn: 1,
    call: c,
  }));
  log.push({ type: "tool_executing", callId: bash.id });
  const b = bench({ log, confinement: "process" });
  b.approvals[bash.id] = "granted";
  const { results } = await b.executor.tools(1, [read("a"), edit("b"), bash]);
  equal(results[0]!.isError, false);
  match(results[1]!.content, /interrupted by a restart/);
  match(results[2]!.content, /interrupted by a restart/);
  deepEqual(b.done, ["begin read a", "end read a"]);
  equal(types(b.events).filter((type) => type === "tool_started").length, 3, "not begun twice");
});

Deno.test("submit_result is final only with evidence for done", async () => {
  const b = bench({ answer: () => Promise.resolve({ changed: ["a"] }) });
  const submit = (status: string, id: string) =>
    call("submit_result", { status, summary: "Did it" }, id);
  await b.executor.tools(1, [edit("a")]);
  const refused = await b.executor.tools(2, [submit("done", "s1")]);
  match(refused.results[0]!.content, /Not accepted as done: no check has passed/);
  await b.executor.tools(3, [call("run_checks", { name: "test" })]);
  const accepted = await b.executor.tools(4, [submit("done", "s2")]);
  equal(accepted.results[0]!.final, true);
});

Deno.test("a developer may always say that it is blocked", async () => {
  const b = bench();
  const blocked = call("submit_result", { status: "blocked", summary: "No such API" });
  equal((await b.executor.tools(1, [blocked])).results[0]!.final, true);
});

Deno.test("a failing check is an error result with its exit code", async () => {
  const b = bench({ exitCode: 3 });
  const { results } = await b.executor.tools(1, [call("run_checks", { name: "test" })]);
  deepEqual([results[0]!.isError, results[0]!.exitCode], [true, 3]);
  match(results[0]!.content, /^test failed \(exit code 3\)/);
});

Deno.test("run_checks knows only the project's checks", async () => {
  const { results } = await bench().executor.tools(1, [call("run_checks", { name: "deploy" })]);
  equal(results[0]!.isError, true);
  match(results[0]!.content, /name/);
});

Deno.test("ask_questions hands the questions on and tells the agent to finish", async () => {
  const b = bench();
  const input = { questions: [{ question: "Which?", why: "It matters" }] };
  const { results } = await b.executor.tools(1, [call("ask_questions", input)]);
  match(results[0]!.content, /^Recorded/);
  deepEqual(b.questions, [input]);
});

Deno.test("a call that is cut off by a stop leaves no result behind", async () => {
  const stop = new AbortController();
  const b = bench({
    signal: stop.signal,
    answer: () => {
      stop.abort();
      return Promise.reject(new Error("killed"));
    },
  });
  await rejects(b.executor.tools(1, [edit("a")]), /killed/);
  deepEqual(types(b.events), ["tool_started"]);
});
