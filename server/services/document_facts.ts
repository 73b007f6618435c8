/** What the index keeps of a document: read off its text, which is any file that a person or an agent wrote. */
import { createHash } from "node:crypto";
import { isMap, isScalar, parseDocument } from "yaml";
import type { DocumentLink, PlanningDocument } from "../records.ts";
import { addressesIn, pathFromRoot } from "./document_addresses.ts";
import { describedFiles } from "./document_files.ts";
import {
  type DocumentStatus,
  documentStatuses,
  type DocumentType,
  documentTypes,
} from "../states.ts";

/** Read off a document's own words. */
export type DocumentFacts =
  & Pick<
    PlanningDocument,
    "title" | "type" | "status" | "owner" | "target" | "problem" | "version"
  >
  & {
    links: DocumentLink[];
    /** Paths and globs from the repository's root that it describes. */
    files: string[];
    /** Its front matter names the status: it is not the one of a text that names none. */
    saysStatus: boolean;
  };

const TITLE_CHARS = 200;
const WORDS_CHARS = 100;
/** What follows in a longer heading, or line, is not looked at: looking for signs would take too long. */
const HEADING_CHARS = 1_000;
const LINE_CHARS = 10_000;
const VERSION_CHARS = 16;
/** Most links that are kept of one document. */
const LINKS_MAX = 500;
/** Longer front matter is not read: it is no list of a few values. */
const FRONT_CHARS = 8_000;

/** Of a text as it is; "none" where there is no such document. */
export const documentVersion = (text: string | null): string =>
  text === null ? "none" : createHash("sha256").update(text).digest("hex").slice(0, VERSION_CHARS);

/** With LF alone at the end of each line. */
export const withoutCr = (text: string): string => text.replaceAll("\r\n", "\n");

/** `path` from `planning/`: it gives what the text does not say. */
export function documentFacts(path: string, text: string): DocumentFacts {
  const { yaml, body } = splitDocument(text);
  const { values, said, problem } = readValues(yaml);
  const problems = problem ? [problem] : [];
  const oneOf = <T extends string>(key: string, known: readonly T[], otherwise: T): T => {
    const given = said(key).toLowerCase();
    if (given === "") return otherwise;
    const found = known.find((value) => value === given);
    if (found === undefined) {
      problems.push(`${key} "${given}" is none of ${known.join(", ")}`);
    }
    return found ?? otherwise;
  };
  const prose = proseOf(body);
  const addresses = addressesIn(prose);
  const title = said("title") || headingOf(prose) || nameOf(path);
  return {
    title: title.slice(0, TITLE_CHARS),
    type: oneOf<DocumentType>("type", documentTypes, typeByPath(path)),
    status: oneOf<DocumentStatus>("status", documentStatuses, "draft"),
    owner: said("owner"),
    target: said("target"),
    problem: problems.join("; "),
    version: documentVersion(text),
    links: linksIn(path, prose, addresses),
    files: describedFiles(path, values, addresses),
    saysStatus: documentStatuses.some((status) => status === said("status").toLowerCase()),
  };
}

/**
 * Front matter and what follows it; a text without it is all body, but for the mark that some editors put before it.
 * `bodyLine`: lines before the body.
 */
export function splitDocument(text: string): { yaml: string; body: string; bodyLine: number } {
  const match = /^\uFEFF?---[ \t]*\r?\n([^]*?)(?:^|\n)---[ \t]*(?:\r?\n|$)/.exec(text);
  if (!match) return { yaml: "", body: text.replace(/^\uFEFF/, ""), bodyLine: 0 };
  const head = match[0];
  return { yaml: match[1]!, body: text.slice(head.length), bodyLine: head.split("\n").length - 1 };
}

/**
 * The same text with another status in its front matter, which is made where there is none; everything else stays as
 * it was written.
 */
export function withStatus(text: string, status: DocumentStatus): string {
  const end = text.includes("\r\n") ? "\r\n" : "\n";
  const [front, open, yaml, close] = FRONT.exec(text) ?? [];
  if (front === undefined) {
    const mark = text.startsWith("\uFEFF") ? "\uFEFF" : "";
    return `${mark}---${end}status: ${status}${end}---${end}${end}${text.slice(mark.length)}`;
  }
  const line = /^status:.*$/m;
  const changed = line.test(yaml!)
    ? yaml!.replace(line, () => `status: ${status}`)
    : `${yaml}status: ${status}${end}`;
  return `${open}${changed}${close}${text.slice(front.length)}`;
}

const FRONT = /^(\uFEFF?---[ \t]*\r?\n)([^]*?)(?<=\n)(---[ \t]*(?:\r?\n|$))/;

/** Values of a text's front matter by their names; none where it can't be read. */
export const frontMatterOf = (text: string): Record<string, unknown> =>
  readValues(splitDocument(text).yaml).values;

interface FrontMatter {
  values: Record<string, unknown>;
  /** A value as it was written, in one line: "1.10" is not 1.1. Lists and maps say nothing. */
  said(key: string): string;
  problem: string | null;
}

