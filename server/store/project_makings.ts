/** New projects that are being made: a row each, from before the first file to the rows of the project itself. */
import { type Db, newId, type Row, type Tx } from "../db.ts";

export interface ProjectMaking {
  id: string;
  /** Where the project is to be. */
  path: string;
  /** The folder beside it in which it is made. */
  folder: string;
  /** Its first commit; null: its files are not whole yet. */
  commit: string | null;
  /** What becomes rows, as JSON. */
  plan: string;
  madeBy: string;
  startedAt: string;
}

export function insertMaking(
  tx: Tx,
  { path, folder, plan }: Pick<ProjectMaking, "path" | "folder" | "plan">,
): ProjectMaking {
  const id = newId("making");
  tx.db.prepare(`
    INSERT INTO project_makings (id, path, folder, commit_id, plan, made_by, started_at)
    VALUES (:id, :path, :folder, NULL, :plan, :actor, :now)
  `).run({ id, path, folder, plan, actor: tx.actor, now: tx.now });
  return findMaking(tx.db, id)!;
}

export const setMakingCommit = (tx: Tx, id: string, commit: string): void =>
  void tx.db.prepare("UPDATE project_makings SET commit_id = :commit WHERE id = :id")
    .run({ id, commit });

export const deleteMaking = (tx: Tx, id: string): void =>
  void tx.db.prepare("DELETE FROM project_makings WHERE id = :id").run({ id });

export function findMaking(db: Db, id: string): ProjectMaking | null {
  const row = db.prepare("SELECT * FROM project_makings WHERE id = :id").get({ id });
  return row ? makingFromRow(row) : null;
}

/** Most that one look gives; more are never there, since they are made one after the other. */
const MAKINGS_MAX = 100;

/** The oldest first. */
export const listMakings = (db: Db): ProjectMaking[] =>
  db.prepare(`SELECT * FROM project_makings ORDER BY started_at, id LIMIT ${MAKINGS_MAX}`).all()
    .map(makingFromRow);

const makingFromRow = (row: Row): ProjectMaking => ({
  id: String(row.id),
  path: String(row.path),
  folder: String(row.folder),
  commit: row.commit_id === null ? null : String(row.commit_id),
  plan: String(row.plan),
  madeBy: String(row.made_by),
  startedAt: String(row.started_at),
});
