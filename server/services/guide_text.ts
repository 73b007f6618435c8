/**
 * What `CLAUDE.md` and `AGENTS.md` say of a project's plans. A document goes in when a person approved it (its status is
 * approved, implementing or done), by these rules:
 *
 * - **Architecture**: each document of the type architecture, whole.
 * - **Conventions**: each of any other type whose file or folder is called `conventions`, or whose title is, whole.
 * - **Current milestone**: of the type roadmap those that are being implemented, or where none is, those that are
 *   approved; of each the section "Current milestone", "Now" or "Next", or all of it where it has none of these.
 *
 * Documents come by path, with their headings two levels lower and their links as seen from the repository's root.
 * The part stands between two markers; what is outside of them is a person's own and stays as it is.
 */
import { PLANNING } from "../../agents/planning/document_paths.ts";
import { AppError } from "../errors.ts";
import type { PlanningDocument } from "../records.ts";
import { pathFromRoot, withAddresses } from "./document_addresses.ts";
import { splitDocument } from "./document_facts.ts";
import type { OpenDocument } from "./documents.ts";
import { headingWords, type MarkdownLine, markdownLines, sectionNamed } from "./markdown_lines.ts";

/** Longest part, in characters: agents read it with every run. */
export const GUIDE_CHARS = 100_000;

export const GUIDE_BEGIN =
  "<!-- gaffer:begin (assembled from the approved documents in planning/: change those, not this part) -->";
export const GUIDE_END = "<!-- gaffer:end -->";

const BEGIN = /<!-- gaffer:begin\b[^\n]{0,300}?-->/g;
const END = /<!-- gaffer:end -->/g;

export interface GuidePart {
  title: "Architecture" | "Conventions" | "Current milestone";
  documents: PlanningDocument[];
}

const ACCEPTED = new Set(["approved", "implementing", "done"]);
const CONVENTIONS = /(?:^|\/)(?:coding[ _-])?conventions?(?:\/|\.md$)/i;
const MILESTONE_SECTIONS = ["current milestone", "now", "next"];

/** What goes in, by the rules above; parts without a document are left out. */
export function guideParts(documents: readonly PlanningDocument[]): GuidePart[] {
  const accepted = documents.filter(({ status }) => ACCEPTED.has(status));
  const isConvention = ({ path, title }: PlanningDocument) =>
    CONVENTIONS.test(path) || /^(?:coding )?conventions?$/i.test(title);
  const roadmaps = accepted.filter((document) =>
    document.type === "roadmap" && !isConvention(document)
  );
  const now = roadmaps.filter(({ status }) => status === "implementing");
  const parts: GuidePart[] = [
    { title: "Architecture", documents: accepted.filter(({ type }) => type === "architecture") },
    {
      title: "Conventions",
      documents: accepted.filter((document) =>
        document.type !== "architecture" && isConvention(document)
      ),
    },
    {
      title: "Current milestone",
      documents: now.length > 0 ? now : roadmaps.filter(({ status }) => status === "approved"),
    },
  ];
  return parts.filter(({ documents }) => documents.length > 0);
}

/** Where a link in a document leads; null: to none. */
export type LinkTarget = (from: PlanningDocument, name: string) => PlanningDocument | null;

/** The part with its markers. Throws `conflict` where it gets longer than `GUIDE_CHARS`. */
export function guideText(
  parts: readonly GuidePart[],
  texts: readonly OpenDocument[],
  linked: LinkTarget,
): string {
  const textOf = new Map(texts.map(({ document, text }) => [document.path, text]));
  const sections = parts.map(({ title, documents }) => {
    const each = documents.map((document) => {
      const text = textOf.get(document.path) ?? "";
      return documentPart(document, text, { milestone: title === "Current milestone", linked });
    });
    return [`## ${title}`, ...each].join("\n\n");
  });
  const text = [GUIDE_BEGIN, ...sections, GUIDE_END].join("\n\n");
  if (text.length <= GUIDE_CHARS) return text;
  throw new AppError(
    "conflict",
    `Cannot assemble it: the approved documents come to ${text.length} characters, and ${GUIDE_CHARS} is the most ` +
      "that agents should read with every run. Shorten them, or take the status approved from some",
  );
}

