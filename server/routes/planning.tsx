/** Routes of planning documents. */
import type { Hono } from "hono";
import { z } from "zod";
import { DocumentPage } from "../../views/document.tsx";
import { askHref, documentHref, planningHref } from "../../views/links.ts";
import { NewDocumentPage } from "../../views/document_new.tsx";
import { PlanningPage, PlanningProjectsPage } from "../../views/planning.tsx";
import { documentStatusWords } from "../../views/planning_words.ts";
import {
  type Api,
  type Env,
  pageOf,
  pageQuery,
  readCursor,
  type RequestContext,
  requestSignal,
  toPage,
  validate,
} from "../api.ts";
import { once } from "../once.ts";
import {
  documentJson,
  documentSchema,
  documentSummaryJson,
  documentSummarySchema,
  planningSettingsSchema,
  templateSchema,
} from "../outputs/documents.ts";
import {
  documentPage,
  folderIn,
  newDocumentPage,
  planningPage,
  planningProject,
  planningProjectsPage,
} from "../pages/planning.ts";
import { documentFromTemplate, slugOf, templatesOf } from "../services/document_templates.ts";
import { documentSavesOf } from "../services/document_place.ts";
import { followDocuments } from "../services/document_index.ts";
import {
  createDocument,
  deleteDocument,
  findDocuments,
  openDocument,
  saveDocument,
  setDocumentSaves,
  setDocumentStatus,
  tickItem,
} from "../services/documents.ts";
import type { PlanningDocument } from "../records.ts";
import { askPlanningAgent } from "../services/planning_asks.ts";
import { documentSaves, documentStatuses, documentTypes } from "../states.ts";
import { getDocument, listDocumentsAfter } from "../store/documents.ts";
import { getProject } from "../store/projects.ts";
import { orDrafts } from "./document_drafts.tsx";
import { act, done, pageRequest, type PageTools, readForm, refusedAt, show } from "./page.ts";

/** Longest text of a document that a request may bring, in characters; its bytes are counted further in. */
const TEXT_CHARS = 600_000;
const Q_CHARS = 200;

const documentsQuery = once(() =>
  pageQuery().extend({
    q: z.string().max(Q_CHARS).optional().describe("Words of its title or text: the best 50"),
    type: z.enum(documentTypes).optional(),
    status: z.enum(documentStatuses).optional(),
  })
);
const newDocumentInput = once(() =>
  z.strictObject({
    path: z.string().max(300).default("").describe("Empty: from the template and the title"),
    text: z.string().max(TEXT_CHARS).optional().describe("In place of a template"),
    template: z.string().max(200).default("").describe("`id` of a template; empty: none"),
    title: z.string().max(200).default(""),
  })
);
const documentInput = once(() => z.strictObject({ text: z.string().max(TEXT_CHARS) }));
const statusInput = once(() =>
  z.strictObject({
    status: z.enum(documentStatuses),
    seen: z.string().max(64).describe("`version` of the document as it was looked at"),
  })
);
const savesInput = once(() => z.strictObject({ saves: z.enum(documentSaves) }));

