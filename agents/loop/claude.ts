/** The Messages API through the vendor's SDK: streaming, usage, its errors turned into ours. No other file knows it. */
// Its client without the many things that can be asked of it, and the one thing that we ask: each brain has a
// copy of all this code, and the whole of it is twice as much.
import {
  type Anthropic,
  AnthropicError,
  APIConnectionError,
  APIError,
  BaseAnthropic,
  type ClientOptions,
} from "@anthropic-ai/sdk";
import { Messages } from "@anthropic-ai/sdk/resources/messages";
import { SECOND_MS, systemClock } from "../../server/clock.ts";
import { messageOf } from "../../server/errors.ts";
import type { FailureReason } from "../../server/states.ts";
import type { ContentBlock, ModelEndpoint, Usage } from "../protocol.ts";
import { takeInstead } from "../successors.ts";
import { addUsage } from "./cost.ts";
import { summaryOf } from "./history.ts";
import { lostConnection } from "./lost_connection.ts";
import { paramsOf } from "./request_params.ts";
import { watchIdle } from "./idle_watch.ts";
import { lenient } from "./lenient.ts";
import { isOfEndpoint, type Quirk, refusedField } from "./quirks.ts";
import { rateLimitsOf } from "./rate_limits.ts";
import { retryAfterMs } from "./retry_after.ts";
import type { Model, TurnAnswer, TurnOptions, TurnRequest } from "./turn.ts";
import { TurnError } from "./turn.ts";

export type Claude = Model;

/** Silence after which the demo model, which answers inside this process, must have broken. */
const DEMO_IDLE_MS = 30 * SECOND_MS;
/** For the list of models, when one is gone. */
const LIST_TIMEOUT_MS = 5 * SECOND_MS;
const MAX_OFFERED = 200;
/** Longest text of a server that becomes part of an error. */
const MAX_DETAIL_CHARS = 500;

