/** Pausing and telling a run at work: the runtime with real brains, against the strict fake, hands made of promises. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import type { Hands, ToolRequest } from "../agents/hands_client.ts";
import type { NoteEvent, RunEventBody } from "../agents/protocol.ts";
import {
  type Agents,
  type AgentsOptions,
  createAgents,
  Paused,
  type RunHost,
} from "../agents/runtime.ts";
import { toolSpec } from "../agents/tools/registry.ts";
import { silentLog } from "../server/log.ts";
import {
  answer,
  type ClaudeRequest,
  type FakeClaude,
  rateLimited,
  type Reply,
  startFakeClaude,
  thinking,
  toolUse,
} from "./fake_claude/mod.ts";
import { type Pool, poolFor } from "./brain_support.ts";
import { runContext, runSpec, typesOf } from "./loop_support.ts";

const never = new AbortController().signal;
const RUN = "run_1";
const result = { status: "blocked", summary: "Enough" };
const handIn = answer(toolUse("submit_result", result));
const bash = (command: string) => toolUse("Bash", { command });

/** What a tool call was asked to do, until the test lets it end. */
interface AtWork {
  command: string;
  signal: AbortSignal;
  end(): void;
}

/** One run with all that is around it in memory. */
class Bench implements AsyncDisposable {
  readonly log: RunEventBody[];
  readonly agents: Agents;
  readonly #brains: Pool;
  readonly #calls: AtWork[] = [];
  readonly #waiters: (() => void)[] = [];
  paused = false;
  /** A pause is taken back as soon as it was noticed. */
  fickle = false;
  appended: (event: RunEventBody) => unknown = () => {};
  /** Called while the run's place is made. */
  preparing: () => Promise<void> | void = () => {};

