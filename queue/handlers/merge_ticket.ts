import { followDriftAfter } from "../../server/services/document_drift.ts";
import { mergeTicket } from "../../server/services/merging.ts";
import type { JobHandler } from "../job.ts";

export const mergeTicketHandler: JobHandler<"merge_ticket"> = {
  kind: "merge_ticket",
  async run({ ticketId }, { app, job, signal }) {
    const outcome = await mergeTicket(app, ticketId, job, signal);
    if (outcome.type === "done") {
      await followDriftAfter(app, ticketId, signal);
      const { noticeConfigAfter } = await import("../../server/services/config_news.ts");
      await noticeConfigAfter(app, ticketId, signal);
    }
    return outcome;
  },
};