/** A client for one endpoint, shared by all runs of a brain. The key stays inside. */
export function createClaude(
  endpoint: ModelEndpoint,
  /** Hears what the endpoint turned out not to take, once for each. */
  onQuirk: (quirk: Quirk) => void = () => {},
): Claude {
  const demo = endpoint.kind === "demo";
  const apiKey = demo ? "demo" : endpoint.apiKey;
  const idleMs = demo ? DEMO_IDLE_MS : endpoint.idleTimeoutMs;
  const send = demo ? demoFetch(endpoint.paceMs) : fetch;
  const lacking = new Set<Quirk>(demo ? ["compaction"] : endpoint.quirks ?? []);
  const lackingOfModel = new Map<string, Set<Quirk>>();
  const client = new BaseAnthropic({
    apiKey,
    baseURL: demo ? "http://demo.invalid" : endpoint.baseUrl,
    // Only the idle watch decides how long is too long; the SDK's own limit would end at the headers anyway.
    timeout: 2 * idleMs,
    // The loop tries again itself, so that every try is in the run's log.
    maxRetries: 0,
    webhookKey: null,
    authToken: null,
    // What it would print comes back as a TurnError; its prints hold pieces of the conversation.
    logLevel: "off",
    openTelemetry: false,
  });

  /** Sends until nothing that the endpoint lacks is in the request any more: a refusal is not paid. */
  async function turn(request: TurnRequest, options: TurnOptions): Promise<TurnAnswer> {
    for (;;) {
      const ofModel = lackingOfModel.get(request.model.id) ?? new Set<Quirk>();
      const { params, headers, sent, withoutTools } = paramsOf(request, lacking.union(ofModel));
      const seen = new SeenStream(options);
      try {
        const answer = await attempt(params as unknown as Params, headers, seen, options);
        return withoutTools.length > 0 ? { ...answer, withoutTools } : answer;
      } catch (error) {
        const quirk = error instanceof APIError && error.status === 400
          ? refusedField(error.apiMessage ?? error.message, sent)
          : null;
        if (quirk === null || options.signal.aborted) {
          const failure = failureOf(error, seen, options.signal);
          const gone = failure instanceof TurnError && failure.reason === "model_not_found";
          throw gone ? await withSuccessor(failure, request.model.id, options.signal) : failure;
        }
        if (isOfEndpoint(quirk)) lacking.add(quirk);
        else lackingOfModel.set(request.model.id, ofModel.add(quirk));
        onQuirk(quirk);
      }
    }
  }

  async function attempt(
    params: Params,
    headers: Record<string, string>,
    seen: SeenStream,
    { signal, onRate }: TurnOptions,
  ): Promise<TurnAnswer> {
    const watch = watchIdle({ fetch: send, idleMs, signal });
    const watched = async (...[input, init]: Parameters<typeof fetch>) => {
      const response = await watch.fetch(input, init);
      const rate = onRate && rateLimitsOf(response.headers, systemClock.nowMs());
      if (rate) onRate(rate);
      return demo ? response : await lenient(response);
    };
    try {
      const one = client.withOptions({ fetch: watched as ClientOptions["fetch"] });
      const stream = new Messages(one).stream(params, { signal: watch.signal, headers });
      stream.on("streamEvent", (event) => seen.take(event));
      const message = await Promise.race([stream.finalMessage(), watch.aborted]);
      const answer = seen.answer(message, stream.request_id ?? null);
      // A summary that came to nothing: the next try asks the model itself.
      if (answer.stopReason === "compaction" && summaryOf(answer.content) === null) {
        lacking.add("compaction");
      }
      return answer;
    } catch (error) {
      throw watch.stalled && !signal.aborted ? new Stalled() : error;
    } finally {
      watch.stop();
    }
  }

  function failureOf(error: unknown, seen: SeenStream, signal: AbortSignal): unknown {
    if (signal.aborted) {
      const why = "The request was given up: the run was stopped while it was answered";
      return new TurnError("worker_lost", why, { retryAfterMs: null, usage: seen.usage });
    }
    const stalled = error instanceof Stalled;
    const theirs = error instanceof AnthropicError || error instanceof BrokenAnswer;
    if (!theirs && !stalled) return error;
    const [reason, detail] = stalled
      ? ["stalled" as const, `nothing came for ${idleMs / SECOND_MS} s`]
      : [reasonOf(error), withoutKey(detailOf(error), apiKey)];
    return new TurnError(
      reason,
      `Cannot get an answer from the model: ${detail.slice(0, MAX_DETAIL_CHARS)}`,
      { retryAfterMs: waitAskedFor(error), usage: seen.usage },
    );
  }

  /** A model that is gone: which one to take, as the endpoint itself lists them, if it does. */
  async function withSuccessor(failure: TurnError, gone: string, signal: AbortSignal) {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(LIST_TIMEOUT_MS)]);
    const offered = await listOffered(limit).catch(() => null); // it has none, or nobody answers
    const message = `${failure.message}. ${takeInstead(gone, offered)}`;
    return new TurnError(failure.reason, message, failure.details);
  }

  async function listOffered(signal: AbortSignal): Promise<string[]> {
    const watch = watchIdle({ fetch: send, idleMs: LIST_TIMEOUT_MS, signal });
    try {
      const one = client.withOptions({ fetch: watch.fetch as ClientOptions["fetch"] });
      const list: { data?: unknown } = await one.get("/v1/models", { signal: watch.signal });
      if (!Array.isArray(list.data)) throw new Error("no list");
      const ids = list.data.flatMap(({ id }) => typeof id === "string" ? [id] : []);
      return ids.slice(0, MAX_OFFERED);
    } finally {
      watch.stop();
    }
  }

  return { turn };
}

/** Its code, a sixth of a brain's, is loaded by those that are asked to answer with it. */
function demoFetch(paceMs: number): typeof fetch {
  let loaded: Promise<typeof fetch> | undefined;
  return async (input, init) => {
    loaded ??= import("../demo/model.ts").then(({ createDemoFetch }) =>
      createDemoFetch({ paceMs })
    );
    return await (await loaded)(input, init);
  };
}

/** Nothing came for too long. */
class Stalled extends Error {}

type Params = Parameters<Messages["stream"]>[0];

