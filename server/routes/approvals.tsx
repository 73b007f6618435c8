import type { Hono } from "hono";
import { z } from "zod";
import { ApprovePage } from "../../views/approve.tsx";
import { approveHref, runHref, ticketHref } from "../../views/links.ts";
import { type Api, type Env, pageOf, pageQuery, readCursor, toPage, validate } from "../api.ts";
import { decisionInput } from "../inputs.ts";
import { once } from "../once.ts";
import { approvalJson, approvalSchema } from "../outputs/runs.ts";
import { approvePage } from "../pages/approve.ts";
import { approvalOfLink, decideByLink } from "../services/approval_links.ts";
import { decide } from "../services/approvals.ts";
import { approvalStatuses } from "../states.ts";
import { getApproval, listApprovals } from "../store/approvals.ts";
import { getRun } from "../store/runs.ts";
import { done, pageRequest, type PageTools, readForm, show } from "./page.ts";

const approvalsQuery = once(() =>
  pageQuery().extend({
    status: z.enum(approvalStatuses).optional()
      .describe("`pending`: only those of runs that still wait"),
    project_id: z.string().max(64).optional(),
    run_id: z.string().max(64).optional(),
  })
);

export function approvalsApi(api: Api): void {
  api
    .get("/approvals", {
      summary: "What runs asked a person for, newest first",
      query: approvalsQuery,
      out: pageOf(approvalSchema),
    }, ({ app, query }) => {
      const rows = listApprovals(app.db, {
        status: query.status,
        projectId: query.project_id,
        runId: query.run_id,
        limit: query.limit + 1,
        after: readCursor(query.cursor),
      });
      return toPage(rows, query.limit, (approval) => approval.createdAt, approvalJson);
    })
    .get("/approvals/:id", {
      summary: "What a waiting run asks for",
      out: approvalSchema,
    }, ({ app, params }) => approvalJson(getApproval(app.db, params.id!)))
    .post(
      "/approvals/:id",
      {
        summary: "Grant or deny it, once",
        body: decisionInput,
        out: approvalSchema,
      },
      ({ app, params, body }) =>
        approvalJson(decide(app, params.id!, body.decision === "grant", body.reason)),
    );
}

export function approvalPages(pages: Hono<Env>, tools: PageTools): void {
  pages.post("/approvals/:id", async (c) => {
    const { app } = c.var;
    const { decision, reason } = validate(decisionInput, await readForm(c), "form");
    const approval = decide(app, c.req.param("id"), decision === "grant", reason);
    const { ticketId } = getRun(app.db, approval.runId);
    const href = ticketId ? ticketHref(ticketId) : runHref(approval.runId);
    return done(
      c,
      href,
      decision === "grant" ? "Granted; the run goes on" : "Denied; the run goes on",
    );
  });
  // Programs that look at links before a person does only ever GET: this shows, and decides nothing.
  pages.get("/approve/:token", (c) => {
    const token = c.req.param("token");
    const approval = approvalOfLink(c.var.app, token);
    const props = approvePage(pageRequest(c, tools), approval);
    return show(c, <ApprovePage {...props} action={approveHref(token)} />);
  });
  pages.post("/approve/:token", async (c) => {
    const { decision, reason } = validate(decisionInput, await readForm(c), "form");
    const token = c.req.param("token");
    const approval = decideByLink(c.var.app, token, decision === "grant", reason);
    return show(c, <ApprovePage {...approvePage(pageRequest(c, tools), approval)} action={null} />);
  });
}
