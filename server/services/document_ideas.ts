/**
 * Ideas that are made of a planning document. Each remembers the part of the document it was made of, so that the same
 * words make one only once, whoever asks again: the database has one row for each part.
 */
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Idea, PlanningDocument } from "../records.ts";
import { DEFAULT_PRIORITY } from "../states.ts";
import {
  type DocumentIdea,
  insertOrigin,
  listDocumentIdeas,
  listIdeaTitles,
} from "../store/document_ideas.ts";
import { insertIdea } from "../store/ideas.ts";
import { getProject } from "../store/projects.ts";
import {
  allDocumentItems,
  compared,
  type DocumentItem,
  documentItems,
  type LineRange,
} from "./document_items.ts";
import { type OpenDocument, openDocument } from "./documents.ts";
import { enqueueAdvanceIdea } from "./refinement.ts";

/** Most ideas that one document is known for, and that are made at once. */
const KNOWN_MAX = 2_000;
export const MADE_MAX = 100;
/** Parts that are looked at in one go. */
const LOOKED_AT_MAX = 300;
/** Ideas of the project whose titles are compared. */
const COMPARED_MAX = 5_000;

/** An idea that there is already. */
export type KnownIdea = Pick<DocumentIdea, "ideaId" | "number" | "title" | "status">;

/** A part of a document as it is shown before ideas are made. */
export interface OfferedItem extends DocumentItem {
  /** How a form names it. */
  key: string;
  /** Made of it before; null: none. */
  made: KnownIdea | null;
  /** Another one that says much the same: of the document before somebody reworded it, or of elsewhere. */
  like: { idea: KnownIdea; why: "reworded" | "same title" } | null;
}

/**
 * What of a document, or of some lines of it, can become ideas, and which there are already; of new ones the first
 * `MADE_MAX`, with how many are `left`. Throws as `openDocument`.
 */
export async function offerIdeas(
  app: App,
  documentId: string,
  selection: LineRange | null,
  signal: AbortSignal,
): Promise<OpenDocument & { items: OfferedItem[]; left: number }> {
  const opened = await openDocument(app, documentId, signal);
  const all = offered(app, opened, selection);
  let open = 0;
  const items = all.filter(({ made }) => made !== null || ++open <= MADE_MAX)
    .slice(0, LOOKED_AT_MAX);
  return { ...opened, items, left: all.length - items.length };
}

function offered(
  { db }: Pick<App, "db">,
  { document, text }: OpenDocument,
  selection: LineRange | null,
): OfferedItem[] {
  const known = listDocumentIdeas(db, document.id, KNOWN_MAX);
  const { made, left } = matched(allDocumentItems(text), known);
  const titles = new Map(
    listIdeaTitles(db, document.projectId, COMPARED_MAX).map((
      idea,
    ) => [compared(idea.title), idea]),
  );
  return documentItems(text, selection, document.path).map((item): OfferedItem => {
    const key = keyOf(item);
    const before = made.get(key) ?? null;
    const reworded = before ? undefined : left.find((idea) => isReworded(idea, item));
    const same = before ? undefined : titles.get(item.words);
    const like = reworded
      ? { idea: reworded, why: "reworded" as const }
      : same
      ? { idea: same, why: "same title" as const }
      : null;
    return { ...item, key, made: before, like };
  });
}

/** A part's name in forms and addresses. */
export const keyOf = ({ words, sectionWords, nth }: DocumentItem): string =>
  `${nth}:${sectionWords}:${words}`;

/**
 * Which idea was made of which part: first by words and section; what then is left on both sides, by words alone, so
 * that a section may be renamed and a part moved. `left`: ideas whose words the document does not have any more.
 */
function matched(items: DocumentItem[], known: DocumentIdea[]) {
  const byKey = new Map(items.map((item) => [keyOf(item), item]));
  const made = new Map<string, DocumentIdea>();
  const moved: DocumentIdea[] = [];
  for (const idea of known) {
    const key = `${idea.nth}:${idea.sectionWords}:${idea.words}`;
    if (byKey.has(key)) made.set(key, idea);
    else moved.push(idea);
  }
  const free = new Map<string, string[]>();
  for (const [key, { words }] of byKey) {
    if (made.has(key)) continue;
    const keys = free.get(words);
    if (keys) keys.push(key);
    else free.set(words, [key]);
  }
  const left = moved.filter((idea) => {
    const key = free.get(idea.words)?.shift();
    if (key !== undefined) made.set(key, idea);
    return key === undefined;
  });
  return { made, left };
}