const wholeStopReasons: ReadonlySet<string> = new Set([
  "end_turn",
  "tool_use",
  "stop_sequence",
  "pause_turn",
  "compaction",
]);

/** What has come of one answer so far. */
class SeenStream {
  readonly #onDelta: TurnOptions["onDelta"];
  readonly #onBegin: () => void;
  /** Raw JSON of each tool call by its index: the SDK's own parser silently mends JSON that was cut. */
  readonly #json = new Map<number, string>();
  #wireUsage: Partial<Anthropic.Usage> = {};
  #stopReason: string | null = null;

  /** What a signed summary turned out to hold, by the index of its block: the SDK's stream knows no such block. */
  readonly #summaries = new Map<number, Record<string, unknown>>();

  constructor({ onDelta, onBegin = () => {} }: TurnOptions) {
    this.#onDelta = onDelta;
    this.#onBegin = onBegin;
  }

  take(event: Anthropic.MessageStreamEvent): void {
    switch (event.type) {
      case "message_start":
        this.#onBegin();
        return this.#count(event.message.usage);
      case "message_delta":
        this.#stopReason = event.delta.stop_reason ?? this.#stopReason;
        return this.#count(event.usage);
      case "content_block_start":
        if ((event.content_block as { type: string }).type === "compaction") {
          this.#summaries.set(event.index, {});
        }
        if (
          event.content_block.type === "tool_use" || event.content_block.type === "server_tool_use"
        ) {
          this.#onDelta("tool", `${event.content_block.name} `);
        }
        return;
      case "content_block_delta":
        return this.#delta(event.index, event.delta);
      case "content_block_stop":
        if (this.#json.has(event.index)) this.#onDelta("tool", "\n");
    }
  }

  #delta(index: number, delta: Anthropic.RawContentBlockDelta): void {
    const summary = this.#summaries.get(index);
    if (summary) {
      // It carries whole values, not pieces of them.
      const { type: _type, ...values } = delta as unknown as Record<string, unknown>;
      Object.assign(summary, values);
      return;
    }
    switch (delta.type) {
      case "text_delta":
        return this.#onDelta("text", delta.text);
      case "thinking_delta":
        return this.#onDelta("thinking", delta.thinking);
      case "input_json_delta":
        this.#json.set(index, (this.#json.get(index) ?? "") + delta.partial_json);
        this.#onDelta("tool", delta.partial_json);
    }
  }

  /** Counters are cumulative: a number replaces, null or nothing keeps the earlier one. */
  #count(usage: object | null | undefined): void {
    const told = Object.entries(usage ?? {}).filter(([, value]) => value !== null);
    this.#wireUsage = { ...this.#wireUsage, ...Object.fromEntries(told) };
  }

  get usage(): Usage {
    const { iterations, ...wire } = this.#wireUsage as WireUsage;
    const summing = (iterations ?? []).flatMap((one) => one?.type === "compaction" ? [one] : []);
    // What a summary took is told there and nowhere else.
    return [wire, ...summing].map(usageOf).reduce(addUsage);
  }

  answer(message: Anthropic.Message, requestId: string | null): TurnAnswer {
    const stopReason = this.#stopReason;
    if (stopReason === null) throw new BrokenAnswer("it ended without a reason to stop");
    // What was cut off anywhere else may end within a tool call; nobody may use it.
    const whole = wholeStopReasons.has(stopReason);
    return {
      content: whole ? message.content.map((block, index) => this.#block(block, index)) : [],
      stopReason,
      refusal: message.stop_details?.category ?? null,
      usage: this.usage,
      requestId,
    };
  }

  /** A plain copy, its tool input parsed without mercy. */
  #block(block: Anthropic.ContentBlock, index: number): ContentBlock {
    const summary = this.#summaries.get(index);
    if (summary) return { ...block, ...summary } as ContentBlock;
    const json = this.#json.get(index);
    if (!("input" in block)) return { ...block };
    const input = json ? parse(json) : block.input;
    if (typeof input !== "object" || input === null || Array.isArray(input)) {
      throw new BrokenAnswer("the input of a tool call is not a JSON object");
    }
    return { ...block, input: input as Record<string, unknown> };
  }
}

