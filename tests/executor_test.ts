import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { setImmediate } from "node:timers";
import { Executor, groupCalls } from "../agents/executor.ts";
import type { Hands, ToolRequest } from "../agents/hands_client.ts";
import { createRedactor, type Redactor } from "../agents/permissions/redact.ts";
import { ALL_TAGS_RULE } from "../agents/permissions/tags.ts";
import type {
  ApprovalQuestion,
  FileIntent,
  Permissions,
  Place,
  RunEventBody,
  ToolCall,
  ToolResult,
  ToolSpec,
} from "../agents/protocol.ts";
import type { RunHost } from "../agents/runtime.ts";
import { toolSpec } from "../agents/tools/registry.ts";
import { catalog } from "./support.ts";
import { permissionsFor, runContext, runSpec } from "./loop_support.ts";

const call = (name: string, input: Record<string, unknown> = {}, id = `${name}_1`): ToolCall => ({
  id,
  name,
  input,
});
const read = (path: string) => call("Read", { file_path: path }, `read ${path}`);
const edit = (path: string) =>
  call("Edit", { file_path: path, old_string: "a", new_string: "b" }, `edit ${path}`);

type RunEventWriter = (
  event: RunEventBody,
  how?: { mayWait: boolean },
) => void | Promise<void>;

const nudge: RunEventBody = { type: "nudge", text: "Go on" };

interface Bench {
  executor: Executor;
  events: RunEventBody[];
  /** Calls in the order in which the hands began and ended them. */
  done: string[];
  approvals: Record<string, "pending" | "granted" | "denied">;
  questions: unknown[];
  /** What was asked about each call. */
  asked: Record<string, ApprovalQuestion>;
  /** Calls that the hands were allowed to run without a sandbox. */
  unconfined: string[];
  /** What the hands were told that a call was to write. */
  intents: FileIntent[];
  /** The hosts that checks were given. */
  /** Paths that each checkpoint was told of. */
  committed: (string[] | "everything")[];
  reached: Place["reach"][];
}

