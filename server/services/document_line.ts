/**
 * An idea of one line of a checklist, whose number is written into that line. The number is put on record first, then
 * the line saved, then the idea made: whatever a crash leaves between, the next look at the document mends, so that a
 * line names an idea if and only if there is one.
 */
import { actingAs, type App } from "../app.ts";
import { transact } from "../db.ts";
import { AppError, messageOf } from "../errors.ts";
import type { Idea, PlanningDocument } from "../records.ts";
import {
  dropIdeaPlan,
  type IdeaPlan,
  insertIdeaPlan,
  listDocumentIdeas,
  listIdeaPlans,
} from "../store/document_ideas.ts";
import { findIdeaByNumber, getIdea } from "../store/ideas.ts";
import { takeNumber } from "../store/projects.ts";
import { insertFrom, requireActiveProject } from "./document_ideas.ts";
import { allDocumentItems, compared, type DocumentItem, saysNothing } from "./document_items.ts";
import { type DocumentSection, sectionsOf } from "./document_sections.ts";
import { DocumentConflict, type OpenDocument, openDocument, saveDocument } from "./documents.ts";

/** Plans that one look mends; each is of a save that was cut off. */
const PLANS_MAX = 50;
const TITLE_CHARS = 200;
const KNOWN_MAX = 2_000;

/** Its mark, and what it says. Where one part ends, the next can't begin: a line may be as long as a document. */
const CHECK_LINE =
  /^(\s{0,200}(?:>\s{0,20}){0,20}(?:[-*+]|\d{1,9}[.)])\s{1,20}\[[ xX]\]\s{1,20})(|\S[^]*)$/;
