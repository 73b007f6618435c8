/** What the server and a proxy's process say to each other: one JSON value a line, on its pipes. */
import type { HostUse } from "../protocol.ts";
import type { OuterEnvironment } from "./outer.ts";

/** First argument of the executable that makes it a proxy. */
export const PROXY_ARGUMENT = "__proxy";

/** The first line that it gets. Not an argument: the outer proxy's password would stand in the list of processes. */
export interface ProxyConfig {
  /** Absolute path of the Unix socket that it makes. */
  socket: string;
  rules: readonly string[];
  own: { port: number | null; addresses: readonly string[] };
  outer: OuterEnvironment;
}

/** Each further line: tell the uses since it was last asked. */
export const SETTLE = '"settle"';

export type FromProxy = { type: "ready" } | { type: "uses"; uses: HostUse[] };

/** Longest line of an answer. */
export const MAX_USES_BYTES = 64 * 1024;
