/**
 * A planning document as safe HTML: CommonMark with tables, but no raw HTML, no image from elsewhere, no scripts, no
 * `style`, no attribute that htmx would act on. What is not understood stays as text.
 */
import type { Env, StateCore, StateInline, Token } from "markdown-it";
import {
  countablesOf,
  type CountedHeading,
  type CountedPart,
  type DocumentMarks,
  MarkWriter,
  noMarks,
  partsOf,
  type StatusOf,
} from "./document_progress.tsx";
import { type ChecklistOptions, tickItems } from "./document_checklist.ts";
import {
  type DocumentHeading,
  headingId,
  headingsMeant,
  nameHeadings,
  plainText,
} from "./document_headings.ts";
import { isSafeHref } from "./links.ts";
import { reference, type ResolveReference, tame } from "./markdown.ts";
import { newMarkdown } from "./markdown_it.ts";

/** Where a document's links lead; null: nowhere, and the link stays text. */
export interface DocumentLinks {
  /** `#idea-12`, `#ticket-7`. */
  resolve: ResolveReference;
  /** `[[name]]`, and a relative address that ends in .md. */
  document(name: string, how: "name" | "address"): string | null;
  /** A relative address of an image. */
  image(src: string): string | null;
  /** The file that another relative address leads to, which no page shows: it is named instead. Absent: a link. */
  file?(address: string): string;
}

/** How a fenced block of Mermaid is shown: by the address of its picture, or as its text with the reason why. */
export type ShownDiagram = { src: string } | { problem: string };

export interface RenderedDocument {
  html: string;
  /** In order. */
  headings: DocumentHeading[];
  /** What of it changes while it is looked at; nothing without `statusOf`. */
  marks: DocumentMarks;
}

export interface RenderOptions extends ChecklistOptions {
  links: DocumentLinks;
  /** Absent: Mermaid is shown as its text. */
  diagram?: (source: string) => ShownDiagram;
  /** Ids of headings begin with it, so that several texts can stand on one page; "section" by default. */
  idPrefix?: string;
  /** Levels that headings are put down; 1 by default, since the page has a heading of its own. */
  headingShift?: number;
  /** What is longer is cut; `DOCUMENT_SHOWN_CHARS` by default. */
  maxChars?: number;
  /** How what it names stands: shown beside each, and as progress beside headings. Absent: not shown. */
  statusOf?: StatusOf;
}

interface DocumentEnv extends RenderOptions {
  resolve: ResolveReference;
  headings: DocumentHeading[];
  /** Made of them for the first link that leads to one. */
  headingOf?: (fragment: string) => string | null;
  /** Null: states are not shown. */
  writer: MarkWriter | null;
}

/** Longer texts are cut: parsing time and page size stay bounded. */
export const DOCUMENT_SHOWN_CHARS = 200_000;
/** A document's headings come below the page's own `h1`. */
const HEADING_SHIFT = 1;
const markdown = newMarkdown({ html: false, linkify: true, typographer: false });
markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
markdown.validateLink = isSafeHref;
markdown.inline.ruler.push("reference", referenceWithState);
markdown.inline.ruler.before("link", "wiki", wiki);
markdown.core.ruler.push("document", (state) => {
  const env = envOf(state);
  const counted = env.writer ? countablesOf(state.tokens) : [];
  nameHeadings(state.tokens, env);
  const parts = env.writer ? partsOf(state.tokens) : [];
  for (const heading of counted) showProgress(state, heading, env.writer!);
  for (const part of parts) showPart(state, part, env.writer!);
  tickItems(state, env);
  if (env.ideaAction !== undefined) numberLines(state.tokens, env);
  tame(state.tokens, env.headingShift ?? HEADING_SHIFT);
  leadLinks(state.tokens, env);
});
markdown.renderer.rules.image = (tokens, index, _options, env) => {
  const token = tokens[index]!;
  const [content, address] = [plainText(token.children ?? []), String(token.attrGet("src") ?? "")];
  const src = (env as unknown as DocumentEnv).links.image(address);
  const { escapeHtml } = markdown.utils;
  return src === null
    ? `<span class="muted">[image: ${escapeHtml(content || address)}]</span>`
    : `<img src="${escapeHtml(src)}" alt="${escapeHtml(content)}" loading="lazy">`;
};

const asCode = markdown.renderer.rules.fence!;
markdown.renderer.rules.fence = (tokens, index, options, env, self) => {
  const { info, content } = tokens[index]!;
  const code = asCode(tokens, index, options, env, self);
  const { diagram } = env as unknown as DocumentEnv;
  return diagram && /^\s*mermaid(?:\s|$)/i.test(info)
    ? diagramHtml(content, diagram(content), code)
    : code;
};

function diagramHtml(source: string, shown: ShownDiagram, code: string): string {
  const { escapeHtml } = markdown.utils;
  if ("problem" in shown) {
    const why = `Not drawn: ${shown.problem}`;
    return `<figure class="diagram">${code}<figcaption class="muted">${
      escapeHtml(why)
    }</figcaption></figure>\n`;
  }
  const kind = escapeHtml(source.trim().split(/\s/)[0] ?? "");
  const src = escapeHtml(shown.src);
  const picture = `<img src="${src}" alt="Diagram (${kind}), as text below" loading="lazy">`;
  // On a narrow page a wide one gets small: its own page shows all of it.
  const linked = src.startsWith("/") ? `<a href="${src}">${picture}</a>` : picture;
  const text = `<details><summary>Diagram as text</summary>${code}</details>`;
  return `<figure class="diagram">${linked}${text}</figure>\n`;
}

