/** Routes of planning documents. */
import type { Hono } from "hono";
import { z } from "zod";
import { DocumentPage } from "../../views/document.tsx";
import { documentHref, planningHref } from "../../views/links.ts";
import { NewDocumentPage, PlanningPage, PlanningProjectsPage } from "../../views/planning.tsx";
import {
  type Api,
  type Env,
  pageOf,
  pageQuery,
  readCursor,
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
} from "../outputs/documents.ts";
import {
  documentPage,
  folderIn,
  newDocumentPage,
  planningPage,
  planningProject,
  planningProjectsPage,
} from "../pages/planning.ts";
import { documentSavesOf } from "../services/document_place.ts";
import {
  createDocument,
  deleteDocument,
  findDocuments,
  followDocuments,
  openDocument,
  saveDocument,
  setDocumentSaves,
  tickItem,
} from "../services/documents.ts";
import { documentSaves, documentStatuses, documentTypes } from "../states.ts";
import { getDocument, listDocumentsAfter } from "../store/documents.ts";
import { getProject } from "../store/projects.ts";
import { asInFile } from "./document_edit.tsx";
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
  z.strictObject({ path: z.string().max(300), text: z.string().max(TEXT_CHARS).default("") })
);
const documentInput = once(() => z.strictObject({ text: z.string().max(TEXT_CHARS) }));
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
      prepare: ({ app, params, body }) =>
        createDocument(app, { projectId: params.id!, ...body }, requestSignal()),
    }, ({ prepared }) => documentJson(prepared))
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
    .delete("/documents/:id", {
      summary: "Delete a document; answers with it. Git keeps what was committed of it",
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

  pages.get("/planning/new", (c) => {
    const request = pageRequest(c, tools);
    const project = planningProject(request);
    if (project === null) return c.redirect("/planning", 303);
    const folder = folderIn(c.req.query("folder") ?? "");
    const form = { path: folder && `${folder}/`, text: "", message: null, errors: [] };
    return show(c, <NewDocumentPage {...newDocumentPage(request, project, form)} />);
  });

  pages.post("/planning/new", async (c) => {
    const project = getProject(c.var.app.db, c.req.query("project") ?? "");
    const { path = "", text: typed = "" } = await readForm(c);
    const text = asInFile(typed, false);
    return await act(
      async () => {
        const made = { projectId: project.id, path, text };
        const { document } = await createDocument(c.var.app, made, requestSignal());
        return done(c, documentHref(document.id), `${document.path} made`);
      },
      ({ message, errors, status }) => {
        const form = { path, text, message, errors };
        const request = pageRequest(c, tools);
        return show(c, <NewDocumentPage {...newDocumentPage(request, project, form)} />, status);
      },
    );
  });

  pages.get("/documents/:id", async (c) => {
    const props = await documentPage(pageRequest(c, tools), c.req.param("id"), requestSignal());
    return show(c, <DocumentPage {...props} />);
  });

  pages.post("/documents/:id/tick", async (c) => {
    const id = c.req.param("id");
    const { line = "", seen = "" } = await readForm(c);
    return await act(async () => {
      await tickItem(c.var.app, id, { line: Number(line), seen }, requestSignal());
      return done(c, documentHref(id));
    }, ({ message }) => refusedAt(c, documentHref(id), message));
  });

  pages.post("/documents/:id/delete", async (c) => {
    const { app } = c.var;
    const { seen = "" } = await readForm(c);
    const { id, projectId, path } = getDocument(app.db, c.req.param("id"));
    return await act(async () => {
      await deleteDocument(app, id, { seen }, requestSignal());
      return done(c, planningHref(projectId), `${path} deleted`);
    }, ({ message }) => refusedAt(c, documentHref(id), message));
  });
}