/** An executor whose hands only note what they are asked; the run's events are kept as its log would. */
function bench(options: {
  log?: RunEventBody[];
  confinement?: "bubblewrap" | "process";
  answer?: (call: ToolCall) => Promise<Partial<ToolResult>>;
  /** Instead of a plan that can be carried out. */
  plan?: Partial<ToolResult>;
  /** What a command prints before it ends. */
  prints?: string;
  exitCode?: number;
  outputDir?: string;
  dir?: string;
  signal?: AbortSignal;
  mayGoOn?: () => boolean;
  permissions?: Partial<Permissions>;
  /** Of the run, besides the usual ones. */
  tools?: ToolSpec[];
  tagsAllowed?: () => boolean;
  redact?: Redactor;
  /** Hears what is to be recorded; settles when it is. */
  append?: RunEventWriter;
  hurry?: () => void;
} = {}): Bench {
  const names = ["Read", "Grep", "Edit", "Bash", "run_checks", "ask_questions", "submit_result"];
  const setup = { resultName: "developer", checkNames: ["test"] } as const;
  const log = options.log ?? [];
  const tools = [...names.map((name) => toolSpec(name, setup)), ...options.tools ?? []];
  const context = runContext({
    spec: runSpec({ model: catalog.demoModel, tools }),
    place: { dir: options.dir ?? "/nowhere", access: "write", gitDir: null },
    permissions: { ...permissionsFor("developer"), ...options.permissions },
    commands: [{ name: "test", command: "sh test.sh", timeoutMs: 1_000 }],
    outputDir: options.outputDir ?? "/nowhere/outputs",
    tagsAllowed: options.tagsAllowed,
  });
  const state: Omit<Bench, "executor"> = {
    events: [...log],
    done: [],
    approvals: {},
    questions: [],
    asked: {},
    unconfined: [],
    intents: [],
    reached: [],
    committed: [],
  };
  const host: RunHost = {
    prepare: () => Promise.reject(new Error("not asked")),
    log: () => log,
    mayGoOn: () => options.mayGoOn?.() ?? true,
    append(_runId, event, how) {
      state.events.push(event);
      return options.append?.(event, how);
    },
    hurry: options.hurry,
    worked: () => {},
    delta: () => {},
    questions: (_runId, input) => void state.questions.push(input),
    approval(_runId, { id }, question) {
      state.asked[id] = question;
      const status = state.approvals[id] ??= "pending";
      // As the real host does: it is on record when it is asked for the first time.
      const isKnown = state.events.some((e) => e.type === "approval_requested" && e.callId === id);
      if (!isKnown && options.permissions) {
        state.events.push({ type: "approval_requested", callId: id, approvalId: id, ...question });
      }
      return { status, reason: "" };
    },
    memory: () => null,
    diff: (_runId, { path = "all" }) => Promise.resolve(`the diff of ${path}`),
    checkpoint: (_runId, _turn, paths) => {
      state.committed.push(paths ?? "everything");
      return Promise.resolve({ commit: "c1", files: ["a.ts"] });
    },
  };
  const hands = {
    async tool(_place: unknown, request: ToolRequest) {
      if (request.unconfinedAllowed) state.unconfined.push(request.call.id);
      if (request.plan) return planned(request, options.plan);
      if (request.intent) state.intents.push(request.intent);
      state.done.push(`begin ${request.call.id}`);
      if (options.prints) request.onOutput?.(options.prints);
      const answer = await options.answer?.(request.call) ?? {};
      state.done.push(`end ${request.call.id}`);
      const result = { callId: request.call.id, content: "ok", isError: false, durationMs: 0 };
      return { result: { ...result, ...answer }, cwd: request.cwd };
    },
    command({ reach }: Place) {
      state.reached.push(reach);
      return Promise.resolve({
        exitCode: options.exitCode ?? 0,
        timedOut: false,
        durationMs: 1,
        output: "ran",
        outputBytes: 3,
        cwd: "",
        unconfined: false,
      });
    },
  } as unknown as Hands;
  const executor = new Executor({
    context: { ...context, log },
    host,
    hands,
    confinement: { kind: options.confinement ?? "bubblewrap", hint: "" },
    redact: options.redact,
    nowMs: () => 0,
    signal: options.signal ?? new AbortController().signal,
  });
  return { executor, ...state };
}

/** What the stub's hands answer when they are asked what a call would write. */
const planned = ({ call, cwd }: ToolRequest, changes: Partial<ToolResult> = {}) => ({
  result: {
    ...{ callId: call.id, content: "will be ok", isError: false, durationMs: 0 },
    files: { [String(call.input.file_path)]: "after" },
    changed: [String(call.input.file_path)],
    ...changes,
  },
  cwd,
});

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
  await b.executor.tools(3, [call("Bash", { command: "make" })]);
  deepEqual(types(b.events), ["tool_started", "tool_finished", "checkpoint"]);
});

Deno.test("a checkpoint after edits looks at their files alone, and at everything once a command has run", async () => {
  const changes = ({ input }: ToolCall) => Promise.resolve({ changed: [String(input.file_path)] });
  const b = bench({ answer: changes, plan: {} });
  await b.executor.tools(1, [read("a.ts"), edit("b.ts"), edit("dir/c.ts")]);
  await b.executor.tools(2, [edit("d.ts")]);
  // By its rules other files are ignored, or not any more.
  const rules = bench({ answer: changes, plan: {} });
  await rules.executor.tools(1, [edit("dir/.gitignore")]);
  await rules.executor.tools(2, [edit("d.ts")]);
  const failed = bench({ answer: () => Promise.resolve({ isError: true, changed: ["b.ts"] }) });
  await failed.executor.tools(1, [edit("b.ts")]);
  const ran = bench({ answer: changes });
  await ran.executor.tools(1, [edit("b.ts"), call("run_checks", { name: "test" })]);
  // It may have left something running.
  await ran.executor.tools(2, [edit("d.ts")]);
  const resumed = bench({ answer: changes, log: begun(read("a.ts")) });
  await resumed.executor.tools(2, [edit("b.ts")]);
  deepEqual([b, rules, failed, ran, resumed].map(({ committed }) => committed), [
    [["b.ts", "dir/c.ts"], ["d.ts"]],
    ["everything", "everything"],
    ["everything"],
    ["everything", "everything"],
    ["everything"],
  ]);
});

