/** Routes of CLAUDE.md and AGENTS.md, as they are assembled from documents. */
import type { Hono } from "hono";
import { z } from "zod";
import { GuidePage } from "../../views/guide.tsx";
import { guideHref } from "../../views/links.ts";
import { type Api, type Env, requestSignal, validate } from "../api.ts";
import { once } from "../once.ts";
import { guidePage } from "../pages/guides.ts";
import { planningProject } from "../pages/planning.ts";
import { type GuidePreview, previewGuide, saveGuide } from "../services/guides.ts";
import { guideFiles } from "../states.ts";
import { getProject } from "../store/projects.ts";
import { act, done, pageRequest, type PageTools, readForm, show } from "./page.ts";

const VERSION_CHARS = 64;
const guideQuery = once(() => z.object({ file: z.enum(guideFiles).default("CLAUDE.md") }));
const looked = () => ({
  seen: z.string().max(VERSION_CHARS).describe("`seen` of the preview that was looked at"),
  made: z.string().max(VERSION_CHARS).describe("`made` of that preview"),
});
const guideForm = once(() => z.object(looked()));
const guideInput = once(() => z.strictObject({ file: z.enum(guideFiles), ...looked() }));

const guideSchema = once(() =>
  z.object({
    file: z.enum(guideFiles),
    parts: z.array(z.object({ title: z.string(), documents: z.array(z.string()) }))
      .describe("What goes in: ids of documents"),
    text: z.string().describe("The whole file as it would be"),
    diff: z.string().nullable().describe("From the file as it is; empty: nothing changes"),
    seen: z.string().describe("Version of the file as it is"),
    made: z.string().describe("Version of `text`"),
  }).meta({ id: "GuidePreview" })
);

const guideJson = (
  { file, parts, text, diff, seen, made }: GuidePreview,
): z.infer<ReturnType<typeof guideSchema>> => ({
  ...{ file, text, diff, seen, made },
  parts: parts.map(({ title, documents }) => ({ title, documents: documents.map(({ id }) => id) })),
});

export function guidesApi(api: Api): void {
  api
    .get("/projects/:id/guide", {
      summary: "CLAUDE.md or AGENTS.md as assembled from approved documents, beside what it says",
      tag: "documents",
      query: guideQuery,
      out: guideSchema,
    }, async ({ app, params, query }) => {
      const project = getProject(app.db, params.id!);
      return guideJson(await previewGuide(app, project, query.file, requestSignal()));
    })
    .post("/projects/:id/guide", {
      summary: "Save what a preview showed, as documents are saved",
      tag: "documents",
      body: guideInput,
      out: guideSchema,
      async prepare({ app, params, body }) {
        const project = getProject(app.db, params.id!);
        await saveGuide(app, project.id, body, requestSignal());
        return await previewGuide(app, project, body.file, requestSignal());
      },
    }, ({ prepared }) => guideJson(prepared));
}

export function guidePages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/planning/guide", async (c) => {
    const request = pageRequest(c, tools);
    const project = planningProject(request);
    if (project === null) return c.redirect("/planning", 303);
    const { file } = validate(guideQuery, { file: c.req.query("file") }, "query");
    return show(c, <GuidePage {...await guidePage(request, project, { file }, requestSignal())} />);
  });

  pages.post("/planning/guide", async (c) => {
    const project = getProject(c.var.app.db, c.req.query("project") ?? "");
    const { file } = validate(guideQuery, { file: c.req.query("file") }, "query");
    return await act(async () => {
      const looked = validate(guideForm, await readForm(c), "form");
      await saveGuide(c.var.app, project.id, { file, ...looked }, requestSignal());
      return done(c, guideHref(project.id, file), `${file} saved`);
    }, async ({ message, status }) => {
      const request = pageRequest(c, tools);
      const props = await guidePage(request, project, { file, message }, requestSignal());
      return show(c, <GuidePage {...props} />, status);
    });
  });
}
