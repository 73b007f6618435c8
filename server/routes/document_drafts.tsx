/** Routes of what was typed into documents and not saved, wherever its documents are. */
import type { Hono } from "hono";
import { z } from "zod";
import { DocumentDraftsPage } from "../../views/document_drafts.tsx";
import { documentHref, draftsHref } from "../../views/links.ts";
import { type Api, type Env, type RequestContext, requestSignal, validate } from "../api.ts";
import { AppError } from "../errors.ts";
import { once } from "../once.ts";
import {
  documentJson,
  documentSchema,
  lostDraftJson,
  lostDraftSchema,
} from "../outputs/documents.ts";
import { documentDraftsPage } from "../pages/document_drafts.ts";
import { planningProject } from "../pages/planning.ts";
import { discardLostDraft, draftsOf, saveLostDraft } from "../services/document_drafts.ts";
import { FORM_CHARS } from "../services/document_typing.ts";
import { findDraft } from "../store/document_drafts.ts";
import { getSpot } from "../store/documents_gone.ts";
import { getProject } from "../store/projects.ts";
import { act, done, pageRequest, type PageTools, readForm, refusedAt, show } from "./page.ts";

const PATH_CHARS = 300;
const formName = () => z.string().max(FORM_CHARS);
const saveInput = once(() =>
  z.strictObject({
    draft: z.string().max(PATH_CHARS).describe("Path that the draft was typed for"),
    typed_in: formName().optional().describe("Of the draft; without one, the newest is meant"),
    path: z.string().max(PATH_CHARS).describe(
      "Of the document that it becomes: the same, or another",
    ),
  })
);
const discardInput = once(() =>
  z.strictObject({ draft: z.string().max(PATH_CHARS), typed_in: formName().optional() })
);

const named = <T extends { typed_in?: string }>({ typed_in: form, ...input }: T) => ({
  ...input,
  form,
});

export function documentDraftsApi(api: Api): void {
  api
    .get("/projects/:id/lost-drafts", {
      summary: "What was typed into documents that are gone now, and not saved",
      tag: "documents",
      out: () => z.object({ items: z.array(lostDraftSchema()), next: z.null() }),
    }, ({ app, params }) => {
      const { id } = getProject(app.db, params.id!);
      return { items: draftsOf(app, id).lost.map(lostDraftJson), next: null };
    })
    .post("/projects/:id/lost-drafts/save", {
      summary: "Make a document of such a draft; under its old path it has its old id",
      tag: "documents",
      body: saveInput,
      out: documentSchema,
      status: 201,
      prepare: ({ app, params, body }) =>
        saveLostDraft(app, params.id!, named(body), requestSignal()),
    }, ({ prepared }) => documentJson(prepared))
    .post("/projects/:id/lost-drafts/discard", {
      summary: "Throw such a draft away; answers with it",
      tag: "documents",
      body: discardInput,
      out: lostDraftSchema,
    }, ({ app, params, body }) => lostDraftJson(discardLostDraft(app, params.id!, named(body))));
}

export function documentDraftsPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/planning/drafts", async (c) => {
    const request = pageRequest(c, tools);
    const project = planningProject(request);
    if (project === null) return c.redirect("/planning", 303);
    const props = await documentDraftsPage(request, project, null, requestSignal());
    return show(c, <DocumentDraftsPage {...props} />);
  });

  pages.post("/planning/drafts/save", async (c) => {
    const { app } = c.var;
    const project = getProject(app.db, c.req.query("project") ?? "");
    const form = await readForm(c);
    return await act(async () => {
      const input = validate(saveInput, form, "form");
      const { document } = await saveLostDraft(app, project.id, named(input), requestSignal());
      return done(c, documentHref(document.id), `${document.path} saved`);
    }, async ({ message, errors, status }) => {
      const refused = {
        draft: form.draft ?? "",
        form: form.typed_in,
        path: form.path ?? "",
        message,
        errors,
      };
      const request = pageRequest(c, tools);
      const props = await documentDraftsPage(request, project, refused, requestSignal());
      return show(c, <DocumentDraftsPage {...props} />, status);
    });
  });

  pages.post("/planning/drafts/discard", async (c) => {
    const projectId = c.req.query("project") ?? "";
    const input = validate(discardInput, await readForm(c), "form");
    discardLostDraft(c.var.app, projectId, named(input));
    return done(c, draftsHref(projectId), "Draft thrown away");
  });
}

/**
 * A page of a document; where that is gone and this person typed something into it, the page of their drafts.
 * `keep`: keeps first what comes with the request.
 */
export async function orDrafts(
  c: RequestContext,
  id: string,
  page: () => Promise<Response>,
  keep?: () => Promise<unknown>,
): Promise<Response> {
  try {
    return await page();
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "not_found") throw error;
    const { app } = c.var;
    const { gone } = getSpot(app.db, id);
    if (!gone) throw error;
    await keep?.();
    const spot = getSpot(app.db, id);
    if (findDraft(app.db, spot, app.actor) === null) throw error;
    const reason = `${spot.path} was deleted meanwhile. What you typed is kept as a draft`;
    return refusedAt(c, draftsHref(spot.projectId), reason);
  }
}
