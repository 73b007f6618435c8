/** Conversations that the server keeps (CLAUDE-API.md, section 9): SDK 1.12.0's toolRunner uses them. */
import {
  type MessagesRequest,
  type WireBlock,
  WireError,
  type WireMessage,
} from "../../agents/demo/wire.ts";
import { isObject } from "../../agents/demo/validate/refuse.ts";
import { THREADS_BETA } from "./headers.ts";

interface Stored {
  model: string;
  system: unknown;
  tools: unknown;
  messages: WireMessage[];
  state: "open" | "in_flight" | "continued";
}

/** A body with the kept part of its conversation put back, and what to do when the answer is through. */
export interface Threaded {
  body: unknown;
  /** Keeps the conversation under the answer's id. */
  completed(id: string, content: WireBlock[]): void;
  /** The answer did not reach the client: the conversation can be continued again. */
  failed(): void;
}

const CREATE_ONLY = ["system", "tools"];

export class Threads {
  #stored = new Map<string, Stored>();

  constructor(private readonly enabled: boolean) {}

  /** Replaces `thread` by the messages it stands for. Throws as the API does for one that can't go on. */
  resolve(body: unknown, betas: ReadonlySet<string>): Threaded {
    const { thread, ...rest } = isObject(body) ? body : { body };
    if (thread === undefined || thread === null) {
      return { body: isObject(body) ? rest : body, completed: () => {}, failed: () => {} };
    }
    if (!betas.has(THREADS_BETA)) {
      throw new WireError("invalid_request_error", "thread: Extra inputs are not permitted");
    }
    if (!this.enabled) {
      throw refused("thread_unsupported_request", "thread: not available here", {
        unsupported: [],
      });
    }
    const { type, previous_message_id: id } = thread as Record<string, unknown>;
    if (type === "create") return this.#threaded(rest, null);
    if (type !== "continue") {
      throw new WireError(
        "invalid_request_error",
        'thread.type: Input should be "create" or "continue"',
      );
    }
    return this.#continue(rest, String(id));
  }

  #continue(rest: Record<string, unknown>, id: string): Threaded {
    const stored = this.#stored.get(id);
    if (!stored) {
      throw new WireError("not_found_error", `thread.previous_message_id: ${id} was not found`, {
        error_code: "thread_not_found",
      });
    }
    if (stored.state === "continued") {
      throw refused("thread_already_continued", `thread: ${id} has already been continued`);
    }
    if (stored.state === "in_flight") {
      throw refused("thread_continue_in_flight", `thread: ${id} is being continued`);
    }
    const changed = [
      ...CREATE_ONLY.filter((field) => field in rest),
      ...(rest.model === stored.model ? [] : ["model"]),
    ];
    if (changed.length > 0) {
      throw refused("thread_fingerprint_mismatch", `thread: ${changed.join(", ")} must not change`);
    }
    stored.state = "in_flight";
    const body = {
      ...rest,
      ...(stored.system !== undefined && { system: stored.system }),
      ...(stored.tools !== undefined && { tools: stored.tools }),
      messages: [...stored.messages, ...(Array.isArray(rest.messages) ? rest.messages : [])],
    };
    return this.#threaded(body, stored);
  }

  #threaded(body: Record<string, unknown>, from: Stored | null): Threaded {
    return {
      body,
      completed: (id, content) => {
        if (from) from.state = "continued";
        const { model, system, tools, messages } = body as unknown as MessagesRequest;
        this.#stored.set(id, {
          model,
          system,
          tools,
          messages: [...messages, { role: "assistant", content }],
          state: "open",
        });
      },
      failed: () => {
        if (from) from.state = "open";
      },
    };
  }
}

const refused = (error_code: string, message: string, details = {}) =>
  new WireError("invalid_request_error", message, { error_code, ...details });
