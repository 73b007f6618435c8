import { removeMergedWorktree } from "../../server/services/merging.ts";
import type { JobHandler } from "../job.ts";

export const removeWorktreeHandler: JobHandler<"remove_worktree"> = {
  kind: "remove_worktree",
  run: ({ ticketId }, { app, signal }) => removeMergedWorktree(app, ticketId, signal),
};
