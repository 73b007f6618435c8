/**
 * Markdown from people and models as safe HTML: no raw HTML, no images, no scripts, no `style`, no
 * attribute that htmx would act on. What is not understood stays as text.
 */
import type { Env, StateInline, Token } from "markdown-it";
import { isSafeHref } from "./links.ts";
import { newMarkdown } from "./markdown_it.ts";

/** The address behind `#idea-12` or `#ticket-7`, or null when there is no such thing. */
export type ResolveReference = (kind: "idea" | "ticket", number: number) => string | null;

/** For texts whose references lead nowhere. */
export const noReferences: ResolveReference = () => null;

/** Longer texts are cut: parsing time and page size stay bounded. */
const MARKDOWN_MAX_CHARS = 50_000;
/** Headings of a text come below the page's own `h1` and `h2`. */
const HEADING_SHIFT = 2;
const REFERENCE = /#(idea|ticket)-(\d{1,9})(?![\w-])/y;

const markdown = newMarkdown({ html: false, linkify: true, breaks: true, typographer: false });
markdown.disable("image");
// Only addresses with a scheme become links by themselves: "main.rs" and "build.sh" are files here.
markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
markdown.validateLink = isSafeHref;
markdown.inline.ruler.push("reference", reference);
markdown.core.ruler.push("tame", (state) => tame(state.tokens, HEADING_SHIFT));

/** HTML for `dangerouslySetInnerHTML`; `Prose` wraps it so that htmx ignores it. */
export function renderMarkdown(text: string, resolve: ResolveReference = noReferences): string {
  if (text.length <= MARKDOWN_MAX_CHARS) return markdown.render(text, { resolve } as Env);
  const shown = markdown.render(text.slice(0, MARKDOWN_MAX_CHARS), { resolve } as Env);
  const left = text.length - MARKDOWN_MAX_CHARS;
  return `${shown}<p class="muted">${left} more characters are not shown.</p>\n`;
}

/** An inline rule: `#idea-12`, not part of a longer word, and known to `resolve` of the environment. */
export function reference(state: StateInline, silent: boolean): boolean {
  REFERENCE.lastIndex = state.pos;
  const match = REFERENCE.exec(state.src);
  if (!match || /\w/.test(state.src[state.pos - 1] ?? "")) return false;
  const resolve = state.env.resolve as ResolveReference;
  const href = resolve(match[1] as "idea" | "ticket", Number(match[2]));
  if (href === null) return false;
  if (!silent) {
    state.push("link_open", "a", 1).attrs = [["href", href]];
    state.push("text", "", 0).content = match[0];
    state.push("link_close", "a", -1);
  }
  state.pos += match[0].length;
  return true;
}

/** A core rule: headings `shift` levels lower, no `style`, and links out that tell nothing of where they were. */
export function tame(tokens: Token[], shift: number): void {
  for (const token of tokens) {
    if (token.type === "heading_open" || token.type === "heading_close") {
      token.tag = `h${Math.min(6, Number(token.tag.slice(1)) + shift)}`;
    }
    // Most have none, and a long text has tens of thousands.
    if (token.attrs !== null) tameAttributes(token, token.attrs);
    if (token.children !== null) tame(token.children, shift);
  }
}

function tameAttributes(token: Token, attrs: NonNullable<Token["attrs"]>): void {
  // Column alignment arrives as a style attribute, which the content policy forbids.
  const style = token.attrGet("style");
  if (style !== null) {
    token.attrs = attrs.filter(([name]) => name !== "style");
    token.attrJoin("class", `align-${String(style).replace("text-align:", "")}`);
  }
  if (/^(?:https?:)?\/\//i.test(String(token.attrGet("href")))) {
    token.attrSet("rel", "noopener noreferrer nofollow");
  }
}