const REFERENCE = /(?<![\w#])#(idea|ticket)-(\d{1,9})(?![\w-])/;

/**
 * Makes an idea of an item of a checklist and writes its number into that line, or that of the idea that was made of it
 * before. `line`: of the file, counted from 0. Asked again, it gives the same idea. Throws `conflict` when that line is
 * no such item or names an idea or ticket already, and as `saveDocument`: then there is no idea either.
 */
export function ideaFromLine(
  app: App,
  documentId: string,
  { line, seen }: { line: number; seen: string },
  signal: AbortSignal,
): Promise<Idea> {
  return alone(app, documentId, async () => {
    const opened = await openDocument(app, documentId, signal);
    mend(app, opened);
    const { document, text } = opened;
    const found = itemAt(text, line);
    if (found?.number !== null && found?.number !== undefined) {
      const idea = findIdeaByNumber(app.db, document.projectId, found.number);
      const isOfIt = listDocumentIdeas(app.db, document.id, KNOWN_MAX)
        .some(({ number }) => number === found.number);
      if (idea && isOfIt && document.version !== seen) return idea;
    }
    if (document.version !== seen) throw new DocumentConflict(document.path, text);
    if (!found) throw refused(line, "it is no item of a checklist");
    if (found.names !== null) throw refused(line, `it names ${found.names} already`);
    if (found.isEmpty) throw refused(line, "it says nothing yet");
    const before = listDocumentIdeas(app.db, document.id, KNOWN_MAX).find((idea) =>
      idea.words === found.item.words && idea.sectionWords === found.item.sectionWords
    );
    if (before) {
      await saveDocument(
        app,
        document.id,
        { text: written(text, line, before.number), seen },
        signal,
      );
      return getIdea(app.db, before.ideaId);
    }
    const plan = planIdea(app, document, found.item);
    const changed = written(text, line, plan.number);
    try {
      await saveDocument(app, document.id, { text: changed, seen }, signal);
    } catch (error) {
      return await whatCameOf(app, plan, error);
    }
    return finish(app, plan);
  });
}

const alone = <T>(app: App, documentId: string, work: () => Promise<T>): Promise<T> =>
  app.turnstile.through(`ideas of document ${documentId}`, work);

const refused = (line: number, why: string): AppError =>
  new AppError("conflict", `Cannot make an idea of line ${line + 1}: ${why}`);

type LineItem = Pick<
  DocumentItem,
  "words" | "sectionWords" | "section" | "title" | "description"
>;

function itemAt(text: string, line: number) {
  const said = CHECK_LINE.exec(text.split("\n")[line] ?? "")?.[2];
  if (said === undefined) return null;
  const words = said.trimEnd();
  const [names = null, kind, number] = REFERENCE.exec(words) ?? [];
  const whole = allDocumentItems(text).find((item) => item.line === line);
  const section = deepest(sectionsOf(text), line).title;
  const item: LineItem = whole ?? {
    ...{ words: compared(words), sectionWords: compared(section), section },
    ...{ title: words.slice(0, TITLE_CHARS), description: "" },
  };
  const isEmpty = item.words === "" || saysNothing(words);
  return { item, names, isEmpty, number: kind === "idea" ? Number(number) : null };
}

function deepest(section: DocumentSection, line: number): DocumentSection {
  const inner = section.sections.find((one) => one.line <= line && line < one.end);
  return inner ? deepest(inner, line) : section;
}

function written(text: string, line: number, number: number): string {
  const lines = text.split("\n");
  lines[line] = lines[line]!.replace(
    CHECK_LINE,
    (_, mark: string, said: string) => {
      const words = said.trimEnd();
      return `${mark}${words} #idea-${number}${said.slice(words.length)}`;
    },
  );
  return lines.join("\n");
}

function planIdea(app: App, document: PlanningDocument, item: LineItem): IdeaPlan {
  return transact(app, (tx) => {
    requireActiveProject(tx, document, "make an idea of it");
    const { words, sectionWords, section, title, description } = item;
    const { id: documentId, projectId, path } = document;
    const plan = {
      ...{ projectId, documentId, path, words, sectionWords, section, title, description },
      number: takeNumber(tx, projectId, "idea"),
    };
    insertIdeaPlan(tx, plan);
    return { ...plan, plannedBy: tx.actor };
  });
}

function finish(app: App, plan: IdeaPlan): Idea {
  return transact(actingAs(app, plan.plannedBy), (tx) => {
    const document = { id: plan.documentId, projectId: plan.projectId, path: plan.path };
    dropIdeaPlan(tx, plan);
    const { title, description, number } = plan;
    return insertFrom(tx, document, { item: plan, title, description, number });
  });
}

/** A save that failed may have been written all the same: the file says. */
async function whatCameOf(app: App, plan: IdeaPlan, error: unknown): Promise<Idea> {
  try {
    // Whoever asked may be gone, and what was begun is to be whole.
    mend(app, await openDocument(app, plan.documentId, AbortSignal.timeout(LOOK_MS)));
  } catch (second) {
    app.log.warn("an idea of a document's line waits for the next look at it", {
      document: plan.path,
      error: messageOf(second),
    });
  }
  const idea = findIdeaByNumber(app.db, plan.projectId, plan.number);
  if (idea) return idea;
  throw error;
}

const LOOK_MS = 20_000;

/** Makes the ideas whose numbers stand in a document, and forgets those that do not: what saves that were cut off left. */
function mend(app: App, { document, text }: OpenDocument): void {
  const { id: documentId, projectId } = document;
  for (const plan of listIdeaPlans(app.db, { projectId, documentId }, PLANS_MAX)) {
    if (isWritten(text, plan)) finish(app, plan);
    else transact(app, (tx) => dropIdeaPlan(tx, plan));
  }
}

/** The number was taken for this line alone, whatever else the line says. */
const isWritten = (text: string, { number }: IdeaPlan): boolean =>
  text.split("\n").some((line) => {
    const [, kind, named] = REFERENCE.exec(CHECK_LINE.exec(line)?.[2] ?? "") ?? [];
    return kind === "idea" && Number(named) === number;
  });

/** As `mend`, of a document that was opened to be shown. */
export async function mendLineIdeas(app: App, opened: OpenDocument): Promise<void> {
  const { id: documentId, projectId } = opened.document;
  const isLeft = () => listIdeaPlans(app.db, { projectId, documentId }, 1).length > 0;
  if (!isLeft()) return;
  const signal = AbortSignal.timeout(LOOK_MS);
  await alone(app, documentId, async () => {
    if (isLeft()) mend(app, await openDocument(app, documentId, signal));
  });
}

/** The same of all documents of a project. */
export async function mendProjectIdeas(app: App, projectId: string): Promise<void> {
  const plans = listIdeaPlans(app.db, { projectId }, PLANS_MAX);
  for (const documentId of new Set(plans.map((plan) => plan.documentId))) {
    try {
      const opened = await openDocument(app, documentId, AbortSignal.timeout(LOOK_MS));
      await mendLineIdeas(app, opened);
    } catch (error) {
      // The document is gone for now, and its own page says so.
      if (!(error instanceof AppError)) throw error;
      app.log.warn("an idea of a document's line waits", { error: error.message });
    }
  }
}
