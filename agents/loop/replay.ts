/**
 * Runs a loop once more over what its log recorded: the model says what it said, the tools bring what they
 * brought, and no request goes out. What the loop itself adds must come out as it is in the log; a loop that is
 * decided by anything but its log shows here, and so does a log that no such loop can have written.
 */
import { isDeepStrictEqual } from "node:util";
import type { NoteEvent, RunEventBody, RunOutcome, RunSpec, ToolResult } from "../protocol.ts";
import { type FailureReason, loopReasons } from "../../server/states.ts";
import { requireKnownEvents } from "./log.ts";
import { isExcused } from "./loop_state.ts";
import { CUT_OFF, type LoopDeps, runLoop } from "./loop.ts";
import { type Model, TurnError } from "./turn.ts";

export interface Difference {
  /** Of the event in the run, from 1. */
  number: number;
  recorded: RunEventBody;
  /** Null: the loop came to a stop there. */
  replayed: RunEventBody | null;
}

export interface Replay {
  /** What came out, up to the first difference. */
  events: RunEventBody[];
  equal: boolean;
  firstDifference: Difference | null;
}

/**
 * Replays a log, or any beginning of one: what a killed server left is a legal log too. Throws `conflict` for
 * an event that this version does not know.
 */
export async function replay(log: readonly RunEventBody[]): Promise<Replay> {
  const started = log.find((event) => event.type === "started");
  if (!started) return { events: [...log], equal: true, firstDifference: null };
  requireKnownEvents(started.spec.runId, log);
  const { events, firstDifference } = await new Player(started.spec, log).play();
  return { events, equal: firstDifference === null, firstDifference };
}

/** What the server puts into a log while no tool call is at work. */
const byServer: ReadonlySet<RunEventBody["type"]> = new Set([
  "started",
  "approval_requested",
  "approval_decided",
  "checkpoint",
  "resumed",
]);
const byTools: ReadonlySet<RunEventBody["type"]> = new Set([
  "tool_started",
  "tool_executing",
  "tool_finished",
]);
/** After it a loop begins anew, from the log. */
const endsLife = ({ type }: RunEventBody): boolean => type === "waiting" || type === "forked";
const isEnd = ({ type }: RunEventBody): boolean =>
  type === "succeeded" || type === "failed" || type === "cancelled";

const byLoop: ReadonlySet<FailureReason> = new Set(loopReasons);
/** An end that the run's loop may know nothing about. */
const isForeignEnd = (event: RunEventBody): boolean =>
  event.type === "cancelled" || (event.type === "failed" && !byLoop.has(event.reason));

/** The reading head over a log. A life of the loop is one `runLoop`; a log may tell of many. */
class Player {
  readonly #spec: RunSpec;
  readonly #log: readonly RunEventBody[];
  readonly events: RunEventBody[] = [];
  firstDifference: Difference | null = null;
  /** Persons' notes that the loop is to hear of with the next answer. */
  #notes: NoteEvent[] = [];
  #clockMs = 0;
  /** What the loop has excused in its present life. */
  #excusedMs = 0;

  constructor(spec: RunSpec, log: readonly RunEventBody[]) {
    this.#spec = spec;
    this.#log = log;
  }

  async play(): Promise<this> {
    while (!this.#over) {
      const before = this.events.length;
      this.#passServer();
      this.#passWaiting();
      const outcome = await this.#live();
      if (!this.#over) this.#end(outcome);
      if (!this.#over && this.events.length === before) this.#differ(null);
    }
    return this;
  }

  get #over(): boolean {
    return this.firstDifference !== null || this.events.length >= this.#log.length;
  }

  /** Undefined: the log ends here. */
  get #next(): RunEventBody | undefined {
    return this.#log[this.events.length];
  }

