/** The API of the order in which tickets start, of their progress, and of what is done with several of them. */
import { z } from "zod";
import { type Api, pageOf, pageQuery, readCursor, toPage } from "../api.ts";
import type { App } from "../app.ts";
import { once } from "../once.ts";
import {
  bulkJson,
  bulkSchema,
  progressJson,
  progressSchema,
  queueItemSchema,
  startRuleJson,
  startRuleSchema,
  summaryJson,
  summarySchema,
  ticketOrderJson,
  ticketOrderSchema,
  ticketRefJson,
  waitJson,
} from "../outputs/order.ts";
import { ticketJson, ticketSchema } from "../outputs/tickets.ts";
import { delaysOf } from "../pages/delays.ts";
import { orderOf } from "../pages/order.ts";
import { standingOf } from "../pages/standing.ts";
import type { StartRule, Ticket } from "../records.ts";
import { addNeed, removeNeed } from "../services/needs.ts";
import { planTicket, setStartRule } from "../services/start_rules.ts";
import { doWithTickets } from "../services/ticket_bulk.ts";
import { splitTicket } from "../services/ticket_edits.ts";
import { progressOf, summaryOf } from "../services/ticket_progress.ts";
import { DEFAULT_PRIORITY } from "../states.ts";
import { getProject } from "../store/projects.ts";
import { ALL, getStartRule } from "../store/starts.ts";
import { listSubtasks } from "../store/subtasks.ts";
import { getTicket, listTickets, ticketSortKey } from "../store/tickets.ts";
import {
  bulkInput,
  needInput,
  splitInput,
  startRuleInput,
  ticketStartInput,
} from "./order_inputs.ts";

const orderJson = (app: App, id: string) => ticketOrderJson(orderOf(app, getTicket(app.db, id)));
const splitSchema = once(() => z.object({ old: ticketSchema(), new: ticketSchema() }));

export function orderApi(api: Api): void {
  const tag = "tickets";
  api
    .get("/projects/:id/queue", {
      summary:
        "Open tickets by priority, then by age or where a person put them, with why each is not worked on now",
      tag,
      query: pageQuery,
      out: pageOf(queueItemSchema),
    }, ({ app, params, query }) => {
      const rows = listTickets(app.db, {
        projectId: getProject(app.db, params.id!).id,
        statuses: ["queued", "in_progress", "review", "blocked"],
        limit: query.limit + 1,
        after: readCursor(query.cursor),
      });
      const delays = delaysOf(app);
      return toPage(rows, query.limit, ticketSortKey, (ticket) => ({
        ticket: ticketRefJson(ticket),
        wait: waitJson(standingOf(app, ticket, delays)),
      }));
    })
    .post(
      "/tickets/bulk",
      {
        summary: "Do the same with several tickets, each for itself",
        body: bulkInput,
        out: bulkSchema,
      },
      ({ app, body }) =>
        bulkJson(doWithTickets(app, body.ids, body.action, body.priority ?? DEFAULT_PRIORITY)),
    )
    .get("/tickets/:id/order", {
      summary: "What it needs and is needed by, when it starts, and why it is not worked on now",
      out: ticketOrderSchema,
    }, ({ app, params }) => orderJson(app, params.id!))
    .post("/tickets/:id/needs", {
      summary: "Let a queued ticket wait until another of its project is done",
      body: needInput,
      out: ticketOrderSchema,
    }, ({ app, params, body }) => orderJson(app, addNeed(app, params.id!, body.ticket_id).id))
    .delete("/tickets/:id/needs/:needed", {
      summary: "Let it wait for that one no more",
      out: ticketOrderSchema,
    }, ({ app, params }) => orderJson(app, removeNeed(app, params.id!, params.needed!).id))
    .post("/tickets/:id/plan", {
      summary: "Say when a queued ticket starts: by itself, by hand, not before a time",
      body: ticketStartInput,
      out: ticketOrderSchema,
    }, ({ app, params, body }) => {
      planTicket(app, params.id!, { starts: body.starts, notBefore: body.not_before });
      return orderJson(app, params.id!);
    })
    .post("/tickets/:id/split", {
      summary: "Make a ticket of its own of some subtasks of a queued or blocked one",
      body: splitInput,
      out: splitSchema,
      status: 201,
    }, ({ app, params, body }) => {
      const { subtasks: subtaskIds, ...rest } = body;
      const made = splitTicket(app, params.id!, { ...rest, subtaskIds });
      return { old: whole(app, made.old), new: whole(app, made.new) };
    })
    .get("/tickets/:id/progress", {
      summary:
        "How far it is, what its run has used of its limits, and what such tickets take here",
      out: progressSchema,
    }, ({ app, params }) => progressJson(progressOf(app, getTicket(app.db, params.id!))))
    .get("/tickets/:id/summary", {
      summary: "What was done, what each step took and cost, what its agents learned",
      out: summarySchema,
    }, ({ app, params }) => summaryJson(summaryOf(app, getTicket(app.db, params.id!))))
    .get("/start-rules", {
      summary: "When tickets of all projects start",
      tag,
      out: startRuleSchema,
      versioned: true,
    }, ({ app }) => startRuleJson(getStartRule(app.db, ALL)))
    .put("/start-rules", {
      summary: "Set when tickets of all projects start",
      tag,
      body: startRuleInput,
      out: startRuleSchema,
      current: (app) => startRuleJson(getStartRule(app.db, ALL)),
    }, ({ app, body }) => startRuleJson(setStartRule(app, ALL, ruleFrom(body))))
    .get("/projects/:id/start-rules", {
      summary: "When tickets of a project start",
      tag,
      out: startRuleSchema,
      versioned: true,
    }, ({ app, params }) => startRuleJson(ruleOf(app, params.id!)))
    .put("/projects/:id/start-rules", {
      summary: "Set when tickets of a project start",
      tag,
      body: startRuleInput,
      out: startRuleSchema,
      current: (app, id) => startRuleJson(ruleOf(app, id)),
    }, ({ app, params, body }) => startRuleJson(setStartRule(app, params.id!, ruleFrom(body))));
}

const whole = (app: App, ticket: Ticket) => ticketJson(ticket, listSubtasks(app.db, ticket.id));

const ruleOf = (app: App, projectId: string): StartRule =>
  getStartRule(app.db, getProject(app.db, projectId).id);

/** A rule as it was sent. */
export const ruleFrom = (
  { starts, at_once: atOnce, hours }: z.output<ReturnType<typeof startRuleInput>>,
): StartRule => ({
  starts,
  atOnce,
  hours: hours && {
    opens: hours.opens,
    openMinutes: hours.open_minutes,
    timeZone: hours.time_zone,
  },
});
