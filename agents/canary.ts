/** What the canary tries at start-up, and how its results are judged. */
import type { Confinement } from "./runtime.ts";
import type { ProbeAttempt, ProbeResult } from "./protocol.ts";

/** Cloud machines hand out credentials there. */
const METADATA_ADDRESS = "169.254.169.254:80";
/** Names of the server's environment that are looked for. */
const MAX_NAMES = 500;

export interface CanaryTargets {
  /** A file that hands must not see, in the data folder. */
  secretFile: string;
  /** A path outside of the place that the server could write. */
  outsideFile: string;
  /** Port on this machine that answers; null to try none. */
  port: number | null;
  /** Names of variables that the server has and hands must not. */
  secretNames: string[];
  sh: string;
}

export function canaryAttempts(
  kind: Confinement["kind"],
  { secretFile, outsideFile, port, secretNames, sh }: CanaryTargets,
): ProbeAttempt[] {
  const attempts: ProbeAttempt[] = [
    { name: "read the data folder", action: "read", target: secretFile },
    { name: "write outside of its folder", action: "write", target: outsideFile },
    { name: "reach the metadata address", action: "connect", target: METADATA_ADDRESS },
    ...secretNames.slice(0, MAX_NAMES).map((name): ProbeAttempt => ({
      name: `see the server's environment (${name})`,
      action: "env",
      target: name,
    })),
  ];
  if (port !== null) {
    const target = `127.0.0.1:${port}`;
    attempts.push({ name: "connect to this machine", action: "connect", target });
  }
  // In a sandbox these are harmless: there are only system files, and commands are what it is for.
  if (kind === "process") {
    attempts.push(
      { name: "read outside of its folder", action: "read", target: "/etc/passwd" },
      { name: "read its own process", action: "read", target: "/proc/self/environ" },
      { name: "start a process", action: "run", target: sh },
    );
  } else {
    attempts.push({ name: "read the shadow file", action: "read", target: "/etc/shadow" });
  }
  return attempts;
}

/**
 * The first hole, or null. In a sandbox anything may be written to a private /tmp: what counts is
 * whether `outsideWritten`, seen from here, it left the sandbox.
 */
export function firstHole(
  kind: Confinement["kind"],
  results: readonly ProbeResult[],
  outsideWritten: boolean,
): string | null {
  if (outsideWritten) return "it could write outside of its folder";
  const hole = results.find(({ name, succeeded }) =>
    succeeded && !(kind === "bubblewrap" && name === "write outside of its folder")
  );
  return hole ? `it could ${hole.name}: ${hole.detail}` : null;
}