export function planningApi(api: Api): void {
  const settings = (app: Parameters<typeof documentSavesOf>[0], id: string) => {
    const project = getProject(app.db, id);
    return { project_id: project.id, saves: documentSavesOf(app, project.id) };
  };
  api
    .get("/projects/:id/documents", {
      summary: "A project's planning documents, as their files are now, by path",
      tag: "documents",
      query: documentsQuery,
      out: pageOf(documentSummarySchema),
    }, async ({ app, params, query }) => {
      const project = getProject(app.db, params.id!);
      await followDocuments(app, project, requestSignal());
      const { q, type = null, status = null, limit, cursor } = query;
      if (q?.trim()) {
        const found = findDocuments(app, project.id, q).map(({ document }) => document)
          .filter((found) => (type ?? found.type) === found.type)
          .filter((found) => (status ?? found.status) === found.status);
        return { items: found.slice(0, limit).map(documentSummaryJson), next: null };
      }
      const after = readCursor(cursor)?.key ?? "";
      const asked = { projectId: project.id, after, type, status };
      const rows = listDocumentsAfter(app.db, asked, limit + 1);
      return toPage(rows, limit, ({ path }) => path, documentSummaryJson);
    })
    .post("/projects/:id/documents", {
      summary: "Make a document: a file in planning/",
      tag: "documents",
      body: newDocumentInput,
      out: documentSchema,
      status: 201,
      async prepare({ app, params, body: { text, ...asked } }) {
        const project = getProject(app.db, params.id!);
        const signal = requestSignal();
        const made = text === undefined
          ? await documentFromTemplate(app, project, asked, signal)
          : { path: asked.path, text };
        return await createDocument(app, { projectId: project.id, ...made }, signal);
      },
    }, ({ prepared }) => documentJson(prepared))
    .get("/projects/:id/document-templates", {
      summary:
        "What new documents can begin with: the project's own templates and the built-in ones",
      tag: "documents",
      out: () => z.object({ items: z.array(templateSchema()), next: z.null() }),
    }, async ({ app, params }) => {
      const project = getProject(app.db, params.id!);
      return { items: await templatesOf(app, project, requestSignal()), next: null };
    })
    .get(
      "/documents/:id",
      {
        summary: "A document with its text as its file is now",
        out: documentSchema,
        versioned: true,
      },
      async ({ app, params }) => documentJson(await openDocument(app, params.id!, requestSignal())),
    )
    .patch("/documents/:id", {
      summary: "Save a document",
      body: documentInput,
      out: documentSchema,
      current: async (app, id) => documentJson(await openDocument(app, id, requestSignal())),
    }, async ({ app, params, body }) => {
      const { id, version } = getDocument(app.db, params.id!);
      const change = { text: body.text, seen: version };
      return documentJson(await saveDocument(app, id, change, requestSignal()));
    })
    .post("/documents/:id/status", {
      summary: "Say in a document's front matter what its status is",
      body: statusInput,
      out: documentSchema,
      prepare: ({ app, params, body }) => setDocumentStatus(app, params.id!, body, requestSignal()),
    }, ({ prepared }) => documentJson(prepared))
    .delete("/documents/:id", {
      summary: "Delete a document; answers with it. Its text is kept: /bring-back makes it again",
      out: documentSummarySchema,
    }, async ({ app, params }) => {
      const signal = requestSignal();
      const { document } = await openDocument(app, params.id!, signal);
      await deleteDocument(app, document.id, { seen: document.version }, signal);
      return documentSummaryJson(document);
    })
    .get("/projects/:id/planning", {
      summary: "Where a project's documents are saved",
      tag: "documents",
      out: planningSettingsSchema,
      versioned: true,
    }, ({ app, params }) => settings(app, params.id!))
    .patch("/projects/:id/planning", {
      summary: "Say where a project's documents are saved from now on",
      tag: "documents",
      body: savesInput,
      out: planningSettingsSchema,
      current: settings,
    }, ({ app, params, body }) => {
      setDocumentSaves(app, params.id!, body.saves);
      return settings(app, params.id!);
    });
}

