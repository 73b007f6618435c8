/**
 * What of a planning document can become an idea, read off its structure and never guessed from its prose:
 *
 * - Sections count whose heading speaks of requirements, user stories, use cases, features, epics, a backlog, a
 *   roadmap, milestones, phases, deliverables or to-dos, or is "Now", "Next", "Later", "Steps" or "What is in it". The
 *   document's title counts only where no other heading does, and that of a roadmap (by its type) whatever it says.
 * - In such a section each item of a list and each row of a table is one; what is nested in an item is its
 *   description, as are a row's other columns.
 * - A section within it is one with all that it says; but where it begins with a list or table, or has sections of its
 *   own, or stands below a roadmap, milestones or the like, its items and rows are the ones.
 * - Where such a section has neither, each paragraph of it that begins as a user story does ("As a … I want …") is one;
 *   where it has none of these, the section with all that it says, unless it is a roadmap, milestones or the like.
 * - In a section about stories such a paragraph is one whatever else is there: a list or table behind it says more of it.
 * - Sections for what is not to be done are left out wherever they are (not now, out of scope, non-goals, risks, open
 *   questions, and the like), and so is what a template left to be filled in.
 * - Of a selection (lines) all items, rows and whole sections in it count, whatever its headings say; without any, its
 *   first heading.
 */
import { documentFacts } from "./document_facts.ts";
import { type DocumentPiece, type DocumentSection, sectionsOf } from "./document_sections.ts";

/** Something that can become an idea. */
export interface DocumentItem {
  /** How it is told from all others of the document: words in lower case without signs, see `compared`. */
  words: string;
  sectionWords: string;
  /** Counts the same words in the same section, from 0. */
  nth: number;
  title: string;
  /** Markdown. */
  description: string;
  /** Title of the heading that it stands below; "": none. */
  section: string;
  /** Of the file, counted from 0; `end` is after it. */
  line: number;
  end: number;
  done: boolean | null;
  /** Ideas and tickets that it names. */
  references: { kind: "idea" | "ticket"; number: number }[];
}

/** Lines of a file, counted from 0; `to` is after them. */
export interface LineRange {
  from: number;
  to: number;
}

/** Most that one look gives. */
export const ITEMS_MAX = 1_000;
const TITLE_CHARS = 200;
const DESCRIPTION_CHARS = 5_000;
/** Of the words that are compared. */
const WORDS_CHARS = 300;

const YIELDS =
  /\b(?:requirements?|(?:user )?stor(?:y|ies)|use cases?|features?|roadmap|milestones?|phases?|backlog|epics?|deliverables|to-?dos?|to do)\b/i;