  constructor(
    readonly fake: FakeClaude,
    { keptDir, ...options }: Partial<Pick<AgentsOptions, "proof" | "log">> & { keptDir?: string } =
      {},
  ) {
    const tools = ["Bash", "Read", "submit_result"].map((name) =>
      toolSpec(name, { resultName: "developer", checkNames: [] })
    );
    const spec = runSpec({ tools });
    this.log = [{ type: "started", spec }];
    this.#brains = poolFor(fake);
    const host: RunHost = {
      memory: () => null,
      diff: () => Promise.reject(new Error("not asked")),
      prepare: async () => {
        await this.preparing();
        return runContext({ spec, keptDir });
      },
      log: () => structuredClone(this.log),
      mayGoOn: () => this.#mayGoOn(),
      append: (_runId, event) => {
        if (event.type === "turn_started" && !this.#mayGoOn()) throw new Paused();
        this.log.push(structuredClone(event));
        this.appended(event);
      },
      worked: () => {},
      delta: () => {},
      questions: () => {},
      approval: () => ({ status: "granted", reason: "" }),
      checkpoint: () => Promise.resolve(null),
    };
    const hands = {
      warm: () => {},
      tool: (_place: unknown, { call, cwd }: ToolRequest, signal: AbortSignal) =>
        new Promise((resolve) => {
          const end = (content = "done", isError = false) =>
            resolve({ result: { callId: call.id, content, isError, durationMs: 0 }, cwd });
          signal.addEventListener("abort", () => end("the call was cancelled", true));
          this.#calls.push({ command: String(call.input.command), signal, end: () => end() });
          for (const waiter of this.#waiters.splice(0)) waiter();
        }),
      close: () => Promise.resolve(),
    } as unknown as Hands;
    this.agents = createAgents({
      brains: this.#brains,
      hands,
      host,
      model: { kind: "endpoint", baseUrl: fake.url },
      confinement: { kind: "bubblewrap", hint: "" },
      proof: Promise.resolve(null),
      nowMs: () => 0,
      ...options,
    });
  }

  #mayGoOn(): boolean {
    const may = !this.paused;
    if (this.fickle) this.paused = false;
    return may;
  }

  run = () => this.agents.run(RUN, never);

  pause(killTools = false): void {
    this.paused = true;
    this.agents.pauseRun(RUN, { killTools });
  }

  write(text: string): void {
    const note: NoteEvent = { type: "note", text, by: "ana" };
    this.log.push(note);
    this.agents.tellRun(RUN, note);
  }

  /** The nth tool call that began, from 1. */
  async call(number: number): Promise<AtWork> {
    while (this.#calls.length < number) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
    return this.#calls[number - 1]!;
  }

  get calls(): string[] {
    return this.#calls.map(({ command }) => command);
  }

  get types(): string[] {
    return typesOf(this.log);
  }

  async [Symbol.asyncDispose]() {
    await this.agents.close();
  }
}

/** A fake whose answers wait for the test, turn by turn. */
class Held implements AsyncDisposable {
  readonly fake: FakeClaude;
  readonly #replies = new Map<number, PromiseWithResolvers<Reply>>();
  readonly #asked = new Map<number, PromiseWithResolvers<void>>();

  constructor() {
    this.fake = startFakeClaude({
      reply: ({ turn }: ClaudeRequest) => {
        of(this.#asked, turn).resolve();
        return of(this.#replies, turn).promise;
      },
    });
  }

  reply(turn: number, reply: Reply): void {
    of(this.#replies, turn).resolve(reply);
  }

  asked(turn: number): Promise<void> {
    return of(this.#asked, turn).promise;
  }

  [Symbol.asyncDispose] = () => this.fake.close();
}

function of<T>(map: Map<number, PromiseWithResolvers<T>>, turn: number): PromiseWithResolvers<T> {
  const known = map.get(turn) ?? Promise.withResolvers<T>();
  map.set(turn, known);
  return known;
}

Deno.test("a run that has ended stays so when the disk does not let its kept outputs go, and the log tells", async () => {
  await using fake = startFakeClaude({ reply: () => handIn });
  const file = await Deno.makeTempFile();
  const keptDir = `${file}/run_1`; // below a file: to remove it is refused, not merely needless
  const warned: unknown[] = [];
  const log = { ...silentLog, warn: (_: string, fields?: unknown) => void warned.push(fields) };
  await using bench = new Bench(fake, { log, keptDir });
  deepEqual(await bench.run(), { type: "succeeded", result });
  equal(bench.types.at(-1), "tool_finished");
  match(JSON.stringify(warned), /^\[\{"run":"run_1","folder":".*\/run_1","error":"Not a directory/);
  await Deno.remove(file);
});

Deno.test("a request on its way is finished and kept by a pause, and nothing is begun after it", async () => {
  await using held = new Held();
  await using bench = new Bench(held.fake);
  const ended = bench.run();
  await held.asked(1);
  bench.pause();
  held.reply(1, answer(thinking("Hm."), bash("make")));
  deepEqual(await ended, { type: "stopped" });
  deepEqual(bench.types, ["started", "turn_started", "turn_finished"]);
  equal(held.fake.requests[0]!.ending, "complete");

  bench.paused = false;
  held.reply(2, handIn);
  const goesOn = bench.run();
  (await bench.call(1)).end();
  deepEqual(await goesOn, { type: "succeeded", result });
  equal(held.fake.requests.length, 2);
});

Deno.test("tool calls at work are finished by a pause, those after them are not begun", async () => {
  await using held = new Held();
  await using bench = new Bench(held.fake);
  held.reply(1, answer(bash("one"), bash("two")));
  held.reply(2, handIn);
  const ended = bench.run();
  const first = await bench.call(1);
  bench.pause();
  equal(first.signal.aborted, false);
  first.end();
  deepEqual(await ended, { type: "stopped" });
  deepEqual(bench.types.slice(-2), ["tool_started", "tool_finished"]);

  bench.paused = false;
  const goesOn = bench.run();
  (await bench.call(2)).end();
  equal((await goesOn).type, "succeeded");
  deepEqual(bench.calls, ["one", "two"], "each call is done once");
});

Deno.test("a pause that does not wait ends the tool calls, and tells the model", async () => {
  await using held = new Held();
  await using bench = new Bench(held.fake);
  held.reply(1, answer(bash("sleep 600")));
  held.reply(2, handIn);
  const ended = bench.run();
  await bench.call(1);
  bench.pause(true);
  deepEqual(await ended, { type: "stopped" });
  bench.paused = false;
  equal((await bench.run()).type, "succeeded");
  deepEqual(bench.calls, ["sleep 600"]);
  const [cut] = held.fake.accepted.at(-1)!.results;
  equal(cut!.isError, true);
  match(cut!.content, /interrupted/);
});

Deno.test("a pause that does not wait for tools still waits for a request: it is paid", async () => {
  await using held = new Held();
  await using bench = new Bench(held.fake);
  const ended = bench.run();
  await held.asked(1);
  bench.pause(true);
  held.reply(1, answer(bash("make")));
  deepEqual(await ended, { type: "stopped" });
  equal(bench.types.at(-1), "turn_finished");
});

Deno.test("a turn without calls is no way around a pause", async () => {
  await using held = new Held();
  await using bench = new Bench(held.fake);
  const ended = bench.run();
  await held.asked(1);
  bench.pause();
  held.reply(1, answer("I stop."));
  deepEqual(await ended, { type: "stopped" });
  deepEqual(bench.types, ["started", "turn_started", "turn_finished", "nudge"]);
});

Deno.test("a run whose request fails while it pauses does not wait for its next try", async () => {
  await using held = new Held();
  await using bench = new Bench(held.fake);
  const ended = bench.run();
  await held.asked(1);
  bench.pause();
  held.reply(1, rateLimited(50));
  deepEqual(await ended, { type: "stopped" });
  deepEqual(bench.types, ["started", "turn_started", "turn_failed"]);
});

Deno.test("a run that waits for its next try stops at once when it is paused", async () => {
  await using held = new Held();
  await using bench = new Bench(held.fake);
  const failed = Promise.withResolvers<void>();
  bench.appended = ({ type }) => type === "turn_failed" && failed.resolve();
  held.reply(1, rateLimited(50));
  const ended = bench.run();
  await failed.promise;
  bench.pause();
  deepEqual(await ended, { type: "stopped" });
  deepEqual(bench.types, ["started", "turn_started", "turn_failed"]);
});

Deno.test("a pause while the run's place is made stops it before it begins", async () => {
  await using held = new Held();
  await using bench = new Bench(held.fake);
  bench.preparing = () => bench.pause();
  deepEqual(await bench.run(), { type: "stopped" });
  deepEqual([bench.types, held.fake.requests.length], [["started"], 0]);
});

Deno.test("a run that has handed in its result when it is paused has ended", async () => {
  await using held = new Held();
  await using bench = new Bench(held.fake);
  held.reply(1, handIn);
  bench.appended = (event) => {
    if (event.type === "tool_finished") bench.pause();
  };
  deepEqual(await bench.run(), { type: "succeeded", result });
});

Deno.test("a pause that is taken back in the midst of a turn loses no call", async () => {
  await using held = new Held();
  await using bench = new Bench(held.fake);
  held.reply(1, answer(bash("one"), bash("two")));
  held.reply(2, handIn);
  const ended = bench.run();
  const first = await bench.call(1);
  bench.pause();
  bench.fickle = true;
  first.end();
  // The job brings a run that was only stopped right back.
  deepEqual(await ended, { type: "stopped" });
  const goesOn = bench.run();
  (await bench.call(2)).end();
  equal((await goesOn).type, "succeeded");
  deepEqual(bench.calls, ["one", "two"]);
});

// ------------------------------------------------------------------ letting go

Deno.test("a run that lets go finishes its request, which is asked for once, and goes on in another life", async () => {
  await using held = new Held();
  await using bench = new Bench(held.fake);
  const ended = bench.run();
  await held.asked(1);
  bench.agents.letGo(RUN);
  held.reply(1, answer(thinking("Hm."), bash("make")));
  deepEqual(await ended, { type: "stopped" });
  deepEqual(bench.types, ["started", "turn_started", "turn_finished"]);

  held.reply(2, handIn);
  const goesOn = bench.run();
  (await bench.call(1)).end();
  equal((await goesOn).type, "succeeded");
  equal(held.fake.requests.length, 2);
});

Deno.test("a run that lets go finishes the call at work and begins none of the others", async () => {
  await using held = new Held();
  await using bench = new Bench(held.fake);
  held.reply(1, answer(bash("one"), bash("two")));
  const ended = bench.run();
  const first = await bench.call(1);
  bench.agents.letGo(RUN);
  equal(first.signal.aborted, false);
  first.end();
  deepEqual(await ended, { type: "stopped" });
  deepEqual(bench.calls, ["one"]);
  deepEqual(bench.types.slice(-2), ["tool_started", "tool_finished"]);
});

Deno.test("a run that waits for its next try, or for its place, lets go at once", async () => {
  await using held = new Held();
  await using bench = new Bench(held.fake);
  const failed = Promise.withResolvers<void>();
  bench.appended = ({ type }) => type === "turn_failed" && failed.resolve();
  held.reply(1, rateLimited(50));
  const ended = bench.run();
  await failed.promise;
  bench.agents.letGo(RUN);
  deepEqual(await ended, { type: "stopped" });
  bench.preparing = () => bench.agents.letGo(RUN);
  deepEqual(await bench.run(), { type: "stopped" });
  deepEqual(bench.types, ["started", "turn_started", "turn_failed"]);
});

Deno.test("a run lets go although nobody knows yet whether agents are confined", async () => {
  await using held = new Held();
  await using bench = new Bench(held.fake, { proof: new Promise(() => {}) });
  const ended = bench.run();
  bench.agents.letGo(RUN);
  deepEqual(await ended, { type: "stopped" });
  bench.agents.letGo(RUN); // it is not at work any more
});

Deno.test("pausing or telling a run that is not at work does nothing", async () => {
  await using held = new Held();
  await using bench = new Bench(held.fake);
  bench.pause();
  bench.write("hello");
  equal(bench.agents.status().active, 0);
});

// ------------------------------------------------------------------ messages

Deno.test("a note is read with the next request, whatever the run was at when it came", async () => {
  await using held = new Held();
  await using bench = new Bench(held.fake);
  bench.preparing = async () => {
    bench.write("while its place was made");
    await Promise.resolve();
    bench.write("and a moment later");
  };
  const ended = bench.run();
  await held.asked(1);
  bench.write("while the first request was on its way");
  held.reply(1, answer(thinking("Hm."), bash("make")));
  const call = await bench.call(1);
  bench.write("while a tool was at work");
  call.end();
  await held.asked(2);
  bench.write("while the last request was on its way");
  held.reply(2, answer(thinking("Ah."), handIn.content[0]!));
  equal((await ended).type, "succeeded");
  const heard = held.fake.accepted.map(({ notes }) =>
    notes.join("\n").split("\n").filter((line) => /^(while|and)/.test(line))
  );
  deepEqual(heard, [
    ["while its place was made", "and a moment later"],
    [
      "while its place was made",
      "and a moment later",
      "while the first request was on its way",
      "while a tool was at work",
    ],
  ]);
});

Deno.test("a run that goes on from its log sends the notes where it had sent them", async () => {
  await using held = new Held();
  await using bench = new Bench(held.fake);
  const ended = bench.run();
  await held.asked(1);
  bench.write("Use a lock");
  bench.pause();
  held.reply(1, answer(thinking("Hm."), bash("make")));
  await ended;
  bench.write("And a test");
  bench.paused = false;
  held.reply(2, answer(thinking("Ah."), bash("make test")));
  held.reply(3, handIn);
  const goesOn = bench.run();
  (await bench.call(1)).end();
  (await bench.call(2)).end();
  // The fake refuses a thinking block whose history is not the one that it was said in.
  equal((await goesOn).type, "succeeded");
  equal(held.fake.requests.every(({ status }) => status === 200), true);
});
