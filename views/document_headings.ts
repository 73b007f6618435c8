/** The headings of a rendered document: each has an id that its words give, for the outline and for links. */
import type { Token } from "markdown-it";
import { idPart } from "./links.ts";

export interface DocumentHeading {
  /** 1 to 6, as written. */
  level: number;
  text: string;
  /** Of its element. */
  id: string;
  /** Where it begins in the file, from 1. */
  line: number;
}

const HEADINGS_MAX = 1_000;

/** Gives each its id, and puts it with its words into `headings`; `linesBefore`: lines of the file before this text. */
export function nameHeadings(
  tokens: Token[],
  { headings, idPrefix = "section", linesBefore = 0 }: {
    headings: DocumentHeading[];
    idPrefix?: string;
    linesBefore?: number;
  },
): void {
  const used = new Set<string>();
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index]!;
    if (token.type !== "heading_open" || headings.length >= HEADINGS_MAX) continue;
    const text = plainText(tokens[index + 1]?.children ?? []);
    const id = freeId(`${idPrefix}-${slugOf(text)}`, used);
    token.attrSet("id", id);
    const line = linesBefore + (token.map?.[0] ?? 0) + 1;
    headings.push({ level: Number(token.tag.slice(1)), text, id, line });
  }
}

/** Words of a line, without marks. */
export const plainText = (tokens: Token[]): string =>
  tokens.map(({ content, children, type }) =>
    type === "softbreak" || type === "hardbreak"
      ? " "
      : children?.length
      ? plainText(children)
      : content
  ).join("").trim();

/** Id of the element of the first heading with these words. */
export const headingId = (text: string): string => `section-${slugOf(text)}`;

/**
 * Tells which heading an address "#its-words" means, as other programs make such of its words: small, with "-" for
 * spaces, "-1" behind the second of the same words. It gives that one's id; null: there is none.
 */
export function headingsMeant(
  headings: readonly DocumentHeading[],
): (fragment: string) => string | null {
  const ids = new Map<string, string[]>();
  for (const { text, id } of headings) {
    const key = signless(text);
    const known = ids.get(key);
    if (known) known.push(id);
    else if (key !== "") ids.set(key, [id]);
  }
  return (fragment) => {
    const [first] = ids.get(signless(fragment)) ?? [];
    if (first !== undefined) return first;
    const [, words = "", nth] = /^(.+)-(\d{1,3})$/.exec(fragment) ?? [];
    return ids.get(signless(words))?.[Number(nth)] ?? null;
  };
}

const signless = (text: string): string => text.toLowerCase().replace(/[^\p{L}\p{M}\p{N}]+/gu, "");

const SLUG_CHARS = 60;
/** Other programs leave signs out of addresses: "What's new" is "#whats-new" in them. */
const SIGNS = /[^\p{L}\p{M}\p{N}\s_-]+/gu;
const slugOf = (text: string): string => {
  const words = text.toLowerCase().replace(SIGNS, "").replace(/[^\p{L}\p{N}]+/gu, "_");
  return idPart(words.replace(/^_+|_+$/g, "")).slice(0, SLUG_CHARS) || "untitled";
};

function freeId(id: string, used: Set<string>): string {
  let free = id;
  for (let n = 2; used.has(free); n++) free = `${id}-${n}`;
  used.add(free);
  return free;
}
