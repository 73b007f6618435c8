/** Routes that give documents as files. */
import type { Hono } from "hono";
import { z } from "zod";
import { PlanningExportPage } from "../../views/planning_export.tsx";
import { type Api, type Env, type RequestContext, validate } from "../api.ts";
import { AppError } from "../errors.ts";
import { once } from "../once.ts";
import { documentExportSchema } from "../outputs/document_exports.ts";
import {
  exportDocument,
  type ExportFile,
  exportProject,
  planningExportPage,
} from "../pages/exports.ts";
import { planningProject } from "../pages/planning.ts";
import { type ExportFormat, exportFormats } from "../states.ts";
import { whileAwaited } from "./awaited.ts";
import { pageRequest, type PageTools, show } from "./page.ts";

const one = exportFormats.filter((format) => format !== "zip");
const projectInput = once(() => z.strictObject({ format: z.enum(exportFormats) }));
const documentInput = once(() => z.strictObject({ format: z.enum(one) }));

export function exportsApi(api: Api): void {
  const declare = (path: string, formats: readonly ExportFormat[], summary: string) =>
    api.describe({
      method: "post",
      path,
      tags: ["documents"],
      summary,
      request: {
        params: z.object({ id: z.string() }),
        body: {
          required: true,
          content: { "application/json": { schema: z.object({ format: z.enum(formats) }) } },
        },
      },
      responses: {
        200: {
          description: "The file, by its format",
          content: {
            "application/json": { schema: documentExportSchema() },
            ...Object.fromEntries(
              [
                ...["text/html", "application/pdf"],
                ...formats.includes("zip") ? ["application/zip"] : [],
              ]
                .map((type) => [type, { schema: { type: "string", format: "binary" } as const }]),
            ),
          },
        },
      },
    });
  declare("/documents/{id}/export", one, "A document as one file");
  declare(
    "/projects/{id}/documents/export",
    exportFormats,
    "All documents of a project as one file",
  );
  api.hono.post("/documents/:id/export", async (c) => {
    const { format } = validate(documentInput, await readBody(c), "body");
    return await download(
      c,
      (signal) => exportDocument(c.var.app, c.req.param("id"), format, signal),
    );
  });
  api.hono.post("/projects/:id/documents/export", async (c) => {
    const { format } = validate(projectInput, await readBody(c), "body");
    return await download(
      c,
      (signal) => exportProject(c.var.app, c.req.param("id"), format, signal),
    );
  });
}

async function readBody(c: RequestContext): Promise<unknown> {
  const text = await c.req.text();
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError("invalid", "Cannot read the body: it is not JSON", [], { cause });
  }
}

export function exportPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/planning/export", (c) => {
    const request = pageRequest(c, tools);
    const project = planningProject(request);
    if (project === null) return c.redirect("/planning", 303);
    return show(c, <PlanningExportPage {...planningExportPage(request, project)} />);
  });

  pages.get("/planning/export/:format", async (c) => {
    const { format } = validate(projectInput, { format: c.req.param("format") }, "query");
    const id = c.req.query("project") ?? "";
    return await download(c, (signal) => exportProject(c.var.app, id, format, signal));
  });

  pages.get("/documents/:id/export/:format", async (c) => {
    const { format } = validate(documentInput, { format: c.req.param("format") }, "query");
    return await download(
      c,
      (signal) => exportDocument(c.var.app, c.req.param("id"), format, signal),
    );
  });
}

/** To be saved, never to be shown here: it is other people's text. */
async function download(
  c: RequestContext,
  make: (signal: AbortSignal) => Promise<ExportFile>,
): Promise<Response> {
  const { content, type, name } = await whileAwaited(c.req.raw, make);
  const plain = name.normalize("NFKD").replace(/[^\w.,+ -]+/g, "_");
  const whole = encodeURIComponent(name).replace(
    /['()*!]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return c.body(content, 200, {
    "content-type": type,
    "content-disposition": `attachment; filename="${plain}"; filename*=UTF-8''${whole}`,
    "content-security-policy": "default-src 'none'; sandbox",
  }) as Response;
}
