/** A planning document by its structure: sections below each other, and the list items and table rows in each. */
import MarkdownIt, { type Token } from "markdown-it";
import { splitDocument } from "./document_facts.ts";

/** A piece of a section that can be a thing of its own. Lines are of the file, counted from 0; `end` is after it. */
export interface DocumentPiece {
  kind: "item" | "row" | "story";
  line: number;
  end: number;
  /** Its own words, without marks of emphasis; references such as `#idea-12` stay. */
  title: string;
  /** What more it says, as markdown. */
  more: string;
  /** Of a checklist, or a table with a state; null: it says nothing of that. */
  done: boolean | null;
}

export interface DocumentSection {
  /** Of its heading, 1 to 6; 0: what stands before the first one. */
  level: number;
  title: string;
  line: number;
  end: number;
  /** The line after its own content, before the first section within it. */
  ownEnd: number;
  /** Its own content begins with a paragraph. */
  hasProse: boolean;
  /** Of its own content. */
  pieces: DocumentPiece[];
  /** Of its own paragraphs: what begins with "As a … I", up to the next such. */
  stories: DocumentPiece[];
  sections: DocumentSection[];
}

/** Longer documents are read as far as they are shown. */
const READ_CHARS = 200_000;
const markdown = new MarkdownIt({ html: false });

/** The whole document as one section of level 0, with those of its headings in it. `text` with its front matter. */
export function sectionsOf(text: string): DocumentSection {
  const { body, bodyLine } = splitDocument(text);
  const lines = body.split(/\r?\n/);
  const source: Source = { lines, bodyLine };
  const root = section({ level: 0, title: "", line: bodyLine });
  const path = [root];
  const tokens = markdown.parse(body.slice(0, READ_CHARS), {});
  let isFirst = true;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    // Only what stands by itself: headings in quotes are somebody else's.
    if (token.level !== 0 || !token.map) continue;
    const line = token.map[0] + bodyLine;
    if (token.type === "heading_open") {
      const level = Number(token.tag.slice(1));
      const made = section({ level, title: plainWords(tokens[i + 1]?.children ?? []), line });
      while (path.at(-1)!.level >= level) close(path.pop()!, line, source);
      const parent = path.at(-1)!;
      if (parent.sections.length === 0) endOwn(parent, line, source);
      parent.sections.push(made);
      path.push(made);
      isFirst = true;
      continue;
    }
    const own = path.at(-1)!;
    if (isFirst && token.type === "paragraph_open") own.hasProse = true;
    isFirst = false;
    if (token.type === "paragraph_open") {
      own.stories.push(...storiesFrom(tokens[i + 1]!, token.map, bodyLine));
    } else if (/^(?:bullet|ordered)_list_open$/.test(token.type)) {
      own.pieces.push(...itemsFrom(tokens, i, source));
    } else if (token.type === "table_open") own.pieces.push(...rowsFrom(tokens, i, bodyLine));
  }
  const last = lines.length + bodyLine;
  for (const open of path) close(open, last, source);
  return root;
}

const section = (
  { level, title, line }: Pick<DocumentSection, "level" | "title" | "line">,
): DocumentSection => ({
  ...{ level, title, line, end: -1, ownEnd: -1, hasProse: false },
  ...{ pieces: [], stories: [], sections: [] },
});

function close(open: DocumentSection, line: number, source: Source): void {
  open.end = line;
  if (open.ownEnd < 0) endOwn(open, line, source);
}

/** A story has said all of its own before the next one, or where its section's own content ends. */
function endOwn(section: DocumentSection, line: number, { lines, bodyLine }: Source): void {
  section.ownEnd = line;
  section.stories.forEach((story, i, { [i + 1]: next }) => {
    const after = story.end;
    story.end = next?.line ?? line;
    story.more = dedent(lines.slice(after - bodyLine, story.end - bodyLine));
  });
}

interface Source {
  /** Of the body. */
  lines: string[];
  /** Lines before the body. */
  bodyLine: number;
}

const CHECK = /^\[([ xX])\](?:\s+|$)/;

/** The items of the list that begins at `from`; what is nested in one is what more it says. */
function itemsFrom(tokens: Token[], from: number, { lines, bodyLine }: Source): DocumentPiece[] {
  const pieces: DocumentPiece[] = [];
  const level = tokens[from]!.level;
  for (let i = from + 1; i < tokens.length && tokens[i]!.level > level; i++) {
    const token = tokens[i]!;
    if (token.type !== "list_item_open" || token.level !== level + 1 || !token.map) continue;
    const [paragraph, inline] = [tokens[i + 1], tokens[i + 2]];
    const isText = paragraph?.type === "paragraph_open" && inline?.type === "inline";
    const words = isText ? plainWords(inline.children ?? []) : "";
    const check = CHECK.exec(words);
    const [start, end] = token.map;
    const after = isText ? paragraph.map![1] : start;
    pieces.push({
      kind: "item",
      line: start + bodyLine,
      end: end + bodyLine,
      title: words.replace(CHECK, "").trim(),
      more: dedent(lines.slice(after, end)),
      done: check ? check[1] !== " " : null,
    });
  }
  return pieces;
}