  #ahead(matches: (event: RunEventBody) => boolean): RunEventBody | undefined {
    for (let at = this.events.length; at < this.#log.length; at++) {
      if (matches(this.#log[at]!)) return this.#log[at];
    }
  }

  #live(): Promise<RunOutcome> {
    const life = new AbortController();
    const cut = () => {
      life.abort();
      return life.signal.reason;
    };
    this.#notes = [];
    this.#excusedMs = 0;
    this.#setClock(isReading);
    return runLoop({
      spec: this.#spec,
      log: [...this.events],
      elapsedMs: this.#clockMs,
      model: this.#model(cut),
      append: (event) => this.#append(event, cut),
      tools: (_turn, calls) => this.#tools(calls.map(({ id }) => id), cut),
      heard: () => this.#notes.splice(0),
      delta: () => {},
      nowMs: () => this.#clockMs + this.#excusedMs,
      delay: () => Promise.resolve(),
      random: () => 0,
      signal: life.signal,
    });
  }

  /** What the loop says must be what it said. */
  #append(event: RunEventBody, cut: () => unknown): Promise<void> {
    this.#passServer();
    const recorded = this.#next;
    if (recorded?.type === "turn_started" && isCutOff(event)) return Promise.resolve(); // of the first version
    if (!recorded || endsLife(recorded) || isForeignEnd(recorded)) {
      return Promise.reject(cut());
    }
    if (!isSame(recorded, event)) {
      this.#differ(event);
      return Promise.reject(cut());
    }
    this.events.push(event);
    this.#setClock();
    return Promise.resolve();
  }

  #model(cut: () => unknown): Model {
    return {
      turn: () => {
        const recorded = this.#ahead((event) => !isPersonsNote(event) && !byServer.has(event.type));
        if (recorded?.type === "turn_finished") {
          this.#clockMs += recorded.durationMs;
          const { content, stopReason, usage, requestId, withoutTools } = recorded;
          return Promise.resolve({
            content,
            stopReason,
            usage,
            requestId,
            refusal: null,
            ...withoutTools && { withoutTools },
          });
        }
        if (recorded?.type === "compacted") {
          this.#clockMs += recorded.durationMs;
          const { content, usage, requestId } = recorded;
          return Promise.resolve({
            content,
            stopReason: "compaction",
            usage,
            requestId,
            refusal: null,
          });
        }
        if (recorded?.type !== "turn_failed" || isCutOff(recorded)) return Promise.reject(cut());
        if (isExcused(recorded.reason)) this.#excusedMs += recorded.durationMs ?? 0;
        else this.#clockMs += recorded.durationMs ?? 0;
        const { reason, message, usage, retryInMs } = recorded;
        // The wait was drawn by lot: asked for by the server, it is the same again.
        const retryAfterMs = retryInMs ?? Infinity;
        return Promise.reject(new TurnError(reason, message, { retryAfterMs, usage }));
      },
    };
  }

  async #tools(
    callIds: string[],
    cut: () => unknown,
  ): ReturnType<LoopDeps["tools"]> {
    await Promise.resolve();
    const results = new Map<string, ToolResult>();
    const isDone = () => callIds.every((id) => results.has(id));
    for (let event = this.#next; event && !isDone(); event = this.#next) {
      if (!byTools.has(event.type) && !byServer.has(event.type) && !isPersonsNote(event)) break;
      this.#pass(event);
      if (event.type === "tool_finished") results.set(event.result.callId, event.result);
    }
    if (!isDone() && this.#next?.type !== "waiting") throw cut();
    const inOrder = callIds.flatMap((id) => results.get(id) ?? []);
    return { results: inOrder, suspended: !isDone() };
  }

  /** What follows in the log from how the loop ended, or let go. */
  #end(outcome: RunOutcome): void {
    this.#passServer();
    if (this.#passWaiting()) return;
    const recorded = this.#next;
    if (!recorded || !isEnd(recorded)) return;
    const ended = endOf(outcome);
    if (ended && isSame(recorded, ended)) this.events.push(ended);
    else if (isForeignEnd(recorded)) this.#pass(recorded);
    else this.#differ(ended);
  }

  /** The run waits and is taken up again, or goes on as a fork; true when there was anything of it. */
  #passWaiting(): boolean {
    let passed = false;
    for (let event = this.#next; event && endsLife(event); event = this.#next) {
      this.#pass(event);
      this.#passServer();
      passed = true;
    }
    return passed;
  }

  #passServer(): void {
    for (let event = this.#next; event; event = this.#next) {
      if (!byServer.has(event.type) && !isPersonsNote(event)) return;
      this.#pass(event);
    }
  }

  #pass(event: RunEventBody): void {
    this.events.push(event);
    if (isPersonsNote(event)) this.#notes.push(event);
  }

  #differ(replayed: RunEventBody | null): void {
    const recorded = this.#next!;
    this.firstDifference ??= { number: this.events.length + 1, recorded, replayed };
  }

  /** The loop reads the clock before it decides; what it read then stands in what it decided. */
  #setClock(looksAt = (event: RunEventBody) => isOfLoop(event) || isEnd(event)): void {
    const next = this.#ahead(looksAt);
    if (next?.type === "turn_started" || next?.type === "note") {
      this.#clockMs = next.elapsedMs ?? this.#clockMs;
    } else if (next?.type === "failed" && next.reason === "timed_out") {
      const forked = this.events.findLast((event) => event.type === "forked");
      this.#clockMs = Math.max(this.#clockMs, (forked ?? this.#spec).limits.timeoutMs);
    }
  }
}

