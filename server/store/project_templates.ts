/** Project templates that are not built in, as their files are saved. */
import type { Db, Row, Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { TemplateSource } from "../states.ts";

export interface SavedTemplate {
  id: string;
  /** Its whole file. */
  text: string;
  hash: string;
  source: TemplateSource;
  /** Who trusts this text, and since when; null: it is inert. */
  trusted: { by: string; at: string } | null;
  savedBy: string;
  savedAt: string;
}

/** Most that are kept. */
export const SAVED_TEMPLATES_MAX = 100;

/** Throws `conflict` when there is one of that id, or as many as are kept. */
export function insertTemplate(
  tx: Tx,
  template: Pick<SavedTemplate, "id" | "text" | "hash" | "source"> & { trusted: boolean },
): SavedTemplate {
  const { id, text, hash, source, trusted } = template;
  if (findTemplate(tx.db, id)) {
    throw new AppError(
      "conflict",
      `Cannot add the template: there is one named "${id}". Remove that, or give this one another id`,
    );
  }
  const { n } = tx.db.prepare("SELECT count(*) AS n FROM project_templates").get()!;
  if (Number(n) >= SAVED_TEMPLATES_MAX) {
    throw new AppError(
      "conflict",
      `Cannot add the template: there are ${SAVED_TEMPLATES_MAX}, the most that are kept. Remove one first`,
    );
  }
  tx.db.prepare(`
    INSERT INTO project_templates (id, text, hash, source, trusted_by, trusted_at, saved_by, saved_at)
    VALUES (:id, :text, :hash, :source, :by, :at, :actor, :now)
  `).run({
    ...{ id, text, hash, source, actor: tx.actor, now: tx.now },
    by: trusted ? tx.actor : null,
    at: trusted ? tx.now : null,
  });
  return findTemplate(tx.db, id)!;
}

/** False: there is none of that id with that text. Whoever trusted it before stays the one. */
export const setTemplateTrusted = (tx: Tx, id: string, hash: string): boolean =>
  tx.db.prepare(`
    UPDATE project_templates SET trusted_by = coalesce(trusted_by, :actor),
      trusted_at = coalesce(trusted_at, :now)
    WHERE id = :id AND hash = :hash RETURNING id
  `).get({ id, hash, actor: tx.actor, now: tx.now }) !== undefined;

/** False: there was none. */
export const deleteTemplate = (tx: Tx, id: string): boolean =>
  tx.db.prepare("DELETE FROM project_templates WHERE id = :id RETURNING id").get({ id }) !==
    undefined;

export function findTemplate(db: Db, id: string): SavedTemplate | null {
  const row = db.prepare("SELECT * FROM project_templates WHERE id = :id").get({ id });
  return row ? templateFromRow(row) : null;
}

/** By id. */
export const listTemplates = (db: Db): SavedTemplate[] =>
  db.prepare(`SELECT * FROM project_templates ORDER BY id LIMIT ${SAVED_TEMPLATES_MAX}`).all()
    .map(templateFromRow);

const templateFromRow = (row: Row): SavedTemplate => ({
  id: String(row.id),
  text: String(row.text),
  hash: String(row.hash),
  source: row.source as TemplateSource,
  trusted: row.trusted_by === null
    ? null
    : { by: String(row.trusted_by), at: String(row.trusted_at) },
  savedBy: String(row.saved_by),
  savedAt: String(row.saved_at),
});
