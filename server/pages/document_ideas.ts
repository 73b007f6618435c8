/** Models of the page on which ideas are made of a document, and of what shows where an idea comes from. */
import type { DocumentIdeasPageProps, RefusedIdeas } from "../../views/document_ideas.tsx";
import { headingId } from "../../views/document_headings.ts";
import type { DocumentOrigin } from "../../views/document_origin.tsx";
import { documentHref } from "../../views/links.ts";
import type { App } from "../app.ts";
import { offerIdeas } from "../services/document_ideas.ts";
import type { LineRange } from "../services/document_items.ts";
import { type DocumentSection, sectionsOf } from "../services/document_sections.ts";
import { findOrigin } from "../store/document_ideas.ts";
import { findDocumentById } from "../store/documents.ts";
import { type PageRequest, shellOf } from "./shell.ts";

/** "12-40", as people count lines; null: all, or no such range. */
export function linesIn(text: string): LineRange | null {
  const [, from, to] = /^(\d{1,7})-(\d{1,7})$/.exec(text) ?? [];
  return from === undefined || Number(from) < 1 || Number(to) < Number(from)
    ? null
    : { from: Number(from) - 1, to: Number(to) };
}

/** Sections that can be chosen. */
const SECTIONS_MAX = 300;

export async function documentIdeasPage(
  request: PageRequest,
  id: string,
  lines: string,
  signal: AbortSignal,
  refused: RefusedIdeas | null = null,
): Promise<DocumentIdeasPageProps> {
  const { app } = request;
  const selection = linesIn(lines);
  const { document, text, items, left } = await offerIdeas(app, id, selection, signal);
  return {
    shell: shellOf({ ...request, projectId: document.projectId }),
    document,
    rows: items,
    left,
    lines: selection ? lines : "",
    sections: choices(sectionsOf(text)).slice(0, SECTIONS_MAX),
    refused,
  };
}

const choices = (section: DocumentSection): DocumentIdeasPageProps["sections"] =>
  section.sections.flatMap((one) => [
    { title: one.title, level: one.level, lines: `${one.line + 1}-${one.end}` },
    ...choices(one),
  ]);

/** Which part of which document an idea was made of. */
export function originOf({ db }: Pick<App, "db">, ideaId: string): DocumentOrigin | null {
  const origin = findOrigin(db, ideaId);
  if (origin === null) return null;
  const { documentId, path, section } = origin;
  const document = findDocumentById(db, documentId);
  return {
    title: document?.title ?? path,
    section,
    href: document && documentHref(documentId) + (section ? `#${headingId(section)}` : ""),
  };
}
