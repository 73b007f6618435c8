import type { Hono } from "hono";
import { runHref, ticketHref } from "../../views/links.ts";
import { type Env, validate } from "../api.ts";
import { getRun } from "../store/runs.ts";
import { done, readForm } from "./page.ts";
import type { Api } from "../api.ts";
import { decisionInput } from "../inputs.ts";
import { approvalJson, approvalSchema } from "../outputs/runs.ts";
import { decide } from "../services/approvals.ts";
import { getApproval } from "../store/approvals.ts";

export function approvalsApi(api: Api): void {
  api
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

export function approvalPages(pages: Hono<Env>): void {
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
}
