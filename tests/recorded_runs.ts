/**
 * Whole runs with a real loop, real tools in a real folder and the strict fake Claude server, all in this process:
 * recorded with what the folder held at every event, and continued from any beginning of their log as a server
 * does that was killed there.
 */
import { Executor } from "../agents/executor.ts";
import type { Hands, ToolRequest } from "../agents/hands_client.ts";
import { handsLimits } from "../agents/hands_limits.ts";
import { HandsService } from "../agents/hands_service.ts";
import { createClaude } from "../agents/loop/claude.ts";
import { runLoop } from "../agents/loop/loop.ts";
import type {
  CommandSpec,
  FromHands,
  NoteEvent,
  RunEventBody,
  RunLimits,
  RunOutcome,
  RunSpec,
} from "../agents/protocol.ts";
import type { RunContext, RunHost } from "../agents/runtime.ts";
import { resolveModel } from "../agents/models.ts";
import { toolSpec } from "../agents/tools/registry.ts";
import { type FakeClaude, type Reply, startFakeClaude } from "./fake_claude/mod.ts";
import { runContext } from "./loop_support.ts";
import { workByPath } from "./place_support.ts";

/** What a run is made of. */
export interface Story {
  name: string;
  files: Record<string, string>;
  /** One reply for each request, in order. */
  replies: Reply[];
  /** For what an interrupted command makes necessary. */
  spare?: Reply[];
  limits?: Partial<RunLimits>;
  /** Without a sandbox each Bash waits for this: by the command. Default: there is a sandbox. */
  decisions?: Record<string, "grant" | "deny">;
  /** A person writes this as soon as the call has begun. */
  notes?: { after: string; text: string }[];
}

/** All files of the folder, and the outputs of commands at work, by path. */
export type World = Record<string, string>;

export interface Recorded {
  spec: RunSpec;
  log: RunEventBody[];
  /** What the model was sent with each request; ids and limits of the single request aside. */
  requests: unknown[];
  /** At the moment of each event, and at the end. */
  worlds: World[];
  /** Calls that were really done, in order. */
  done: string[];
  /** What the fake has billed for these requests, in micro-USD, rounded up for each. */
  billedMicroUsd: number;
}

const TOOLS = [
  ...["Read", "Glob", "Grep", "Edit", "Write", "Bash"],
  ...["run_checks", "ask_questions", "submit_result"],
];
const SETUP = { resultName: "developer", checkNames: ["test"] } as const;
/** A run that comes to no end within so many lives never will. */
const MAX_LIVES = 20;

/** One folder and one fake server, in which a story is recorded and continued. */
export class Stage implements AsyncDisposable {
  readonly #story: Story;
  readonly #base = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "gaffer-runs-" }));
  readonly #fake: FakeClaude;
  readonly #spec: RunSpec;
  #asked = 0;

