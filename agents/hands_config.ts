/** What hands are started with; not secret: it stands in the list of processes. */

import type { CommandLimits } from "./hands_limits.ts";

/** First argument of the executable that makes it hands. */
export const HANDS_ARGUMENT = "__hands";

/** Niceness of hands and all they start: however much they compute, the server gets its time. */
export const NICENESS = 10;

/**
 * `sandboxed`: inside of bubblewrap, does everything. `networked`: inside of it, but with the machine's network;
 * runs one setup command and is gone. `confined`: without it, does the file tools in a worker that may touch
 * its folder alone. `commands`: without it, runs commands that a person has allowed.
 */
export type HandsRole = "sandboxed" | "networked" | "confined" | "commands";

/** Inside of bubblewrap. */
export const isSandboxed = (role: HandsRole): boolean =>
  role === "sandboxed" || role === "networked";

export interface HandsConfig {
  role: HandsRole;
  /** Absolute real path of the place. */
  dir: string;
  access: "read" | "write";
  /** Absolute paths inside `dir` that are none of the agents' business. */
  hidden: string[];
  /** See `ShellOptions`. */
  sh: string;
  bash: string | null;
  env: Record<string, string>;
  limits: CommandLimits;
  /** A proxy's socket is shown, and programs are to find it: see `relay.ts`. */
  relay: boolean;
  marker: string;
  /** Private folder that goes with the hands; null where its /tmp is private anyway, or nothing is written. */
  tempDir: string | null;
}
