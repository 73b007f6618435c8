/**
 * A strict fake of the Claude API on loopback: it refuses what the real one refuses, verifies that history is
 * only appended to, accounts for the cache, and answers what a test tells it to, faults included.
 */
import { countPrompt } from "../../agents/demo/tokens.ts";
import { checkRequest } from "../../agents/demo/validate.ts";
import { errorResponse, WireError } from "../../agents/demo/wire.ts";
import { checkContentType, checkHeaders } from "./headers.ts";
import { MessagesEndpoint, type MessagesOptions, ScriptedRefusal } from "./messages.ts";
import type { Lack } from "./lacking.ts";
import { claudeModels, modelInfo } from "./models.ts";
import type { ModelRules } from "../../agents/demo/validate.ts";
import { type RecordedRequest, Recorder } from "./recorder.ts";
import type { Reply } from "./replies.ts";
import type { ClaudeRequest } from "./request.ts";

const MAX_BODY_BYTES = 32 * 1024 * 1024;

export interface FakeClaudeOptions extends MessagesOptions {
  /** Accepted keys; default `["test-key"]`. */
  apiKeys?: string[];
  /** Accepted beside those that SDK 1.12.0 lists for the Messages API; other clients have their own. */
  betas?: string[];
  /** Default 0: a free one. A fixed one lets a test stop the server and start another in its place. */
  port?: number;
}

export interface FakeClaude extends AsyncDisposable {
  /** For `ANTHROPIC_BASE_URL`. */
  url: string;
  apiKey: string;
  /** Every request since the start, in order of arrival, but those for the list of models. */
  readonly requests: readonly RecordedRequest[];
  /** Requests for the list of models, which a server makes of its own accord. */
  readonly listings: readonly RecordedRequest[];
  /** Those that passed all checks, as a scripted reply sees them. */
  readonly accepted: ClaudeRequest[];
  /** Answers that the client was told to pay for, in full or in part. */
  readonly paidTurns: number;
  /** What all of it cost, unrounded. */
  readonly costMicroUsd: number;
  /** Replies for the next requests that are accepted, before `reply` is asked. */
  enqueue(...replies: Reply[]): void;
  /** Resolves with the first recorded request that matches, now or later; rejects after 30 s. */
  waitFor(matches: (recorded: RecordedRequest) => boolean): Promise<RecordedRequest>;
  close(): Promise<void>;
}

/** Starts the server; `await using` or `close()` ends it, and with it every answer that still streams. */
export function startFakeClaude(options: FakeClaudeOptions = {}): FakeClaude {
  const { apiKeys = ["test-key"], betas = [], port = 0 } = options;
  const recorder = new Recorder();
  // Counted apart: a server asks for the models when it likes.
  const listings = new Recorder("req_models_");
  const closing = new AbortController();
  const models = servedModels(options);
  const messages = new MessagesEndpoint(options, recorder, closing.signal, models);
  const route = createRouter(messages, { apiKeys, betas, lacks: options.lacks ?? [] });

  async function handle(http: Request): Promise<Response> {
    const isListing = new URL(http.url).pathname.startsWith("/v1/models");
    const recorded = (isListing ? listings : recorder).add(http);
    const response = await route(http, recorded).catch((error) => {
      const wire = error instanceof WireError ? error : scriptFault(error);
      recorded.error = { type: wire.type, message: wire.message };
      return errorResponse(wire, recorded.requestId, headersOf(error));
    });
    for (const [name, value] of Object.entries(options.headers ?? {})) {
      response.headers.set(name, value);
    }
    recorded.status = response.status;
    if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
      recorded.ending = "complete";
      recorded.endedAtMs = Date.now();
    }
    recorder.changed();
    return response;
  }

  const http = Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, handle);
  const close = async () => {
    closing.abort(new DOMException("The fake server closes", "AbortError"));
    await http.shutdown();
  };
  return {
    url: `http://127.0.0.1:${http.addr.port}`,
    apiKey: apiKeys[0]!,
    requests: recorder.requests,
    listings: listings.requests,
    get accepted() {
      return recorder.requests.flatMap(({ request }) => request ?? []);
    },
    get paidTurns() {
      return recorder.paid.length;
    },
    get costMicroUsd() {
      return recorder.costMicroUsd;
    },
    enqueue: (...replies) => messages.enqueue(replies),
    waitFor: (matches) => recorder.waitFor(matches),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Headers first, then the path, then the body: the order in which the real API refuses. */
function createRouter(
  messages: MessagesEndpoint,
  known: { apiKeys: readonly string[]; betas: readonly string[]; lacks: readonly Lack[] },
) {
  const { models } = messages;
  return async (http: Request, recorded: RecordedRequest): Promise<Response> => {
    const { method, path, requestId } = recorded;
    const json = (body: unknown) => Response.json(body, { headers: { "request-id": requestId } });
    const caller = checkHeaders(http.headers, known);
    const missing = path.startsWith("/v1/models") ? "models" : path.split("/").at(-1);
    if (known.lacks.includes(missing as Lack)) {
      throw new WireError("not_found_error", `Not found: ${method} ${path}`);
    }
    switch (`${method} ${path}`) {
      case "POST /v1/messages":
        recorded.body = await readBody(http);
        return await messages.respond(recorded, caller);
      case "POST /v1/messages/count_tokens": {
        recorded.body = await readBody(http);
        const request = checkRequest(recorded.body, { models, counting: true });
        return json({ input_tokens: countPrompt(request) });
      }
      case "GET /v1/models":
        return json(modelList(models));
    }
    const id = method === "GET" ? path.match(/^\/v1\/models\/([^/]+)$/)?.[1] : undefined;
    const model = models.get(decodeURIComponent(id ?? ""));
    if (model) return json(modelInfo(model));
    throw new WireError("not_found_error", id ? `model: ${id}` : `Not found: ${method} ${path}`);
  };
}

async function readBody(http: Request): Promise<unknown> {
  checkContentType(http.headers);
  const bytes = await http.bytes();
  if (bytes.length > MAX_BODY_BYTES) {
    throw new WireError("request_too_large", `Request exceeds ${MAX_BODY_BYTES} bytes`);
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes), (_name, value) => {
      if (typeof value !== "string" || value.isWellFormed()) return value;
      throw new Error("no low surrogate in string");
    });
  } catch (cause) {
    throw new WireError("invalid_request_error", `The request body is not valid JSON: ${cause}`);
  }
}

function servedModels({ gone = [], further = [], contextTokens }: FakeClaudeOptions) {
  const oldest = claudeModels.get("claude-haiku-4-5")!;
  const served = [
    ...[...claudeModels.values()].filter(({ id }) => !gone.includes(id)),
    ...further.map((id) => ({ ...oldest, id, displayName: id, systemMessages: false })),
  ];
  const sized = served.map((model) =>
    [
      model.id,
      contextTokens === undefined ? model : { ...model, maxInputTokens: contextTokens },
    ] as const
  );
  return new Map(sized);
}

function modelList(models: ReadonlyMap<string, ModelRules>) {
  const data = [...models.values()].map(modelInfo);
  return { data, has_more: false, first_id: data[0]!.id, last_id: data.at(-1)!.id };
}

const scriptFault = (error: unknown) =>
  new WireError("api_error", `Cannot answer: ${error instanceof Error ? error.message : error}`);

function headersOf(error: unknown): Record<string, string> {
  if (error instanceof ScriptedRefusal) return error.headers;
  // A mistake in the test itself: trying again would only hide it.
  return error instanceof WireError ? {} : { "x-should-retry": "false" };
}
