/**
 * The demo model: answers the Messages API inside the process, without a key, a network, files or time. The
 * answer is a function of the request body; see script.ts. What it can and can't do is told in each text.
 */
import { answerTo } from "./answer.ts";
import { encodeEvent, messageEvents, type WireEvent } from "./events.ts";
import { countPrompt } from "./tokens.ts";
import { checkRequest, type ModelRules } from "./validate.ts";
import { errorResponse, WireError } from "./wire.ts";

/** The model's id: the one thing to ask for. */
export const DEMO_MODEL_ID = "gaffer-demo";

const rules: ModelRules = {
  id: DEMO_MODEL_ID,
  displayName: "Gaffer's demo model",
  maxInputTokens: 1_000_000,
  maxOutputTokens: 128_000,
  thinking: ["adaptive"],
  defaultEffort: "medium",
  forcedTools: false,
  systemMessages: true,
  minCacheTokens: Infinity,
};
const models = new Map([[rules.id, rules]]);

export interface DemoOptions {
  /** Milliseconds between the pieces of a streamed answer; 0 gives it at once. */
  paceMs: number;
  /** Waits; rejects with the signal's reason when that fires. Default: a timer. */
  delay?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/**
 * A `fetch` for `new Anthropic({ fetch })` that answers `POST /v1/messages` (streamed and plain),
 * `POST /v1/messages/count_tokens`, `GET /v1/models` and `GET /v1/models/{id}`, and refuses what a strict
 * server refuses. Nothing leaves the process.
 */
export function createDemoFetch(options: DemoOptions): typeof fetch {
  const { paceMs, delay = wait } = options;
  const pace = (signal: AbortSignal) => paceMs > 0 ? delay(paceMs, signal) : Promise.resolve();
  return async (input, init) => {
    const request = new Request(input, init);
    // Not the request's own signal, which only follows this one for as long as somebody holds the request.
    const signal = init?.signal ?? request.signal;
    signal.throwIfAborted();
    const text = await request.text();
    const requestId = `req_demo_${fingerprint(text)}`;
    try {
      return respond({ request, text, requestId, pace, signal });
    } catch (error) {
      if (error instanceof WireError) return errorResponse(error, requestId);
      throw error;
    }
  };
}

function respond({ request: { method, url }, text, requestId, pace, signal }: {
  request: Request;
  text: string;
  requestId: string;
  pace: (signal: AbortSignal) => Promise<void>;
  signal: AbortSignal;
}): Response {
  const { pathname } = new URL(url);
  const headers = { "request-id": requestId };
  switch (`${method} ${pathname}`) {
    case "POST /v1/messages": {
      const request = checkRequest(parseJson(text), { models });
      const answer = answerTo(request, fingerprint(text));
      if (!request.stream) return Response.json(answer.message, { headers });
      return new Response(stream(messageEvents(answer), pace, signal), {
        headers: { ...headers, "content-type": "text/event-stream; charset=utf-8" },
      });
    }
    case "POST /v1/messages/count_tokens": {
      const request = checkRequest(parseJson(text), { models, counting: true });
      return Response.json({ input_tokens: countPrompt(request) }, { headers });
    }
    case "GET /v1/models":
      return Response.json(
        { data: [modelInfo], has_more: false, first_id: rules.id, last_id: rules.id },
        { headers },
      );
    case `GET /v1/models/${DEMO_MODEL_ID}`:
      return Response.json(modelInfo, { headers });
    default:
      throw new WireError("not_found_error", `Not found: ${method} ${pathname}`);
  }
}

function stream(
  events: WireEvent[],
  pace: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let at = 0;
  return new ReadableStream({
    start(controller) {
      signal.addEventListener("abort", () => controller.error(signal.reason), { once: true });
    },
    async pull(controller) {
      const event = events[at++]!;
      if (event.type === "content_block_delta") await pace(signal);
      if (signal.aborted) return;
      controller.enqueue(encoder.encode(encodeEvent(event)));
      if (at === events.length) controller.close();
    },
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WireError("invalid_request_error", `The request body is not valid JSON: ${cause}`);
  }
}

/** FNV-1a, so that the same request gets the same ids. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  }
  return hash.toString(16).padStart(8, "0");
}

const modelInfo = {
  type: "model",
  id: rules.id,
  display_name: rules.displayName,
  created_at: "2026-11-01T00:00:00Z",
  lifecycle: "active",
  max_input_tokens: rules.maxInputTokens,
  max_tokens: rules.maxOutputTokens,
  capabilities: null,
};

function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
