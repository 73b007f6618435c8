/** What the rest of the server knows of the agents; see the parts below it for how it is done. */
import type { CommandResult, CommandSpec, Place } from "./protocol.ts";

/** How commands and tools are confined on this machine. */
export interface Confinement {
  /** `bubblewrap`: an OS sandbox; `process`: a process of its own that gave up its rights. */
  kind: "bubblewrap" | "process";
  /** What a person can do to get more, or empty. */
  hint: string;
}

export interface AgentsStatus {
  model: { kind: "demo" } | { kind: "endpoint"; baseUrl: string };
  confinement: Confinement;
  /** Set when the canary found a hole: no agent runs, and this says why. */
  refused: string | null;
  /** Runs whose loop works right now. */
  active: number;
}

/** How a run's loop ended for the queue: see RunOutcome; `stopped` puts the job back. */
export type { RunOutcome } from "./protocol.ts";

/** The agents as services and handlers see them. */
export interface Agents {
  status(): AgentsStatus;
  /** Runs or continues the run's loop from its log until it ends, waits or is stopped. */
  run(runId: string, signal: AbortSignal): Promise<import("./protocol.ts").RunOutcome>;
  /** Stops a run's loop and what its tools started, within a second. No-op when it is not active. */
  stopRun(runId: string): Promise<void>;
  /** Text streamed by the run's current turn so far. */
  liveText(runId: string): { turn: number; text: string; thinking: string } | null;
  /** Runs one of the project's own commands in a place. Throws `conflict` when that needs a permission. */
  command(
    place: Place,
    spec: CommandSpec,
    options: { signal: AbortSignal; onOutput?: (text: string) => void; unconfinedAllowed: boolean },
  ): Promise<CommandResult & { unconfined: boolean }>;
  /** Kills the hands of a folder, so that it can be removed. */
  release(dir: string): Promise<void>;
  close(): Promise<void>;
}
