import { notifyOfApproval } from "../../server/services/notify.ts";
import type { JobHandler } from "../job.ts";

export const notifyHandler: JobHandler<"notify"> = {
  kind: "notify",
  run: ({ approvalId, by = "webhook" }, { app, signal }) =>
    notifyOfApproval(app, { approvalId, by }, signal),
};
