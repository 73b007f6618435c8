/** The one place where pages become text. */
import type { VNode } from "preact";
import { renderToString } from "preact-render-to-string";

/** A page, or a part of one, as HTML in which every character that does something is one that is seen. */
export function render(node: VNode): string {
  const html = renderToString(node);
  return hidden.test(html) ? html.replace(hiddenButInFields, show) : html;
}

/** A text for a file or a terminal, in which every character that does something is one that is seen. */
export const visible = (text: string): string =>
  hidden.test(text) ? text.replace(hiddenAll, (character) => shownAs(character)) : text;

/**
 * Codes of terminals, and what turns the direction of writing: a command that a person is to approve must not look
 * like another one. Tabs and line ends stay. What a person writes in a field stays as it is.
 */
const characters =
  "\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069";
const hidden = new RegExp(`[${characters}]`);
const hiddenAll = new RegExp(`[${characters}]`, "g");
const hiddenButInFields = new RegExp(`<textarea[^]*?</textarea>|<input[^>]*>|[${characters}]`, "g");

const show = (found: string): string => found.length > 1 ? found : shownAs(found);

function shownAs(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code); // their own pictures
  if (code === 0x7f) return "\u2421";
  return `[U+${code.toString(16).toUpperCase().padStart(4, "0")}]`;
}
