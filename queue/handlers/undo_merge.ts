import { undoMerge } from "../../server/services/undoing.ts";
import type { JobHandler } from "../job.ts";

export const undoMergeHandler: JobHandler<"undo_merge"> = {
  kind: "undo_merge",
  run: ({ ticketId }, { app, job, signal }) => undoMerge(app, ticketId, job, signal),
};
