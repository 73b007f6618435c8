import type { Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { fileId, lineId } from "../../views/diff_place.ts";
import { ticketHref } from "../../views/links.ts";
import type { RefusedReview } from "../../views/review_decision.tsx";
import { CheckPage } from "../../views/checks.tsx";
import { TicketPage } from "../../views/ticket.tsx";
import { shellOf } from "../pages/shell.ts";
import { DevelopmentPage } from "../../views/tickets.tsx";
import { type Env, type RequestContext, validate } from "../api.ts";
import {
  developmentPage,
  readDevelopmentQuery,
  ticketPage,
  VIEW_COOKIE,
  VIEW_SECONDS,
} from "../pages/tickets.ts";
import { besideTicket } from "./beside_ticket.ts";
import { letGo } from "../services/letting_go.ts";
import { runningCheck } from "../services/running_checks.ts";
import { checkOutput, outputEnd, outputSoFar } from "../services/check_outputs.ts";
import {
  act,
  done,
  listBehind,
  pageRequest,
  type PageTools,
  readForm,
  refusedAt,
  show,
} from "./page.ts";
import { z } from "zod";
import { once } from "../once.ts";
import { type Api, pageOf, pageQuery, readCursor, requestSignal, toPage } from "../api.ts";
import { reviewBehind, showReview } from "./reviews.tsx";
import type { App } from "../app.ts";
import { commandNames, type Ticket } from "../records.ts";
import {
  commentChangesInput,
  guidanceInput,
  mergeInput,
  newCommentInput,
  pauseInput,
  reasonInput,
  remarkInput,
  retryInput,
} from "../inputs.ts";
import {
  checkJson,
  checkSchema,
  commentJson,
  commentSchema,
  reviewFindingJson,
  reviewFindingSchema,
  ticketJson,
  ticketSchema,
} from "../outputs/tickets.ts";
import {
  addComment,
  allowCommands,
  approveTicket,
  cancelTicket,
  changeComment,
  guideTicket,
  pauseTicket,
  rejectTicket,
  removeComment,
  requestTicketChanges,
  resumeTicket,
  retryTicket,
  startTicket,
} from "../services/tickets.ts";
import { combineForGuide } from "../services/guided_base.ts";
import { continueTicket, pickUpBranch, takeOverTicket } from "../services/taking_over.ts";
import { editTicket } from "../services/ticket_edits.ts";
import { makeTicket } from "../services/ticket_making.ts";
import { ticketEditInput, ticketMakingInput } from "./order_inputs.ts";
import { requireCommented } from "../services/review_range.ts";
import { quoteDrafts } from "../services/remark_quotes.ts";
import { ticketDiff } from "../services/reviews.ts";
import { ticketStatuses } from "../states.ts";
import { findRerun, getTicketCheck, listChecks } from "../store/checks.ts";
import { getProject } from "../store/projects.ts";
import { listComments, listFindings } from "../store/reviews.ts";
import { listSubtasks } from "../store/subtasks.ts";
import { getTicket, listTickets, ticketSortKey } from "../store/tickets.ts";

const listQuery = once(() => pageQuery().extend({ status: z.enum(ticketStatuses).optional() }));
const reviewSchema = once(() =>
  z.object({
    items: z.array(commentSchema()),
    findings: z.array(reviewFindingSchema()).describe("The reviewer agent's"),
    next: z.null(),
  })
);
const outputSchema = once(() => z.object({ output: z.string() }));
const runningCheckSchema = once(() =>
  z.object({
    check: z.object({
      name: z.enum(commandNames),
      commit: z.string(),
      baseline: z.boolean(),
      command: z.string(),
      started_at: z.string(),
      output: z.string(),
    }).nullable().describe("Null: none is at work"),
  })
);
const diffSchema = once(() =>
  z.object({
    base_commit: z.string().nullable(),
    head_commit: z.string().nullable(),
    diff: z.string().describe("Unified"),
    truncated: z.boolean(),
  })
);

const withSubtasks = (app: App, ticket: Ticket) =>
  ticketJson(ticket, listSubtasks(app.db, ticket.id));

export function ticketsApi(api: Api): void {
  api
    .get("/projects/:id/tickets", {
      summary: "Tickets of a project, by priority, then by age or where a person put them",
      tag: "tickets",
      query: listQuery,
      out: pageOf(ticketSchema),
    }, ({ app, params, query }) => {
      const rows = listTickets(app.db, {
        projectId: getProject(app.db, params.id!).id,
        statuses: query.status ? [query.status] : [],
        limit: query.limit + 1,
        after: readCursor(query.cursor),
      });
      return toPage(rows, query.limit, ticketSortKey, (ticket) => withSubtasks(app, ticket));
    })
    .post(
      "/projects/:id/tickets",
      {
        summary: "Make a ticket by hand",
        tag: "tickets",
        body: ticketMakingInput,
        out: ticketSchema,
        status: 201,
      },
      ({ app, params, body: { not_before: notBefore, ...body } }) =>
        withSubtasks(app, makeTicket(app, { projectId: params.id!, notBefore, ...body })),
    )
    .get("/tickets/:id", {
      summary: "One ticket with its subtasks",
      out: ticketSchema,
      versioned: true,
    }, ({ app, params }) => withSubtasks(app, getTicket(app.db, params.id!)))
    .patch("/tickets/:id", {
      summary:
        "Change an open ticket: its words and priority; while nobody works on it, what it asks for",
      body: ticketEditInput,
      out: ticketSchema,
      current: (app, id) => withSubtasks(app, getTicket(app.db, id)),
    }, ({ app, params, body }) => withSubtasks(app, editTicket(app, params.id!, body)))
    .post("/tickets/:id/start", {
      summary: "Start a queued ticket now",
      out: ticketSchema,
    }, ({ app, params }) => withSubtasks(app, startTicket(app, params.id!)))
    .post(
      "/tickets/:id/pause",
      {
        summary: "Let no further step begin; its run stops at its next event",
        body: pauseInput,
        out: ticketSchema,
      },
      ({ app, params, body }) =>
        withSubtasks(app, pauseTicket(app, params.id!, { killTools: body.kill_tools })),
    )
    .post("/tickets/:id/resume", {
      summary: "Let a paused ticket and its run go on",
      out: ticketSchema,
    }, ({ app, params }) => withSubtasks(app, resumeTicket(app, params.id!)))
    .post("/tickets/:id/cancel", {
      summary: "Stop everything that runs for the ticket",
      out: ticketSchema,
    }, ({ app, params }) => withSubtasks(app, cancelTicket(app, params.id!)))
    .post("/tickets/:id/let-go", {
      summary: "Remove the folder of a cancelled ticket; its branch and every checkpoint stay",
      out: ticketSchema,
    }, ({ app, params }) => withSubtasks(app, letGo(app, params.id!)))
    .post("/tickets/:id/retry", {
      summary:
        "Go on from where a blocked ticket was, or from an earlier step; a build or test that is named runs again",
      body: retryInput,
      out: ticketSchema,
    }, ({ app, params, body }) => withSubtasks(app, retryTicket(app, params.id!, body.step)))
    .post("/tickets/:id/take-over", {
      summary:
        "Stop the agents of a ticket that is developed or reviewed, for a person to work on its branch",
      out: ticketSchema,
    }, ({ app, params }) => withSubtasks(app, takeOverTicket(app, params.id!)))
    .post("/tickets/:id/continue", {
      summary: "Go on with what a person committed on a blocked ticket's branch",
      out: ticketSchema,
      prepare: ({ app, params }) => pickUpBranch(app, params.id!, requestSignal()),
    }, ({ app, params, prepared }) => withSubtasks(app, continueTicket(app, params.id!, prepared)))
    .post(
      "/tickets/:id/guide",
      {
        summary: "Give a blocked ticket's developer guidance in words",
        body: guidanceInput,
        out: ticketSchema,
        prepare: ({ app, params }) => combineForGuide(app, params.id!, requestSignal()),
      },
      ({ app, params, body, prepared }) =>
        withSubtasks(app, guideTicket(app, params.id!, body.guidance, prepared)),
    )
    .post(
      "/tickets/:id/approve",
      {
        summary: "Merge a reviewed ticket",
        body: mergeInput,
        out: ticketSchema,
      },
      ({ app, params, body }) =>
        withSubtasks(app, approveTicket(app, params.id!, body.message, body)),
    )
    .post("/tickets/:id/reject", {
      summary: "Let a reviewed ticket go, with the reason",
      body: reasonInput,
      out: ticketSchema,
    }, ({ app, params, body }) => withSubtasks(app, rejectTicket(app, params.id!, body.reason)))
    .post(
      "/tickets/:id/request-changes",
      {
        summary: "Send a reviewed ticket back with the collected comments and a remark",
        body: remarkInput,
        out: ticketSchema,
        prepare: ({ app, params }) => quoteDrafts(app, params.id!, requestSignal()),
      },
      ({ app, params, body, prepared: quotes }) =>
        withSubtasks(
          app,
          requestTicketChanges(app, params.id!, body.remark, { ...body, quotes }),
        ),
    )
    .get("/tickets/:id/diff", {
      summary: "What the ticket changes",
      out: diffSchema,
    }, async ({ app, params }) => {
      const ticket = getTicket(app.db, params.id!);
      const { text, truncated } = await ticketDiff(app, ticket, requestSignal());
      const { baseCommit, headCommit } = ticket;
      return { base_commit: baseCommit, head_commit: headCommit, diff: text, truncated };
    })
    .get("/tickets/:id/checks", {
      summary: "Every execution of the project's commands for the ticket, oldest first",
      out: pageOf(checkSchema),
    }, ({ app, params }) => {
      const { id } = getTicket(app.db, params.id!);
      return { items: listChecks(app.db, id).map(checkJson), next: null };
    })
    .get("/tickets/:id/running-check", {
      summary: "The check that is at work for the ticket, with all that it printed so far",
      out: runningCheckSchema,
    }, async ({ app, params }) => {
      const running = runningCheck(app, getTicket(app.db, params.id!).id);
      if (running === null) return { check: null };
      const { name, commit, baseline, command, startedAt } = running;
      const output = await outputSoFar(running);
      return { check: { name, commit, baseline, command, started_at: startedAt, output } };
    })
    .get("/tickets/:id/checks/:check/output", {
      summary: "Everything that a check printed, as far as it was kept",
      out: outputSchema,
    }, async ({ app, params }) => ({
      output: await checkOutput(getTicketCheck(app.db, params.id!, params.check!)),
    }))
    .get("/tickets/:id/comments", {
      summary: "Remarks of people and of the reviewer",
      out: reviewSchema,
    }, ({ app, params }) => {
      const { id } = getTicket(app.db, params.id!);
      return {
        items: listComments(app.db, id).map(commentJson),
        findings: listFindings(app.db, id).map(reviewFindingJson),
        next: null,
      };
    })
    .post("/tickets/:id/comments", {
      summary: "Comment on a line or the whole; sent when changes are requested",
      body: newCommentInput,
      out: commentSchema,
      status: 201,
      prepare: ({ app, params, body }) =>
        requireCommented(app, params.id!, body.commit, requestSignal()),
    }, ({ app, params, body }) => commentJson(addComment(app, { ticketId: params.id!, ...body })))
    .post("/tickets/:id/comments/:comment/edit", {
      summary: "Say a draft comment otherwise; answers with it",
      body: commentChangesInput,
      out: commentSchema,
    }, ({ app, params, body }) =>
      commentJson(
        changeComment(app, { ticketId: params.id!, commentId: params.comment!, ...body }),
      ))
    .delete("/tickets/:id/comments/:comment", {
      summary: "Take a draft comment back; answers with it",
      out: commentSchema,
    }, ({ app, params }) => commentJson(removeComment(app, params.id!, params.comment!)));
}

export function ticketPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/development", (c) => {
    const asked = c.req.query();
    const query = readDevelopmentQuery(asked, getCookie(c, VIEW_COOKIE));
    if (asked.view !== undefined) {
      const options = { path: "/", httpOnly: true, sameSite: "Strict" } as const;
      setCookie(c, VIEW_COOKIE, query.view, { ...options, maxAge: VIEW_SECONDS });
    }
    return show(c, <DevelopmentPage {...developmentPage(pageRequest(c, tools), query)} />);
  });

  pages.get("/tickets/:id", (c) => {
    const id = c.req.param("id");
    const beside = besideTicket(c, id);
    return show(c, <TicketPage {...ticketPage({ ...pageRequest(c, tools), beside }, id)} />);
  });

  const action = (
    verb: string,
    take: (app: App, id: string) => Ticket,
    said: (ticket: Ticket) => string,
  ) =>
    pages.post(`/tickets/:id/${verb}`, (c) => {
      const id = c.req.param("id")!;
      // From a list's menu, or moved on the board: the person stays there, also when it is refused.
      const back = listBehind(c, ["/development"]);
      return act(
        () => done(c, back ?? ticketHref(id), said(take(c.var.app, id))),
        ({ message }) => back ? refusedAt(c, back, message) : null,
      );
    });
  action("start", startTicket, (t) => `Ticket #${t.number} starts when a slot is free`);
  action(
    "cancel",
    (app, id) => cancelTicket(app, id),
    (t) => `Ticket #${t.number} cancelled; its branch is kept`,
  );
  action(
    "let-go",
    letGo,
    (t) => `The folder of ticket #${t.number} is being removed; its branch is kept`,
  );
  pages.post("/tickets/:id/retry", async (c) => {
    const id = c.req.param("id");
    const { step } = await readForm(c);
    const back = listBehind(c, ["/development"]);
    return await act(
      () => {
        const input = validate(retryInput, step ? { step } : {}, "form");
        const ticket = retryTicket(c.var.app, id, input.step);
        return done(c, back ?? ticketHref(id), `Ticket #${ticket.number} goes on`);
      },
      ({ message }) => back ? refusedAt(c, back, message) : null,
    );
  });
  action(
    "take-over",
    takeOverTicket,
    (t) => `Ticket #${t.number} is yours; its page has the commands`,
  );
  pages.post("/tickets/:id/continue", async (c) => {
    const id = c.req.param("id");
    return await act(
      async () => {
        const picked = await pickUpBranch(c.var.app, id, requestSignal());
        const ticket = continueTicket(c.var.app, id, picked);
        return done(c, ticketHref(id), `Ticket #${ticket.number} goes on with what you committed`);
      },
      // Beside the commands that mend it.
      ({ message }) => refusedAt(c, ticketHref(id), message),
    );
  });
  action(
    "allow-commands",
    allowCommands,
    (t) => `The project's commands may run without a sandbox; ticket #${t.number} goes on`,
  );
  action("resume", resumeTicket, (t) => `Ticket #${t.number} goes on`);
  pages.post("/tickets/:id/pause", async (c) => {
    const id = c.req.param("id");
    const killTools = (await readForm(c)).tools === "kill";
    const back = listBehind(c, ["/development"]);
    return await act(
      () => {
        const ticket = pauseTicket(c.var.app, id, { killTools });
        return done(c, back ?? ticketHref(id), `Ticket #${ticket.number} is paused`);
      },
      ({ message }) => back ? refusedAt(c, back, message) : null,
    );
  });

  pages.post("/tickets/:id/guide", async (c) => {
    const id = c.req.param("id");
    const { guidance = "" } = await readForm(c);
    return await act(
      async () => {
        const base = await combineForGuide(c.var.app, id, requestSignal());
        const ticket = guideTicket(c.var.app, id, guidance, base);
        return done(c, ticketHref(id), `Ticket #${ticket.number} goes on with your guidance`);
      },
      ({ message, errors, status }) => {
        const page = ticketPage(pageRequest(c, tools), id, { guidance, message, errors });
        return show(c, <TicketPage {...page} />, status);
      },
    );
  });

  /** One of the forms on the review page. */
  const decision = (
    action: RefusedReview["action"],
    decide: (
      c: RequestContext,
      id: string,
      form: Record<string, string>,
    ) => Response | Promise<Response>,
  ) =>
    pages.post(`/tickets/:id/${action}`, async (c) => {
      const id = c.req.param("id")!;
      const form = await readForm(c);
      return await act(() => decide(c, id, form), ({ message, errors, status }) =>
        showReview(c, tools, id, { action, values: form, message, errors }, status));
    });
  decision("approve", (c, id, { message = "", style, commit }) => {
    const input = validate(mergeInput, { message, style, commit }, "form");
    const ticket = approveTicket(c.var.app, id, input.message, input);
    return done(c, ticketHref(id), `Ticket #${ticket.number} is in the merge queue`);
  });
  decision("request-changes", async (c, id, { remark = "", commit }) => {
    const input = validate(remarkInput, { remark, commit }, "form");
    const quotes = await quoteDrafts(c.var.app, id, requestSignal());
    const ticket = requestTicketChanges(c.var.app, id, input.remark, { ...input, quotes });
    return done(c, ticketHref(id), `Ticket #${ticket.number} went back to the developer`);
  });
  decision("reject", (c, id, { reason = "" }) => {
    const ticket = rejectTicket(c.var.app, id, reason);
    return done(c, ticketHref(id), `Ticket #${ticket.number} rejected; its branch is kept`);
  });

  pages.post("/tickets/:id/comments", async (c) => {
    const id = c.req.param("id");
    const form = await readForm(c);
    const comment = validate(newCommentInput, {
      path: form.path || null,
      line: form.line || null,
      side: form.side || "new",
      commit: form.commit || undefined,
      body: form.body,
    }, "form");
    await requireCommented(c.var.app, id, comment.commit, requestSignal());
    const added = addComment(c.var.app, { ticketId: id, ...comment });
    return done(
      c,
      `${reviewBehind(c, id)}#comment-${added.id}`,
      "Comment kept; it is sent when you request changes",
    );
  });
  pages.post("/tickets/:id/comments/:comment/edit", async (c) => {
    const { id, comment } = c.req.param();
    const { body } = validate(commentChangesInput, { body: (await readForm(c)).body }, "form");
    changeComment(c.var.app, { ticketId: id, commentId: comment, body });
    return done(c, `${reviewBehind(c, id)}#comment-${comment}`, "Comment changed");
  });
  pages.post("/tickets/:id/comments/:comment/remove", (c) => {
    const { id, comment } = c.req.param();
    const { path, line, side } = removeComment(c.var.app, id, comment);
    const at = path === null ? "review-notes" : line ? lineId({ path, line, side }) : fileId(path);
    return done(c, `${reviewBehind(c, id)}#${at}`, "Comment removed");
  });

  pages.get("/tickets/:id/checks/running", async (c) => {
    const { id } = getTicket(c.var.app.db, c.req.param("id"));
    const running = runningCheck(c.var.app, id);
    // It may have ended since: then its own page has it.
    return running ? c.text(await outputSoFar(running)) : c.redirect(ticketHref(id), 303);
  });
  pages.get("/tickets/:id/checks/:check", async (c) => {
    const { id, check: checkId } = c.req.param();
    const check = getTicketCheck(c.var.app.db, id, checkId);
    if (c.req.query("raw") !== undefined) return c.text(await checkOutput(check));
    const shell = shellOf(pageRequest(c, tools));
    const ticket = getTicket(c.var.app.db, id);
    const again = findRerun(c.var.app.db, checkId);
    return show(c, <CheckPage {...{ shell, ticket, check, again, ...await outputEnd(check) }} />);
  });
}
