import { removeFolder } from "../../server/services/letting_go.ts";
import type { JobHandler } from "../job.ts";

export const removeWorktreeHandler: JobHandler<"remove_worktree"> = {
  kind: "remove_worktree",
  run: ({ ticketId }, { app, signal }) => removeFolder(app, ticketId, signal),
};