Deno.test("what an edit will write is on record before it is written", async () => {
  const b = bench({ answer: () => Promise.resolve({ changed: ["a.ts"] }) });
  await b.executor.tools(3, [edit("a.ts")]);
  deepEqual(types(b.events), ["tool_started", "tool_executing", "tool_finished", "checkpoint"]);
  const intent = { path: "a.ts", hash: "after", content: "will be ok" };
  deepEqual(b.events[1], { type: "tool_executing", callId: "edit a.ts", intent });
  deepEqual(b.intents, [intent]);
});

Deno.test("an edit that is refused before it is written leaves no intent", async () => {
  const b = bench({ plan: { isError: true, content: "Cannot edit", changed: undefined } });
  const { results } = await b.executor.tools(3, [edit("a.ts")]);
  equal(results[0]!.content, "Cannot edit");
  deepEqual([types(b.events), b.done], [["tool_started", "tool_finished"], []]);
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
  deepEqual(resumed.unconfined, [bash.id], "only what was granted runs without a sandbox");
});

Deno.test("in a sandbox Bash asks nobody, and is not allowed to do without", async () => {
  const b = bench();
  await b.executor.tools(1, [call("Bash", { command: "make" })]);
  deepEqual([b.done.length, b.unconfined], [2, []]);
});

Deno.test("a denied call is answered with the denial and not executed", async () => {
  const b = bench({ confinement: "process" });
  b.approvals.Bash_1 = "denied";
  const { results } = await b.executor.tools(1, [call("Bash", { command: "rm -rf x" })]);
  match(results[0]!.content, /denied this call.*Trying it again will not help/);
  deepEqual(b.done, []);
});

// ---------------------------------------------------------------- after a restart

const begun = (...calls: ToolCall[]): RunEventBody[] =>
  calls.map((call) => ({ type: "tool_started", turn: 1, call }));

Deno.test("after a restart a read is done again, and so are an edit that had not begun and a hand-in", async () => {
  const submit = call("submit_result", { status: "blocked", summary: "No such API" });
  const calls = [read("a"), edit("b"), submit];
  const b = bench({ log: begun(...calls) });
  const { results } = await b.executor.tools(1, calls);
  deepEqual(results.map((r) => r.isError), [false, false, false]);
  deepEqual(b.done, ["begin read a", "end read a", "begin edit b", "end edit b"]);
  equal(results[2]!.final, true);
  equal(types(b.events).filter((type) => type === "tool_started").length, 3, "not begun twice");
});

Deno.test("after a restart an edit that had begun is settled by what it was to write, not planned anew", async () => {
  const intent = { path: "b", hash: "h", content: "Edited b" };
  const log = begun(edit("b"));
  log.push({ type: "tool_executing", callId: "edit b", intent });
  const b = bench({ log, plan: { isError: true, content: "must not be asked" } });
  const { results } = await b.executor.tools(1, [edit("b")]);
  deepEqual([results[0]!.isError, b.intents], [false, [intent]]);
  equal(types(b.events).filter((type) => type === "tool_executing").length, 1);
});

Deno.test("after a restart the model is told when something else has changed the file of an edit", async () => {
  const log = begun(edit("b"));
  const intent = { path: "b", hash: "h", content: "Edited b" };
  log.push({ type: "tool_executing", callId: "edit b", intent });
  const refused = { isError: true, content: "Cannot edit b: it was changed after it was read." };
  const b = bench({ log, answer: () => Promise.resolve(refused) });
  const { results } = await b.executor.tools(1, [edit("b")]);
  match(
    results[0]!.content,
    /^This call was cut off, and its file is neither .* Cannot edit b/,
  );
});

