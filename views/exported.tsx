/** Documents as one file for anywhere else: styled, readable offline, without a script or an address of this server. */
import { createHash } from "node:crypto";
import type { VNode } from "preact";
import type { PlanningDocument } from "../server/records.ts";
import { exportedStyle } from "./exported_style.ts";
import { plural } from "./format.ts";
import { documentStatusWords, documentTypeWords } from "./planning_words.ts";
import { render } from "./render.ts";

export interface ExportedDocument {
  document: PlanningDocument;
  /** Id of its part. */
  anchor: string;
  /** From `renderDocument`, its images as `data:` addresses. */
  html: string;
}

export interface ExportedPage {
  projectName: string;
  /** UTC text: when it was made. */
  at: string;
  /** One, or all of a project. */
  documents: ExportedDocument[];
  /** Those that could not be read. */
  leftOut: { path: string; problem: string }[];
}

/** The file's text. Its content policy lets only its own style and images in it through. */
export function exportedHtml(page: ExportedPage): string {
  const { projectName, documents } = page;
  const [only] = documents;
  const isOne = documents.length === 1 && page.leftOut.length === 0;
  const title = isOne ? only!.document.title : `${projectName}: documents`;
  const hash = createHash("sha256").update(exportedStyle).digest("base64");
  const policy =
    `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; ` +
    "form-action 'none'";
  const html = render(
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="content-security-policy" content={policy} />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <meta name="generator" content="Gaffer" />
        <title>{title}</title>

        <style dangerouslySetInnerHTML={{ __html: exportedStyle }} />
      </head>
      <body>
        {!isOne && <Contents {...page} title={title} />}
        {documents.map((document) => <Part key={document.anchor} {...document} at={page.at} />)}
      </body>
    </html>,
  );
  return `<!doctype html>\n${html}\n`;
}

function Contents({ documents, leftOut, title, at }: ExportedPage & { title: string }): VNode {
  return (
    <header class="contents">
      <h1>{title}</h1>
      <p class="about">{plural(documents.length, "document")}, exported {at.slice(0, 10)}</p>
      <nav aria-label="Documents">
        <ul>
          {documents.map(({ anchor, document }) => (
            <li key={anchor}>
              <a href={`#${anchor}`}>{document.title}</a> <span class="about">{document.path}</span>
            </li>
          ))}
        </ul>
      </nav>
      {leftOut.length > 0 && (
        <>
          <p>Left out, since they can't be read:</p>
          <ul>
            {leftOut.map(({ path, problem }) => <li key={path}>{path}: {problem}</li>)}
          </ul>
        </>
      )}
    </header>
  );
}

function Part({ document, anchor, html, at }: ExportedDocument & { at: string }): VNode {
  const { title, type, status, owner, target, path } = document;
  const facts = [
    ...[documentTypeWords[type], documentStatusWords[status].word, owner],
    ...[target && `for ${target}`, `planning/${path}`, `as of ${at.slice(0, 10)}`],
  ];
  return (
    <article id={anchor} class="document">
      <p class="about">{facts.filter(Boolean).join(" · ")}</p>
      {/* Most documents begin with their title as a heading; whichever does not gets it here. */}
      {!beginsWith(html, title) && <h1>{title}</h1>}

      <div class="text" dangerouslySetInnerHTML={{ __html: html }} />
    </article>
  );
}

const beginsWith = (html: string, title: string): boolean => {
  const heading = /^\s*<h1[^>]*>([^]*?)<\/h1>/.exec(html)?.[1];
  return heading !== undefined && plain(heading) === title;
};

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"' };
const plain = (html: string): string =>
  html.replace(/<[^>]*>/g, "").replace(/&(amp|lt|gt|quot);/g, (_, name) => ENTITIES[name]!).trim();
