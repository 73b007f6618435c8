import { followDriftAfter } from "../../server/services/document_drift.ts";
import { undoMerge } from "../../server/services/undoing.ts";
import type { JobHandler } from "../job.ts";

export const undoMergeHandler: JobHandler<"undo_merge"> = {
  kind: "undo_merge",
  async run({ ticketId }, { app, job, signal }) {
    const outcome = await undoMerge(app, ticketId, job, signal);
    if (outcome.type === "done") {
      await followDriftAfter(app, ticketId, signal);
      const { noticeConfigAfter } = await import("../../server/services/config_news.ts");
      await noticeConfigAfter(app, ticketId, signal);
    }
    return outcome;
  },
};