Deno.test("after a restart commands are reported as interrupted, with what they had printed, and not run", async () => {
  const outputDir = await Deno.makeTempDir();
  const [bash, silent] = [call("Bash", { command: "make" }), call("run_checks", { name: "test" })];
  const stop = new AbortController();
  const first = bench({
    outputDir,
    prints: "one\ntwo\n",
    signal: stop.signal,
    answer: () => {
      stop.abort();
      return Promise.resolve({ isError: true, content: "Bash was interrupted" });
    },
  });
  await rejects(first.executor.tools(1, [bash]), { name: "AbortError" });
  deepEqual(types(first.events), ["tool_started"]);

  const second = bench({ outputDir, log: [...first.events, ...begun(silent)] });
  const { results } = await second.executor.tools(1, [bash, silent]);
  match(results[0]!.content, /interrupted by a restart[^]*Its output until then:\none\ntwo$/);
  match(results[1]!.content, /interrupted by a restart[^]*It had printed nothing until then\.$/);
  deepEqual(results.map((r) => [r.isError, r.interrupted]), [[true, true], [true, true]]);
  deepEqual(second.done, []);
  await rejects(Deno.stat(outputDir), Deno.errors.NotFound, "the output is in the log now");
});

Deno.test("a granted command that had begun is reported; one that had only been granted is run", async () => {
  const bash = call("Bash", { command: "make" });
  const asked: RunEventBody = {
    type: "approval_requested",
    callId: bash.id,
    approvalId: "approval_1",
    detail: "make",
  };
  const granted = bench({ confinement: "process", log: [...begun(bash), asked] });
  granted.approvals[bash.id] = "granted";
  equal((await granted.executor.tools(1, [bash])).results[0]!.isError, false);
  deepEqual(types(granted.events).slice(2), ["tool_executing", "tool_finished", "checkpoint"]);

  const log = [...begun(bash), asked, { type: "tool_executing", callId: bash.id } as const];
  const cutOff = bench({ confinement: "process", log });
  cutOff.approvals[bash.id] = "granted";
  equal((await cutOff.executor.tools(1, [bash])).results[0]!.interrupted, true);
  deepEqual(cutOff.done, []);
});

Deno.test("a person who was asked decides, also when there is a sandbox by now", async () => {
  const bash = call("Bash", { command: "rm -rf x" });
  const log = begun(bash);
  log.push({
    type: "approval_requested",
    callId: bash.id,
    approvalId: "approval_1",
    detail: "rm -rf x",
  });
  const b = bench({ confinement: "bubblewrap", log });
  equal((await b.executor.tools(1, [bash])).suspended, true);
  b.approvals[bash.id] = "denied";
  match((await b.executor.tools(1, [bash])).results[0]!.content, /denied this call/);
  deepEqual(b.done, []);
});

Deno.test("a turn whose work a crash kept from being committed is committed before the next one's begins", async () => {
  const log = begun(call("Bash", { command: "make" }));
  log.push({
    type: "tool_finished",
    turn: 1,
    result: { callId: "Bash_1", content: "", isError: false, durationMs: 1 },
  });
  const b = bench({ log });
  await b.executor.tools(2, [read("a")]);
  deepEqual(types(b.events).slice(2), ["checkpoint", "tool_started", "tool_finished"]);
  deepEqual(b.events[2], { type: "checkpoint", turn: 1, commit: "c1", files: ["a.ts"] });
});

Deno.test("what a command prints is kept while it is at work, and gone with its result", async () => {
  const outputDir = await Deno.makeTempDir();
  const kept: string[] = [];
  const b = bench({
    outputDir,
    prints: "half\n",
    answer: () => {
      for (const { name } of Deno.readDirSync(outputDir)) {
        kept.push(Deno.readTextFileSync(`${outputDir}/${name}`));
      }
      return Promise.resolve({});
    },
  });
  await b.executor.tools(1, [call("Bash", { command: "make" })]);
  deepEqual(kept, ["half\n"]);
  await rejects(Deno.stat(outputDir), Deno.errors.NotFound);
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
  deepEqual(types(b.events), ["tool_started", "tool_executing"]);
});

