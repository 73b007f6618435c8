/** Documents as a file to take along: which, in what form, under what name. */
import type { PlanningExportProps } from "../../views/planning_export.tsx";
import type { App } from "../app.ts";
import { timeText } from "../clock.ts";
import { AppError } from "../errors.ts";
import { documentExportJson } from "../outputs/document_exports.ts";
import type { Project } from "../records.ts";
import { type DocumentTexts, readDocuments } from "../services/document_texts.ts";
import { openDocument } from "../services/documents.ts";
import { exportFacts } from "../services/export_facts.ts";
import { EXPORT_BYTES, exportImages, requireRoom } from "../services/export_images.ts";
import { pdfBrowser, pdfOf } from "../services/pdf.ts";
import type { ExportFormat } from "../states.ts";
import { countDocuments } from "../store/documents.ts";
import { getProject } from "../store/projects.ts";
import { planningProjectOf } from "./planning.ts";
import { type PageRequest, shellOf } from "./shell.ts";

export interface ExportFile {
  content: Uint8Array<ArrayBuffer> | string;
  /** Of its content. */
  type: string;
  name: string;
}

/** One document. Throws `not_found`, `conflict` as `openDocument` and `pdfOf`, or where it is too large. */
export async function exportDocument(
  app: App,
  id: string,
  format: Exclude<ExportFormat, "zip">,
  signal: AbortSignal,
): Promise<ExportFile> {
  const open = await openDocument(app, id, signal);
  const project = getProject(app.db, open.document.projectId);
  const name = open.document.path.split("/").at(-1)!.replace(/\.md$/i, "");
  return await exportAs(app, { project, documents: [open], leftOut: [], format, name }, signal);
}

/** All documents of a project, by path. Throws `conflict` where there is none, and as `exportDocument`. */
export async function exportProject(
  app: App,
  projectId: string,
  format: ExportFormat,
  signal: AbortSignal,
): Promise<ExportFile> {
  const project = getProject(app.db, projectId);
  const { documents, leftOut } = await readDocuments(app, project, {
    room: requireRoom,
    signal,
  });
  if (documents.length === 0) {
    throw new AppError("conflict", `Cannot export: "${project.name}" has no document yet`);
  }
  const name = `${project.slug}-documents`;
  return await exportAs(app, { project, documents, leftOut, format, name }, signal);
}

interface Export extends DocumentTexts {
  project: Project;
  format: ExportFormat;
  /** Of the file, without its ending. */
  name: string;
}

async function exportAs(app: App, what: Export, signal: AbortSignal): Promise<ExportFile> {
  const { format, name } = what;
  const file = { ...await made(app, what, signal), name: `${name}.${format}` };
  // What was not asked along the way: a file whose time is over is not sent.
  signal.throwIfAborted();
  return file;
}

async function made(
  app: App,
  what: Export,
  signal: AbortSignal,
): Promise<Pick<ExportFile, "content" | "type">> {
  const { project, documents, leftOut, format } = what;
  if (format === "json") {
    return { content: await jsonOf(app, what, signal), type: "application/json" };
  }
  const images = await exportImages(app, { project, documents }, signal);
  if (format === "zip") {
    const { planningEntry, zipOf } = await import("../services/export_zip.ts");
    const bytes = (text: string) => new TextEncoder().encode(text);
    const entries = [
      { path: "documents.json", bytes: bytes(await jsonOf(app, what, signal)) },
      ...documents.map(({ document, text }) => planningEntry(document.path, bytes(text))),
      ...[...images.all].map(([path, image]) => planningEntry(path, image.bytes, true)),
    ];
    return {
      content: await zipOf(entries, { atMs: app.clock.nowMs(), signal }),
      type: "application/zip",
    };
  }
  const { exportedFile } = await import("./exported.ts");
  const html = await exportedFile(app, { project, documents, leftOut, images }, signal);
  return format === "html"
    ? { content: html, type: "text/html; charset=utf-8" }
    : { content: await pdfOf(app, html, signal), type: "application/pdf" };
}

async function jsonOf(app: App, { project, documents, leftOut }: Export, signal: AbortSignal) {
  const facts = await exportFacts(app, { project, documents }, signal);
  const at = timeText(app.clock.nowMs());
  return JSON.stringify(documentExportJson({ project, at, documents: facts, leftOut }), null, 2);
}

/** The page that offers all of it. */
export function planningExportPage(request: PageRequest, project: Project): PlanningExportProps {
  const { app } = request;
  return {
    shell: shellOf({ ...request, projectId: project.id }),
    project: planningProjectOf(app, project),
    count: countDocuments(app.db).get(project.id) ?? 0,
    limitBytes: EXPORT_BYTES,
    hasPdf: pdfBrowser(app) !== null,
  };
}
