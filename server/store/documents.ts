import type { Db, Row, Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { DocumentLink, PlanningDocument } from "../records.ts";
import type { DocumentSaves, DocumentStatus, DocumentType } from "../states.ts";
import { getSpot, keepGone } from "./documents_gone.ts";

/** Everything about a file but what the index gives it. */
export type IndexedDocument = Omit<PlanningDocument, "number" | "id" | "indexedAt">;

/**
 * Puts a file's row, names and links in place of those that there were. `names`: the best comes first. `id`: for a row
 * that is new. Its words come after the rows of all others of the transaction, by `putWords`: between two of their
 * writes, any other statement has them sorted in, which takes many times as long.
 */
export function putDocument(
  tx: Tx,
  document: IndexedDocument,
  { id, names, links }: { id: string; names: readonly string[]; links: DocumentLink[] },
): PlanningDocument {
  const row = tx.db.prepare(`
    INSERT INTO documents (id, project_id, path, title, type, status, owner, target, problem, bytes, stamp, version,
      indexed_at)
    VALUES (:id, :projectId, :path, :title, :type, :status, :owner, :target, :problem, :bytes, :stamp, :version, :now)
    ON CONFLICT (project_id, path) DO UPDATE SET title = :title, type = :type, status = :status, owner = :owner,
      target = :target, problem = :problem, bytes = :bytes, stamp = :stamp, version = :version, indexed_at = :now
    RETURNING *
  `).get({ ...document, id, now: tx.now })!;
  lastStamps.delete(tx.db);
  const { number } = row as { number: number };
  if (row.id !== id) {
    tx.db.prepare("DELETE FROM document_links WHERE document = :number").run({ number });
    tx.db.prepare("DELETE FROM document_names WHERE document = :number").run({ number });
  }
  for (const { kind, target } of links) {
    tx.db.prepare("INSERT OR IGNORE INTO document_links VALUES (:number, :kind, :target)")
      .run({ number, kind, target });
  }
  for (const [rank, key] of names.entries()) {
    tx.db.prepare("INSERT INTO document_names VALUES (:projectId, :key, :rank, :number)")
      .run({ projectId: document.projectId, key, rank, number });
  }
  return documentFromRow(row);
}

/** A document's file looks different, and says what it said. */
export function putStamp(
  tx: Tx,
  { number }: Pick<PlanningDocument, "number">,
  stamp: string,
): void {
  lastStamps.delete(tx.db);
  tx.db.prepare("UPDATE documents SET stamp = :stamp WHERE number = :number")
    .run({ number, stamp });
}

/** Puts a document's words in place of those that it had. */
export function putWords(
  tx: Tx,
  { number, title }: Pick<PlanningDocument, "number" | "title">,
  body: string,
): void {
  tx.db.prepare("DELETE FROM documents_text WHERE rowid = :number").run({ number });
  tx.db.prepare("INSERT INTO documents_text (rowid, title, body) VALUES (:number, :title, :body)")
    .run({ number, title, body });
}

/** The file is gone; its id is kept for when it comes back. */
export function dropDocument(tx: Tx, { number }: Pick<PlanningDocument, "number">): void {
  lastStamps.delete(tx.db);
  keepGone(tx, number);
  tx.db.prepare("DELETE FROM documents_text WHERE rowid = :number").run({ number });
  tx.db.prepare("DELETE FROM documents WHERE number = :number").run({ number });
}

/** Throws `not_found`. */
export function getDocument(db: Db, id: string): PlanningDocument {
  const document = findDocumentById(db, id);
  if (document) return document;
  const { path } = getSpot(db, id);
  throw new AppError("not_found", `Cannot open ${path}: its file is gone from the project`);
}

export function findDocumentById(db: Db, id: string): PlanningDocument | null {
  const row = db.prepare("SELECT * FROM documents WHERE id = :id").get({ id });
  return row ? documentFromRow(row) : null;
}

export function findDocument(db: Db, projectId: string, path: string): PlanningDocument | null {
  const row = db.prepare("SELECT * FROM documents WHERE project_id = :projectId AND path = :path")
    .get({ projectId, path });
  return row ? documentFromRow(row) : null;
}

/** The only one of a project that has this text; null: none has, or several do. */
export function findDocumentOfVersion(
  db: Db,
  projectId: string,
  version: string,
): PlanningDocument | null {
  const rows = db.prepare(`
    SELECT * FROM documents WHERE project_id = :projectId AND version = :version LIMIT 2
  `).all({ projectId, version });
  return rows.length === 1 ? documentFromRow(rows[0]!) : null;
}

/** Whichever a link of this name leads to; `path`: only one whose path it is. */
export function findDocumentNamed(
  db: Db,
  projectId: string,
  { key, path }: { key: string; path: boolean },
): PlanningDocument | null {
  const row = db.prepare(`
    SELECT documents.* FROM document_names JOIN documents ON documents.number = document
    WHERE document_names.project_id = :projectId AND key = :key AND rank <= :rank
    ORDER BY rank, path LIMIT 1
  `).get({ projectId, key, rank: path ? 0 : 2 });
  return row ? documentFromRow(row) : null;
}

/** Those right in a folder ("" or with a slash at its end), by path, after the path of the page before. */
export const listDocumentsIn = (
  db: Db,
  projectId: string,
  { folder, after }: { folder: string; after: string },
  limit: number,
): PlanningDocument[] =>
  db.prepare(`
    SELECT * FROM documents WHERE project_id = :projectId AND path > :after
      AND substr(path, 1, length(:folder)) = :folder
      AND instr(substr(path, length(:folder) + 1), '/') = 0
    ORDER BY path LIMIT :limit
  `).all({ projectId, folder, after, limit }).map(documentFromRow);

/** How many documents each project has; those without one are left out. */
export const countDocuments = (db: Db): Map<string, number> =>
  new Map(
    db.prepare("SELECT project_id, count(*) AS n FROM documents GROUP BY project_id").all()
      .map((row) => [String(row.project_id), Number(row.n)]),
  );

/** Of a project, by path, after this one; null: of any type, of any status. */
export const listDocumentsAfter = (
  db: Db,
  { projectId, after, type, status }: {
    projectId: string;
    after: string;
    type: DocumentType | null;
    status: DocumentStatus | null;
  },
  limit: number,
): PlanningDocument[] =>
  db.prepare(`
    SELECT * FROM documents WHERE project_id = :projectId AND path > :after
      AND (:type IS NULL OR type = :type) AND (:status IS NULL OR status = :status)
    ORDER BY path LIMIT :limit
  `).all({ projectId, after, type, status, limit }).map(documentFromRow);

/** All of a project, by path; `limit` at most. */
export const listDocuments = (db: Db, projectId: string, limit: number): PlanningDocument[] =>
  db.prepare("SELECT * FROM documents WHERE project_id = :projectId ORDER BY path LIMIT :limit")
    .all({ projectId, limit }).map(documentFromRow);

/** Another text as soon as any document of a project is another one in the index. */
export function documentsState(db: Db, projectId: string): string {
  const row = db.prepare(`
    SELECT count(*) AS n, coalesce(max(indexed_at), '') AS at FROM documents WHERE project_id = :projectId
  `).get({ projectId })!;
  return `${row.n}-${row.at}`;
}

/**
 * What the check of the files compares with: stamps by path, in the order of the paths. The same one as long as no
 * document of the project is another one, and no other project is asked for.
 */
export function documentStamps(db: Db, projectId: string): ReadonlyMap<string, string> {
  const state = documentsState(db, projectId);
  const known = lastStamps.get(db);
  if (known?.projectId === projectId && known.state === state) return known.stamps;
  const stamps = readStamps(db, projectId);
  lastStamps.set(db, { projectId, state, stamps });
  return stamps;
}

/** Of the project that was asked for last; gone with the next write, also with one that is taken back. */
const lastStamps = new WeakMap<
  Db,
  { projectId: string; state: string; stamps: ReadonlyMap<string, string> }
>();

/** One row for all: thousands take several times as long. */
function readStamps(db: Db, projectId: string): Map<string, string> {
  const row = db.prepare(`
    SELECT group_concat(path || char(9) || stamp, char(10)) AS rows
    FROM (SELECT path, stamp FROM documents WHERE project_id = :projectId ORDER BY path)
  `).get({ projectId })!;
  const stamps = new Map<string, string>();
  // No path and no stamp has a tab or an end of a line in it.
  for (const entry of row.rows === null ? [] : String(row.rows).split("\n")) {
    const tab = entry.indexOf("\t");
    stamps.set(entry.slice(0, tab), entry.slice(tab + 1));
  }
  return stamps;
}

/** A document that a search found. */
export interface DocumentHit {
  document: PlanningDocument;
  /** Where its words stand; found ones between U+0002 and U+0003. */
  excerpt: string;
}

/** `query` in FTS5's own syntax; the best first. */
export const searchDocuments = (
  db: Db,
  projectId: string,
  query: string,
  limit: number,
): DocumentHit[] =>
  db.prepare(`
    SELECT documents.*, snippet(documents_text, 1, char(2), char(3), '…', 24) AS excerpt
    FROM documents_text JOIN documents ON documents.number = documents_text.rowid
    WHERE documents_text MATCH :query AND project_id = :projectId
    ORDER BY bm25(documents_text, 8.0, 1.0) LIMIT :limit
  `).all({ projectId, query, limit })
    .map((row) => ({ document: documentFromRow(row), excerpt: String(row.excerpt) }));

/** Where a document leads, in order. */
export const listLinks = (db: Db, number: number): DocumentLink[] =>
  db.prepare(
    "SELECT kind, target FROM document_links WHERE document = :number ORDER BY kind, target",
  )
    .all({ number })
    .map((row) => ({ kind: row.kind as DocumentLink["kind"], target: String(row.target) }));

/** Documents of a project with a link to any of these targets of one kind, by path. */
export const listLinking = (
  db: Db,
  projectId: string,
  { kind, targets }: { kind: DocumentLink["kind"]; targets: readonly string[] },
  limit: number,
): PlanningDocument[] =>
  // With the plus the few that link are looked up, where else every document of the project is asked whether it does.
  db.prepare(`
    SELECT * FROM documents WHERE +project_id = :projectId AND number IN (
      SELECT document FROM document_links
      WHERE kind = :kind AND target IN (SELECT value FROM json_each(:targets)))
    ORDER BY path LIMIT :limit
  `).all({ projectId, kind, targets: JSON.stringify(targets), limit }).map(documentFromRow);

/** Where a project's documents are saved; null: nobody said. */
export function findDocumentSaves(db: Db, projectId: string): DocumentSaves | null {
  const row = db.prepare("SELECT saves FROM planning_settings WHERE project_id = :projectId")
    .get({ projectId });
  return row ? row.saves as DocumentSaves : null;
}

export const putDocumentSaves = (tx: Tx, projectId: string, saves: DocumentSaves): void =>
  void tx.db.prepare(`
    INSERT INTO planning_settings VALUES (:projectId, :saves, :actor, :now)
    ON CONFLICT (project_id) DO UPDATE SET saves = :saves, updated_by = :actor, updated_at = :now
  `).run({ projectId, saves, actor: tx.actor, now: tx.now });

const documentFromRow = (row: Row): PlanningDocument => ({
  number: Number(row.number),
  id: String(row.id),
  projectId: String(row.project_id),
  path: String(row.path),
  title: String(row.title),
  type: row.type as DocumentType,
  status: row.status as DocumentStatus,
  owner: String(row.owner),
  target: String(row.target),
  problem: String(row.problem),
  bytes: Number(row.bytes),
  stamp: String(row.stamp),
  version: String(row.version),
  indexedAt: String(row.indexed_at),
});