Deno.test("a call that the machine kept from being made leaves no result behind: the model can't mend that", async () => {
  for (const lacking of ["Too many open files (os error 24)", "No space left on device"]) {
    const b = bench({ answer: () => Promise.reject(new Error(lacking)) });
    await rejects(b.executor.tools(1, [read("a")]), new RegExp(lacking.slice(0, 12)));
    deepEqual(types(b.events), []);
    await rejects(b.executor.tools(2, [edit("b")]), new RegExp(lacking.slice(0, 12)));
    deepEqual(types(b.events), ["tool_started", "tool_executing"]);
  }
});

/** What is on disk, commit by commit: what may wait gets there with what may not. */
function commitsOf() {
  const saves: string[][] = [];
  let waiting: { event: RunEventBody; saved: () => void }[] = [];
  const save = () => {
    const group = waiting;
    waiting = [];
    if (group.length > 0) saves.push(group.map(({ event }) => event.type));
    for (const { saved } of group) saved();
  };
  return {
    saves,
    save,
    append(event: RunEventBody, { mayWait } = { mayWait: false }) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push({ event, saved: resolve });
      if (!mayWait) setImmediate(save);
      return promise;
    },
  };
}

Deno.test("a call that leaves nothing behind is saved with what comes next, but for its beginning when it takes its time", async () => {
  const slow = Promise.withResolvers<void>();
  const { saves, append } = commitsOf();
  const b = bench({
    answer: async ({ id }) => {
      if (id === "read slow") await slow.promise;
      return {};
    },
    append: (event, how) => {
      const saved = append(event, how);
      const begins = event.type === "tool_started" && event.call.id === "read slow";
      return begins ? saved.then(slow.resolve) : saved;
    },
  });
  await b.executor.tools(1, [read("quick")]);
  deepEqual(saves, []);
  await b.executor.append(nudge);
  await b.executor.tools(2, [read("slow")]);
  await b.executor.append(nudge);
  deepEqual(saves, [
    ["tool_started", "tool_finished", "nudge"],
    ["tool_started"],
    ["tool_finished", "nudge"],
  ]);
});

Deno.test("a call whose beginning is on its way to the disk when it ends has begun before it ended", async () => {
  const slow = Promise.withResolvers<void>();
  const b = bench({
    answer: async ({ id, name }) => {
      if (id === "read slow") await slow.promise;
      return name === "Edit" ? { changed: ["a.ts"] } : {};
    },
    append: (event) => {
      if (event.type !== "tool_started" || event.call.id !== "read slow") return;
      slow.resolve();
      return new Promise((saved) => setImmediate(saved));
    },
  });
  await b.executor.tools(1, [read("slow")]);
  await b.executor.tools(2, [edit("a.ts")]);
  deepEqual(b.committed, [["a.ts"]], "nothing but the edit can have changed a file");
});

Deno.test("what the run ends with is saved before it does", async () => {
  const { saves, append } = commitsOf();
  const b = bench({ append });
  await b.executor.tools(3, [call("submit_result", { status: "blocked", summary: "No such API" })]);
  deepEqual(saves, [["tool_started", "tool_finished"]]);
});

Deno.test("an edit is saved before it is written and after it, its beginning and its commit with what comes next", async () => {
  const { saves, append } = commitsOf();
  const b = bench({ append, answer: () => Promise.resolve({ changed: ["a.ts"] }) });
  await b.executor.tools(3, [edit("a.ts")]);
  deepEqual(saves, [["tool_started", "tool_executing"], ["tool_finished"]]);
  await b.executor.append(nudge);
  deepEqual(saves.at(-1), ["checkpoint", "nudge"]);
});

