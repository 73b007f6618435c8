/** What a project's settings make of the sandboxes in its places: tools, limits, and hosts that may be reached. */
import type { LimitChanges, Place } from "../../agents/protocol.ts";
import type { Project } from "../records.ts";
import type { HandsLimitName } from "../states.ts";

const MIB = 1024 ** 2;

/** The place with the project's own tools and limits. */
export function equipped(
  { toolchains, handsLimits }: Pick<Project, "toolchains" | "handsLimits">,
  place: Place,
): Place {
  return {
    ...place,
    ...toolchains.length > 0 && { toolchains },
    ...Object.keys(handsLimits).length > 0 && { limits: limitChanges(handsLimits) },
  };
}

/** The place as commands of `by` see it, who may reach these hosts; empty: none. */
export const reaching = (place: Place, by: string, hosts: readonly string[]): Place =>
  hosts.length === 0 ? place : { ...place, reach: { by, hosts } };

/** Limits as the hands know them, from what a person sets. */
export function limitChanges(set: Partial<Record<HandsLimitName, number>>): LimitChanges {
  const { memory_mb, cpu_seconds, processes, file_mb, open_files } = set;
  return {
    ...memory_mb !== undefined && { memoryBytes: memory_mb * MIB },
    ...cpu_seconds !== undefined && { cpuSeconds: cpu_seconds },
    ...processes !== undefined && { tasks: processes },
    ...file_mb !== undefined && { fileBytes: file_mb * MIB },
    ...open_files !== undefined && { openFiles: open_files },
  };
}
