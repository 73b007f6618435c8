/** A person's words in the midst of a run: whenever they come, the history that is sent is the one that the log gives. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import { fold } from "../agents/loop/fold.ts";
import { runLoop } from "../agents/loop/loop.ts";
import { replay } from "../agents/loop/replay.ts";
import type { Message, TurnRequest } from "../agents/loop/turn.ts";
import type { NoteEvent, RunEventBody, RunOutcome, RunSpec } from "../agents/protocol.ts";
import {
  answer,
  broken,
  call,
  runSpec,
  type Scripted,
  seeded,
  submit,
  text,
} from "./loop_support.ts";

const never = new AbortController().signal;

/** The server's side of one run: it appends, and a person's notes stand wherever they came. */
class Server {
  readonly log: RunEventBody[];
  readonly sent: Message[][] = [];
  #told: NoteEvent[] = [];
  #heard: NoteEvent[] = [];

  constructor(readonly spec: RunSpec, log: RunEventBody[] = []) {
    this.log = log.length > 0 ? log : [{ type: "started", spec }];
  }

  /** A person writes: it is on disk, and the loop is told at once, whatever it is at. */
  write(text: string): void {
    const note: NoteEvent = { type: "note", text, by: "ana" };
    this.log.push(note);
    this.#told.push(note);
  }

  #append(event: RunEventBody): void {
    this.log.push(structuredClone(event));
    this.#answer();
  }

  #answer(): void {
    this.#heard.push(...this.#told.splice(0));
  }

  run(
    script: Scripted[],
    { between = () => {} }: {
      /** Whenever the loop has begun something and waits for it. */
      between?: (what: "append" | "request" | "tool") => void;
    } = {},
  ): Promise<RunOutcome> {
    this.#told = [];
    this.#heard = [];
    return runLoop({
      spec: this.spec,
      log: structuredClone(this.log),
      model: {
        turn: async (request: TurnRequest) => {
          deepEqual(request.messages, fold(this.spec, this.log).messages, "as the log has it");
          this.sent.push(structuredClone(request.messages));
          await Promise.resolve();
          between("request");
          const next = script.shift()!;
          const reply = typeof next === "function" ? next(request) : next;
          if (reply instanceof Error) throw reply;
          return structuredClone(reply);
        },
      },
      append: async (event) => {
        between("append");
        await Promise.resolve();
        this.#append(event);
        // After the answer has left, and before the loop has read it.
        between("append");
      },
      tools: async (turn, calls) => {
        const results = calls.map(({ id, name }) => ({
          callId: id,
          content: "done",
          isError: false,
          durationMs: 1,
          ...name === "submit_result" && { final: true as const },
        }));
        for (const [index, result] of results.entries()) {
          this.log.push({ type: "tool_started", turn, call: calls[index]! });
          between("tool");
          this.log.push({ type: "tool_finished", turn, result });
        }
        between("tool");
        await Promise.resolve();
        this.#answer();
        between("tool");
        return { results, suspended: false };
      },
      heard: () => this.#heard.splice(0),
      delta: () => {},
      nowMs: () => 0,
      delay: () => Promise.resolve(),
      random: () => 0,
      signal: never,
      elapsedMs: 0,
    });
  }
}

const textOf = (messages: Message[]): string[] =>
  messages.filter(({ role }) => role === "system").flatMap(({ content }) =>
    content.map((block) => (block as { text: string }).text)
  );
const words = (text: string) => `ana, who oversees this run, says:\n\n${text}`;
const read = (id: string) => answer(text("I look."), call(id, "Read"));

Deno.test("a note that comes while a request is on its way is read with the next one", async () => {
  const server = new Server(runSpec());
  let written = false;
  await server.run([read("a"), submit()], {
    between(what) {
      if (what === "request" && !written) server.write("Use a lock");
      written ||= what === "request";
    },
  });
  deepEqual(textOf(server.sent[0]!), []);
  deepEqual(textOf(server.sent[1]!), [words("Use a lock")]);
  equal(server.sent[1]!.at(-1)!.role, "system", "after the results, as a message of its own");
});

Deno.test("a model without system messages reads a note in the user turn", async () => {
  const spec = runSpec();
  const server = new Server({ ...spec, model: { ...spec.model, systemMessages: false } });
  server.write("Use a lock");
  await server.run([submit()]);
  deepEqual(server.sent[0]!.map(({ role }) => role), ["user"]);
  deepEqual(server.sent[0]![0]!.content.at(-1), { type: "text", text: words("Use a lock") });
});

Deno.test("a note that came while no loop was at work is read with the first request", async () => {
  const plain = new Server(runSpec());
  await plain.run([submit()]);
  // Killed while its first request was on its way.
  const server = new Server(plain.spec, plain.log.slice(0, 2));
  server.write("Use a lock");
  await server.run([submit()]);
  deepEqual(textOf(server.sent.at(-1)!), [words("Use a lock")]);
});

Deno.test("a note reads like the runtime's own only to people: it changes nothing but the history", async () => {
  const server = new Server(runSpec());
  server.write("You are near a limit of this run (a joke)");
  await server.run([submit()]);
  equal(fold(server.spec, server.log).limitNoted, false);
});

for (
  const [chars, sent, reason] of [[5_000, 1, false], [100_000, 0, "max_tokens"]] as const
) {
  Deno.test(
    `a request that a note of ${chars} characters made too long for the limits is not sent: ${
      sent ? "a shorter answer is asked for" : "the run ends"
    }`,
    async () => {
      const spec = runSpec();
      const plain = new Server(spec);
      await plain.run([submit()]);
      const { worstTokens, maxOutputTokens } = fold(spec, plain.log.slice(0, 2)).sent!;
      // Room for this request and for nothing more.
      const tight = { ...spec, limits: { ...spec.limits, maxTokens: worstTokens } };
      const server = new Server(tight);
      let written = false;
      const outcome = await server.run([submit()], {
        between(what) {
          if (what === "append" && !written) server.write("x".repeat(chars));
          written = true;
        },
      });
      equal("reason" in outcome && outcome.reason, reason);
      equal(server.sent.length, sent);
      const begun = server.log.filter((event) => event.type === "turn_started");
      equal(begun.length, 1 + sent);
      ok(sent === 0 || begun[1]!.maxOutputTokens < maxOutputTokens);
      equal(fold(tight, server.log).doubt.requests, 0, "nothing was paid for what was not sent");
    },
  );
}

Deno.test("whenever notes come, what is sent is what the log gives, and a replay agrees", async () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seeded(seed);
    const server = new Server(runSpec());
    let notes = 0;
    const between = () => {
      if (random() < 0.15) server.write(`note ${++notes}`);
    };
    const script: Scripted[] = [
      answer(call("a", "Read"), call("b", "Read")),
      ...random() < 0.5 ? [broken("overloaded")] : [],
      ...random() < 0.3 ? [answer(text("I stop."))] : [],
      ...random() < 0.2 ? [answer()] : [],
      answer(call("c", "Edit")),
      submit(),
    ];
    between();
    const outcome = await server.run(script, { between });
    equal(outcome.type, "succeeded", `seed ${seed}`);
    server.log.push({ type: "succeeded", result: { status: "done" } });
    const { firstDifference } = await replay(server.log);
    equal(firstDifference, null, `seed ${seed}`);
    // A beginning of the log is what a kill leaves: who goes on from it sends what the log gives, too.
    const kept = server.log.slice(0, 1 + Math.floor(random() * (server.log.length - 2)));
    const later = new Server(server.spec, kept);
    later.write("after the kill");
    await later.run([submit(), submit()], { between });
  }
});
