/** One MCP server at work for a run. No other file knows the SDK's client. */
import type { Client, Transport } from "@modelcontextprotocol/client";
import { SECOND_MS } from "../../server/clock.ts";
import { messageOf } from "../../server/errors.ts";
import { VERSION } from "../../server/version.ts";
import { orAborted } from "../or_aborted.ts";
import { mcpToolName } from "./names.ts";
import { startProblem } from "./start_problem.ts";

/** From its start until it has told its tools. */
export const MCP_START_TIMEOUT_MS = 20 * SECOND_MS;
/**
 * A server is asked first whether it speaks the newest protocol. A program that does not answer in this time, as it
 * may still be starting, is then asked for an older one; an address has all of the time.
 */
const PROBE_TIMEOUT_MS = 2 * SECOND_MS;
/** Tools of one server. Each is sent with every request of the run. */
export const MAX_MCP_TOOLS = 50;
const MAX_DESCRIPTION_CHARS = 2_000;
const MAX_SCHEMA_CHARS = 20_000;
/** Of one result; the model is told what is left out. */
export const MAX_MCP_RESULT_CHARS = 30_000;

export interface McpTool {
  /** For the model. */
  name: string;
  /** For the server. */
  tool: string;
  description: string;
  inputSchema: Record<string, unknown>;
  /** The server says that it changes nothing. Only a hint: nothing is allowed by it. */
  readOnly: boolean;
}

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
  /** What the server says of itself; null until it has ended, then why. */
  readonly over: string | null;
  /** Never rejects but when `signal` aborts: whatever goes wrong is for the model to know. */
  call(tool: string, input: Record<string, unknown>, options: McpCallOptions): Promise<McpAnswer>;
  close(): Promise<void>;
}

/** How a server is reached; a program also tells what became of it. */
export type McpReach = Transport & { lastWords?: string; ended?: boolean };

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
  { older = false, probeMs = PROBE_TIMEOUT_MS }: { older?: boolean; probeMs?: number } = {},
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
  const connection = new Connection(server, client, transport);
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
    const message = `Cannot start the MCP server "${server}": ${why}`;
    throw ended && !older ? new EndedAtFirst(message) : new Error(message);
  }
  return connection;
}

const accepted = (data: unknown) => ({ valid: true, data, errorMessage: undefined }) as never;

const wordsOf = ({ lastWords = "" }: { lastWords?: string }): string =>
  lastWords && `. It said: ${lastWords}`;

class Connection implements McpConnection {
  readonly #client: Client;
  readonly #transport: McpReach;
  #tools: McpTool[] = [];
  #over: string | null = null;

  constructor(
    readonly server: string,
    client: Client,
    transport: McpReach,
  ) {
    this.#client = client;
    this.#transport = transport;
    client.onclose = () => this.#over ??= `it ended${wordsOf(transport)}`;
  }

  get tools(): readonly McpTool[] {
    return this.#tools;
  }

  get over(): string | null {
    return this.#over;
  }

  async readTools(signal: AbortSignal): Promise<void> {
    const { tools } = await orAborted(this.#client.listTools(undefined, { signal }), signal);
    this.#tools = tools.flatMap(({ name, description, inputSchema, annotations }) => {
      const known = mcpToolName(this.server, name);
      const fits = JSON.stringify(inputSchema).length <= MAX_SCHEMA_CHARS;
      if (known === null || inputSchema.type !== "object" || !fits) return [];
      return [{
        name: known,
        tool: name,
        description: cut(description ?? "", MAX_DESCRIPTION_CHARS),
        inputSchema: inputSchema as Record<string, unknown>,
        readOnly: annotations?.readOnlyHint === true,
      }];
    }).slice(0, MAX_MCP_TOOLS);
  }

  async call(
    tool: string,
    input: Record<string, unknown>,
    { signal, timeoutMs }: McpCallOptions,
  ): Promise<McpAnswer> {
    if (this.#over !== null) return failed(this.server, this.#over);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    try {
      const asked = this.#client.callTool({ name: tool, arguments: input }, {
        signal: limit,
        timeout: timeoutMs + SECOND_MS, // the signal's reason is the one to tell
      });
      const { content, isError } = await orAborted(asked, limit);
      const text = textOf(content);
      const shown = cut(text, MAX_MCP_RESULT_CHARS);
      const answer = { content: shown, isError: isError === true };
      return shown === text ? answer : { ...answer, whole: text };
    } catch (error) {
      signal.throwIfAborted();
      if (limit.aborted) {
        return failed(this.server, `it did not answer within ${timeoutMs / SECOND_MS} s`);
      }
      return failed(this.server, this.#over ?? messageOf(error));
    }
  }

  async close(): Promise<void> {
    await this.#client.close().catch(() => {}); // it may never have been connected
    await this.#transport.close();
  }
}

const failed = (server: string, why: string): McpAnswer => ({
  content: `The MCP server "${server}" gave no result: ${why}. ` +
    "Go on without this tool if you can; otherwise say in your result what you could not do.",
  isError: true,
});

type Content = { type: string; text?: string; [key: string]: unknown }[];

/** The text of a result; of everything else only that it was there. */
function textOf(content: unknown): string {
  const parts = (content as Content).map((part) =>
    part.type === "text" ? String(part.text ?? "") : `[${part.type}: not shown]`
  );
  return parts.join("\n");
}

function cut(text: string, chars: number): string {
  return text.length <= chars
    ? text
    : `${text.slice(0, chars)}\n[${text.length - chars} more characters are left out]`;
}