Deno.test("a command is saved before it begins and when it has ended: nobody could say what it did", async () => {
  const { saves, append } = commitsOf();
  const b = bench({ append, answer: () => Promise.resolve({ changed: ["a.ts"] }) });
  await b.executor.tools(3, [read("a"), call("Bash", { command: "make" })]);
  deepEqual(saves, [["tool_started", "tool_finished", "tool_started"], ["tool_finished"]]);
});

Deno.test("a life that ends saves what waited for the next request", async () => {
  const { saves, save, append } = commitsOf();
  const b = bench({ append, hurry: () => save() });
  await b.executor.tools(1, [read("a")]);
  await b.executor.settle();
  deepEqual(saves, [["tool_started", "tool_finished"]]);
});

Deno.test({
  name: "no command is begun on a full disk: it would fail, and could not be done again",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const b = bench({ dir: "/proc" }); // there, no byte is ever free
    for (const one of [call("Bash", { command: "make" }), call("run_checks", { name: "test" })]) {
      await rejects(b.executor.tools(1, [one]), {
        name: "Unavailable",
        message: new RegExp(`^Cannot use ${one.name}: the disk with the data folder is full`),
      });
    }
    deepEqual(b.events, []);
    const { results } = await b.executor.tools(1, [read("a")]);
    equal(results[0]!.isError, false);
  },
});

// ---------------------------------------------------------------- what a person is asked first

const change = { diff: "-a\n+b\n" };

Deno.test("an edit that its rule holds back is planned first: a person sees the file and the change", async () => {
  const b = bench({ permissions: { requireApproval: ["edit(*.lock)"] }, plan: change });
  const calls = [edit("a.ts"), edit("deno.lock"), read("after")];
  const { results, suspended } = await b.executor.tools(1, calls);
  deepEqual([results.map((r) => r.callId), suspended], [["edit a.ts"], true]);
  deepEqual(b.asked, {
    "edit deno.lock": {
      rule: "edit(*.lock)",
      detail: "Edit deno.lock",
      diff: "-a\n+b\n",
      intent: { path: "deno.lock", hash: "after", content: "will be ok" },
    },
  });
  ok(!b.done.includes("begin edit deno.lock"));
});

