/** Which files documents describe, at which commit each was approved, and what has changed them since. */
import { type Db, type Row, type Tx } from "../db.ts";
import type { PlanningDocument } from "../records.ts";
import { approvedStatuses } from "../states.ts";

/** A commit of the base branch that changed what a document describes. */
export interface DriftCommit {
  commit: string;
  by: string;
  /** UTC text. */
  at: string;
  /** First line of its message. */
  subject: string;
  /** Those of its files that the document describes. */
  files: string[];
}

/** An approved document that describes files. */
export interface DescribingDocument {
  id: string;
  path: string;
  patterns: string[];
  /** Commit up to which its files were looked at; null: nobody has looked since its approval. */
  seen: string | null;
  /** Commit at which it was approved. */
  approved: string | null;
}

/** Puts the patterns of a document in place of those that there were. */
export function putDocumentFiles(
  tx: Tx,
  { number }: Pick<PlanningDocument, "number">,
  patterns: readonly string[],
): void {
  tx.db.prepare("DELETE FROM document_files WHERE document = :number").run({ number });
  for (const pattern of patterns) {
    tx.db.prepare("INSERT OR IGNORE INTO document_files VALUES (:number, :pattern)")
      .run({ number, pattern });
  }
}

/** Patterns of a document, in order. */
export const listDocumentFiles = (db: Db, { number }: Pick<PlanningDocument, "number">): string[] =>
  db.prepare("SELECT pattern FROM document_files WHERE document = :number ORDER BY pattern")
    .all({ number }).map((row) => String(row.pattern));

/** Whether an approved document of a project describes files; with a tip, one whose files were not looked at up to it. */
export const describesAny = (db: Db, projectId: string, tip: string | null): boolean =>
  db.prepare(`
    -- From the few documents that describe files: a project may have thousands that don't.
    SELECT 1 FROM document_files CROSS JOIN documents ON documents.number = document
      LEFT JOIN document_approvals ON document_id = documents.id
    WHERE documents.project_id = :projectId AND status IN (SELECT value FROM json_each(:approved))
      AND (:tip IS NULL OR seen_commit IS NULL OR seen_commit <> :tip)
    LIMIT 1
  `).get({ projectId, tip, approved: JSON.stringify(approvedStatuses) }) !== undefined;

/** Approved documents of a project that describe files, by path; `limit` at most. */
export const listDescribing = (db: Db, projectId: string, limit: number): DescribingDocument[] =>
  db.prepare(`
    SELECT documents.id, path, seen_commit, approved_commit,
      (SELECT json_group_array(pattern) FROM document_files WHERE document = documents.number) AS patterns
    FROM documents LEFT JOIN document_approvals ON document_id = documents.id
    WHERE documents.project_id = :projectId
      AND status IN (SELECT value FROM json_each(:approved))
      AND EXISTS (SELECT 1 FROM document_files WHERE document = documents.number)
    ORDER BY path LIMIT :limit
  `).all({ projectId, approved: JSON.stringify(approvedStatuses), limit }).map((row) => ({
    id: String(row.id),
    path: String(row.path),
    patterns: JSON.parse(String(row.patterns)),
    seen: row.seen_commit === null ? null : String(row.seen_commit),
    approved: row.approved_commit === null ? null : String(row.approved_commit),
  }));

/** Commit up to which a document's files were looked at; null: nobody has looked, or it is not approved. */
export function findSeen(db: Db, documentId: string): string | null {
  const row = db.prepare(
    "SELECT seen_commit FROM document_approvals WHERE document_id = :documentId",
  )
    .get({ documentId });
  return row ? row.seen_commit as string | null : null;
}

/** The document is true as of this commit: what changed its files before does not count any more. */
export function putApproval(
  tx: Tx,
  { documentId, projectId, commit }: { documentId: string; projectId: string; commit: string },
): void {
  dropApproval(tx, documentId);
  tx.db.prepare(`
    INSERT INTO document_approvals VALUES (:documentId, :projectId, :commit, :commit)
  `).run({ documentId, projectId, commit });
}

/** The document is not approved, or not any more. */
export const dropApproval = (tx: Tx, documentId: string): void =>
  void tx.db.prepare("DELETE FROM document_approvals WHERE document_id = :documentId")
    .run({ documentId });

/** Adds what has changed a document's files, the newest first; of all that is known, `limit` stay. */
export function addDrift(
  tx: Tx,
  { documentId, commits }: { documentId: string; commits: DriftCommit[] },
  limit: number,
): void {
  const known = listDrift(tx.db, documentId, limit);
  tx.db.prepare("DELETE FROM document_drift WHERE document_id = :documentId").run({ documentId });
  const all = [...commits, ...known].slice(0, limit);
  for (const [i, { commit, by, at, subject, files }] of all.entries()) {
    tx.db.prepare(`
      INSERT INTO document_drift VALUES (:documentId, :position, :commit, :by, :at, :subject, :files)
    `).run({
      documentId,
      position: all.length - i,
      commit,
      by,
      at,
      subject,
      files: JSON.stringify(files),
    });
  }
}

/** Up to this commit of the base branch it is known what has changed their files. */
export const seenUpTo = (
  tx: Tx,
  { documentIds, commit }: { documentIds: readonly string[]; commit: string },
): void =>
  void tx.db.prepare(`
    UPDATE document_approvals SET seen_commit = :commit
    WHERE document_id IN (SELECT value FROM json_each(:documentIds))
  `).run({ commit, documentIds: JSON.stringify(documentIds) });

/** Commits that changed what a document describes, newest first. */
export const listDrift = (db: Db, documentId: string, limit: number): DriftCommit[] =>
  db.prepare(`
    SELECT * FROM document_drift WHERE document_id = :documentId ORDER BY position DESC LIMIT :limit
  `).all({ documentId, limit }).map(driftFromRow);

/** Ids of a project's approved documents that are stale. */
export const listStale = (db: Db, projectId: string): Set<string> =>
  new Set(
    db.prepare(`
      SELECT document_id FROM document_approvals WHERE project_id = :projectId
        AND EXISTS (SELECT 1 FROM document_drift
          WHERE document_drift.document_id = document_approvals.document_id)
        AND EXISTS (SELECT 1 FROM documents WHERE documents.id = document_approvals.document_id
          AND status IN (SELECT value FROM json_each(:approved)))
    `).all({ projectId, approved: JSON.stringify(approvedStatuses) }).map((row) =>
      String(row.document_id)
    ),
  );

const driftFromRow = (row: Row): DriftCommit => ({
  commit: String(row.commit_id),
  by: String(row.by),
  at: String(row.at),
  subject: String(row.subject),
  files: JSON.parse(String(row.files)),
});
