/** The MCP servers of one run: started with it, gone with it. One that fails ends its tools, not the run. */
import { messageOf } from "../../server/errors.ts";
import type { McpServerConfig, ToolTag } from "../protocol.ts";
import {
  connectMcp,
  EndedAtFirst,
  type McpAnswer,
  type McpConnection,
  type McpReach,
  type McpTool,
} from "./connection.ts";
import { readMcpToolName } from "./names.ts";
import { withoutOwnValues } from "./own_values.ts";
import { tagsOfServer } from "./tags.ts";

/** Makes the connection to a server, which is then the caller's to close. Rejects when it can't be started. */
export type OpenTransport = (config: McpServerConfig) => Promise<McpReach>;

export type TaggedMcpTool = McpTool & { tags: readonly ToolTag[] };

export class McpServers {
  readonly #configs: ReadonlyMap<string, McpServerConfig>;
  readonly #connections = new Map<string, McpConnection>();
  /** Why a server is not there, by its name. */
  readonly #problems = new Map<string, string>();

  private constructor(configs: readonly McpServerConfig[]) {
    this.#configs = new Map(configs.map((config) => [config.name, config]));
  }

  /** Of a run that has none. */
  static readonly none = new McpServers([]);

  /** Starts all of them at the same time. Rejects, with all of them gone, only when `signal` aborts. */
  static async start(
    configs: readonly McpServerConfig[],
    open: OpenTransport,
    signal: AbortSignal,
  ): Promise<McpServers> {
    const servers = new McpServers(configs);
    await Promise.all(configs.map((config) => servers.#connect(config, open, signal)));
    if (signal.aborted) {
      await servers.close();
      signal.throwIfAborted();
    }
    return servers;
  }

  async #connect(
    config: McpServerConfig,
    open: OpenTransport,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      this.#connections.set(config.name, await connectAnew(config, open, signal));
    } catch (error) {
      this.#problems.set(config.name, messageOf(error));
    }
  }

  /** In the order of the servers, so that the same ones give the same request. */
  get tools(): TaggedMcpTool[] {
    return [...this.#configs.values()].flatMap((config) => {
      const tags = tagsOfServer(config);
      return (this.#connections.get(config.name)?.tools ?? []).map((tool) => ({ ...tool, tags }));
    });
  }

  /** Why servers, or some of their tools, are not there, for people. */
  get problems(): string[] {
    const leftOut = [...this.#connections.values()].map((connection) => connection.leftOut);
    return [...this.#problems.values(), ...leftOut.filter((why) => why !== null)];
  }

  /** How long a call of this tool may take. */
  timeoutMs(name: string): number {
    return this.#configs.get(readMcpToolName(name)?.server ?? "")?.timeoutMs ?? 0;
  }

  /** Rejects only when `signal` aborts. */
  async call(
    name: string,
    input: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<McpAnswer> {
    const { server = "", tool = "" } = readMcpToolName(name) ?? {};
    const connection = this.#connections.get(server);
    if (connection) {
      return await connection.call(tool, input, { signal, timeoutMs: this.timeoutMs(name) });
    }
    const why = this.#problems.get(server) ?? `The project has no MCP server "${server}" any more`;
    return { content: `${why}. Go on without its tools.`, isError: true };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#connections.values()].map((connection) => connection.close()));
    this.#connections.clear();
  }
}

/** A program that ended at the question for the newest protocol is started once more, and not asked for that. */
async function connectAnew(
  config: McpServerConfig,
  open: OpenTransport,
  signal: AbortSignal,
): Promise<McpConnection> {
  const clean = withoutOwnValues(config);
  try {
    return await connectMcp(config.name, await open(config), signal, { clean });
  } catch (error) {
    if (!(error instanceof EndedAtFirst)) throw error;
    return await connectMcp(config.name, await open(config), signal, { clean, older: true });
  }
}
