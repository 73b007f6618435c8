/** Which of the tools that an MCP server lists a model can be told of. One that can't would break every request. */
import { mcpToolName } from "./names.ts";

/** Tools of one server. Each is sent with every request of the run. */
export const MAX_MCP_TOOLS = 50;
const MAX_DESCRIPTION_CHARS = 2_000;
const MAX_SCHEMA_CHARS = 20_000;
/** Names that are told of those that are left out, and the length of each. */
const MAX_NAMES = 5;
const MAX_NAME_CHARS = 80;

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

/** As a server lists it. */
export interface ListedTool {
  name: string;
  description?: string;
  inputSchema: { type?: unknown; [key: string]: unknown };
  annotations?: { readOnlyHint?: boolean };
}

export interface UsableTools {
  tools: McpTool[];
  /** Why some are left out, for people; null: none is. */
  leftOut: string | null;
}

/** `clean`: takes out of a text what no model may see. */
export function usableTools(
  server: string,
  listed: readonly ListedTool[],
  clean: (text: string) => string,
): UsableTools {
  const tools = new Map<string, McpTool>();
  const left = new Map<string, string[]>();
  const leave = (why: string, tool: string) => left.set(why, [...left.get(why) ?? [], tool]);
  for (const { name: tool, description = "", inputSchema, annotations } of listed) {
    const name = mcpToolName(server, tool);
    if (name === null) leave("of that name a model can't be told", tool);
    else if (tools.has(name)) leave("it is listed twice", tool);
    else if (inputSchema.type !== "object") leave("its input is no object", tool);
    else if (JSON.stringify(inputSchema).length > MAX_SCHEMA_CHARS) {
      leave(`its schema is longer than ${MAX_SCHEMA_CHARS} characters`, tool);
    } else if (tools.size === MAX_MCP_TOOLS) {
      leave(`a server has at most ${MAX_MCP_TOOLS}`, tool);
    } else {
      tools.set(name, {
        name,
        tool,
        description: cut(clean(description), MAX_DESCRIPTION_CHARS),
        inputSchema: sendable(inputSchema),
        readOnly: annotations?.readOnlyHint === true,
      });
    }
  }
  const whys = [...left].map(([why, names]) => `${namesIn(names.map(clean))} (${why})`);
  return {
    tools: [...tools.values()],
    leftOut: whys.length === 0
      ? null
      : `Of the MCP server "${server}" these tools are left out: ${whys.join("; ")}`,
  };
}

/** What the API refuses at the top of a schema. The server checks its input all the same. */
const refusedAtTop: ReadonlySet<string> = new Set(["oneOf", "anyOf", "allOf"]);

const sendable = (schema: ListedTool["inputSchema"]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(schema).filter(([key]) => !refusedAtTop.has(key)));

function namesIn(names: string[]): string {
  const shown = names.slice(0, MAX_NAMES).map((name) =>
    JSON.stringify(name.slice(0, MAX_NAME_CHARS))
  );
  const more = names.length - shown.length;
  return shown.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** The beginning of a text, which says how much is left out. */
export function cut(text: string, chars: number): string {
  return text.length <= chars
    ? text
    : `${text.slice(0, chars)}\n[${text.length - chars} more characters are left out]`;
}