/** Of two texts, most words are the same ones; fewer need be where the section is the same. */
function isReworded(idea: DocumentIdea, item: DocumentItem): boolean {
  const [a, b] = [new Set(idea.words.split(" ")), new Set(item.words.split(" "))];
  const both = [...a].filter((word) => b.has(word)).length;
  const share = both / (a.size + b.size - both);
  return share >= (idea.sectionWords === item.sectionWords ? 0.5 : 0.75);
}

export interface ChosenItem {
  /** From `offerIdeas`. */
  key: string;
  title: string;
  description: string;
}

/**
 * Makes an idea of each chosen part of a document as it was opened, and gives them: those that there were already are not made again,
 * and left as they are. They wait, submitted, for somebody to have them refined; `refine` starts that at once. Throws
 * `conflict` when the document does not have one of the parts any more, or the project is archived: nothing is made then.
 */
export function makeIdeas(
  app: App,
  { document, text }: OpenDocument,
  { items, refine }: { items: ChosenItem[]; refine: boolean },
): Idea[] {
  const all = allDocumentItems(text);
  const byKey = new Map(all.map((item) => [keyOf(item), item]));
  return transact(app, (tx) => {
    requireActiveProject(tx, document, "make ideas of it");
    const { made: before } = matched(all, listDocumentIdeas(tx.db, document.id, KNOWN_MAX));
    return items.flatMap((chosen) => {
      const item = byKey.get(chosen.key);
      if (!item) throw gone(document, chosen);
      if (before.has(chosen.key)) return [];
      const { title, description } = chosen;
      const idea = insertFrom(tx, document, { item, title, description });
      before.set(chosen.key, { ...item, ...idea, ideaId: idea.id });
      if (refine) enqueueAdvanceIdea(tx, idea);
      return [idea];
    });
  });
}

/** `number`: one that was taken for it. */
export function insertFrom(
  tx: Tx,
  document: Pick<PlanningDocument, "id" | "projectId" | "path">,
  { item, title, description, number }: {
    item: Pick<DocumentItem, "words" | "sectionWords" | "section"> & { nth?: number };
    title: string;
    description: string;
    number?: number;
  },
): Idea {
  const { projectId } = document;
  const idea = insertIdea(tx, {
    ...{ projectId, title, description, number },
    priority: DEFAULT_PRIORITY,
    tags: [],
  });
  insertOrigin(tx, {
    ...{ documentId: document.id, projectId, ideaId: idea.id, path: document.path },
    ...{ words: item.words, sectionWords: item.sectionWords, section: item.section },
    nth: freeNth(tx, document.id, item),
  });
  tx.emit({
    type: "idea_submitted",
    projectId,
    ideaId: idea.id,
    data: { title, documentId: document.id, path: document.path, section: item.section },
  });
  return idea;
}

/** Where an idea of the same words came from a part that has moved, its place may be taken. */
function freeNth(
  { db }: Tx,
  documentId: string,
  { words, sectionWords, nth: wanted = 0 }: Pick<DocumentItem, "words" | "sectionWords"> & {
    nth?: number;
  },
): number {
  const taken = listDocumentIdeas(db, documentId, KNOWN_MAX).filter((idea) =>
    idea.words === words && idea.sectionWords === sectionWords
  ).map(({ nth }) => nth);
  let nth = taken.includes(wanted) ? 0 : wanted;
  while (taken.includes(nth)) nth++;
  return nth;
}

export function requireActiveProject(
  { db }: Pick<Tx, "db">,
  { projectId, path }: PlanningDocument,
  doing: string,
): void {
  const project = getProject(db, projectId);
  if (project.status === "active") return;
  throw new AppError(
    "conflict",
    `Cannot ${doing} (${path}): the project "${project.name}" is archived`,
  );
}

const gone = ({ path }: PlanningDocument, { title }: ChosenItem): AppError =>
  new AppError(
    "conflict",
    `Cannot make ideas of ${path}: it does not say "${title}" any more, or in other words. Look at it again`,
  );
