/**
 * Folds a run's events into what a person reads: one item per turn with its steps, one per other fact.
 * An item's element id is `e<number>` of its first event and never changes, so a live update can send
 * an item again and the page replaces it in place.
 */
import type { ContentBlock, ToolCall, ToolResult, Usage } from "../agents/protocol.ts";
import type { FailureReason } from "../server/states.ts";
import type { RunEvent } from "../server/records.ts";
import { type Answered, type CacheUse, cacheUseOf } from "./cache_use.ts";
import { citedText, type WebPage, type WebUse, webUsesIn } from "./web_uses.ts";

/** What a person was asked about a call, and said. */
export interface StepApproval {
  state: "pending" | "granted" | "denied";
  detail: string;
  /** What says that a person is asked; "" in old logs. */
  rule: string;
  reason: string;
}

/** A tool call and what came of it. */
export interface CallStep {
  /** Number of the event that started it: its address is `#e<number>`. */
  number: number;
  at: string;
  call: ToolCall;
  /** Null while it runs or waits. */
  result: ToolResult | null;
  approval: StepApproval | null;
}

/** Something the model said or thought, at its own address. */
export interface SaidStep {
  number: number;
  thinking: string;
  /** Markdown, with a number behind what it cites. */
  text: string;
  /** What the numbers stand for. */
  sources: WebPage[];
}

export interface TurnItem {
  kind: "turn";
  first: number;
  last: number;
  at: string;
  turn: number;
  said: SaidStep | null;
  calls: CallStep[];
  /** What the model's service did on the web within the answer. */
  web: WebUse[];
  checkpoints: { number: number; commit: string; files: string[] }[];
  /** What it cost; null while it streams. */
  spent: { usage: Usage; costMicroUsd: number; durationMs: number | null } | null;
  /** What it read from the provider's cache; null while it streams, and where nothing is counted. */
  cache: CacheUse | null;
  /** The request asked for a summary of the history. */
  compacts: boolean;
  /** The summary that it brought; null where it brought none, and where only the provider can read it. */
  summary: string | null;
  stopReason: string | null;
  failure: { reason: FailureReason; message: string; retryInMs: number | null } | null;
}

/** A fact between the turns; `body` says which. */
export interface FactItem {
  kind: "fact";
  first: number;
  last: number;
  at: string;
  body: Exclude<RunEvent["body"], { type: `turn_${string}` | `tool_${string}` | "compacted" }>;
}

export type ActivityItem = TurnItem | FactItem;

/** Items in order, oldest first. `events` may begin anywhere in the run, best at a `turn_started`. */
export function foldActivity(events: RunEvent[]): ActivityItem[] {
  const items: ActivityItem[] = [];
  const cache = new CacheWatch();
  const begun = new Map<string, WebUse>();
  let turn: TurnItem | null = null;
  for (const event of events) {
    const { body, number } = event;
    if (body.type === "turn_started" || (turn === null && isOfTurn(body))) {
      turn = newTurn(event);
      items.push(turn);
    }
    const use = cache.take(event);
    if (body.type === "turn_finished" && turn !== null) turn.web = webUsesIn(body.content, begun);
    if (turn !== null && addToTurn(turn, event)) {
      turn.last = number;
      turn.cache = use ?? turn.cache;
      continue;
    }
    if (isOfTurn(body)) continue;
    items.push({
      kind: "fact",
      first: number,
      last: number,
      at: event.at,
      body: body as FactItem["body"],
    });
  }
  return items;
}

/** The items that a page which knows the events up to `number` must be sent. */
export const itemsSince = (items: ActivityItem[], number: number): ActivityItem[] =>
  items.filter((item) => item.last > number);

const isOfTurn = (body: RunEvent["body"]): boolean =>
  body.type.startsWith("turn_") || body.type.startsWith("tool_") || body.type === "compacted";

/** Follows what each request left in the cache for the next one. Of a part of a log, the first is not judged. */
class CacheWatch {
  #before: Answered & { forked: boolean; compacted: boolean } | null = null;
  #sentAt = "";
  #knowsStart = false;

  /** What an answered request read; null for all other events. */
  take({ body, at }: RunEvent): CacheUse | null {
    if (body.type === "started") this.#knowsStart = true;
    if (body.type === "turn_started") this.#sentAt = at;
    if (body.type === "forked" && this.#before) this.#before.forked = true;
    if (body.type !== "turn_finished" && body.type !== "compacted") return null;
    const answered = { usage: body.usage, at: this.#sentAt };
    const isJudged = this.#before !== null || this.#knowsStart;
    const use = isJudged ? cacheUseOf(answered, this.#before) : null;
    this.#before = { ...answered, forked: false, compacted: body.type === "compacted" };
    return use;
  }
}

function newTurn(event: RunEvent): TurnItem {
  return {
    kind: "turn",
    first: event.number,
    last: event.number,
    at: event.at,
    turn: "turn" in event.body ? event.body.turn : 0,
    said: null,
    calls: [],
    web: [],
    checkpoints: [],
    spent: null,
    cache: null,
    compacts: "compacts" in event.body && event.body.compacts === true,
    summary: null,
    stopReason: null,
    failure: null,
  };
}

/** Returns false for what is not part of a turn. */
function addToTurn(turn: TurnItem, { body, number, at }: RunEvent): boolean {
  switch (body.type) {
    case "turn_started":
      return true;
    case "turn_finished":
      turn.said = {
        number,
        thinking: textOf(body.content, "thinking"),
        ...citedText(body.content),
      };
      turn.spent = body;
      turn.stopReason = body.stopReason;
      return true;
    case "compacted":
      turn.compacts = true;
      turn.spent = body;
      turn.summary = textOf(body.content, "text") || compactionText(body.content);
      return true;
    case "turn_failed":
      turn.failure = body;
      turn.spent = { usage: body.usage, costMicroUsd: body.costMicroUsd, durationMs: null };
      return true;
    case "tool_started":
      turn.calls.push({ number, at, call: body.call, result: null, approval: null });
      return true;
    case "approval_requested":
      return change(turn, body.callId, (step) => {
        const { detail, rule = "" } = body;
        step.approval = { state: "pending", detail, rule, reason: "" };
      });
    case "approval_decided":
      return change(turn, body.callId, (step) => {
        const { detail = "", rule = "" } = step.approval ?? {};
        const state = body.granted ? "granted" : "denied";
        step.approval = { state, detail, rule, reason: body.reason };
      });
    case "tool_finished":
      return change(turn, body.result.callId, (step) => {
        step.result = body.result;
      });
    case "checkpoint":
      turn.checkpoints.push({ number, commit: body.commit, files: body.files });
      return true;
    default:
      return false;
  }
}

function change(turn: TurnItem, callId: string, apply: (step: CallStep) => void): boolean {
  const step = turn.calls.find(({ call }) => call.id === callId);
  if (step) apply(step);
  return step !== undefined;
}

function textOf(content: ContentBlock[], kind: "text" | "thinking"): string {
  return content.filter((block) => block.type === kind)
    .map((block) => String((block as Record<string, unknown>)[kind] ?? ""))
    .filter((text) => text.trim() !== "").join("\n\n");
}

/** What a signed block says, where it is to be read. */
function compactionText(content: ContentBlock[]): string | null {
  const block = content.find(({ type }) => type === "compaction") as
    | { content?: unknown }
    | undefined;
  return typeof block?.content === "string" ? block.content : null;
}
