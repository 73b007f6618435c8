/** What a ticket waits for and what waits for it. */
import type { TicketOrder } from "../../views/ticket_order.tsx";
import type { App } from "../app.ts";
import { calendarIn, localTime } from "../calendar.ts";
import type { Ticket } from "../records.ts";
import { listDependents, listNeeds } from "../store/needs.ts";
import { getTicketStart, listSplitOff } from "../store/starts.ts";
import { getTicket } from "../store/tickets.ts";
import { standingOf } from "./standing.ts";

export function orderOf(app: App, ticket: Ticket): TicketOrder {
  const { db } = app;
  const calendar = calendarIn(app);
  const start = getTicketStart(db, ticket.id);
  return {
    needs: listNeeds(db, ticket.id),
    neededBy: listDependents(db, ticket.id),
    start,
    notBefore: start.notBefore && localTime(Date.parse(start.notBefore), calendar),
    timeZone: calendar.timeZone,
    splitFrom: start.splitFrom === null ? null : getTicket(db, start.splitFrom),
    splitInto: listSplitOff(db, ticket.id).map((id) => getTicket(db, id)),
    wait: standingOf(app, ticket),
  };
}
