/** The undoing of merges, as the API gives it. */
import { z } from "zod";
import { once } from "../once.ts";
import type { Undo } from "../records.ts";
import { undoStatuses } from "../states.ts";
import { id, time } from "./common.ts";

export const undoSchema = once(() =>
  z.object({
    id: id(),
    merge_commit: z.string().describe("What is reverted"),
    why: z.string(),
    status: z.enum(undoStatuses),
    commit: z.string().nullable().describe("What reverts it: planned, or on the base branch"),
    wait: z.string().describe("What the merge queue waits for with it"),
    reason: z.string().describe("Why it was refused"),
    asked_by: z.string(),
    asked_at: time(),
    ended_at: time().nullable(),
  }).meta({ id: "Undo" })
);

export const undoJson = (undo: Undo): z.infer<ReturnType<typeof undoSchema>> => ({
  id: undo.id,
  merge_commit: undo.mergeCommit,
  why: undo.why,
  status: undo.status,
  commit: undo.commit,
  wait: undo.wait,
  reason: undo.reason,
  asked_by: undo.askedBy,
  asked_at: undo.askedAt,
  ended_at: undo.endedAt,
});
