/** A change of a text in pieces: made from what an agent hands in, and put into that text. */
import { diffIndices } from "node-diff3";
import { DOCUMENT_BYTES } from "../../agents/planning/document_paths.ts";
import type { TextHunk } from "../records.ts";
import { mergeable } from "./document_merge.ts";

/** Most pieces of one suggested change; more are put together. */
export const HUNKS_MAX = 200;

/** What an agent hands in of a change: a whole text, or places of the one that it was given. */
export interface Proposal {
  text?: string;
  edits?: { old: string; new: string; reason: string }[];
}

/** Lines of a text, whatever ends them. */
export const linesOf = (text: string): string[] => text.split(/\r?\n/);

/**
 * The pieces of a proposed change, in the order of the text; none where nothing was proposed. `fault`: what is wrong
 * with it and how to mend it, in the words of the fields, for the agent.
 */
export function hunksOf(
  base: string,
  { text, edits = [] }: Proposal,
): { hunks: TextHunk[]; fault: null } | { hunks: null; fault: string } {
  const no = (fault: string) => ({ hunks: null, fault });
  if (text === undefined && edits.length === 0) return { hunks: [], fault: null };
  if (text !== undefined && edits.length > 0) {
    return no("edits: hand in either the whole text or edits of it, not both");
  }
  if (text !== undefined && text.trim() === "") {
    return no("text: it is empty. Hand in the whole document as it is to be");
  }
  const made = text === undefined ? fromEdits(base, edits) : changesBetween(base, text);
  if (typeof made === "string") return no(made);
  if (made.length === 0) return no(NO_CHANGE);
  const lines = linesOf(base);
  const hunks = made.map((hunk) => beforeEnd(lines, hunk));
  const now = putIn(lines, hunks).join("\n");
  if (new TextEncoder().encode(now).length > DOCUMENT_BYTES) {
    return no(
      `${text === undefined ? "edits" : "text"}: the document would be longer than ${
        DOCUMENT_BYTES / 1024
      } KB. Shorten it, or leave a part to a document of its own`,
    );
  }
  const isText = !now.includes("\0") && now.isWellFormed() &&
    (!now.includes("\uFFFD") || base.includes("\uFFFD"));
  if (!isText) {
    return no("text: it has characters that are no text. Leave them out");
  }
  return { hunks, fault: null };
}

/** What is added at the end of a text stands before its last line end: that one stays. */
function beforeEnd(lines: string[], hunk: TextHunk): TextHunk {
  const { start, removed, added } = hunk;
  const atEnd = start === lines.length && removed.length === 0;
  if (!atEnd || lines.at(-1) !== "" || added.at(-1) !== "") return hunk;
  return { ...hunk, start: start - 1, added: ["", ...added.slice(0, -1)] };
}

const NO_CHANGE =
  "text: it is the document as it is. Hand in what is to change; where nothing is, leave text and " +
  "edits out and say why in findings";

function fromEdits(given: string, edits: Required<Proposal>["edits"]): TextHunk[] | string {
  const base = given.replaceAll("\r\n", "\n");
  const places: { from: number; to: number; now: string; reason: string; index: number }[] = [];
  for (const [index, edit] of edits.entries()) {
    const { old, now } = asInText(base, edit);
    const from = base.indexOf(old);
    if (from < 0) {
      return `edits.${index}.old: it is not in the document. Copy it from <document> letter by letter`;
    }
    if (base.includes(old, from + 1)) {
      return `edits.${index}.old: it occurs there more than once. Take more of the text around it`;
    }
    places.push({ from, to: from + old.length, now, reason: edit.reason, index });
  }
  places.sort((a, b) => a.from - b.from);
  const clash = places.find((place, i) => i > 0 && place.from < places[i - 1]!.to);
  if (clash) {
    return `edits.${clash.index}: it changes text that another edit changes, too. Join the two`;
  }
  return inLines(base, places);
}