const isPersonsNote = (event: RunEventBody): event is NoteEvent =>
  event.type === "note" && event.by !== undefined;

const isOfLoop = (event: RunEventBody): boolean =>
  event.type.startsWith("turn_") || event.type === "compacted" || event.type === "nudge" ||
  (event.type === "note" && event.by === undefined);

/** Tells what the loop's clock was. */
const isReading = (event: RunEventBody): boolean =>
  event.type === "turn_started" || (event.type === "note" && event.by === undefined) ||
  isEnd(event);

/** The end that a later life gave to an earlier one's request. */
const isCutOff = (event: RunEventBody): boolean =>
  event.type === "turn_failed" && event.message.startsWith(CUT_OFF);

/** The event with which the server ends the run; null when it does not. */
function endOf(outcome: RunOutcome): RunEventBody | null {
  switch (outcome.type) {
    case "succeeded":
      return { type: "succeeded", result: outcome.result };
    // After its last attempt the run fails with what it would have tried again for, and at its limit where nobody is
    // asked about what is in doubt of it.
    case "failed":
    case "retry":
    case "in_doubt":
      return { type: "failed", reason: outcome.reason, message: outcome.message };
    default:
      return null;
  }
}

const worstCaseIn = (event: Extract<RunEventBody, { type: "turn_started" }>) =>
  Object.fromEntries(Object.entries(event).filter(([key]) => key.startsWith("worst")));

/** What the first version did not record is no difference. */
function isSame(recorded: RunEventBody, replayed: RunEventBody): boolean {
  const { elapsedMs: _elapsedMs, ...without } = JSON.parse(JSON.stringify(replayed));
  const { durationMs: _durationMs, worstTokens: _tokens, worstCostMicroUsd: _cost, ...whole } =
    without;
  const { mostTokens, mostCostMicroUsd, ...bare } = whole;
  const comparable = {
    ...bare,
    ..."elapsedMs" in recorded && { elapsedMs: _elapsedMs },
    ..."durationMs" in recorded && { durationMs: _durationMs },
    ..."mostTokens" in recorded && { mostTokens, mostCostMicroUsd },
    // Whether a note that came in that moment is in it, the log does not tell; the request itself is compared.
    ...recorded.type === "turn_started" && worstCaseIn(recorded),
  };
  return isDeepStrictEqual(comparable, recorded);
}
