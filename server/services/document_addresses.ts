/** Where the links of a text lead, as its author wrote them: beside their words, or in a line of their own. */

const CHARS = 500;
const BRACKETED = String.raw`<([^<>\n]{1,${CHARS}})>`;
/** Brackets are its own as long as each one is closed: "app/(shop)/cart.ts". */
const PLAIN = String.raw`((?:[^()\s<>]|\([^()\s<>]{0,${CHARS}}\)){1,${CHARS}})`;

/** `[words](address)` and `[words](<address with spaces>)`, with or without a title behind it. */
const BESIDE = new RegExp(String.raw`(\]\(\s{0,10})(?:${BRACKETED}|${PLAIN}(?=[)\s]))`, "g");
/** `[words]: address "title"`, which the text names elsewhere. A footnote is none. */
const DEFINED = new RegExp(
  String
    .raw`^( {0,3}\[(?!\^)[^[\]\n]{1,200}\]:[^\S\n]{0,10}\n?[^\S\n]{0,10})(?:${BRACKETED}|${PLAIN})` +
    String.raw`(?=[^\S\n]{0,10}(?:["'(][^\n]*)?$)`,
  "gm",
);

/** Each once; `prose` without what is code. */
export function addressesIn(prose: string): string[] {
  const found = new Set<string>();
  // To look for what is not there takes as long as to find it.
  for (const [mark, pattern] of [["](", BESIDE], ["]:", DEFINED]] as const) {
    if (!prose.includes(mark)) continue;
    for (const [, , bracketed, plain] of prose.matchAll(pattern)) found.add((bracketed ?? plain)!);
  }
  return [...found];
}

/** The same line with other addresses; `to` gives null for one that stays. */
export const withAddresses = (line: string, to: (address: string) => string | null): string =>
  [BESIDE, DEFINED].reduce(
    (text, pattern) =>
      text.replace(pattern, (whole, before: string, bracketed?: string, plain?: string) => {
        const other = to((bracketed ?? plain)!);
        if (other === null) return whole;
        return before + (bracketed === undefined ? other : `<${other}>`);
      }),
    line,
  );

/** Without what follows a "#" or "?", and decoded where it can be. */
function placeOf(address: string): string {
  const place = address.replace(/[?#].*$/s, "");
  try {
    return decodeURIComponent(place);
  } catch {
    // A percent sign that stands for itself.
    return place;
  }
}

/**
 * The path from a root that an address in a file leads to; `folder` that it lies in, by its names from that root on. "":
 * the root. Null: elsewhere.
 */
export function pathFromRoot(folder: readonly string[], address: string): string | null {
  if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(address)) return null;
  const place = placeOf(address);
  const parts = place.startsWith("/") ? [] : [...folder];
  for (const part of place.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) return null;
    } else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}
