/** Where a queued ticket stands among the others: by its menu, by dragging, on the API. */
import type { Hono } from "hono";
import { z } from "zod";
import { ticketHref } from "../../views/links.ts";
import { type Api, type Env, validate } from "../api.ts";
import { wholeNumber } from "../inputs.ts";
import { once } from "../once.ts";
import { ticketJson, ticketSchema } from "../outputs/tickets.ts";
import {
  describePlaced,
  placeMoves,
  placeTicket,
  putBack,
  type WantedPlace,
} from "../services/ticket_places.ts";
import { priorityNames } from "../states.ts";
import { getProject } from "../store/projects.ts";
import { listSubtasks } from "../store/subtasks.ts";
import { act, done, listBehind, readForm, refusedAt } from "./page.ts";

const ticketId = () => z.string().min(1).max(64);

const placeInput = once(() =>
  z.strictObject({
    to: z.enum(placeMoves).optional().describe("Past its neighbour, or past all"),
    after: ticketId().nullable().optional().describe("The queued ticket that it comes after"),
    before: ticketId().nullable().optional().describe("The queued ticket that it comes before"),
    project_id: ticketId().optional()
      .describe("Only the queue of this project counts; without it that of all"),
  }).refine(({ to, after, before }) => (to === undefined) !== (!after && !before), {
    message: "Say `to`, or what it comes `after` or `before`",
    path: ["to"],
  }).meta({ id: "TicketPlace" })
);

const wantedOf = ({ to, after, before }: z.output<ReturnType<typeof placeInput>>): WantedPlace =>
  to ? { to } : { after: after ?? null, before: before ?? null };

export function ticketPlacesApi(api: Api): void {
  api.post("/tickets/:id/place", {
    summary:
      "Put a queued ticket before or after others; it takes a priority that it then needs to have",
    tag: "tickets",
    body: placeInput,
    out: ticketSchema,
  }, ({ app, params, body }) => {
    const projectId = body.project_id ? getProject(app.db, body.project_id).id : null;
    const { ticket } = placeTicket(app, params.id!, wantedOf(body), projectId);
    return ticketJson(ticket, listSubtasks(app.db, ticket.id));
  });
}

const backInput = once(() =>
  z.object({
    place: wholeNumber(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    priority: wholeNumber(0, priorityNames.length - 1),
    hand: z.enum(["0", "1"]),
  })
);

export function ticketPlacesPages(pages: Hono<Env>): void {
  pages.post("/tickets/:id/place", async (c) => {
    const id = c.req.param("id");
    const { to, after, before } = await readForm(c);
    const back = listBehind(c, ["/development"]);
    const projectId = new URL(back ?? "/", "http://localhost").searchParams.get("project") || null;
    return await act(
      () => {
        const wanted = to ? { to } : { after: after || null, before: before || null };
        const input = validate(placeInput, wanted, "form");
        const placed = placeTicket(c.var.app, id, wantedOf(input), projectId);
        const { priority, place, placedBy } = placed.was;
        return done(c, back ?? ticketHref(id), describePlaced(placed), {
          action: `/tickets/${id}/place-back?place=${place}&priority=${priority}&hand=${
            placedBy === null ? 0 : 1
          }`,
          label: "Undo",
        });
      },
      ({ message }) => refusedAt(c, back ?? ticketHref(id), message),
    );
  });

  pages.post("/tickets/:id/place-back", async (c) => {
    const id = c.req.param("id");
    const back = listBehind(c, ["/development"]) ?? ticketHref(id);
    return await act(
      () => {
        const { place, priority, hand } = validate(backInput, c.req.query(), "query");
        const ticket = putBack(c.var.app, id, { place, priority, byHand: hand === "1" });
        return done(c, back, `Ticket #${ticket.number} stands where it stood before`);
      },
      ({ message }) => refusedAt(c, back, message),
    );
  });
}
