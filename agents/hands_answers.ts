/** The shape of what hands send. They handle hostile bytes: nothing of theirs is used before it is checked. */
import { z } from "zod";
import { type MachineFault, machineFaults } from "../server/machine_fault.ts";
import type { FromHands } from "./protocol.ts";

const MAX_FILES = 1_000;
const id = z.int().min(0);
const path = z.string().max(4_096);

/** Other fields are dropped: hands can't, for one, call a result final. */
const toolResult = z.object({
  callId: z.string(),
  content: z.string(),
  isError: z.boolean(),
  files: z.record(path, z.string().max(64)).refine((files) =>
    Object.keys(files).length <= MAX_FILES
  )
    .optional(),
  changed: z.array(path).max(MAX_FILES).optional(),
  diff: z.string().optional(),
  exitCode: z.int().optional(),
  makesFile: z.literal(true).optional(),
  durationMs: z.number(),
});

const commandResult = z.object({
  exitCode: z.int().nullable(),
  timedOut: z.boolean(),
  durationMs: z.number(),
  output: z.string(),
  outputBytes: z.number(),
  cwd: path,
});

const probeResult = z.object({ name: z.string(), succeeded: z.boolean(), detail: z.string() });

const fault = z.enum(Object.keys(machineFaults) as [MachineFault, ...MachineFault[]]);

const answer = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready"), pid: z.int() }),
  z.object({ type: z.literal("output"), id, text: z.string() }),
  z.object({ type: z.literal("tool_done"), id, result: toolResult, cwd: path }),
  z.object({ type: z.literal("command_done"), id, result: commandResult }),
  z.object({ type: z.literal("error"), id, message: z.string(), fault: fault.optional() }),
  z.object({ type: z.literal("probe_done"), id, results: z.array(probeResult) }),
]);

/** Throws when the line is none of the answers that the protocol knows. */
export function parseAnswer(line: string): FromHands {
  return answer.parse(JSON.parse(line)) as FromHands;
}
