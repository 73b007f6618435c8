/** The same as beside.ts, of tickets: for a ticket's page and its review's. */
import { getCookie } from "hono/cookie";
import type { Beside } from "../../views/beside.tsx";
import type { RequestContext } from "../api.ts";
import { listedTickets, readDevelopmentQuery, VIEW_COOKIE } from "../pages/tickets.ts";
import { besideIn } from "./beside.ts";

/** Null: the person did not come from Development, or the ticket is not on that page any more. */
export const besideTicket = (c: RequestContext, id: string): Beside | null =>
  besideIn(c, id, {
    path: "/development",
    items: ({ project, ...query }) =>
      listedTickets(
        c.var.app,
        project || null,
        readDevelopmentQuery(query, getCookie(c, VIEW_COOKIE)),
      ),
  });
