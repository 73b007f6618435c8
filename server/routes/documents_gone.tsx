/** Routes of documents that were deleted: which can be brought back, and bringing them back. */
import type { Hono } from "hono";
import { z } from "zod";
import { documentHref, draftsHref } from "../../views/links.ts";
import { type Api, type Env, requestSignal } from "../api.ts";
import {
  documentJson,
  documentSchema,
  goneDocumentJson,
  goneDocumentSchema,
} from "../outputs/documents.ts";
import { followDocuments } from "../services/document_index.ts";
import { bringBack, goneDocuments } from "../services/documents_gone.ts";
import { getSpot } from "../store/documents_gone.ts";
import { getProject } from "../store/projects.ts";
import { act, done, type PageTools, refusedAt } from "./page.ts";

export function documentsGoneApi(api: Api): void {
  api
    .get("/projects/:id/gone-documents", {
      summary: "Documents that were deleted and can be brought back, the newest first",
      tag: "documents",
      out: () => z.object({ items: z.array(goneDocumentSchema()), next: z.null() }),
    }, async ({ app, params }) => {
      const project = getProject(app.db, params.id!);
      await followDocuments(app, project, requestSignal());
      const gone = await goneDocuments(app, project, requestSignal());
      return { items: gone.map(goneDocumentJson), next: null };
    })
    .post("/documents/:id/bring-back", {
      summary: "Make a document that was deleted again, with its text, path and id",
      out: documentSchema,
      prepare: ({ app, params }) => bringBack(app, params.id!, requestSignal()),
    }, ({ prepared }) => documentJson(prepared));
}

export function documentsGonePages(pages: Hono<Env>, _tools: PageTools): void {
  pages.post("/documents/:id/bring-back", async (c) => {
    const { app } = c.var;
    const id = c.req.param("id");
    const { projectId } = getSpot(app.db, id);
    return await act(async () => {
      const { document } = await bringBack(app, id, requestSignal());
      return done(c, documentHref(id), `${document.path} is back`);
    }, ({ message }) => refusedAt(c, draftsHref(projectId), message));
  });
}
