/** Documents as HTML that needs nothing but itself. */
import { setImmediate } from "node:timers/promises";
import { Buffer } from "node:buffer";
import { DOCUMENT_BYTES } from "../../agents/planning/document_paths.ts";
import { renderDocument, type RenderOptions } from "../../views/document_markdown.ts";
import { exportedHtml } from "../../views/exported.tsx";
import { idPart } from "../../views/links.ts";
import type { App } from "../app.ts";
import { SECOND_MS, timeText } from "../clock.ts";
import type { PlanningDocument, Project } from "../records.ts";
import { splitDocument } from "../services/document_facts.ts";
import { linkedDocument } from "../services/document_links.ts";
import { EXPORT_BYTES, type ExportImages, tooMuch } from "../services/export_images.ts";
import type { DocumentTexts } from "../services/document_texts.ts";
import { withDiagrams } from "./diagrams.ts";

/** Longest slug of a path within an anchor. */
const ANCHOR_CHARS = 120;
const anchorOf = ({ path, number }: PlanningDocument): string =>
  `doc-${idPart(path.replace(/\.md$/i, "")).slice(0, ANCHOR_CHARS)}-${number}`;

/** How long an export waits for all its diagrams together, well within a request: a file can't wait for them later. */
const DIAGRAMS_WAIT_MS = 30 * SECOND_MS;

/** One file of all these documents; links among them lead within it, others stay text. Throws the signal's reason. */
export async function exportedFile(
  app: App,
  { project, documents, leftOut, images }: DocumentTexts & {
    project: Project;
    images: ExportImages;
  },
  signal: AbortSignal,
): Promise<string> {
  const inside = new Set(documents.map(({ document }) => document.number));
  const parts = [];
  let bytes = 0;
  const diagramsUntilMs = performance.now() + DIAGRAMS_WAIT_MS;
  for (const { document, text } of documents) {
    // Others get their turn between.
    await setImmediate();
    signal.throwIfAborted();
    const anchor = anchorOf(document);
    const render = (diagram: RenderOptions["diagram"]) =>
      renderDocument(splitDocument(text).body, {
        diagram,
        idPrefix: anchor,
        headingShift: 0,
        maxChars: DOCUMENT_BYTES,
        links: {
          resolve: () => null,
          document(name, how) {
            const found = linkedDocument(app, document, name, how);
            return found && inside.has(found.number) ? `#${anchorOf(found)}` : null;
          },
          image: (src) => {
            const image = images.find(document, src);
            return image && addressOf(image.type, image.bytes);
          },
        },
      });
    // Each place that shows an image has all of it.
    const addressOf = (type: string, content: Uint8Array) => {
      bytes += content.length;
      if (bytes > EXPORT_BYTES) throw tooMuch();
      return `data:${type};base64,${Buffer.from(content).toString("base64")}`;
    };
    const srcOf = (svg: string) => addressOf("image/svg+xml", Buffer.from(svg));
    const waitMs = Math.max(0, diagramsUntilMs - performance.now());
    const { html } = await withDiagrams(app, waitMs, render, { srcOf, signal });
    parts.push({ document, anchor, html: withoutOwnLinks(html) });
  }
  const at = timeText(app.clock.nowMs());
  return exportedHtml({ projectName: project.name, at, documents: parts, leftOut });
}

/** A relative address leads nowhere from where the file will lie. */
const withoutOwnLinks = (html: string): string =>
  html.replace(/<a href="(?!https?:|mailto:|#)[^"]*"[^>]*>([^]*?)<\/a>/g, "$1");
