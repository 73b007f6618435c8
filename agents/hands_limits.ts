/** What hands, and the commands in them, may take of the machine before they are ended. */
import type { LimitChanges } from "./protocol.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** Generous, as all of these: they stop the runaway, not the build. */
export const MAX_TASKS = 2_048;
/** With commands at work. */
export const MAX_COMMAND_MEMORY_BYTES = 8 * GIB;
/** With file tools alone at work: the runtime itself takes 60 MB, and its heap may have 256 more. */
export const MAX_TOOL_MEMORY_BYTES = GIB;
/** Of a sandbox's /tmp, which lies in memory: homes, caches and builds of commands. */
export const MAX_TMP_BYTES = 2 * GIB;
/** Of a sandbox's /dev/shm: browsers want more than the 64 MB that containers have. */
export const MAX_SHM_BYTES = 256 * MIB;

/** Of one process: what computes for an hour is no build but a loop. */
export const MAX_CPU_SECONDS = 3_600;
/** Of one file: the disk is the server's, too. */
export const MAX_FILE_BYTES = 8 * GIB;
/** At one time, by one process. */
export const MAX_OPEN_FILES = 8_192;

/** What the system itself holds a command's processes to, each for itself. */
export interface CommandLimits {
  cpuSeconds: number;
  /** In whole kilobytes. */
  fileBytes: number;
  openFiles: number;
  /** Processes and threads at one time, of all together. */
  tasks: number;
}

export interface HandsLimits extends CommandLimits {
  commandMemoryBytes: number;
  toolMemoryBytes: number;
  tmpBytes: number;
  shmBytes: number;
}

/**
 * For a machine with so much memory: on a small one a command may have half of it, and a sandbox's files
 * an eighth. Memory of the process itself is not limited by the kernel: the limits on address space that a
 * process can be given count what V8, Go and Java only reserve, and stop them from starting.
 */
export function handsLimits(machineBytes: number): HandsLimits {
  return {
    cpuSeconds: MAX_CPU_SECONDS,
    fileBytes: MAX_FILE_BYTES,
    openFiles: MAX_OPEN_FILES,
    tasks: MAX_TASKS,
    commandMemoryBytes: Math.min(MAX_COMMAND_MEMORY_BYTES, Math.floor(machineBytes / 2)),
    toolMemoryBytes: MAX_TOOL_MEMORY_BYTES,
    tmpBytes: Math.min(MAX_TMP_BYTES, Math.floor(machineBytes / 8)),
    shmBytes: Math.min(MAX_SHM_BYTES, Math.floor(machineBytes / 32)),
  };
}

/** The same with what a person has set. */
export function withChanges(
  limits: HandsLimits,
  { memoryBytes = limits.commandMemoryBytes, ...changes }: LimitChanges,
): HandsLimits {
  return {
    ...limits,
    ...changes,
    commandMemoryBytes: memoryBytes,
    toolMemoryBytes: Math.min(limits.toolMemoryBytes, memoryBytes),
  };
}