function documentPart(
  document: PlanningDocument,
  text: string,
  { milestone, linked }: { milestone: boolean; linked: LinkTarget },
): string {
  const { title, path, target } = document;
  const all = markdownLines(splitDocument(text).body);
  const section = milestone ? sectionNamed(all, MILESTONE_SECTIONS) : null;
  const lines = section ?? withoutTitle(all, title);
  // Below "### Title": the highest heading becomes one of level 4.
  const top = lines.reduce((least, { level }) => level > 0 ? Math.min(least, level) : least, 6);
  const body = lines.map((line) => line.isCode ? line.text : lowered(line, 4 - top))
    .map((line, i) => lines[i]!.isCode ? line : withRootLinks(line, document, linked))
    .join("\n").replace(/^\n+/, "").trimEnd();
  const about = [`From ${PLANNING}/${path}.`, target && `Target: ${target}.`].filter(Boolean);
  return unmarked([`### ${title}`, about.join(" "), body].filter(Boolean).join("\n\n"));
}

function withoutTitle(lines: MarkdownLine[], title: string): MarkdownLine[] {
  const first = lines.findIndex(({ text }) => text.trim() !== "");
  const isTitle = first >= 0 && lines[first]!.level > 0 && headingWords(lines[first]!) === title;
  return isTitle ? lines.slice(first + 1) : lines;
}

const lowered = (line: MarkdownLine, by: number): string =>
  line.level === 0
    ? line.text
    : line.text.trimStart().replace(/^#+/, "#".repeat(Math.min(6, Math.max(4, line.level + by))));

const WIKI = /\[\[([^[\]|#\n]{1,200})(?:#[^[\]|\n]{0,200})?(?:\|([^[\]\n]{1,200}))?\]\]/g;

function withRootLinks(line: string, document: PlanningDocument, linked: LinkTarget): string {
  const folder = [PLANNING, ...document.path.split("/").slice(0, -1)];
  return withAddresses(line, (address) => {
    const [, place = "", rest = ""] = /^([^?#]*)(.*)$/s.exec(address) ?? [];
    const target = place === "" || place.startsWith("/") ? null : pathFromRoot(folder, place);
    return target === null ? null : `${encodeURI(target) || "."}${rest}`;
  })
    .replace(WIKI, (whole, name: string, words?: string) => {
      const target = linked(document, name.trim());
      if (target === null) return whole;
      return `[${(words ?? name).trim()}](${PLANNING}/${encodeURI(target.path)})`;
    });
}

/** No document ends the part, or begins one. */
const unmarked = (text: string): string =>
  text.replace(/<!-- (?=gaffer:(?:begin|end)\b)/g, "<!-- - ");

/**
 * The file with the part in the place of the one it has, or at its end. Throws `conflict` where its markers don't stand
 * as one pair: nobody can tell then what is a person's own.
 */
export function withGuide(file: string, present: string | null, part: string): string {
  if (present === null) return `${part}\n`;
  const newline = present.includes("\r\n") ? "\r\n" : "\n";
  const inFile = part.replaceAll("\n", newline);
  const begins = [...present.matchAll(BEGIN)];
  const ends = [...present.matchAll(END)];
  if (begins.length === 0 && ends.length === 0) {
    const own = present.trimEnd();
    return `${own}${own === "" ? "" : newline + newline}${inFile}${newline}`;
  }
  const [begin, end] = [begins[0], ends[0]];
  if (begins.length !== 1 || ends.length !== 1 || !begin || !end || begin.index > end.index) {
    throw new AppError(
      "conflict",
      `Cannot change ${file}: it has ${begins.length} of "<!-- gaffer:begin … -->" and ${ends.length} of ` +
        `"${GUIDE_END}", and one pair in this order is needed to tell what is yours. Mend the markers there, or ` +
        "take all of them away",
    );
  }
  return present.slice(0, begin.index) + inFile + present.slice(end.index + end[0].length);
}