export function planningPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/planning", async (c) => {
    const request = pageRequest(c, tools);
    const project = planningProject(request);
    if (project === null) {
      return show(c, <PlanningProjectsPage {...planningProjectsPage(request)} />);
    }
    const query = {
      folder: folderIn(c.req.query("folder") ?? ""),
      q: (c.req.query("q") ?? "").slice(0, Q_CHARS),
      after: c.req.query("after") ?? "",
    };
    return show(
      c,
      <PlanningPage {...await planningPage(request, project, query, requestSignal())} />,
    );
  });

  pages.post("/planning/saves", async (c) => {
    const projectId = c.req.query("project") ?? "";
    const { saves } = validate(savesInput, await readForm(c), "form");
    setDocumentSaves(c.var.app, projectId, saves);
    return done(c, planningHref(projectId), "Saved");
  });

  pages.get("/planning/new", async (c) => {
    const request = pageRequest(c, tools);
    const project = planningProject(request);
    if (project === null) return c.redirect("/planning", 303);
    const folder = folderIn(c.req.query("folder") ?? "");
    const form = {
      title: "",
      template: c.req.query("template") ?? "",
      path: folder && `${folder}/`,
      words: "",
      message: null,
      errors: [],
    };
    const props = await newDocumentPage(request, project, form, requestSignal());
    return show(c, <NewDocumentPage {...props} />);
  });

  pages.post("/planning/new", async (c) => {
    const { app } = c.var;
    const project = getProject(app.db, c.req.query("project") ?? "");
    const { title = "", template = "", path = "", words = "" } = await readForm(c);
    return await act(
      async () => {
        const signal = requestSignal();
        // A folder alone, as the form offers it, is no path yet.
        const whole = path.endsWith("/") && title.trim() ? path + slugOf(title) : path;
        const asked = { title, template, path: whole };
        const made = await documentFromTemplate(app, project, asked, signal);
        const input = { projectId: project.id, ...made };
        const { document } = await createDocument(app, input, signal);
        if (words.trim()) return askedToDraft(c, document, words);
        return done(c, `${documentHref(document.id)}/edit`, `${document.path} made`);
      },
      async ({ message, errors, status }) => {
        const form = { title, template, path, words, message, errors };
        const request = pageRequest(c, tools);
        const props = await newDocumentPage(request, project, form, requestSignal());
        return show(c, <NewDocumentPage {...props} />, status);
      },
    );
  });

  pages.get("/documents/:id", async (c) => {
    const id = c.req.param("id");
    return await orDrafts(c, id, async () => {
      const props = await documentPage(pageRequest(c, tools), id, requestSignal());
      return show(c, <DocumentPage {...props} />);
    });
  });

  pages.post("/documents/:id/tick", async (c) => {
    const id = c.req.param("id");
    const { line = "", seen = "" } = await readForm(c);
    return await act(async () => {
      await tickItem(c.var.app, id, { line: Number(line), seen }, requestSignal());
      return done(c, documentHref(id));
    }, ({ message }) => refusedAt(c, documentHref(id), message));
  });

  pages.post("/documents/:id/status", async (c) => {
    const id = c.req.param("id");
    const form = await readForm(c);
    return await act(async () => {
      const input = validate(statusInput, form, "form");
      await setDocumentStatus(c.var.app, id, input, requestSignal());
      return done(c, documentHref(id), `The document is ${documentStatusWords[input.status].word}`);
    }, ({ message }) => refusedAt(c, documentHref(id), message));
  });

  pages.post("/documents/:id/delete", async (c) => {
    const { app } = c.var;
    const { seen = "" } = await readForm(c);
    const { id, projectId, path } = getDocument(app.db, c.req.param("id"));
    return await act(async () => {
      await deleteDocument(app, id, { seen }, requestSignal());
      const undo = { action: `${documentHref(id)}/bring-back`, label: "Undo" } as const;
      return done(c, planningHref(projectId), `${path} deleted`, undo);
    }, ({ message }) => refusedAt(c, documentHref(id), message));
  });
}

/** The document is there by now: what is wrong with the words is told on its page. */
function askedToDraft(c: RequestContext, { id, path }: PlanningDocument, words: string) {
  return act(() => {
    const ask = askPlanningAgent(c.var.app, { documentId: id, ask: "draft", words });
    return done(c, askHref(ask.id), `${path} made; the ${ask.agent} is asked to draft it`);
  }, ({ message }) => refusedAt(c, documentHref(id), `${path} made. ${message}`));
}
