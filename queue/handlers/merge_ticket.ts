import { mergeTicket } from "../../server/services/merging.ts";
import type { JobHandler } from "../job.ts";

export const mergeTicketHandler: JobHandler<"merge_ticket"> = {
  kind: "merge_ticket",
  run: ({ ticketId }, { app, job, signal }) => mergeTicket(app, ticketId, job, signal),
};
