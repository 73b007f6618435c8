import { type Db, newId, type Row, type Tx } from "../db.ts";
import type { Worktree } from "../records.ts";
import { sourcesOf, worktreeMoves, type WorktreeStatus } from "../states.ts";
import { AppError } from "../errors.ts";

/** The row comes before the folder, so that a crash in between leaves a trace to recover from. */
export function allocateWorktree(
  tx: Tx,
  worktree: Pick<Worktree, "projectId" | "ticketId" | "path" | "branch">,
): Worktree {
  const row = tx.db.prepare(`
    INSERT INTO worktrees (id, project_id, ticket_id, path, branch, created_at)
    VALUES (:id, :projectId, :ticketId, :path, :branch, :now)
    ON CONFLICT (ticket_id) DO UPDATE SET status = 'allocated', set_up = 0, branch = :branch
      WHERE status IN (SELECT value FROM json_each(:from))
    RETURNING *
  `).get({
    id: newId("worktree"),
    projectId: worktree.projectId,
    ticketId: worktree.ticketId,
    path: worktree.path,
    branch: worktree.branch,
    now: tx.now,
    from: JSON.stringify(sourcesOf(worktreeMoves, "allocated")),
  });
  return row ? worktreeFromRow(row) : findWorktree(tx.db, worktree.ticketId)!;
}

/** Throws `conflict` if its status does not lead to `to`. */
export function moveWorktree(
  tx: Tx,
  id: string,
  to: WorktreeStatus,
  changes: { branch?: string } = {},
): Worktree {
  const row = tx.db.prepare(`
    UPDATE worktrees SET status = :to, branch = coalesce(:branch, branch)
    WHERE id = :id AND status IN (SELECT value FROM json_each(:from)) RETURNING *
  `).get({
    id,
    to,
    branch: changes.branch ?? null,
    from: JSON.stringify(sourcesOf(worktreeMoves, to)),
  });
  if (!row) {
    throw new AppError("conflict", `Cannot make the worktree "${to}" from its present state`);
  }
  return worktreeFromRow(row);
}

/** The project's setup command has run in it; `as`: a digest of what was set for that. */
export function markSetUp(tx: Tx, id: string, as: string): void {
  tx.db.prepare("UPDATE worktrees SET set_up = 1, set_up_as = :as WHERE id = :id").run({ id, as });
}

/** In the place of that digest: the command is at work, or was cut off, and what is in the folder may be its own. */
export const SETUP_BEGUN = "begun";

export function markSetUpBegun(tx: Tx, id: string): void {
  tx.db.prepare("UPDATE worktrees SET set_up_as = :as WHERE id = :id").run({ id, as: SETUP_BEGUN });
}

/** From now on a person may work in the ticket's folder, whatever was cut off there. */
export function markSetUpOver(tx: Tx, ticketId: string): void {
  tx.db.prepare(`
    UPDATE worktrees SET set_up_as = 'ended' WHERE ticket_id = :ticketId AND set_up_as = :begun
  `).run({ ticketId, begun: SETUP_BEGUN });
}

export function findWorktree(db: Db, ticketId: string): Worktree | null {
  const row = db.prepare("SELECT * FROM worktrees WHERE ticket_id = :ticketId").get({ ticketId });
  return row ? worktreeFromRow(row) : null;
}

function worktreeFromRow(row: Row): Worktree {
  return {
    id: String(row.id),
    projectId: String(row.project_id),
    ticketId: String(row.ticket_id),
    path: String(row.path),
    branch: String(row.branch),
    status: row.status as WorktreeStatus,
    setUp: row.set_up === 1,
    setUpAs: String(row.set_up_as),
    createdAt: String(row.created_at),
  };
}
