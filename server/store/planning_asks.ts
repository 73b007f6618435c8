import { type Db, newId, type Row, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { PlanningAsk } from "../records.ts";
import type { PlanningAskKind } from "../states.ts";

export type NewPlanningAsk = Omit<PlanningAsk, "id" | "baseText" | "askedBy" | "askedAt">;

export function insertAsk(tx: Tx, ask: NewPlanningAsk): PlanningAsk {
  const row = tx.db.prepare(`
    INSERT INTO planning_asks (id, project_id, path, ask, words, section, commits, agent, answers_of, asked_by, asked_at)
    VALUES (:id, :projectId, :path, :ask, :words, :section, :commits, :agent, :answersOf, :actor, :now) RETURNING *
  `).get({
    ...ask,
    id: newId("ask"),
    commits: JSON.stringify(ask.commits),
    actor: tx.actor,
    now: tx.now,
  })!;
  return askFromRow(row);
}

/** Notes the text that its run begins with. */
export const setBaseText = (tx: Tx, id: string, text: string): void =>
  void tx.db.prepare("UPDATE planning_asks SET base_text = :text WHERE id = :id").run({ id, text });

/** Throws `not_found`. */
export function getAsk(db: Db, id: string): PlanningAsk {
  const ask = findAsk(db, id);
  if (ask) return ask;
  throw new AppError("not_found", `Nothing was asked of an agent with the id "${id}"`);
}

export function findAsk(db: Db, id: string): PlanningAsk | null {
  const row = db.prepare("SELECT * FROM planning_asks WHERE id = :id").get({ id });
  return row ? askFromRow(row) : null;
}

/** Of one document, newest first, before the one that is named. */
export const listAsks = (
  db: Db,
  { projectId, path }: Pick<PlanningAsk, "projectId" | "path">,
  { limit, after }: { limit: number; after?: { key: string; id: string } },
): PlanningAsk[] =>
  db.prepare(`
    SELECT * FROM planning_asks WHERE project_id = :projectId AND path = :path
      AND (:afterKey IS NULL OR (asked_at, id) < (:afterKey, :afterId))
    ORDER BY asked_at DESC, id DESC LIMIT :limit
  `).all({
    ...{ projectId, path, limit },
    afterKey: after?.key ?? null,
    afterId: after?.id ?? null,
  }).map(askFromRow);

/** Of a project, those about documents that are not there, newest first. */
export const listLostAsks = (db: Db, projectId: string, limit: number): PlanningAsk[] =>
  db.prepare(`
    SELECT * FROM planning_asks a WHERE project_id = :projectId AND NOT EXISTS
      (SELECT 1 FROM documents d WHERE d.project_id = a.project_id AND d.path = a.path)
    ORDER BY asked_at DESC, id DESC LIMIT :limit
  `).all({ projectId, limit }).map(askFromRow);

/** A document has another path now: what was asked about it comes along. */
export const moveAsks = (
  tx: Tx,
  { projectId, path }: Pick<PlanningAsk, "projectId" | "path">,
  to: string,
): void =>
  void tx.db.prepare(`
    UPDATE planning_asks SET path = :to WHERE project_id = :projectId AND path = :path
  `).run({ projectId, path, to });

/** How many runs of a document's asks are not over. */
export const countActiveAsks = (
  db: Db,
  { projectId, path }: Pick<PlanningAsk, "projectId" | "path">,
): number =>
  Number(
    db.prepare(`
      SELECT count(*) AS n FROM planning_asks a JOIN runs r ON r.ask_id = a.id
      WHERE a.project_id = :projectId AND a.path = :path AND r.status IN ('queued', 'running', 'waiting')
    `).get({ projectId, path })!.n,
  );

/** The ask that works the answers of an interview in; null: none yet. */
export function findAnswering(db: Db, askId: string): PlanningAsk | null {
  const row = db.prepare("SELECT * FROM planning_asks WHERE answers_of = :askId").get({ askId });
  return row ? askFromRow(row) : null;
}

/** Those of a document whose questions are all decided, at least one with an answer that nobody works in, the oldest first. */
export const listUnanswering = (
  db: Db,
  { projectId, path }: Pick<PlanningAsk, "projectId" | "path">,
  limit: number,
): PlanningAsk[] =>
  db.prepare(`
    SELECT a.* FROM planning_asks a WHERE a.project_id = :projectId AND a.path = :path
      AND EXISTS (SELECT 1 FROM runs r WHERE r.ask_id = a.id AND r.status = 'succeeded')
      AND EXISTS (SELECT 1 FROM planning_questions q WHERE q.ask_id = a.id AND q.status = 'answered')
      AND NOT EXISTS (SELECT 1 FROM planning_questions q WHERE q.ask_id = a.id AND q.status = 'pending')
      AND NOT EXISTS (SELECT 1 FROM planning_asks w
        WHERE w.project_id = a.project_id AND w.path = a.path AND w.answers_of = a.id)
    ORDER BY a.asked_at, a.id LIMIT :limit
  `).all({ projectId, path, limit }).map(askFromRow);

const askFromRow = (row: Row): PlanningAsk => ({
  id: String(row.id),
  projectId: String(row.project_id),
  path: String(row.path),
  ask: row.ask as PlanningAskKind,
  words: String(row.words),
  section: String(row.section),
  commits: JSON.parse(String(row.commits)),
  agent: String(row.agent),
  answersOf: row.answers_of as string | null,
  baseText: row.base_text as string | null,
  askedBy: String(row.asked_by),
  askedAt: String(row.asked_at),
});
