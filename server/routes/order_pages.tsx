/** The pages on which a person makes, edits and splits tickets and says in which order they start. */
import type { Hono } from "hono";
import { ticketHref, withQuery } from "../../views/links.ts";
import { StartRulesPage } from "../../views/start_rules.tsx";
import { EditTicketPage, NewTicketPage } from "../../views/ticket_form.tsx";
import { SplitTicketPage } from "../../views/ticket_split.tsx";
import { DevelopmentPage } from "../../views/tickets.tsx";
import { type Env, type RequestContext, validate } from "../api.ts";
import type { App } from "../app.ts";
import { calendarIn, momentOf } from "../calendar.ts";
import { timeText } from "../clock.ts";
import { AppError, type FieldError } from "../errors.ts";
import {
  editTicketPage,
  newTicketPage,
  splitTicketPage,
  startRulesPage,
} from "../pages/ticket_forms.ts";
import { developmentPage, readDevelopmentQuery } from "../pages/tickets.ts";
import { addNeed, removeNeed, ticketNumbered } from "../services/needs.ts";
import { planTicket, setStartRule } from "../services/start_rules.ts";
import { type BulkResult, doWithTickets } from "../services/ticket_bulk.ts";
import { editTicket, splitTicket } from "../services/ticket_edits.ts";
import { makeTicket } from "../services/ticket_making.ts";
import { DEFAULT_PRIORITY } from "../states.ts";
import { ALL } from "../store/starts.ts";
import { getTicket } from "../store/tickets.ts";
import { ruleFrom } from "./order.tsx";
import {
  bulkInput,
  splitInput,
  startRuleInput,
  ticketEditInput,
  ticketMakingInput,
  ticketStartInput,
} from "./order_inputs.ts";
import {
  act,
  done,
  listBehind,
  pageRequest,
  type PageTools,
  readForm,
  type Refusal,
  refusedAt,
  show,
} from "./page.ts";
import { readWantedSubtasks } from "./subtask_fields.ts";

export function orderPages(pages: Hono<Env>, tools: PageTools): void {
  making(pages, tools);
  editing(pages, tools);
  starting(pages, tools);
  bulk(pages, tools);
}

function making(pages: Hono<Env>, tools: PageTools): void {
  pages.get(
    "/tickets/new",
    (c) => show(c, <NewTicketPage {...newTicketPage(pageRequest(c, tools))} />),
  );

  pages.post("/tickets", async (c) => {
    const form = await readForm(c);
    return await act(
      () => {
        const ticket = makeTicket(c.var.app, newTicketOf(c.var.app, form));
        return done(c, ticketHref(ticket.id), `Ticket #${ticket.number} made`);
      },
      (refusal) => {
        const page = newTicketPage(pageRequest(c, tools), typed(form, byPart(refusal)));
        return show(c, <NewTicketPage {...page} />, refusal.status);
      },
    );
  });
}

function newTicketOf(app: App, form: Record<string, string>): Parameters<typeof makeTicket>[1] {
  const { project_id: projectId = "", title, description, type, priority } = form;
  const subtasks = linesOf(form.subtasks).map((title) => ({ title }));
  const body = validate(ticketMakingInput, {
    title,
    description,
    type,
    priority,
    acceptance: linesOf(form.acceptance),
    ...(subtasks.length > 0 ? { subtasks } : {}),
    needs: (form.needs ?? "").split(/[\s,]+/).filter(Boolean)
      .map((number) => ticketNumbered(app, projectId, number).id),
    starts: form.starts === "rule" ? null : form.starts,
    not_before: timeOf(app, form.not_before),
  }, "form");
  const { not_before: notBefore, ...rest } = body;
  return { ...rest, projectId, notBefore };
}

const linesOf = (text = ""): string[] =>
  text.split("\n").map((line) => line.trim()).filter(Boolean);

/** A time without a zone is one of the zone that days go by; what is no time is left to the schema to refuse. */
function timeOf(app: App, text = ""): string | null {
  const time = text.trim().replace(" ", "T");
  if (time === "") return null;
  const ms = momentOf(time, calendarIn(app));
  return ms === null ? time : timeText(ms);
}

