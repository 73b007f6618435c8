/** One MCP server at work for a run. No other file knows the SDK's client. */
import type { Client, Transport } from "@modelcontextprotocol/client";
import { SECOND_MS } from "../../server/clock.ts";
import { messageOf } from "../../server/errors.ts";
import { VERSION } from "../../server/version.ts";
import { orAborted } from "../or_aborted.ts";
import { startProblem } from "./start_problem.ts";
import { cut, type ListedTool, type McpTool, usableTools } from "./usable_tools.ts";

export type { McpTool } from "./usable_tools.ts";

/** From its start until it has told its tools. */
export const MCP_START_TIMEOUT_MS = 20 * SECOND_MS;
/**
 * A server is asked first whether it speaks the newest protocol. A program that does not answer in this time, as it
 * may still be starting, is then asked for an older one; an address has all of the time.
 */
const PROBE_TIMEOUT_MS = 2 * SECOND_MS;
/** Of one result; the model is told what is left out. */
export const MAX_MCP_RESULT_CHARS = 30_000;

export interface McpAnswer {
  content: string;
  isError: boolean;
  /** All of its text, where `content` is only the beginning of it. */
  whole?: string;
}

export interface McpCallOptions {
  signal: AbortSignal;
  timeoutMs: number;
}

export interface McpConnection {
  readonly server: string;
  readonly tools: readonly McpTool[];
  /** Which of its tools no model is told of, and why; null: none. */
  readonly leftOut: string | null;
  /** What the server says of itself; null until it has ended, then why. */
  readonly over: string | null;
  /** Never rejects but when `signal` aborts: whatever goes wrong is for the model to know. */
  call(tool: string, input: Record<string, unknown>, options: McpCallOptions): Promise<McpAnswer>;
  close(): Promise<void>;
}

/** How a server is reached; a program also tells what became of it. */
export type McpReach = Transport & {
  lastWords?: string;
  ended?: boolean;
  endedFor?: string | null;
};

export interface McpConnectOptions {
  /** Asks for an older protocol at once. */
  older?: boolean;
  probeMs?: number;
  /** Takes out of all that the server says what no model and no transcript may have. */
  clean?: (text: string) => string;
}

/** The program ended when it was asked for the newest protocol, as servers do that know only older ones. */
export class EndedAtFirst extends Error {
  override name = "EndedAtFirst";
}

/**
 * Rejects, with the server gone, when it does not start in time or tells no tools; with `EndedAtFirst`, when it may
 * be that it has to be started anew and asked for an `older` protocol at once.
 */
export async function connectMcp(
  server: string,
  transport: McpReach,
  signal: AbortSignal,
  { older = false, probeMs = PROBE_TIMEOUT_MS, clean = (text) => text }: McpConnectOptions = {},
): Promise<McpConnection> {
  // Loaded when the first run needs it: most have no such server.
  const { Client } = await import("@modelcontextprotocol/client");
  const client = new Client({ name: "gaffer", version: VERSION }, {
    capabilities: {},
    // What a server says its results look like is its own affair: it compiles no code here.
    jsonSchemaValidator: { getValidator: () => (data) => accepted(data) },
    versionNegotiation: {
      mode: older ? "legacy" : "auto",
      probe: { timeoutMs: transport.ended === undefined ? MCP_START_TIMEOUT_MS : probeMs },
    },
  });
  const connection = new Connection(server, client, transport, clean);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(MCP_START_TIMEOUT_MS)]);
  try {
    await orAborted(
      client.connect(transport, { timeout: MCP_START_TIMEOUT_MS, signal: limit }),
      limit,
    );
    await connection.readTools(limit);
  } catch (error) {
    const { ended = false } = transport;
    await connection.close();
    signal.throwIfAborted();
    const why = startProblem({
      ...{ error, ended, lastWords: transport.lastWords ?? "" },
      lateAfterSeconds: limit.aborted ? MCP_START_TIMEOUT_MS / SECOND_MS : null,
    });
    const message = clean(`Cannot start the MCP server "${server}": ${why}`);
    throw ended && !older ? new EndedAtFirst(message) : new Error(message);
  }
  return connection;
}

const accepted = (data: unknown) => ({ valid: true, data, errorMessage: undefined }) as never;

function endOf({ lastWords = "", endedFor = null }: McpReach): string {
  if (endedFor !== null) return `it was ended: ${endedFor}`;
  return `it ended${lastWords && `. It said: ${lastWords}`}`;
}

class Connection implements McpConnection {
  readonly #client: Client;
  readonly #transport: McpReach;
  readonly #clean: (text: string) => string;
  #tools: McpTool[] = [];
  #leftOut: string | null = null;
  #over: string | null = null;

  constructor(
    readonly server: string,
    client: Client,
    transport: McpReach,
    clean: (text: string) => string,
  ) {
    this.#client = client;
    this.#transport = transport;
    this.#clean = clean;
    client.onclose = () => this.#over ??= endOf(transport);
  }

  get tools(): readonly McpTool[] {
    return this.#tools;
  }

  get leftOut(): string | null {
    return this.#leftOut;
  }

  get over(): string | null {
    return this.#over;
  }

  async readTools(signal: AbortSignal): Promise<void> {
    const { tools } = await orAborted(this.#client.listTools(undefined, { signal }), signal);
    const usable = usableTools(this.server, tools as ListedTool[], this.#clean);
    this.#tools = usable.tools;
    this.#leftOut = usable.leftOut;
  }

  async call(
    tool: string,
    input: Record<string, unknown>,
    { signal, timeoutMs }: McpCallOptions,
  ): Promise<McpAnswer> {
    if (this.#over !== null) return this.#failed(this.#over);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    try {
      const asked = this.#client.callTool({ name: tool, arguments: input }, {
        signal: limit,
        timeout: timeoutMs + SECOND_MS, // the signal's reason is the one to tell
      });
      const { content, isError } = await orAborted(asked, limit);
      // Before it is cut: half of a secret is one, too.
      const text = this.#clean(textOf(content));
      const shown = cut(text, MAX_MCP_RESULT_CHARS);
      const answer = { content: shown, isError: isError === true };
      return shown === text ? answer : { ...answer, whole: text };
    } catch (error) {
      signal.throwIfAborted();
      if (limit.aborted) {
        return this.#failed(`it did not answer within ${timeoutMs / SECOND_MS} s`);
      }
      return this.#failed(this.#over ?? messageOf(error));
    }
  }

  #failed(why: string): McpAnswer {
    const content = `The MCP server "${this.server}" gave no result: ${this.#clean(why)}. ` +
      "Go on without this tool if you can; otherwise say in your result what you could not do.";
    return { content, isError: true };
  }

  async close(): Promise<void> {
    await this.#client.close().catch(() => {}); // it may never have been connected
    await this.#transport.close();
  }
}

type Content = { type: string; text?: string; [key: string]: unknown }[];

/** The text of a result; of everything else only that it was there. */
function textOf(content: unknown): string {
  const parts = (content as Content).map((part) =>
    part.type === "text" ? String(part.text ?? "") : `[${part.type}: not shown]`
  );
  return parts.join("\n");
}
