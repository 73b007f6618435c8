/** Routes of ideas that are made of planning documents. */
import type { Hono } from "hono";
import { z } from "zod";
import { DocumentIdeasPage } from "../../views/document_ideas.tsx";
import { documentHref } from "../../views/links.ts";
import { type Api, type Env, requestSignal, validate } from "../api.ts";
import { AppError } from "../errors.ts";
import { newIdeaInput } from "../inputs.ts";
import { once } from "../once.ts";
import { offeredItemJson, offeredItemSchema } from "../outputs/document_ideas.ts";
import { ideaJson, ideaSchema } from "../outputs/ideas.ts";
import { documentIdeasPage, linesIn } from "../pages/document_ideas.ts";
import { MADE_MAX, makeIdeas, offerIdeas } from "../services/document_ideas.ts";
import { ideaFromLine } from "../services/document_line.ts";
import { openDocument } from "../services/documents.ts";
import { act, done, pageRequest, type PageTools, readForm, refusedAt, show } from "./page.ts";

const KEY_CHARS = 700;
const itemsQuery = once(() =>
  z.object({
    lines: z.string().regex(/^\d{1,7}-\d{1,7}$/, "Write two line numbers, as 12-40").optional()
      .describe("Only what stands in these lines, whatever its headings say: `12-40`"),
  })
);
const chosenInput = once(() =>
  z.strictObject({
    key: z.string().max(KEY_CHARS).describe("`key` of the item"),
    title: newIdeaInput().shape.title,
    description: newIdeaInput().shape.description.default(""),
  })
);
const makeInput = once(() =>
  z.strictObject({
    items: z.array(chosenInput()).min(1, "Tick at least one").max(MADE_MAX),
    refine: z.boolean().default(false).describe("Have agents refine them at once"),
  })
);
const lineInput = once(() =>
  z.strictObject({
    line: z.coerce.number().int().min(0).describe("Of the file, counted from 0"),
    seen: z.string().max(64).describe("`version` of the document as it was looked at"),
  })
);

export function documentIdeasApi(api: Api): void {
  api
    .get("/documents/:id/items", {
      summary: "What of a document can become ideas, and which there are already",
      query: itemsQuery,
      out: () => z.object({ items: z.array(offeredItemSchema()), next: z.null() }),
    }, async ({ app, params, query }) => {
      const lines = linesIn(query.lines ?? "");
      const { items } = await offerIdeas(app, params.id!, lines, requestSignal());
      return { items: items.map(offeredItemJson), next: null };
    })
    .post("/documents/:id/ideas", {
      summary:
        "Make ideas of items of a document; answers with those that are new. They wait to be refined",
      body: makeInput,
      out: () => z.object({ items: z.array(ideaSchema()), next: z.null() }),
      status: 201,
      prepare: ({ app, params }) => openDocument(app, params.id!, requestSignal()),
    }, ({ app, body, prepared }) => ({
      items: makeIdeas(app, prepared, body).map(ideaJson),
      next: null,
    }))
    .post("/documents/:id/line-idea", {
      summary: "Make an idea of an item of a checklist, and write its number into that line",
      body: lineInput,
      out: ideaSchema,
      status: 201,
      prepare: ({ app, params, body }) => ideaFromLine(app, params.id!, body, requestSignal()),
    }, ({ prepared }) => ideaJson(prepared));
}

export function documentIdeasPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/documents/:id/ideas", async (c) => {
    const [request, id, lines] = [pageRequest(c, tools), c.req.param("id"), c.req.query("lines")];
    const props = await documentIdeasPage(request, id, lines ?? "", requestSignal());
    return show(c, <DocumentIdeasPage {...props} />);
  });

  pages.post("/documents/:id/ideas", async (c) => {
    const { app } = c.var;
    const id = c.req.param("id");
    const form = await readForm(c);
    return await act(async () => {
      const chosen = readChosen(form);
      const opened = await openDocument(app, id, requestSignal());
      const made = makeIdeas(app, opened, chosen);
      const before = chosen.items.length - made.length;
      const words = `${made.length === 1 ? "1 idea" : `${made.length} ideas`} made` +
        (before > 0 ? `; ${before} had been made before` : "");
      return done(c, `${documentHref(id)}#document-ideas`, words);
    }, async ({ message, errors, status }) => {
      const refused = { values: form, message, errors };
      const request = pageRequest(c, tools);
      const lines = form.lines ?? "";
      const props = await documentIdeasPage(request, id, lines, requestSignal(), refused);
      return show(c, <DocumentIdeasPage {...props} />, status);
    });
  });

  pages.post("/documents/:id/line-idea", async (c) => {
    const id = c.req.param("id");
    const { idea: line = "", seen = "" } = await readForm(c);
    return await act(async () => {
      const input = validate(lineInput, { line, seen }, "form");
      const idea = await ideaFromLine(c.var.app, id, input, requestSignal());
      return done(c, documentHref(id), `Idea #${idea.number} made; it waits until you refine it`);
    }, ({ message }) => refusedAt(c, documentHref(id), message));
  });
}

/** Reads `pick_1`, `key_1`, `title_1`, `description_1`, …: the rows that are ticked. Throws `invalid`. */
function readChosen(form: Record<string, string>) {
  const rows = Object.keys(form).flatMap((name) => Number(/^key_(\d{1,4})$/.exec(name)?.[1]) || [])
    .filter((row) => form[`pick_${row}`] !== undefined);
  const items = rows.map((row) => ({
    key: form[`key_${row}`],
    title: form[`title_${row}`],
    description: form[`description_${row}`],
  }));
  try {
    return validate(makeInput, { items, refine: form.refine === "1" }, "form");
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    // As the fields are called in the form.
    const fields = error.fields.flatMap(({ field, message }) => {
      const [, index, name] = /^items\.(\d+)\.(\w+)$/.exec(field) ?? [];
      return name ? [{ field: `${name}_${rows[Number(index)]}`, message }] : [];
    });
    throw new AppError("invalid", `Cannot make ideas: ${error.fields[0]?.message}`, fields, {
      cause: error,
    });
  }
}
