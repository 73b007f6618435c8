/** The agents' memories, as the API gives them. */
import { z } from "zod";
import { bytesOf } from "../../agents/memory/limits.ts";
import type { Notes } from "../../agents/memory/notes.ts";
import { once } from "../once.ts";
import type { MemoryChange, MemoryRef } from "../records.ts";
import type { MemorySummary } from "../services/memory.ts";
import { id, time } from "./common.ts";

const refFields = () => ({
  id: z.string().describe('The agent and whose memory it is: "reviewer.global"'),
  agent: z.string(),
  scope: z.enum(["global", "project", "session"]),
  project_id: id().nullable(),
  idea_id: id().nullable(),
  ticket_id: id().nullable(),
});

const refJson = ({ id, agent, scope, projectId, ideaId, ticketId }: MemoryRef) => ({
  id,
  agent,
  scope,
  project_id: projectId,
  idea_id: ideaId,
  ticket_id: ticketId,
});

export const memorySummarySchema = once(() =>
  z.object({
    ...refFields(),
    notes: z.number().int(),
    bytes: z.number().int(),
    changed_at: time().nullable(),
    refusal: z.string().nullable().describe("Why it can't be read"),
  }).meta({ id: "MemorySummary" })
);

export const memorySummaryJson = (
  { ref, notes, bytes, changedAt, refusal }: MemorySummary,
): z.infer<ReturnType<typeof memorySummarySchema>> => ({
  ...refJson(ref),
  notes,
  bytes,
  changed_at: changedAt,
  refusal,
});

export const memorySchema = once(() =>
  z.object({
    ...refFields(),
    notes: z.array(z.object({ path: z.string(), text: z.string(), bytes: z.number().int() })),
  }).meta({ id: "Memory" })
);

export const memoryJson = (
  ref: MemoryRef,
  notes: Notes,
): z.infer<ReturnType<typeof memorySchema>> => ({
  ...refJson(ref),
  notes: [...notes].map(([path, text]) => ({ path, text, bytes: bytesOf(text) })),
});

export const memoryChangeSchema = once(() =>
  z.object({
    id: id(),
    memory_id: z.string(),
    path: z.string(),
    diff: z.string().describe("Unified"),
    run_id: id().nullable().describe("The run that did it; null: a person"),
    by: z.string(),
    at: time(),
  }).meta({ id: "MemoryChange" })
);

export const memoryChangeJson = (
  change: MemoryChange,
): z.infer<ReturnType<typeof memoryChangeSchema>> => ({
  id: change.id,
  memory_id: change.memory,
  path: change.path,
  diff: change.diff,
  run_id: change.runId,
  by: change.by,
  at: change.at,
});