  constructor(story: Story) {
    this.#story = story;
    this.#fake = startFakeClaude({
      reply: () => {
        const reply = [...story.replies, ...story.spare ?? []][this.#asked++];
        if (!reply) throw new Error(`"${story.name}" has no more replies`);
        return reply;
      },
    });
    this.#spec = {
      runId: "run_1",
      agent: "feature-dev",
      model: resolveModel("sonnet", null),
      system: "You are the feature-dev agent of Gaffer.\nWork with care.",
      tools: TOOLS.map((name) => toolSpec(name, SETUP)),
      prompt: '<task purpose="develop">Greet</task>',
      limits: {
        ...{ maxTurns: 40, maxTokens: 50_000_000, maxCostMicroUsd: 100_000_000 },
        timeoutMs: 3_600_000,
        ...story.limits,
      },
    };
  }

  get #dir(): string {
    return `${this.#base}/place`;
  }

  get #outputs(): string {
    return `${this.#base}/outputs`;
  }

  record(): Promise<Recorded> {
    const started: RunEventBody = { type: "started", spec: this.#spec };
    return this.goOn([started], { ...prefixed("place", this.#story.files) });
  }

  /** Goes on from a log, in a world, until the run ends. */
  async goOn(log: readonly RunEventBody[], world: World): Promise<Recorded> {
    this.#enter(world);
    this.#asked = answeredIn(log);
    const from = this.#fake.requests.length;
    const recorded: Recorded = {
      ...{ spec: this.#spec, log: structuredClone([...log]), requests: [], worlds: [world] },
      ...{ done: [], billedMicroUsd: 0 },
    };
    const hands = localHands(this.#dir, recorded.done);
    try {
      for (let lives = 0; !isOver(recorded.log); lives++) {
        if (lives === MAX_LIVES) throw new Error(`"${this.#story.name}" comes to no end`);
        this.#settle(await this.#live(recorded, hands), recorded);
      }
    } finally {
      await hands.close();
    }
    recorded.worlds.push(this.#world());
    const made = this.#fake.requests.slice(from);
    recorded.requests = made.map(({ body }) => sentOf(body));
    for (const { status, error } of made) {
      if (status === 400) throw new Error(`Claude refused a request: ${error?.message}`);
    }
    recorded.billedMicroUsd = made.reduce((sum, { billed }) => {
      if (!billed) return sum;
      const { price } = this.#spec.model;
      const cost = billed.input_tokens * price.input + billed.output_tokens * price.output +
        billed.cache_read_input_tokens * price.cacheRead +
        billed.cache_creation_input_tokens * price.cacheWrite5m;
      // Without the dust of binary fractions, which would round up to a whole one.
      return sum + Math.ceil(Math.round(cost * 1e6) / 1e6);
    }, 0);
    return recorded;
  }

  /** One life of the run's loop, with the server's part as the runtime does it. */
  async #live(recorded: Recorded, hands: Hands): Promise<RunOutcome> {
    const { log } = recorded;
    const untold: NoteEvent[] = [];
    const heard: NoteEvent[] = [];
    const push = (event: RunEventBody) => {
      recorded.worlds.push(this.#world());
      log.push(structuredClone(event));
    };
    const takeNotes = () => {
      for (const { after, text } of this.#story.notes ?? []) {
        const has = (matches: (event: RunEventBody) => boolean) => log.some(matches);
        if (has((event) => event.type === "note" && event.text === text)) continue;
        if (!has((event) => event.type === "tool_started" && event.call.id === after)) continue;
        const note: NoteEvent = { type: "note", text, by: "owner" };
        push(note);
        untold.push(note);
      }
    };
    takeNotes();
    const state = structuredClone(log);
    const signal = new AbortController().signal;
    const executor = new Executor({
      context: { ...this.#context(), log: state },
      host: this.#host(log, (event) => {
        push(event);
        takeNotes();
      }),
      hands,
      confinement: { kind: this.#story.decisions ? "process" : "bubblewrap", hint: "" },
      nowMs: () => 0,
      signal,
    });
    const answered = <T>(answer: T): T => {
      heard.push(...untold.splice(0));
      return answer;
    };
    untold.length = 0; // what a life begins with, it has from the log
    return await runLoop({
      spec: this.#spec,
      log: state,
      model: createClaude({
        kind: "endpoint",
        baseUrl: this.#fake.url,
        apiKey: this.#fake.apiKey,
        idleTimeoutMs: 10_000,
      }),
      append: (event) => Promise.resolve(answered(executor.append(event))),
      tools: async (turn, calls) => answered(await executor.tools(turn, calls)),
      heard: () => heard.splice(0),
      delta: () => {},
      nowMs: () => 0,
      delay: () => Promise.resolve(),
      random: () => 0.5,
      signal,
      elapsedMs: 0,
    });
  }

  /** What the server records when a life is over, and what people do then. */
  #settle(outcome: RunOutcome, recorded: Recorded): void {
    const push = (event: RunEventBody) => {
      recorded.worlds.push(this.#world());
      recorded.log.push(event);
    };
    switch (outcome.type) {
      case "succeeded":
        return push({ type: "succeeded", result: outcome.result });
      case "failed":
        return push({ type: "failed", reason: outcome.reason, message: outcome.message });
      case "suspended":
        push({ type: "waiting", reason: "Waits for your approval", failure: null });
        for (const { callId, command } of pendingIn(recorded.log)) {
          const granted = this.#story.decisions?.[command] === "grant";
          push({ type: "approval_decided", callId, granted, reason: "", by: "owner" });
        }
        return push({ type: "resumed", reason: "Waits for your approval" });
      case "retry":
        push({ type: "waiting", reason: outcome.message, failure: outcome.reason });
        return push({ type: "resumed", reason: outcome.message });
      default:
        throw new Error(`"${this.#story.name}" let go: ${outcome.type}`);
    }
  }

  #host(log: readonly RunEventBody[], append: (event: RunEventBody) => void): RunHost {
    return {
      append: (_runId, event) => append(event),
      mayGoOn: () => true,
      questions: () => {},
      approval(_runId, call, question) {
        const decided = log.find((event) =>
          event.type === "approval_decided" && event.callId === call.id
        );
        if (decided?.type === "approval_decided") {
          return { status: decided.granted ? "granted" : "denied", reason: decided.reason };
        }
        const isAsked = log.some((event) =>
          event.type === "approval_requested" && event.callId === call.id
        );
        const approvalId = `approval of ${call.id}`;
        if (!isAsked) {
          append({ type: "approval_requested", callId: call.id, approvalId, ...question });
        }
        return { status: "pending", reason: "" };
      },
      checkpoint: async () => {
        const files = Object.entries(this.#world()).filter(([path]) => path.startsWith("place/"));
        const commit = await hashOf(JSON.stringify(files));
        const last = log.findLast((event) => event.type === "checkpoint");
        return last?.commit === commit ? null : { commit, files: [] };
      },
    } as Partial<RunHost> as RunHost;
  }

  #context(): Omit<RunContext, "log"> {
    return runContext({
      spec: this.#spec,
      place: { dir: this.#dir, access: "write", gitDir: null },
      commands: [{ name: "test", command: "sh test.sh", timeoutMs: 30_000 }],
      unconfinedAllowed: true,
      outputDir: this.#outputs,
    });
  }

  #enter(world: World): void {
    for (const { name } of [...Deno.readDirSync(this.#base)]) {
      Deno.removeSync(`${this.#base}/${name}`, { recursive: true });
    }
    Deno.mkdirSync(this.#dir);
    for (const [path, content] of Object.entries(world)) {
      const full = `${this.#base}/${path}`;
      Deno.mkdirSync(full.slice(0, full.lastIndexOf("/")), { recursive: true });
      Deno.writeTextFileSync(full, content);
    }
  }

  #world(): World {
    const world: World = {};
    const walk = (dir: string) => {
      for (const { name, isDirectory } of Deno.readDirSync(`${this.#base}/${dir}`)) {
        const path = dir ? `${dir}/${name}` : name;
        if (isDirectory) walk(path);
        else world[path] = Deno.readTextFileSync(`${this.#base}/${path}`);
      }
    };
    walk("");
    return Object.fromEntries(Object.entries(world).sort(([a], [b]) => a < b ? -1 : 1));
  }

  async [Symbol.asyncDispose]() {
    await this.#fake.close();
    await Deno.remove(this.#base, { recursive: true });
  }
}

// ---------------------------------------------------------------- what a log tells

/** Requests that have their end in the log; one that a restart cut off was sent again. */
export const answeredIn = (log: readonly RunEventBody[]): number =>
  log.filter((event) =>
    event.type === "turn_finished" ||
    (event.type === "turn_failed" && event.reason !== "worker_lost")
  ).length;

export const finishedIn = (log: readonly RunEventBody[]): Set<string> =>
  new Set(log.flatMap((event) => event.type === "tool_finished" ? [event.result.callId] : []));

const isOver = (log: readonly RunEventBody[]): boolean =>
  log.some(({ type }) => type === "succeeded" || type === "failed");

function pendingIn(log: readonly RunEventBody[]): { callId: string; command: string }[] {
  const decided = new Set(
    log.flatMap((event) => event.type === "approval_decided" ? [event.callId] : []),
  );
  return log.flatMap((event) =>
    event.type === "approval_requested" && !decided.has(event.callId)
      ? [{ callId: event.callId, command: event.detail }]
      : []
  );
}

// ---------------------------------------------------------------- hands in this process

/** The service that runs in the hands, without the process around it. `done` gets each call that is really done. */
function localHands(dir: string, done: string[]): Hands {
  type Open = { onOutput?: (text: string) => void; resolve: (answer: FromHands) => void };
  const open = new Map<number, Open>();
  let lastId = 0;
  const service = new HandsService({
    ...{ role: "confined", dir, access: "write", hidden: [], sh: "/bin/sh", bash: null },
    limits: handsLimits(Deno.systemMemoryInfo().total),
    ...{
      env: { PATH: Deno.env.get("PATH")! },
      marker: crypto.randomUUID(),
      relay: false,
      tempDir: null,
    },
  }, (line) => {
    const answer = JSON.parse(line) as FromHands & { id: number };
    if (answer.type === "output") open.get(answer.id)?.onOutput?.(answer.text);
    else open.get(answer.id)?.resolve(answer);
  }, { workIn: workByPath });
  const ask = (message: object, onOutput?: (text: string) => void): Promise<FromHands> => {
    const { promise, resolve } = Promise.withResolvers<FromHands>();
    open.set(++lastId, { onOutput, resolve });
    service.receive(JSON.stringify({ ...message, id: lastId }));
    return promise;
  };
  return {
    async tool(_place: unknown, { onOutput, unconfinedAllowed: _, ...request }: ToolRequest) {
      if (!request.plan) done.push(request.call.id);
      const answer = await ask({ type: "tool", ...request }, onOutput);
      if (answer.type !== "tool_done") throw new Error(`hands answered with ${answer.type}`);
      return { result: answer.result, cwd: answer.cwd };
    },
    async command(
      _place: unknown,
      spec: CommandSpec,
      { onOutput }: { onOutput?: (text: string) => void },
    ) {
      done.push("run_checks");
      const answer = await ask({ type: "command", spec }, onOutput);
      if (answer.type !== "command_done") throw new Error(`hands answered with ${answer.type}`);
      return { ...answer.result, durationMs: 0, unconfined: false };
    },
    warm: () => {},
    close: () => service.close(),
  } as Partial<Hands> as Hands;
}

// ---------------------------------------------------------------- small things

const prefixed = (folder: string, files: Record<string, string>): World =>
  Object.fromEntries(
    Object.entries(files).map(([path, content]) => [`${folder}/${path}`, content]),
  );

/** What decides the answer: not the limit of the single request, nor where the cache markers stand. */
function sentOf(body: unknown): unknown {
  const { model, system, tools, messages } = body as Record<string, unknown>;
  return { model, system, tools, messages };
}

async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}