const YIELDS_WHOLE = /^(?:now|next|later|steps|what is in it)$/i;
const GROUPS = /\b(?:roadmap|milestones?|phases?|releases?|backlog)\b|^(?:now|next|later)$/i;
const STORIES = /\bstor(?:y|ies)\b/i;
/** A heading that asks ("What users have to do") has an answer below it, which is no thing by itself. */
const ASKS = /^(?:what|who|why|when|where|how)\b/i;
const LEFT_OUT =
  /^(?:not\b.*|out of scope|non-?goals?|won'?t.*|(?:open )?questions?|open|risks?(?: .*)?|later ideas|rejected.*|decisions?|decided|glossary|references|links|what must hold.*|taking it back)$/i;

/**
 * All that the rules find, in order; of `selection`, what stands in it. `path` from `planning/`: it may tell that the
 * document is a roadmap, where its front matter does not.
 */
export function documentItems(
  text: string,
  selection: LineRange | null = null,
  path = "",
): DocumentItem[] {
  const root = sectionsOf(text);
  const all = everything(root, linesOf(text));
  const found = selection ? inSelection(root, selection) : byHeadings(root, isRoadmap(path, text));
  const lineOf = new Map(all.map((item) => [item.line, item]));
  return found.flatMap((line) => lineOf.get(line) ?? []).slice(0, ITEMS_MAX);
}

/** Every heading, item and row, found by the rules or not: what a key may be of. */
export const allDocumentItems = (text: string): DocumentItem[] =>
  everything(sectionsOf(text), linesOf(text));

const linesOf = (text: string): string[] => text.split(/\r?\n/);

/** How words are compared: without labels such as "R1:", references, ticks, signs and the size of letters. */
export const compared = (text: string): string =>
  text.normalize("NFKC").toLowerCase()
    .replace(/^(?:\[[ x]\]\s+)?(?:[a-z]{1,4}[-.]?)?\d+(?:\.\d+)*\s*[.:)\u2013\u2014-]\s+/, "")
    .replace(/\W#?(?:idea|ticket)-\d+|#(?:idea|ticket)-\d+/g, " ")
    .replace(/[^\p{L}\p{N}\p{M}]+/gu, " ").trim().slice(0, WORDS_CHARS);

const REFERENCE = /(?<![\w#])#(idea|ticket)-(\d{1,9})(?![\w-])/g;

function everything(root: DocumentSection, lines: string[]): DocumentItem[] {
  const counts = new Map<string, number>();
  const items: DocumentItem[] = [];
  const add = (within: string, piece: Omit<DocumentPiece, "kind">) => {
    const [words, sectionWords] = [compared(piece.title), compared(within)];
    if (isEmpty(piece.title, words)) return;
    const key = `${words}\0${sectionWords}`;
    const nth = counts.get(key) ?? 0;
    counts.set(key, nth + 1);
    const { title, description } = split(piece.title.replace(REFERENCE, "").trim(), piece.more);
    const own = `${piece.title}\n${piece.more}`;
    items.push({
      ...{ words, sectionWords, nth, title, description, section: within },
      ...{ line: piece.line, end: piece.end, done: piece.done },
      references: [...own.matchAll(REFERENCE)].map(([, kind, number]) => ({
        kind: kind as "idea" | "ticket",
        number: Number(number),
      })),
    });
  };
  const visit = (section: DocumentSection, within: string) => {
    if (section.level > 0) {
      const { title, line, end } = section;
      add(within, {
        title,
        line,
        end,
        more: lines.slice(line + 1, end).join("\n").trim(),
        done: null,
      });
    }
    for (const piece of [...section.pieces, ...storiesOf(section)]) add(section.title, piece);
    for (const inner of section.sections) visit(inner, section.title);
  };
  visit(root, "");
  return items.sort((a, b) => a.line - b.line);
}

/** Whether an item has no words of its own yet, but a template's: nothing can be made of it. */
export const saysNothing = (title: string): boolean => isEmpty(title, compared(title));

/** A template's own words, and what has no words at all. */
const isEmpty = (title: string, words: string): boolean =>
  words.length < 2 || words === "ticket" || words === "idea" || /^[a-z]{1,4}\d+$/.test(words) ||
  (title.match(/…|\.\.\./g) ?? []).length > 1;

/** A long title is cut, and stands in full in the description. */
function split(title: string, more: string): { title: string; description: string } {
  const description = (title.length > TITLE_CHARS ? `${title}\n\n${more}` : more)
    .trim().slice(0, DESCRIPTION_CHARS);
  const short = title.slice(0, TITLE_CHARS - 1).replace(/\s+\S*$/, "");
  return { title: title.length > TITLE_CHARS ? `${short}…` : title, description };
}

// ------------------------------------------------------------------ by the headings

const isRoadmap = (path: string, text: string): boolean =>
  documentFacts(path, text).type === "roadmap";

function byHeadings(root: DocumentSection, titleYields: boolean): number[] {
  const [title] = root.sections;
  const isTitled = root.sections.length === 1 && title!.level === 1 && root.pieces.length === 0;
  const from = isTitled ? title!.sections : root.sections;
  const found = from.flatMap(yieldOf);
  if (found.length > 0) return found;
  if (titleYields) return within(isTitled ? title! : root);
  return isTitled && yields(title!) ? within(title!) : [];
}

const yields = ({ title }: DocumentSection): boolean =>
  YIELDS.test(title) || YIELDS_WHOLE.test(nameOf(title));
const isLeftOut = ({ title }: DocumentSection): boolean => LEFT_OUT.test(nameOf(title));
/** Without a number in front. */
const nameOf = (title: string): string => title.replace(/^[\d.]+\s+|[:.]$/g, "").trim();

function yieldOf(section: DocumentSection): number[] {
  if (isLeftOut(section)) return [];
  return yields(section) ? within(section) : section.sections.flatMap(yieldOf);
}

/** What a section tells in prose alone. */
const isProse = ({ pieces, sections }: DocumentSection): boolean =>
  pieces.length + sections.length === 0;
const storiesOf = (section: DocumentSection): DocumentPiece[] =>
  isProse(section) || STORIES.test(section.title) ? section.stories : [];
/** Of these lines, without what says more of a story among them. */
const ownPieces = (
  section: DocumentSection,
  isMeant: (line: number) => boolean = () => true,
): DocumentPiece[] => {
  const stories = storiesOf(section).filter(({ line }) => isMeant(line));
  const isOf = ({ line }: DocumentPiece) =>
    stories.some((story) => line > story.line && line < story.end);
  return [...section.pieces.filter((piece) => isMeant(piece.line) && !isOf(piece)), ...stories];
};

/** Lines of what a section that counts is made of. */
function within(section: DocumentSection): number[] {
  if (isProse(section)) {
    const stories = storiesOf(section).map(({ line }) => line);
    if (stories.length > 0) return stories;
    const isThing = !isGrouping(section) && !ASKS.test(nameOf(section.title));
    const isOne = section.level > 0 && section.hasProse && isThing;
    return isOne && yields(section) ? [section.line] : [];
  }
  const inner = section.sections.filter((one) => !isLeftOut(one)).flatMap((one) =>
    yields(one) || isGroup(one, section) ? within(one) : [one.line]
  );
  return [...ownPieces(section).map(({ line }) => line).sort((a, b) => a - b), ...inner];
}

function isGroup(section: DocumentSection, parent: DocumentSection): boolean {
  const { pieces, sections, hasProse } = section;
  if (pieces.length === 0 && sections.length === 0) return false;
  return !hasProse || sections.length > 0 || isGrouping(parent);
}

const isGrouping = ({ title }: DocumentSection): boolean => GROUPS.test(nameOf(title));

// ------------------------------------------------------------------ by a selection

function inSelection(root: DocumentSection, { from, to }: LineRange): number[] {
  const isIn = (line: number) => line >= from && line < to;
  const lines: number[] = [];
  const headings: number[] = [];
  const visit = (section: DocumentSection) => {
    if (section.line >= to || section.end <= from) return;
    const whole = section.level > 0 && isIn(section.line);
    if (whole) headings.push(section.line);
    lines.push(...ownPieces(section, isIn).map(({ line }) => line));
    for (const inner of section.sections) {
      const isOne = whole && inner.end <= to && !isGroup(inner, section);
      if (isOne) lines.push(inner.line);
      else visit(inner);
    }
  };
  visit(root);
  return lines.length > 0 ? lines.sort((a, b) => a - b) : headings.slice(0, 1);
}