const envOf = (state: { env: Env }): DocumentEnv => state.env as unknown as DocumentEnv;

/** HTML for `dangerouslySetInnerHTML`, to be wrapped so that htmx ignores it. `text` has no front matter. */
export function renderDocument(text: string, options: RenderOptions): RenderedDocument {
  const headings: DocumentHeading[] = [];
  const writer = options.statusOf ? new MarkWriter(options.statusOf) : null;
  const env: DocumentEnv = { ...options, resolve: options.links.resolve, headings, writer };
  const { maxChars = DOCUMENT_SHOWN_CHARS } = options;
  const left = text.length - maxChars;
  const html = markdown.render(left > 0 ? text.slice(0, maxChars) : text, env as never);
  const more = `<p class="muted">${left} more characters are not shown.</p>\n`;
  return { html: left > 0 ? html + more : html, headings, marks: writer?.marks ?? noMarks() };
}

/** An inline rule: as `reference`, with how that stands behind it. */
function referenceWithState(state: StateInline, silent: boolean): boolean {
  if (!reference(state, silent)) return false;
  const { writer } = envOf(state);
  if (silent || !writer) return true;
  const [, kind, number] = /^#(idea|ticket)-(\d+)$/.exec(state.tokens.at(-2)!.content)!;
  const named = { kind: kind as "idea" | "ticket", number: Number(number) };
  // Nothing of the document's own words is in it.
  state.push("html_inline", "", 0).content = writer.badge(named);
  return true;
}

function showProgress(
  { Token }: StateCore,
  { heading, inline, items }: CountedHeading,
  writer: MarkWriter,
): void {
  const id = heading.attrGet("id");
  if (id === null) return;
  const token = new Token("html_inline", "", 0);
  token.content = writer.progress(String(id), items);
  inline.children?.push(token);
}

function showPart(
  { Token }: StateCore,
  { inline, references }: CountedPart,
  writer: MarkWriter,
): void {
  const token = new Token("html_inline", "", 0);
  token.content = writer.partProgress(references);
  inline.children?.push(token);
}

const WIKI = /\[\[([^[\]|#\n]{1,200})(?:#([^[\]|\n]{0,200}))?(?:\|([^[\]\n]{1,200}))?\]\]/y;

/** An inline rule: `[[specs/saving]]`, `[[Saving|how games are saved]]`; no link where there is no such document. */
function wiki(state: StateInline, silent: boolean): boolean {
  WIKI.lastIndex = state.pos;
  const match = WIKI.exec(state.src);
  if (!match) return false;
  const [whole, name, part = "", words] = match;
  const href = envOf(state).links.document(name!.trim(), "name");
  if (href === null) return false;
  if (!silent) {
    state.push("link_open", "a", 1).attrs = [["href", atPart(href, part)]];
    state.push("text", "", 0).content = (words ?? name)!.trim();
    state.push("link_close", "a", -1);
  }
  state.pos += whole.length;
  return true;
}

const NUMBERED: ReadonlySet<string> = new Set([
  ...["heading_open", "paragraph_open", "list_item_open", "tr_open", "fence"],
]);

/** "12-14", as people count them: a script tells by these what of the file is selected. */
function numberLines(tokens: Token[], { linesBefore = 0 }: DocumentEnv): void {
  for (const token of tokens) {
    if (token.map === null || !NUMBERED.has(token.type)) continue;
    const [from, to] = token.map;
    token.attrSet("data-lines", `${from + linesBefore + 1}-${to + linesBefore}`);
  }
}

/** Relative addresses of documents lead to their pages. Others are of files that no page shows. */
function leadLinks(tokens: Token[], env: DocumentEnv): void {
  let file: { path: string; from: number } | null = null;
  for (const [at, token] of tokens.entries()) {
    if (token.children !== null) leadLinks(token.children, env);
    if (token.type === "link_close" && file !== null) {
      nameFile(token, file.path, plainText(tokens.slice(file.from, at)));
      file = null;
    }
    if (token.type !== "link_open") continue;
    const href = String(token.attrGet("href"));
    if (href.startsWith("#")) {
      env.headingOf ??= headingsMeant(env.headings);
      const id = env.headingOf(decoded(href.slice(1)));
      if (id !== null) token.attrSet("href", `#${id}`);
      continue;
    }
    if (/^(?:[a-z][a-z0-9+.-]*:|\/)/i.test(href)) continue;
    const [, address, part = ""] = /^([^#]*\.md)(?:#(.*))?$/i.exec(href) ?? [];
    const page = address === undefined ? null : env.links.document(address, "address");
    if (page !== null) token.attrSet("href", atPart(page, decoded(part)));
    else if (env.links.file && href !== "") {
      [token.tag, token.attrs] = ["span", null];
      file = { path: env.links.file(href), from: at + 1 };
    }
  }
}

/** A part of another document's page. Where all are one file, its beginning: whether it has that part nobody knows here. */
const atPart = (page: string, part: string): string =>
  part.trim() === "" || page.startsWith("#") ? page : `${page}#${headingId(part)}`;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign that stands for itself.
    return text;
  }
}

/** `token` ends the words that were a link to it. */
function nameFile(token: Token, path: string, words: string): void {
  const named = words.includes(path)
    ? ""
    : ` <code class="muted">${markdown.utils.escapeHtml(path)}</code>`;
  [token.type, token.tag, token.content] = ["html_inline", "", `</span>${named}`];
}
