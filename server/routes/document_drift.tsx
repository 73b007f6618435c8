/** Routes of documents that the code has left behind. */
import type { Hono } from "hono";
import { z } from "zod";
import { askHref, documentHref } from "../../views/links.ts";
import { type Api, type Env, requestSignal } from "../api.ts";
import { once } from "../once.ts";
import { askJson, askSchema } from "../outputs/asks.ts";
import { driftJson, driftSchema, staleJson, staleSchema } from "../outputs/document_drift.ts";
import {
  confirmDocument,
  followDrift,
  staleDocuments,
  updateAskOf,
} from "../services/document_drift.ts";
import { followDocuments } from "../services/document_index.ts";
import { openDocument } from "../services/documents.ts";
import { askPlanningAgentIn } from "../services/planning_asks.ts";
import type { App } from "../app.ts";
import { transact } from "../db.ts";
import type { PlanningAsk } from "../records.ts";
import { getProject } from "../store/projects.ts";
import { act, done, readForm, refusedAt } from "./page.ts";

const seenInput = once(() =>
  z.strictObject({
    seen: z.string().max(64).describe("`version` of the document as it was looked at"),
    newest: z.string().max(64).default("").describe(
      "Id of the newest of the drift's `commits` as they were looked at; empty: there was none",
    ),
  })
);

export function documentDriftApi(api: Api): void {
  api
    .get("/documents/:id/drift", {
      summary: "Whether the code has moved on since a document was approved, and what did it",
      out: driftSchema,
    }, async ({ app, params }) => {
      const { document } = await openDocument(app, params.id!, requestSignal());
      await followDrift(app, getProject(app.db, document.projectId), requestSignal());
      return driftJson(app, document);
    })
    .post("/documents/:id/confirm", {
      summary: "Say that an approved document is true as the code is now: it is not stale any more",
      body: seenInput,
      out: driftSchema,
      prepare: ({ app, params, body }) => confirmDocument(app, params.id!, body, requestSignal()),
    }, ({ app, prepared }) => driftJson(app, prepared.document))
    .post("/documents/:id/propose-update", {
      summary:
        "Have the writer propose an update of a stale document, for the commits that made it stale",
      out: askSchema,
      status: 201,
    }, ({ app, params }) => askJson(app, proposeUpdate(app, params.id!)))
    .get("/projects/:id/stale-documents", {
      summary: "Approved documents whose files have changed since, by path",
      tag: "documents",
      out: () => z.object({ items: z.array(staleSchema()), next: z.null() }),
    }, async ({ app, params }) => {
      const project = getProject(app.db, params.id!);
      await followDocuments(app, project, requestSignal());
      await followDrift(app, project, requestSignal());
      return { items: staleDocuments(app, project.id).map(staleJson), next: null };
    });
}

export function documentDriftPages(pages: Hono<Env>): void {
  pages.post("/documents/:id/propose-update", async (c) => {
    const id = c.req.param("id");
    return await act(() => {
      const { id: askId, agent } = proposeUpdate(c.var.app, id);
      return done(c, askHref(askId), `The ${agent} was asked for an update`);
    }, ({ message }) => refusedAt(c, documentHref(id), message));
  });

  pages.post("/documents/:id/confirm", async (c) => {
    const id = c.req.param("id");
    const { seen = "", newest = "" } = await readForm(c);
    return await act(async () => {
      await confirmDocument(c.var.app, id, { seen, newest }, requestSignal());
      return done(c, documentHref(id), "The document is true as of now");
    }, ({ message }) => refusedAt(c, documentHref(id), message));
  });
}

/** Throws as `updateAskOf` and `askPlanningAgent`. */
const proposeUpdate = (app: App, documentId: string): PlanningAsk =>
  transact(app, (tx) => askPlanningAgentIn(app, tx, updateAskOf(tx, documentId)));
