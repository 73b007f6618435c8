/** Which part of which document an idea was made of, and ideas whose numbers are being written into a line. */
import { type Db, type Row, type Tx } from "../db.ts";
import { type IdeaStatus, type TicketStatus } from "../states.ts";

/** A part of a document as it is told from others, see services/document_items.ts. */
export interface DocumentPart {
  words: string;
  sectionWords: string;
  nth: number;
}

/** Where an idea comes from. */
export interface IdeaOrigin {
  documentId: string;
  /** Of the document when it was made. */
  path: string;
  /** Title of the section then; "": none. */
  section: string;
}

/** An idea that was made of a part of a document. */
export interface DocumentIdea extends DocumentPart {
  ideaId: string;
  number: number;
  title: string;
  status: IdeaStatus;
}

export interface NewOrigin extends IdeaOrigin, DocumentPart {
  projectId: string;
  ideaId: string;
}

/** Fails where there is an idea of that part already: the caller looks first. */
export const insertOrigin = (tx: Tx, origin: NewOrigin): void =>
  void tx.db.prepare(`
    INSERT INTO document_ideas (document_id, words, section_words, nth, project_id, idea_id, path, section)
    VALUES (:documentId, :words, :sectionWords, :nth, :projectId, :ideaId, :path, :section)
  `).run({
    documentId: origin.documentId,
    words: origin.words,
    sectionWords: origin.sectionWords,
    nth: origin.nth,
    projectId: origin.projectId,
    ideaId: origin.ideaId,
    path: origin.path,
    section: origin.section,
  });

/** Ideas made of a document, by number; `limit` at most. */
export const listDocumentIdeas = (db: Db, documentId: string, limit: number): DocumentIdea[] =>
  db.prepare(`
    SELECT words, section_words, nth, ideas.id, number, title, status
    FROM document_ideas JOIN ideas ON ideas.id = idea_id
    WHERE document_id = :documentId ORDER BY number LIMIT :limit
  `).all({ documentId, limit }).map((row) => ({
    ...partFromRow(row),
    ideaId: String(row.id),
    number: Number(row.number),
    title: String(row.title),
    status: row.status as IdeaStatus,
  }));

/** Null: it was not made of a document. */
export function findOrigin(db: Db, ideaId: string): IdeaOrigin | null {
  const row = db.prepare("SELECT * FROM document_ideas WHERE idea_id = :ideaId").get({ ideaId });
  return row
    ? { documentId: String(row.document_id), path: String(row.path), section: String(row.section) }
    : null;
}

/** Titles of a project's ideas that nobody has rejected, the newest first; `limit` at most. */
export const listIdeaTitles = (
  db: Db,
  projectId: string,
  limit: number,
): { ideaId: string; number: number; title: string; status: IdeaStatus }[] =>
  db.prepare(`
    SELECT id, number, title, status FROM ideas
    WHERE project_id = :projectId AND status <> 'rejected' ORDER BY number DESC LIMIT :limit
  `).all({ projectId, limit }).map((row) => ({
    ideaId: String(row.id),
    number: Number(row.number),
    title: String(row.title),
    status: row.status as IdeaStatus,
  }));

/** An idea that is made once its number stands in its document's line. */
export interface IdeaPlan extends Omit<IdeaOrigin, "documentId">, Omit<DocumentPart, "nth"> {
  projectId: string;
  number: number;
  documentId: string;
  title: string;
  description: string;
  plannedBy: string;
}

/** Fails where the same words of the document are planned already. */
export const insertIdeaPlan = (tx: Tx, plan: Omit<IdeaPlan, "plannedBy">): void =>
  void tx.db.prepare(`
    INSERT INTO document_idea_plans (project_id, number, document_id, words, section_words, section, path, title,
      description, planned_by)
    VALUES (:projectId, :number, :documentId, :words, :sectionWords, :section, :path, :title, :description, :actor)
  `).run({ ...plan, actor: tx.actor });

export const dropIdeaPlan = (
  tx: Tx,
  { projectId, number }: Pick<IdeaPlan, "projectId" | "number">,
): void =>
  void tx.db.prepare(
    "DELETE FROM document_idea_plans WHERE project_id = :projectId AND number = :number",
  ).run({ projectId, number });

/** Plans that a save left, of one document or all of a project's, oldest first; `limit` at most. */
export const listIdeaPlans = (
  db: Db,
  { projectId, documentId = null }: { projectId: string; documentId?: string | null },
  limit: number,
): IdeaPlan[] =>
  db.prepare(`
    SELECT * FROM document_idea_plans WHERE project_id = :projectId
      AND (:documentId IS NULL OR document_id = :documentId) ORDER BY number LIMIT :limit
  `).all({ projectId, documentId, limit }).map((row) => ({
    projectId: String(row.project_id),
    number: Number(row.number),
    documentId: String(row.document_id),
    words: String(row.words),
    sectionWords: String(row.section_words),
    section: String(row.section),
    path: String(row.path),
    title: String(row.title),
    description: String(row.description),
    plannedBy: String(row.planned_by),
  }));

/** What a text's `#idea-12` or `#ticket-7` is right now. */
export interface ReferredState {
  kind: "idea" | "ticket";
  number: number;
  id: string;
  title: string;
  /** An idea's that has become a ticket: the ticket's. */
  status: { of: "idea"; is: IdeaStatus } | { of: "ticket"; is: TicketStatus };
}

/** Those of these that a project has: one look at the database, however many there are. */
export function listReferred(
  db: Db,
  projectId: string,
  references: readonly { kind: "idea" | "ticket"; number: number }[],
): ReferredState[] {
  if (references.length === 0) return [];
  const numbers = (kind: "idea" | "ticket") =>
    JSON.stringify(references.filter((one) => one.kind === kind).map(({ number }) => number));
  return db.prepare(`
    SELECT 'idea' AS kind, ideas.number, ideas.id, ideas.title, ideas.status, tickets.status AS ticket_status
    FROM ideas LEFT JOIN tickets ON tickets.id = ideas.ticket_id
    WHERE ideas.project_id = :projectId AND ideas.number IN (SELECT value FROM json_each(:ideas))
    UNION ALL
    SELECT 'ticket', number, id, title, NULL, status FROM tickets
    WHERE project_id = :projectId AND number IN (SELECT value FROM json_each(:tickets))
  `).all({ projectId, ideas: numbers("idea"), tickets: numbers("ticket") }).map(referredFromRow);
}

const referredFromRow = (row: Row): ReferredState => ({
  kind: row.kind as ReferredState["kind"],
  number: Number(row.number),
  id: String(row.id),
  title: String(row.title),
  status: row.ticket_status === null
    ? { of: "idea", is: row.status as IdeaStatus }
    : { of: "ticket", is: row.ticket_status as TicketStatus },
});

const partFromRow = (row: Row): DocumentPart => ({
  words: String(row.words),
  sectionWords: String(row.section_words),
  nth: Number(row.nth),
});