const STORY = /^As an? [^\n]{1,200}?\b(?:I|we)\b/i;

/** Each line of a paragraph that begins as a user story does, with the lines that follow it; `more` is added later. */
function storiesFrom(
  { children }: Token,
  [start, end]: [number, number],
  bodyLine: number,
): DocumentPiece[] {
  const lines: Token[][] = [[]];
  for (const token of children ?? []) {
    if (token.type === "softbreak" || token.type === "hardbreak") lines.push([]);
    else lines.at(-1)!.push(token);
  }
  const stories: DocumentPiece[] = [];
  lines.forEach((tokens, i) => {
    const words = plainWords(tokens);
    const last = stories.at(-1);
    const line = start + i + bodyLine;
    if (STORY.test(words)) {
      if (last) last.end = line;
      const whole = { line, end: end + bodyLine, title: words, more: "", done: null };
      stories.push({ kind: "story", ...whole });
    } else if (last) last.title = `${last.title} ${words}`.trim();
  });
  return stories;
}

/** Which column of a table names its rows, the best first. */
const NAMES = [
  /^(?:title|name)$/i,
  /^(?:feature|requirement|(?:user )?(?:story|stories)|item|milestone|epic|idea|release|what|task)s?$/i,
  /^(?:outcome|goal)s?$/i,
];
/** Names nothing: "M1", "0.2", "R-3". */
const LABEL = /^(?:[a-z]{0,4}[-. ]?)?\d+(?:\.\d+)*$/i;
const NO_NAMES = /^(?:|id|#|no\.?|nr\.?|key|prio(?:rity)?|status|state|done|date|until|target)$/i;
const STATES = /^(?:status|state|done)$/i;
const DONE = /^(?:done|shipped|released|yes|x|✓|✔|✅)$/i;

function rowsFrom(tokens: Token[], from: number, bodyLine: number): DocumentPiece[] {
  const rows: { line: number; end: number; cells: string[] }[] = [];
  for (let i = from + 1; tokens[i] && tokens[i]!.type !== "table_close"; i++) {
    const token = tokens[i]!;
    if (token.type === "tr_open") {
      const [line, end] = token.map ?? [0, 0];
      rows.push({ line: line + bodyLine, end: end + bodyLine, cells: [] });
    } else if (token.type === "inline") rows.at(-1)?.cells.push(plainWords(token.children ?? []));
  }
  const [head, ...body] = rows;
  if (!head) return [];
  const naming = NAMES.map((name) => head.cells.findIndex((cell) => name.test(cell)))
    .filter((at) => at >= 0);
  // What several rows have names none of them: they are parts of it.
  const shared = new Map(
    naming.map((at) => [at, repeated(body.map(({ cells }) => cells[at] ?? ""))]),
  );
  const otherwise = Math.max(head.cells.findIndex((cell) => !NO_NAMES.test(cell)), 0);
  const state = head.cells.findIndex((cell) => STATES.test(cell));
  return body.map(({ line, end, cells }) => {
    const isName = (at: number) =>
      (cells[at] ?? "") !== "" && !LABEL.test(cells[at]!) && !shared.get(at)!.has(cells[at]!);
    const named = naming.find(isName) ?? naming[0] ?? otherwise;
    return {
      ...{ kind: "row" as const, line, end, title: cells[named] ?? "" },
      more: cells.map((cell, at) =>
        at === named || cell === "" ? "" : `- ${head.cells[at] || "Also"}: ${cell}`
      ).filter(Boolean).join("\n"),
      done: state < 0 || state === named ? null : DONE.test(cells[state] ?? ""),
    };
  });
}

/** Those that are there more than once. */
function repeated(texts: string[]): Set<string> {
  const seen = new Set<string>();
  return new Set(texts.filter((text) => seen.size === seen.add(text).size));
}

/** Text of a line: code keeps its backticks, emphasis goes, a link is what it says. */
export function plainWords(tokens: Token[]): string {
  return tokens.map(({ type, content, children }): string => {
    if (type === "softbreak" || type === "hardbreak") return " ";
    if (type === "code_inline") return `\`${content}\``;
    return children?.length ? plainWords(children) : content;
  }).join("")
    .replace(
      /\[\[([^[\]|\n]{1,200})(?:\|([^[\]\n]{1,200}))?\]\]/g,
      (_, name, words) => words ?? name,
    )
    .replace(/\s+/g, " ").trim();
}

/** Without what all lines have in front; empty lines at both ends go. */
export function dedent(lines: string[]): string {
  const full = lines.filter((line) => line.trim() !== "");
  const least = full.reduce(
    (least, line) => Math.min(least, /^\s*/.exec(line)![0].length),
    Infinity,
  );
  return full.length === 0
    ? ""
    : lines.map((line) => line.slice(least).trimEnd()).join("\n").replace(/^\n+|\n+$/g, "");
}