/** A tag of Gaffer's own stands in the prompt as `&lt;`, and is in the document as it is. */
function asInText(base: string, edit: { old: string; new: string }): { old: string; now: string } {
  const [old, now] = [edit.old, edit.new].map((text) => text.replaceAll("\r\n", "\n"));
  if (base.includes(old!) || !old!.includes("&lt;")) return { old: old!, now: now! };
  return { old: old!.replaceAll("&lt;", "<"), now: now!.replaceAll("&lt;", "<") };
}

/** Edits of the same line become one piece: a line is the least that is decided on. */
function inLines(
  base: string,
  places: { from: number; to: number; now: string; reason: string }[],
): TextHunk[] {
  const hunks: TextHunk[] = [];
  let at = 0;
  while (at < places.length) {
    const first = base.lastIndexOf("\n", places[at]!.from - 1) + 1;
    let text = "";
    let from = first;
    let last = first;
    const reasons: string[] = [];
    do {
      const place = places[at++]!;
      text += base.slice(from, place.from) + place.now;
      from = place.to;
      const end = base.indexOf("\n", place.to);
      last = end < 0 ? base.length : end;
      reasons.push(place.reason);
    } while (at < places.length && places[at]!.from <= last);
    text += base.slice(from, last);
    const start = first === 0 ? 0 : base.slice(0, first - 1).split("\n").length;
    const hunk = trimmed({
      start,
      removed: base.slice(first, last).split("\n"),
      added: text.split("\n"),
      reason: [...new Set(reasons)].join(" "),
    });
    if (hunk) hunks.push(hunk);
  }
  return hunks;
}

/** Without the lines that stay as they are; null: all do. */
function trimmed({ start, removed, added, reason }: TextHunk): TextHunk | null {
  const least = Math.min(removed.length, added.length);
  let head = 0;
  while (head < least && removed[head] === added[head]) head++;
  let tail = 0;
  while (tail < least - head && removed.at(-1 - tail) === added.at(-1 - tail)) tail++;
  const inner = (lines: string[]) => lines.slice(head, lines.length - tail);
  const hunk = { start: start + head, removed: inner(removed), added: inner(added), reason };
  return hunk.removed.length + hunk.added.length === 0 ? null : hunk;
}

/** What differs, with what stands between two changes counted to them where it says nothing. */
function changesBetween(base: string, text: string): TextHunk[] {
  const [from, to] = [linesOf(base), linesOf(text)];
  const whole = trimmed({ start: 0, removed: from, added: to, reason: "" });
  if (whole === null) return [];
  if (!mergeable([base, text])) return [whole];
  const found = diffIndices(from, to).map(({ buffer1: [a, aCount], buffer2: [b, bCount] }) => ({
    a,
    aEnd: a + aCount,
    b,
    bEnd: b + bCount,
  }));
  for (let gap = 0;; gap = gap * 2 + 1) {
    const joined: typeof found = [];
    for (const change of found) {
      const last = joined.at(-1);
      const between = last ? from.slice(last.aEnd, change.a) : [];
      const near = between.length <= gap || between.every((line) => line.trim() === "");
      if (last && near) Object.assign(last, { aEnd: change.aEnd, bEnd: change.bEnd });
      else joined.push({ ...change });
    }
    if (joined.length > HUNKS_MAX) continue;
    return joined.flatMap(({ a, aEnd, b, bEnd }) => {
      const [removed, added] = [from.slice(a, aEnd), to.slice(b, bEnd)];
      return trimmed({ start: a, removed, added, reason: "" }) ?? [];
    });
  }
}

/** The lines with these pieces in them, which are of this very text and come in its order. */
export function putIn(lines: readonly string[], hunks: readonly TextHunk[]): string[] {
  // Not spread into a call: so many arguments as a text may have lines overflow the stack.
  const parts: (readonly string[])[] = [];
  let at = 0;
  for (const { start, removed, added } of hunks) {
    parts.push(lines.slice(at, start), added);
    at = start + removed.length;
  }
  return [...parts, lines.slice(at)].flat();
}
