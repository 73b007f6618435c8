/** `POST /v1/messages`: from an accepted body to the answer on its way. */
import { messageEvents, type WireEvent } from "../../agents/demo/events.ts";
import { checkRequest } from "../../agents/demo/validate.ts";
import { type Message, WireError, type WireUsage } from "../../agents/demo/wire.ts";
import { type Clock, systemClock } from "../../server/clock.ts";
import { type Ending, eventBody } from "./body.ts";
import { buildAnswer } from "./build.ts";
import { type CacheUse, PromptCache } from "./cache.ts";
import { type Caller, COMPACTION_BETA, CONTEXT_MANAGEMENT_BETA } from "./headers.ts";
import { type Lack, lax, type Laxity, refuseLacking } from "./lacking.ts";
import { claudeModels } from "./models.ts";
import type { ModelRules } from "../../agents/demo/validate.ts";
import type { RecordedRequest, Recorder } from "./recorder.ts";
import { answer, type ErrorReply, type MessageReply, type Reply } from "./replies.ts";
import { type ClaudeRequest, describeRequest } from "./request.ts";
import { Signatures } from "./signatures.ts";
import { type Threaded, Threads } from "./threads.ts";

export interface MessagesOptions {
  /** Answers what the queue does not; it may wait, and may answer several requests at once. */
  reply?: (request: ClaudeRequest) => Reply | Promise<Reply>;
  /** Accepts `thread`; otherwise such a request is refused as unsupported. */
  threads?: boolean;
  /** For the lifetimes of the cache. */
  clock?: Clock;
  /** Waits between events of a slow answer; rejects when the signal fires. */
  delay?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** What this server does not know: a request that has it is refused with a 400 that names the field. */
  lacks?: readonly Lack[];
  /** The same of one of its models, by its id. */
  lacksOf?: (model: string) => readonly Lack[];
  /** How this server is laxer than the real one. */
  lax?: readonly Laxity[];
  /** Models that it does not serve any more. */
  gone?: readonly string[];
  /** Ids of models that nobody knows yet; they take what the oldest do. */
  further?: readonly string[];
  /** Window of all its models, in tokens: for histories that are to outgrow it. */
  contextTokens?: number;
  /** Added to every reply, rate limits for instance. */
  headers?: Record<string, string>;
}

/** The refusal that a test has scripted. */
export class ScriptedRefusal extends WireError {
  readonly headers: Record<string, string>;
  constructor(reply: ErrorReply) {
    super(reply.error, reply.message, reply.details);
    this.headers = reply.headers;
  }
}

/** One answer on its way. */
interface Delivery {
  recorded: RecordedRequest;
  request: ClaudeRequest;
  cache: CacheUse;
  thread: Threaded;
}

export class MessagesEndpoint {
  #queue: Reply[] = [];
  #signatures = new Signatures();
  #threads: Threads;
  #cache: PromptCache;
  #calls = 0;

  constructor(
    private readonly options: MessagesOptions,
    private readonly recorder: Recorder,
    /** The server closes. */
    private readonly closing: AbortSignal,
    readonly models: ReadonlyMap<string, ModelRules> = claudeModels,
  ) {
    this.#threads = new Threads(options.threads ?? false);
    this.#cache = new PromptCache(options.clock ?? systemClock);
  }

