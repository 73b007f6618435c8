/** Routes of editing one document: its form, its draft, its versions. */
import type { Hono } from "hono";
import { z } from "zod";
import { Completions } from "../../views/document_completions.tsx";
import { DocumentEditPage, DocumentLiveParts } from "../../views/document_edit.tsx";
import { DocumentVersionsPage } from "../../views/document_versions.tsx";
import { documentHref, draftHref, planningHref } from "../../views/links.ts";
import { render } from "../../views/render.ts";
import { type Api, type Env, requestSignal } from "../api.ts";
import { AppError } from "../errors.ts";
import { once } from "../once.ts";
import {
  completionSchema,
  documentJson,
  documentSchema,
  documentVersionJson,
  documentVersionSchema,
  draftJson,
  draftSchema,
} from "../outputs/documents.ts";
import { documentEditPage, documentVersionsPage, liveOf } from "../pages/document_edit.ts";
import { completionsFor } from "../services/document_completions.ts";
import { discardDraft, keepDraft } from "../services/document_drafts.ts";
import { documentVersion } from "../services/document_facts.ts";
import { withEndsOf } from "../services/line_ends.ts";
import { FORM_CHARS } from "../services/document_typing.ts";
import { listVersions, restoreVersion, versionText } from "../services/document_versions.ts";
import { openDocument, saveDocument } from "../services/documents.ts";
import { findDraft } from "../store/document_drafts.ts";
import { getDocument } from "../store/documents.ts";
import { getSpot } from "../store/documents_gone.ts";
import { orDrafts } from "./document_drafts.tsx";
import { act, done, pageRequest, type PageTools, readForm, refusedAt, show } from "./page.ts";

const TEXT_CHARS = 600_000;
const draftInput = once(() =>
  z.strictObject({
    text: z.string().max(TEXT_CHARS),
    seen: z.string().max(64).describe("`version` of the text that was opened"),
    typed_in: z.string().max(FORM_CHARS).default("").describe(
      "Names where it is typed: a draft takes the place of one of the same name only",
    ),
  })
);
const draftQuery = once(() =>
  z.object({
    typed_in: z.string().max(FORM_CHARS).optional().describe("Of the draft; without it the newest"),
  })
);
const completionsQuery = once(() =>
  z.object({ text: z.string().max(100).describe("The mark and what follows it: `[[sav`") })
);
const restoreInput = once(() =>
  z.strictObject({
    version: z.string().max(64).describe("`id` of the version"),
    seen: z.string().max(64).describe("`version` of the document as it was looked at"),
  })
);

export function documentEditApi(api: Api): void {
  const draft = (app: Parameters<typeof keepDraft>[0], id: string, form?: string) => {
    const found = findDraft(app.db, getSpot(app.db, id), app.actor, form);
    if (found) return draftJson(id, found);
    throw new AppError("not_found", `There is no draft of the document "${id}"`);
  };
  api
    .get("/documents/:id/versions", {
      summary: "What a document said before: its commits, and saves that are none, newest first",
      out: () => z.object({ items: z.array(documentVersionSchema()), next: z.null() }),
    }, async ({ app, params }) => {
      const document = getDocument(app.db, params.id!);
      const versions = await listVersions(app, document, requestSignal());
      return { items: versions.map(documentVersionJson), next: null };
    })
    .get("/documents/:id/versions/:version", {
      summary: "The text of a version",
      out: () => z.object({ id: z.string(), text: z.string() }),
    }, async ({ app, params }) => {
      const document = getDocument(app.db, params.id!);
      const id = params.version!;
      return { id, text: await versionText(app, document, id, requestSignal()) };
    })
    .post("/documents/:id/restore", {
      summary: "Save what an older version says, as a version of its own",
      body: restoreInput,
      out: documentSchema,
      prepare: ({ app, params, body }) => restoreVersion(app, params.id!, body, requestSignal()),
    }, ({ prepared }) => documentJson(prepared))
    .get("/projects/:id/document-completions", {
      summary: "What may follow `#` or `[[` in a document of the project",
      tag: "documents",
      query: completionsQuery,
      out: () => z.object({ items: z.array(completionSchema()), next: z.null() }),
    }, ({ app, params, query }) => ({
      items: completionsFor(app, params.id!, query.text),
      next: null,
    }))
    .get("/documents/:id/draft", {
      summary: "What was typed and not saved",
      query: draftQuery,
      out: draftSchema,
    }, ({ app, params, query }) => draft(app, params.id!, query.typed_in))
    .post("/documents/:id/draft", {
      summary: "Keep what is typed; saving the document with this text drops it",
      body: draftInput,
      out: draftSchema,
      prepare: ({ app, params, body }) =>
        keepDraft(app, params.id!, { ...body, form: body.typed_in }, requestSignal()),
    }, ({ app, params, body }) => draft(app, params.id!, body.typed_in))
    .delete("/documents/:id/draft", {
      summary: "Throw away what was typed last; answers with it",
      out: draftSchema,
    }, ({ app, params }) => {
      const dropped = draft(app, params.id!);
      discardDraft(app, params.id!, { form: dropped.typed_in });
      return dropped;
    });
}