const typed = (values: Record<string, string>, { message, errors }: Refusal) => ({
  values,
  message,
  errors,
});

/** Errors within a list stand at the field that has the list. */
function byPart(refusal: Refusal): Refusal {
  const parts = new Map<string, FieldError>();
  for (const { field, message } of refusal.errors) {
    const part = field.split(".")[0]!;
    if (!parts.has(part)) parts.set(part, { field: part, message });
  }
  return { ...refusal, errors: [...parts.values()] };
}

/** What is wrong with a subtask stands in its row. */
function byRow(refusal: Refusal, rows: number[]): Refusal {
  const errors = refusal.errors.map(({ field, message }) => {
    const [, index, name] = /^subtasks\.(\d+)\.(\w+)$/.exec(field) ?? [];
    const row = rows[Number(index)];
    return { field: name && row ? `${name}_${row}` : field, message };
  });
  return byPart({ ...refusal, errors });
}

function editing(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/tickets/:id/edit", (c) => {
    const page = editTicketPage(pageRequest(c, tools), c.req.param("id"));
    return show(c, <EditTicketPage {...page} />);
  });

  pages.post("/tickets/:id/edit", async (c) => {
    const id = c.req.param("id");
    const form = await readForm(c);
    const { rows, subtasks } = readWantedSubtasks(form);
    return await act(
      () => {
        const { title, description, type, priority } = form;
        const edit = validate(ticketEditInput, {
          title,
          description,
          priority,
          ...(type === undefined ? {} : { type, acceptance: linesOf(form.acceptance), subtasks }),
        }, "form");
        const ticket = editTicket(c.var.app, id, edit);
        return done(c, ticketHref(id), `Ticket #${ticket.number} saved`);
      },
      (refusal) => {
        const page = editTicketPage(pageRequest(c, tools), id, typed(form, byRow(refusal, rows)));
        return show(c, <EditTicketPage {...page} />, refusal.status);
      },
    );
  });

  pages.get("/tickets/:id/split", (c) => {
    const page = splitTicketPage(pageRequest(c, tools), c.req.param("id"));
    return show(c, <SplitTicketPage {...page} />);
  });

  pages.post("/tickets/:id/split", async (c) => {
    const id = c.req.param("id");
    const { lists, form } = await readLists(c, ["subtasks", "acceptance"]);
    return await act(
      () => {
        const { subtasks: subtaskIds, ...rest } = validate(splitInput, {
          title: form.title,
          needs: form.needs,
          ...lists,
        }, "form");
        const made = splitTicket(c.var.app, id, { ...rest, subtaskIds }).new;
        return done(c, ticketHref(made.id), `Ticket #${made.number} made of it`);
      },
      (refusal) => {
        const chosen = [...lists.subtasks!, ...lists.acceptance!];
        const refused = { ...typed(form, byPart(refusal)), chosen };
        const page = splitTicketPage(pageRequest(c, tools), id, refused);
        return show(c, <SplitTicketPage {...page} />, refusal.status);
      },
    );
  });
}

/** A form in which some names come several times. */
async function readLists(c: RequestContext, names: readonly string[]) {
  const body = await c.req.parseBody({ all: true });
  const lists: Record<string, string[]> = Object.fromEntries(
    names.map((name) => [
      name,
      [body[name] ?? []].flat().filter((value) => typeof value === "string"),
    ]),
  );
  return { lists, form: await readForm(c) };
}

