import { type Db, newId, type Row, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Approval } from "../records.ts";
import { approvalMoves, type ApprovalStatus, sourcesOf } from "../states.ts";

export type NewApproval = Pick<
  Approval,
  "runId" | "callId" | "tool" | "detail" | "rule" | "diff"
>;

export function insertApproval(tx: Tx, approval: NewApproval): Approval {
  const id = newId("approval");
  tx.db.prepare(`
    INSERT INTO approvals (id, run_id, call_id, tool, detail, rule, diff, created_at)
    VALUES (:id, :runId, :callId, :tool, :detail, :rule, :diff, :now)
  `).run({ id, ...approval, now: tx.now });
  return getApproval(tx.db, id);
}

/** Decides an approval along `approvalMoves`, once. Throws `conflict` when it has been decided before. */
export function decideApproval(
  tx: Tx,
  id: string,
  to: "granted" | "denied",
  reason: string,
): Approval {
  const row = tx.db.prepare(`
    UPDATE approvals SET status = :to, reason = :reason, decided_at = :now, decided_by = :actor
    WHERE id = :id AND status IN (SELECT value FROM json_each(:from)) RETURNING *
  `).get({
    id,
    to,
    reason,
    now: tx.now,
    actor: tx.actor,
    from: JSON.stringify(sourcesOf(approvalMoves, to)),
  });
  if (!row) {
    const { status, decidedBy } = getApproval(tx.db, id);
    throw new AppError(
      "conflict",
      `Cannot decide this approval: ${decidedBy} has already ${status} it`,
    );
  }
  return approvalFromRow(row);
}

/** Throws `not_found`. */
export function getApproval(db: Db, id: string): Approval {
  const row = db.prepare("SELECT * FROM approvals WHERE id = :id").get({ id });
  if (!row) throw new AppError("not_found", `No approval with the id "${id}"`);
  return approvalFromRow(row);
}

export function findApproval(db: Db, runId: string, callId: string): Approval | null {
  const row = db.prepare("SELECT * FROM approvals WHERE run_id = :runId AND call_id = :callId")
    .get({ runId, callId });
  return row ? approvalFromRow(row) : null;
}

export function listRunApprovals(db: Db, runId: string): Approval[] {
  return db.prepare("SELECT * FROM approvals WHERE run_id = :runId ORDER BY created_at, rowid")
    .all({ runId }).map(approvalFromRow);
}

/** Newest first. Of the pending ones only those of runs that still wait: the others can't be decided. */
export function listApprovals(
  db: Db,
  filter: {
    status?: ApprovalStatus;
    projectId?: string;
    runId?: string;
    limit: number;
    after?: { key: string; id: string };
  },
): Approval[] {
  return db.prepare(`
    SELECT a.* FROM approvals a JOIN runs r ON r.id = a.run_id
    WHERE (:status IS NULL OR a.status = :status)
      AND (:status IS NOT 'pending' OR r.status IN ('running', 'waiting'))
      AND (:projectId IS NULL OR r.project_id = :projectId)
      AND (:runId IS NULL OR a.run_id = :runId)
      AND (:afterKey IS NULL OR (a.created_at, a.id) < (:afterKey, :afterId))
    ORDER BY a.created_at DESC, a.id DESC LIMIT :limit
  `).all({
    status: filter.status ?? null,
    projectId: filter.projectId ?? null,
    runId: filter.runId ?? null,
    afterKey: filter.after?.key ?? null,
    afterId: filter.after?.id ?? null,
    limit: filter.limit,
  }).map(approvalFromRow);
}

/** How many `listPendingApprovals` would list, without its limit. */
export const countPendingApprovals = (db: Db, projectId: string | null): number =>
  Number(
    db.prepare(`
      SELECT count(*) AS n FROM approvals a JOIN runs r ON r.id = a.run_id
      WHERE a.status = 'pending' AND r.status IN ('running', 'waiting')
        AND (:projectId IS NULL OR r.project_id = :projectId)
    `).get({ projectId })!.n,
  );

/** Pending approvals of runs that still wait, oldest first. */
export function listPendingApprovals(
  db: Db,
  projectId: string | null,
  limit: number,
): Approval[] {
  return db.prepare(`
    SELECT a.* FROM approvals a JOIN runs r ON r.id = a.run_id
    WHERE a.status = 'pending' AND r.status IN ('running', 'waiting')
      AND (:projectId IS NULL OR r.project_id = :projectId)
    ORDER BY a.created_at LIMIT :limit
  `).all({ projectId, limit }).map(approvalFromRow);
}

function approvalFromRow(row: Row): Approval {
  return {
    id: String(row.id),
    runId: String(row.run_id),
    callId: String(row.call_id),
    tool: String(row.tool),
    detail: String(row.detail),
    rule: String(row.rule),
    diff: row.diff as string | null,
    status: row.status as ApprovalStatus,
    reason: String(row.reason),
    createdAt: String(row.created_at),
    decidedAt: row.decided_at as string | null,
    decidedBy: row.decided_by as string | null,
  };
}