function readValues(yaml: string): FrontMatter {
  const none = (problem: string | null) => ({ values: {}, said: () => "", problem });
  if (yaml.trim() === "") return none(null);
  if (yaml.length > FRONT_CHARS) {
    return none(`Its front matter is longer than ${FRONT_CHARS} characters`);
  }
  const document = parseDocument(yaml, { prettyErrors: false });
  const [error] = document.errors;
  if (error) return none(`Its front matter can't be read: ${error.message}`);
  if (!isMap(document.contents)) return none('Its front matter has no lines "key: value"');
  try {
    // A few lines of aliases can unfold to gigabytes.
    const values = document.toJS({ maxAliasCount: 0 });
    return { values, said: (key) => words(document.get(key, true)), problem: null };
  } catch (error) {
    return none(`Its front matter can't be read: ${(error as Error).message}`);
  }
}

function words(node: unknown): string {
  if (!isScalar(node) || node.value === null) return "";
  const text = typeof node.value === "string" ? node.value : node.source ?? String(node.value);
  return text.replace(/\s+/g, " ").trim().slice(0, WORDS_CHARS);
}

/** Of the first heading, whether marks stand before it or below it; "": there is none. */
function headingOf(prose: string): string {
  const marked = /^ {0,3}#{1,6}[^\S\n]+\S[^\n]*/m.exec(prose);
  const underlined = prose.includes("\n=")
    ? new RegExp(String.raw`^ {0,3}(\S[^\n]{0,${HEADING_CHARS}})\n=+[^\S\n]*$`, "m").exec(prose)
    : null;
  if (underlined && underlined.index < (marked?.index ?? Infinity)) return underlined[1]!.trim();
  return (marked?.[0] ?? "").slice(0, HEADING_CHARS).replace(/^\s*#+\s+|\s+#+\s*$/g, "").trim();
}

const nameOf = (path: string): string => path.split("/").at(-1)!.replace(/\.md$/i, "");

function typeByPath(path: string): DocumentType {
  const first = path.toLowerCase().split(/[/.]/)[0]!.replace(/s$/, "");
  return documentTypes.find((type) => type === first) ?? "note";
}

const CODE = /(?<!`)(`{1,8})(?!`)[^`\n]+\1(?!`)/g;

const FENCE = /^ {0,3}(`{3,}|~{3,})/m;

/** What stands outside of code, whose signs mean nothing; what stands between backticks is blanked. */
function proseOf(body: string): string {
  const text = withoutCr(body);
  // To look at each line takes several times as long.
  const lines = FENCE.test(text) || hasLongLine(text) ? unfenced(text.split("\n")) : text;
  return lines.includes("`") ? lines.replace(CODE, " ") : lines;
}

function hasLongLine(text: string): boolean {
  for (let from = 0; from + LINE_CHARS < text.length;) {
    const end = text.lastIndexOf("\n", from + LINE_CHARS);
    if (end < from) return true;
    from = end + 1;
  }
  return false;
}

function unfenced(lines: string[]): string {
  const kept: string[] = [];
  let fence = "";
  for (const line of lines) {
    const mark = FENCE.exec(line)?.[1] ?? "";
    if (fence) {
      if (mark.startsWith(fence) && line.trim() === mark) fence = "";
    } else if (mark) fence = mark;
    else kept.push(line.slice(0, LINE_CHARS));
  }
  return kept.join("\n");
}

const REFERENCE = /(?<![\w#])#(idea|ticket)-(\d{1,9})(?![\w-])/g;
const WIKI = /\[\[([^[\]|#\n]{1,200})(?:#[^[\]|\n]*)?(?:\|[^[\]\n]*)?\]\]/g;

function linksIn(path: string, text: string, addresses: readonly string[]): DocumentLink[] {
  const found = new Map<string, DocumentLink>();
  const add = (kind: DocumentLink["kind"], target: string) => {
    if (found.size < LINKS_MAX) found.set(`${kind} ${target}`, { kind, target });
  };
  for (const [, kind, number] of once(text.matchAll(REFERENCE))) {
    add(kind as "idea" | "ticket", String(Number(number)));
  }
  for (const [, name] of once(text.matchAll(WIKI))) add("document", linkKey(name!));
  for (const address of addresses) {
    const target = pathFrom(path, address);
    if (target !== null && /\.md$/i.test(target)) add("document", linkKey(target));
  }
  return [...found.values()];
}

/** Without those that say the same as one before. */
function* once(matches: Iterable<RegExpExecArray>): Generator<RegExpExecArray> {
  const seen = new Set<string>();
  for (const match of matches) {
    if (seen.has(match[0])) continue;
    seen.add(match[0]);
    yield match;
  }
}

/** How a name in a link is compared: without its ending, in lower case. */
export const linkKey = (name: string): string =>
  name.trim().normalize("NFC").replace(/^\/?planning\//, "").replace(/\.md$/i, "").toLowerCase();

/** The names by which links lead to a document: its path, its title, its file's name. */
export const keysOf = ({ path, title }: Pick<PlanningDocument, "path" | "title">): string[] => [
  ...new Set([linkKey(path), linkKey(title), linkKey(nameOf(path))]),
];

/** The path that a relative address in a document leads to; null: out of the folder, or elsewhere. */
export function pathFrom(path: string, address: string): string | null {
  if (address.startsWith("/")) return null;
  return pathFromRoot(path.split("/").slice(0, -1), address);
}
