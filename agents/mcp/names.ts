/** What a model calls the tools of MCP servers: `mcp__<server>__<tool>`, as other agents do. */

/** What a server may be called: part of its tools' names. */
export const MCP_SERVER_NAME = /^[a-z][a-z0-9-]{0,19}$/;

const PREFIX = "mcp__";
/** Of a tool's whole name, by the Messages API. */
const MAX_NAME_CHARS = 64;

/** The name of a server's tool for the model; null when it can't be one, so that the tool is left out. */
export function mcpToolName(server: string, tool: string): string | null {
  const name = `${PREFIX}${server}__${tool}`;
  return /^[a-zA-Z0-9_-]+$/.test(tool) && name.length <= MAX_NAME_CHARS ? name : null;
}

/** The server and the tool that a model means; null when it is none of a server's. */
export function readMcpToolName(name: string): { server: string; tool: string } | null {
  const [, server, tool] = /^mcp__([a-z][a-z0-9-]*)__(.+)$/.exec(name) ?? [];
  return server && tool ? { server, tool } : null;
}

/** Whether a definition's list of tools has one: by its own name, its server's (`mcp__docs`), or all (`mcp`). */
export function listsMcpTool(listed: readonly string[], name: string): boolean {
  const server = readMcpToolName(name)?.server;
  return server !== undefined &&
    listed.some((entry) => entry === "mcp" || entry === name || entry === `${PREFIX}${server}`);
}

/** Whether any tool of a server may be among those that a definition lists. */
export const mayUseServer = (listed: readonly string[], server: string): boolean =>
  listed.some((entry) => entry === "mcp" || entry.split("__")[1] === server);

/** What a definition's list of tools may say of MCP servers. */
export const isMcpEntry = (entry: string): boolean =>
  entry === "mcp" || readMcpToolName(entry) !== null ||
  entry.startsWith(PREFIX) && MCP_SERVER_NAME.test(entry.slice(PREFIX.length));