/** Counters of a request, or of one step of it. */
type WireUsage = Partial<Anthropic.Usage> & {
  iterations?: (Partial<Anthropic.Usage> & { type?: string } | null)[] | null;
};

function usageOf(wire: Partial<Anthropic.Usage>): Usage {
  const write1h = tokens(wire.cache_creation?.ephemeral_1h_input_tokens);
  const write5m = tokens(wire.cache_creation?.ephemeral_5m_input_tokens);
  const webSearches = tokens(wire.server_tool_use?.web_search_requests);
  return {
    inputTokens: tokens(wire.input_tokens),
    outputTokens: tokens(wire.output_tokens),
    cacheReadTokens: tokens(wire.cache_read_input_tokens),
    cacheWrite1hTokens: write1h,
    cacheWrite5mTokens: Math.max(write5m, tokens(wire.cache_creation_input_tokens) - write1h),
    ...webSearches > 0 && { webSearches },
  };
}

/** Endpoints that only resemble the real one count nothing, or in fractions. */
const tokens = (count: unknown): number =>
  typeof count === "number" && count > 0 && Number.isFinite(count) ? Math.ceil(count) : 0;

/** The stream ended in order, but what it holds can't be an answer. */
class BrokenAnswer extends Error {}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new BrokenAnswer(`the input of a tool call is cut off or not JSON`, { cause: error });
  }
}

const reasonByStatus: Record<number, FailureReason> = {
  401: "authentication",
  402: "billing",
  403: "permission",
  404: "model_not_found",
  408: "server_error",
  409: "server_error",
  429: "rate_limited",
  529: "overloaded",
};
/** An error in the middle of a stream has a type, but no status of its own. */
const reasonByType: Record<string, FailureReason> = {
  invalid_request_error: "invalid_request",
  request_too_large: "invalid_request",
  authentication_error: "authentication",
  billing_error: "billing",
  permission_error: "permission",
  not_found_error: "model_not_found",
  rate_limit_error: "rate_limited",
  overloaded_error: "overloaded",
  api_error: "server_error",
  timeout_error: "server_error",
};
/** Codes that name an account's limit: waiting does not help, though the status says "try again". */
const spendLimitCodes: ReadonlySet<string> = new Set([
  "enforced_spend_limit_reached",
  "contract_spend_limit_reached",
]);

/** By class, status, type and code; texts change without notice. */
function reasonOf(error: unknown): FailureReason {
  // What may have reached the service may have been paid, so it counts as a stream that broke.
  if (error instanceof APIConnectionError) {
    return lostConnection(error).neverSent ? "network" : "stream_broken";
  }
  if (!(error instanceof APIError)) return "stream_broken";
  if (error.errorCode && spendLimitCodes.has(error.errorCode)) return "spend_limit";
  const { status } = error as { status: number | undefined };
  if (status === undefined) return reasonByType[error.type ?? ""] ?? "stream_broken";
  return reasonByStatus[status] ?? (status >= 500 ? "server_error" : "invalid_request");
}

/** A server may repeat the key that it refuses. */
const withoutKey = (text: string, key: string): string =>
  key === "" ? text : text.replaceAll(key, "[key]");

function detailOf(error: unknown): string {
  if (error instanceof APIConnectionError) {
    const { neverSent, detail } = lostConnection(error);
    return neverSent
      ? `there is no connection to it: ${detail}`
      : `the connection broke: ${detail}`;
  }
  if (error instanceof APIError) {
    const parts = [error.status, error.type, error.apiMessage ?? (error.type ? "" : error.message)];
    const request = error.requestID ? ` (request ${error.requestID})` : "";
    return parts.filter(Boolean).join(" ") + request;
  }
  return error instanceof AnthropicError ? `the stream broke: ${error.message}` : messageOf(error);
}

function waitAskedFor(error: unknown): number | null {
  const headers = error instanceof APIError ? error.headers as Headers | undefined : undefined;
  return headers ? retryAfterMs(headers, systemClock.nowMs()) : null;
}