  #lacks(feature: Lack): boolean {
    return this.options.lacks?.includes(feature) ?? false;
  }

  enqueue(replies: Reply[]): void {
    this.#queue.push(...replies);
  }

  /** Checks the recorded body and answers it. Throws `WireError`; anything else is a fault of the script. */
  async respond(recorded: RecordedRequest, caller: Caller): Promise<Response> {
    const thread = this.#threads.resolve(recorded.body, caller.betas);
    try {
      const { lacks = [], lacksOf = () => [] } = this.options;
      const { model } = (thread.body ?? {}) as { model?: string };
      refuseLacking(thread.body, caller.betas, [...lacks, ...lacksOf(model ?? "")]);
      const body = checkRequest(thread.body, {
        models: this.models,
        // Taken and left alone: no test needs the tool uses to be cleared.
        extraFields: caller.betas.has(CONTEXT_MANAGEMENT_BETA) ? ["context_management"] : [],
        compaction: caller.betas.has(COMPACTION_BETA) && !this.#lacks("compaction"),
        isPaused: (content) => this.#signatures.isPaused(content),
      });
      this.#signatures.verify(body);
      const request = describeRequest(body, { number: recorded.number, key: caller.key });
      const cache = this.#cache.use(caller.key, body, this.models.get(body.model)!);
      recorded.request = request;
      this.recorder.changed();
      const reply = await this.#nextReply(request);
      if (reply.type === "error") throw new ScriptedRefusal(reply);
      const response = this.#deliver(reply, { recorded, request, cache, thread });
      return lax(response, this.options.lax ?? []);
    } catch (error) {
      thread.failed();
      throw error;
    }
  }

  async #nextReply(request: ClaudeRequest): Promise<Reply> {
    // max_tokens 0 warms the cache: there is nothing to answer.
    if (request.body.max_tokens === 0) return { ...answer(), stopReason: "max_tokens" };
    const queued = this.#queue.shift();
    if (queued) return queued;
    if (this.options.reply) return await this.options.reply(request);
    throw new Error(`no reply is scripted for turn ${request.turn} of agent "${request.agent}"`);
  }

  #deliver(reply: MessageReply, delivery: Delivery): Response {
    const { recorded, request, cache, thread } = delivery;
    const built = buildAnswer(reply, {
      request: request.body,
      input: cache.usage,
      messageId: `msg_${String(recorded.number).padStart(6, "0")}`,
      nextCallId: () => `call_${String(++this.#calls).padStart(6, "0")}`,
      signatures: this.#signatures,
    });
    const { message, rawInput } = built;
    recorded.message = message;
    const delivered = () => {
      // A call whose JSON was cut or broken can't come back as it was sent.
      if (!rawInput?.size) {
        this.#signatures.remember(message.content, {
          paused: message.stop_reason === "pause_turn",
        });
      }
      thread.completed(message.id, message.content);
      this.#ended(recorded, "complete");
    };
    const isSummary = message.stop_reason === "compaction";
    if (isSummary !== request.compacts) {
      throw new Error(
        `the script answers ${request.compacts ? "" : "what is not "}a wish for a summary`,
      );
    }
    const headers = { "request-id": recorded.requestId, ...reply.headers };
    if (!request.body.stream) {
      if (reply.fault) throw new Error("a fault needs a streamed answer");
      cache.commit();
      recorded.billed = message.usage;
      delivered();
      return Response.json(message, { headers });
    }
    const body = this.#stream(messageEvents(built), reply, delivery, delivered);
    return new Response(body, {
      headers: {
        ...headers,
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
      },
    });
  }

  #stream(
    events: WireEvent[],
    { fault, paceMs = 0 }: MessageReply,
    { recorded, cache, thread }: Delivery,
    delivered: () => void,
  ): ReadableStream<Uint8Array> {
    return eventBody({
      events,
      fault,
      requestId: recorded.requestId,
      pace: async (signal) => {
        if (paceMs > 0) await (this.options.delay ?? wait)(paceMs, signal);
      },
      signal: this.closing,
      onSent: (event) => {
        if (event.type === "message_start") {
          cache.commit();
          recorded.billed = (event.message as Message).usage;
        } else if (event.type === "message_delta") {
          recorded.billed = { ...recorded.billed!, ...(event.usage as Partial<WireUsage>) };
        }
        // Before the client can read the last event, so that its next request finds the answer remembered.
        if (event.type === "message_stop") delivered();
        this.recorder.changed();
      },
      onEnd: (ending) => {
        if (recorded.ending !== null) return;
        thread.failed();
        if (fault?.type === "error") {
          recorded.error = { type: fault.error, message: fault.message };
        }
        this.#ended(recorded, ending);
      },
    });
  }

  #ended(recorded: RecordedRequest, ending: Ending): void {
    recorded.ending = ending;
    recorded.endedAtMs = Date.now();
    this.recorder.changed();
  }
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}
