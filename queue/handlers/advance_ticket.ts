import { advanceTicket } from "../../server/services/development.ts";
import type { JobHandler } from "../job.ts";

export const advanceTicketHandler: JobHandler<"advance_ticket"> = {
  kind: "advance_ticket",
  run: ({ ticketId }, { app, job, signal }) => advanceTicket(app, ticketId, job, signal),
};
