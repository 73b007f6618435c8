/** How tickets are merged: the rule of each project, and what a person chose for one merge. */
import type { Db, Tx } from "../db.ts";
import type { MergeRule } from "../records.ts";
import type { ConflictWay, MergeStyle, SignKind } from "../states.ts";

/** Of projects for which nobody said anything. */
export const PLAIN_RULE: MergeRule = { style: "squash", onConflict: "block", sign: null };

export function getMergeRule(db: Db, projectId: string): MergeRule {
  const row = db.prepare("SELECT * FROM merge_rules WHERE project_id = :projectId")
    .get({ projectId });
  if (!row) return PLAIN_RULE;
  return {
    style: row.style as MergeStyle,
    onConflict: row.on_conflict as ConflictWay,
    sign: row.sign === null ? null : { kind: row.sign as SignKind, key: String(row.sign_key) },
  };
}

export function putMergeRule(tx: Tx, projectId: string, rule: MergeRule): void {
  tx.db.prepare(`
    INSERT INTO merge_rules (project_id, style, on_conflict, sign, sign_key, updated_by, updated_at)
    VALUES (:projectId, :style, :onConflict, :sign, :signKey, :actor, :now)
    ON CONFLICT (project_id) DO UPDATE SET style = :style, on_conflict = :onConflict, sign = :sign,
      sign_key = :signKey, updated_by = :actor, updated_at = :now
  `).run({
    projectId,
    style: rule.style,
    onConflict: rule.onConflict,
    sign: rule.sign?.kind ?? null,
    signKey: rule.sign?.key ?? null,
    actor: tx.actor,
    now: tx.now,
  });
}

/** What a person chose for one ticket; null: its project's rule holds. */
export interface TicketMergeRule {
  style: MergeStyle | null;
  onConflict: ConflictWay | null;
}

export function getTicketMergeRule(db: Db, ticketId: string): TicketMergeRule {
  const row = db.prepare(
    "SELECT style, on_conflict FROM ticket_merge_rules WHERE ticket_id = :ticketId",
  ).get({ ticketId });
  return {
    style: (row?.style ?? null) as MergeStyle | null,
    onConflict: (row?.on_conflict ?? null) as ConflictWay | null,
  };
}

/** Changes what is given; the rest stays as it is. */
export function putTicketMergeRule(
  tx: Tx,
  ticketId: string,
  changes: Partial<TicketMergeRule>,
): void {
  const { style, onConflict } = { ...getTicketMergeRule(tx.db, ticketId), ...changes };
  tx.db.prepare(`
    INSERT INTO ticket_merge_rules (ticket_id, style, on_conflict) VALUES (:ticketId, :style, :onConflict)
    ON CONFLICT (ticket_id) DO UPDATE SET style = :style, on_conflict = :onConflict
  `).run({ ticketId, style, onConflict });
}

/** How one ticket is merged: as a person chose for it, else by its project's rule. */
export function mergeRuleOf(db: Db, ticket: { id: string; projectId: string }): MergeRule {
  const own = getTicketMergeRule(db, ticket.id);
  const rule = getMergeRule(db, ticket.projectId);
  return { ...rule, style: own.style ?? rule.style, onConflict: own.onConflict ?? rule.onConflict };
}