/** A browser sends both ends of each line; the file keeps the one that it has. */
export function asInFile(typed: string, crlf: boolean): string {
  const text = typed.replaceAll("\r\n", "\n");
  return crlf ? text.replaceAll("\n", "\r\n") : text;
}

/** What the form of a document sends. */
export function typedIn(fields: Record<string, string>) {
  const { text = "", seen = "", crlf, typed_in: form = "", typed_from: from = "" } = fields;
  return {
    text: asInFile(text, crlf === "1"),
    seen,
    crlf: crlf === "1",
    typed: { form: form.slice(0, FORM_CHARS), from },
  };
}

/** The form with what was typed in one of that name; one without a name shows the newest draft. */
export const editHref = (id: string, form: string): string =>
  form === "" ? `${documentHref(id)}/edit` : draftHref(id, form);

export function documentEditPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/documents/:id/edit", async (c) => {
    const id = c.req.param("id");
    return await orDrafts(c, id, async () => {
      const how = { draft: c.req.query("draft") };
      const props = await documentEditPage(pageRequest(c, tools), id, requestSignal(), how);
      return show(c, <DocumentEditPage {...props} />);
    });
  });

  pages.post("/documents/:id/edit", async (c) => {
    const { app } = c.var;
    const id = c.req.param("id");
    const { text, seen, crlf, typed } = typedIn(await readForm(c));
    const save = () =>
      act(
        async () => {
          const signal = requestSignal();
          // A file may have ends of both kinds: what nobody touched stays as it is.
          const inFile = crlf ? withEndsOf(text, (await openDocument(app, id, signal)).text) : text;
          const { document } = await saveDocument(app, id, { text: inFile, seen, typed }, signal);
          return done(c, documentHref(id), `${document.path} saved`);
        },
        async ({ message, errors, status }) => {
          const refused = { text, seen, crlf, typed, message, errors };
          const request = pageRequest(c, tools);
          const props = await documentEditPage(request, id, requestSignal(), { refused });
          return show(c, <DocumentEditPage {...props} />, status);
        },
      );
    return await orDrafts(
      ...[c, id, save] as const,
      () => keepDraft(app, id, { text, seen, ...typed }, requestSignal()),
    );
  });

  // As somebody types, by a script; or by the button, which leads back to the form.
  pages.post("/documents/:id/draft", async (c) => {
    const { app } = c.var;
    const id = c.req.param("id");
    const { text, seen, typed } = typedIn(await readForm(c));
    const keep = () => keepDraft(app, id, { text, seen, ...typed }, requestSignal());
    if (c.req.header("hx-request") === undefined) {
      const { other } = c.req.query();
      // Whoever goes on with another of their drafts keeps this one, where it says anything of its own.
      const isNew = documentVersion(text) !== seen && !typed.from.startsWith(documentVersion(text));
      if (other === undefined || isNew) await keep();
      const to = other === undefined ? editHref(id, typed.form) : draftHref(id, other);
      return done(c, to, other === undefined || isNew ? "Draft kept" : undefined);
    }
    let [draftAt, problem]: [string | null, string | null] = [null, null];
    try {
      await keep();
      draftAt = findDraft(app.db, getSpot(app.db, id), app.actor, typed.form)?.updatedAt ?? null;
    } catch (error) {
      // It is said where the person types, and what they typed stays there.
      if (!(error instanceof AppError) || error.code === "not_found") throw error;
      problem = error.message;
    }
    const live = await liveOf(app, getSpot(app.db, id), {
      ...{ text, draftAt, problem, form: typed.form },
    });
    return c.html(render(<DocumentLiveParts {...live} />));
  });

  pages.get("/documents/:id/completions", (c) => {
    const { projectId } = getSpot(c.var.app.db, c.req.param("id"));
    const rows = completionsFor(c.var.app, projectId, c.req.query("text") ?? "");
    return c.html(render(<Completions rows={rows} />));
  });

  pages.post("/documents/:id/discard", async (c) => {
    const id = c.req.param("id");
    const { typed_in: form, typed_from: from } = await readForm(c);
    discardDraft(c.var.app, id, { form, from });
    const { gone, projectId } = getSpot(c.var.app.db, id);
    return done(c, gone ? planningHref(projectId) : documentHref(id), "Draft thrown away");
  });

  pages.get("/documents/:id/versions", async (c) => {
    const { version = "", with: other = "now" } = c.req.query();
    const request = pageRequest(c, tools);
    const id = c.req.param("id");
    const props = await documentVersionsPage(request, id, { version, other }, requestSignal());
    return show(c, <DocumentVersionsPage {...props} />);
  });

  pages.post("/documents/:id/restore", async (c) => {
    const id = c.req.param("id");
    const { version = "", seen = "" } = await readForm(c);
    return await act(async () => {
      const { document } = await openDocument(c.var.app, id, requestSignal());
      await restoreVersion(c.var.app, id, { version, seen }, requestSignal());
      return done(c, documentHref(id), `${document.path} restored`);
    }, ({ message }) => refusedAt(c, `${documentHref(id)}/versions`, message));
  });
}