Deno.test("a rule about what is read looks at each spelling of the path", async () => {
  const dir = await Deno.realPath(await Deno.makeTempDir());
  await Deno.mkdir(`${dir}/secrets`);
  await Deno.writeTextFile(`${dir}/secrets/a`, "");
  await Deno.symlink("secrets", `${dir}/plain`);
  const permissions = { requireApproval: ["read(secrets/**)"] };
  for (
    const path of ["secrets/a", "./secrets/a", "x/../secrets/a", `${dir}/secrets/a`, "plain/a"]
  ) {
    const b = bench({ permissions, dir });
    equal((await b.executor.tools(1, [read(path)])).suspended, true, path);
  }
  const b = bench({ permissions, dir });
  equal((await b.executor.tools(1, [read("secrets.txt")])).suspended, false);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("a person is told when the change can't be shown", async () => {
  const b = bench({ permissions: { requireApproval: ["edit"] } });
  await b.executor.tools(1, [edit("a.bin")]);
  const { detail, diff } = b.asked["edit a.bin"]!;
  match(detail, /^Edit a\.bin \(the change is too large to be shown, or not of text\)$/);
  equal(diff, undefined);
});

Deno.test("what a person granted is written after a restart, and nothing else is", async () => {
  const permissions = { requireApproval: ["edit(*)"] };
  const first = bench({ permissions, plan: change });
  await first.executor.tools(1, [edit("a.ts")]);
  const again = bench({ permissions, plan: change, log: first.events });
  again.approvals["edit a.ts"] = "granted";
  const { results } = await again.executor.tools(1, [edit("a.ts")]);
  deepEqual([results[0]!.isError, again.intents.length], [false, 1]);

  const changed = { ...change, files: { "a.ts": "something else" } };
  const moved = bench({ permissions, plan: changed, log: first.events });
  moved.approvals["edit a.ts"] = "granted";
  const refused = await moved.executor.tools(1, [edit("a.ts")]);
  match(refused.results[0]!.content, /^Nothing was written: .*Read it again/);
  deepEqual(moved.done, []);
});

Deno.test("nobody is asked about a call that would be refused, or would change nothing", async () => {
  const permissions = { requireApproval: ["edit(*)", "bash(*)"] };
  const wrong = bench({ permissions, plan: { isError: true, content: "Cannot edit" } });
  const { results } = await wrong.executor.tools(1, [edit("a"), call("Bash", { line: "ls" })]);
  deepEqual(results.map((r) => r.isError), [true, true]);
  const same = bench({ permissions, plan: { changed: undefined } });
  equal((await same.executor.tools(1, [edit("a")])).suspended, false);
  deepEqual([wrong.asked, same.asked], [{}, {}]);
});

Deno.test("a command that is not listed is refused with the list, and brings nothing into the run", async () => {
  const b = bench({ permissions: { commands: ["npm run *"] } });
  const { results } = await b.executor.tools(1, [
    call("Bash", { command: "npm run test && rm a" }, "wrong"),
    call("Bash", { command: "npm run test" }, "right"),
  ]);
  match(results[0]!.content, /^Cannot run "rm a": this agent may only run: npm run \*\./);
  deepEqual(results.map((r) => r.tags), [undefined, ["private"]]);
  deepEqual(b.done, ["begin right", "end right"]);
});

Deno.test("who was asked about a rule did not say that a command may run without a sandbox", async () => {
  const permissions = { requireApproval: ["bash(make *)"] };
  const bash = call("Bash", { command: "make" });
  const asked = bench({ permissions });
  await asked.executor.tools(1, [bash]);
  const lost = bench({ permissions, log: asked.events, confinement: "process" });
  lost.approvals[bash.id] = "granted";
  await lost.executor.tools(1, [bash]);
  deepEqual(lost.unconfined, []);

  const told = bench({ permissions, confinement: "process" });
  await told.executor.tools(1, [bash]);
  match(told.asked[bash.id]!.rule!, /^bash\(make \*\); no sandbox/);
  const granted = bench({ permissions, log: told.events, confinement: "process" });
  granted.approvals[bash.id] = "granted";
  await granted.executor.tools(1, [bash]);
  deepEqual(granted.unconfined, [bash.id]);
});

// ---------------------------------------------------------------- tags

Deno.test("hosts that a run may reach are a way out from its first event on, in each of its lives", async () => {
  const strangers = [{ ...toolSpec("Glob"), tags: ["private", "untrusted"] as const }];
  const glob = call("Glob", { pattern: "*" });
  const begun: RunEventBody = { type: "started", spec: runSpec(), tags: ["outbound"] };
  const first = bench({ tools: strangers, permissions: {}, log: [begun] });
  equal((await first.executor.tools(1, [glob])).suspended, true, "these two come to the third");
  equal(first.asked[glob.id]!.rule, ALL_TAGS_RULE);
  const next = bench({ tools: strangers, permissions: {}, log: first.events });
  next.approvals[glob.id] = "granted";
  equal((await next.executor.tools(1, [glob])).suspended, false);
  const without = bench({ tools: strangers, permissions: {}, log: [{ ...begun, tags: [] }] });
  equal((await without.executor.tools(1, [glob])).suspended, false);
});

Deno.test("a call's result tells which hosts its command asked for, and checks have the project's own", async () => {
  const hosts = [{ host: "a.example", port: 443, allowed: true, count: 2 }];
  const bash = call("Bash", { command: "npm ci" });
  const b = bench({ answer: () => Promise.resolve({ hosts }), permissions: { checkHosts: ["b"] } });
  deepEqual((await b.executor.tools(1, [bash])).results[0]!.hosts, hosts);
  await b.executor.tools(2, [call("run_checks", { name: "test" })]);
  deepEqual(b.reached, [{ by: `${runSpec().runId} checks`, hosts: ["b"] }]);
});

Deno.test("the call that would bring private data, untrusted input and a way out together asks, once", async () => {
  // Stands for a tool of another program: it sends what it is given, and brings what strangers wrote.
  const tools = [{ ...toolSpec("Glob"), tags: ["untrusted", "outbound"] as const }];
  const glob = (id: string) => call("Glob", { pattern: "*" }, id);
  const permissions = {};
  const b = bench({ tools, permissions });
  equal((await b.executor.tools(1, [glob("alone")])).suspended, false, "two of the three");
  const both = [read("a"), glob("sends")];
  equal((await b.executor.tools(2, [read("a")])).suspended, true, "reading is the third");
  equal(b.asked["read a"]!.rule, ALL_TAGS_RULE);

  const begun = bench({ tools, permissions, log: b.events });
  begun.approvals["read a"] = "denied";
  equal((await begun.executor.tools(2, [read("a")])).results[0]!.tags, undefined);
  // What was denied is not in the run: the next one asks again, also in another life.
  const later = bench({ tools, permissions, log: begun.events });
  equal((await later.executor.tools(3, [read("b")])).suspended, true);
  const last = bench({ tools, permissions, log: later.events });
  last.approvals["read b"] = "granted";
  equal((await last.executor.tools(3, [read("b")])).suspended, false);
  equal((await last.executor.tools(4, [read("c"), glob("again")])).suspended, false, "once");
  const after = bench({ tools, permissions, log: last.events });
  equal((await after.executor.tools(5, [read("d"), glob("more")])).suspended, false);

  // Side by side in one turn is together as well.
  const parallel = bench({ tools, permissions });
  const { results, suspended } = await parallel.executor.tools(1, both);
  deepEqual([results.length, suspended, Object.keys(parallel.asked)], [1, true, ["sends"]]);
});

Deno.test("what a person allowed beforehand is not asked, stands at its call, and is asked again once it is taken back", async () => {
  const tools = [{ ...toolSpec("Glob"), tags: ["untrusted", "outbound"] as const }];
  const glob = call("Glob", { pattern: "*" }, "sends");
  let allowed = true;
  const options = { tools, permissions: {}, tagsAllowed: () => allowed };
  const b = bench(options);
  const { results, suspended } = await b.executor.tools(1, [read("a"), glob, read("b")]);
  deepEqual([suspended, Object.keys(b.asked)], [false, []]);
  deepEqual(results.map(({ together }) => together), [undefined, true, undefined]);

  const other = bench(options);
  await other.executor.tools(1, [read("a")]);
  allowed = false;
  equal((await other.executor.tools(2, [glob])).suspended, true);
  equal(other.asked.sends!.rule, ALL_TAGS_RULE);
  // It stays with what was asked: only the answer settles it.
  allowed = true;
  const again = bench({ ...options, log: other.events });
  equal((await again.executor.tools(2, [glob])).suspended, true);

  const rules = { requireApproval: ["glob(*)"] };
  const ruled = bench({ ...options, permissions: rules });
  equal((await ruled.executor.tools(1, [read("a"), glob])).suspended, true, "other rules ask on");
});

// ---------------------------------------------------------------- secrets

Deno.test("what a tool gives back is rid of secrets before it is recorded or sent", async () => {
  const secret = "correct-horse-battery";
  const diff = `+key = ${secret}\n`;
  const b = bench({
    redact: createRedactor([secret]),
    answer: () => Promise.resolve({ content: `key = ${secret}`, diff, files: { a: "h" } }),
  });
  const { results } = await b.executor.tools(1, [read("a")]);
  equal(results[0]!.content, "key = [redacted: a secret of this server]");
  deepEqual(results[0]!.files, { a: "h" }, "nothing else is touched");
  ok(!JSON.stringify(b.events).includes(secret));
});