function starting(pages: Hono<Env>, tools: PageTools): void {
  /** A form on the ticket's own page: refused, it says so there. */
  const own = (
    verb: string,
    take: (app: App, id: string, form: Record<string, string>, c: RequestContext) => string,
  ) =>
    pages.post(`/tickets/:id/${verb}`, async (c) => {
      const id = c.req.param("id")!;
      const form = await readForm(c);
      const back = listBehind(c, ["/development"]) ?? ticketHref(id);
      return await act(
        () => done(c, back, take(c.var.app, id, form, c)),
        ({ message }) => refusedAt(c, back, message),
      );
    });
  own("needs", (app, id, { number = "" }) => {
    const { projectId } = getTicket(app.db, id);
    const needed = ticketNumbered(app, projectId, number);
    return `Ticket #${addNeed(app, id, needed.id).number} starts when #${needed.number} is done`;
  });
  own("needs/:needed/remove", (app, id, _form, c) => {
    const ticket = removeNeed(app, id, c.req.param("needed")!);
    return `Ticket #${ticket.number} waits for that one no more`;
  });
  own("plan", (app, id, form) => {
    const { starts, not_before: notBefore } = validate(ticketStartInput, {
      starts: form.starts === "rule" ? null : form.starts,
      not_before: timeOf(app, form.not_before),
    }, "form");
    planTicket(app, id, { starts, notBefore });
    return `Start of ticket #${getTicket(app.db, id).number} saved`;
  });
  own("priority", (app, id, { priority }) => {
    const { number } = editTicket(app, id, validate(ticketEditInput, { priority }, "form"));
    return `Priority of ticket #${number} changed`;
  });

  pages.get(
    "/development/rules",
    (c) => show(c, <StartRulesPage {...startRulesPage(pageRequest(c, tools))} />),
  );

  pages.post("/development/rules", async (c) => {
    const form = await readForm(c);
    const scope = form.scope ?? ALL;
    return await act(
      () => {
        const { starts, at_once, opens = "", open_minutes, time_zone } = form;
        const hours = [opens, open_minutes].every((text = "") => text.trim() === "") ? null : {
          opens,
          open_minutes,
          ...(time_zone ? { time_zone } : {}),
        };
        const body = validate(startRuleInput, { starts, at_once, hours }, "form");
        setStartRule(c.var.app, scope, ruleFrom(body));
        return done(c, withQuery("/development/rules", { project: scope }), "Rule saved");
      },
      (refusal) => {
        const errors = refusal.errors.map(({ field, message }) => ({
          field: ({ cron: "opens" } as Record<string, string>)[field] ??
            field.replace("hours.", ""),
          message,
        }));
        const request = { ...pageRequest(c, tools), projectId: scope || null };
        const refused = { ...typed(form, { ...refusal, errors }), scope };
        const page = startRulesPage(request, refused);
        return show(c, <StartRulesPage {...page} />, refusal.status);
      },
    );
  });
}

function bulk(pages: Hono<Env>, tools: PageTools): void {
  // What a page of results is reloaded as.
  pages.get("/tickets/bulk", (c) => c.redirect("/development", 303));

  pages.post("/tickets/bulk", async (c) => {
    const { lists, form } = await readLists(c, ["id"]);
    const back = listBehind(c, ["/development"]) ?? "/development";
    return await act(
      () => {
        const { ids, action, priority = DEFAULT_PRIORITY } = validate(bulkInput, {
          ids: lists.id,
          action: form.action,
          priority: form.action === "priority" ? form.priority : undefined,
        }, "form");
        const results = doWithTickets(c.var.app, ids, action, priority);
        const refused = results.filter((result) => result.refused !== null);
        const said = `Done for ${results.length - refused.length} of ${results.length} tickets`;
        if (refused.length === 0) return done(c, back, said);
        const query = new URL(back, "http://localhost").searchParams;
        const request = { ...pageRequest(c, tools), projectId: query.get("project") };
        const page = developmentPage(request, readDevelopmentQuery(Object.fromEntries(query)));
        const outcome = { said, refused: refused.map(refusalOf) };
        return show(c, <DevelopmentPage {...page} outcome={outcome} />, 422);
      },
      ({ message }) => refusedAt(c, back, message),
    );
  });
}

const refusalOf = ({ id, ticket, refused }: BulkResult) => ({
  id,
  number: ticket?.number ?? null,
  message: refused instanceof AppError ? refused.message : "",
});
