/** How tickets are merged: the rule of each project, and what a person chose for one merge. */
import type { Db, Tx } from "../db.ts";
import type { MergeRule } from "../records.ts";
import type { ConflictWay, MergeStyle } from "../states.ts";

/** Of projects for which nobody said anything. */
export const PLAIN_RULE: MergeRule = { style: "squash", onConflict: "block" };

export function getMergeRule(db: Db, projectId: string): MergeRule {
  const row = db.prepare("SELECT style, on_conflict FROM merge_rules WHERE project_id = :projectId")
    .get({ projectId });
  if (!row) return PLAIN_RULE;
  return { style: row.style as MergeStyle, onConflict: row.on_conflict as ConflictWay };
}

export function putMergeRule(tx: Tx, projectId: string, { style, onConflict }: MergeRule): void {
  tx.db.prepare(`
    INSERT INTO merge_rules (project_id, style, on_conflict, updated_by, updated_at)
    VALUES (:projectId, :style, :onConflict, :actor, :now)
    ON CONFLICT (project_id) DO UPDATE SET style = :style, on_conflict = :onConflict,
      updated_by = :actor, updated_at = :now
  `).run({ projectId, style, onConflict, actor: tx.actor, now: tx.now });
}

/** Null: as its project's rule says. */
export function getMergeStyle(db: Db, ticketId: string): MergeStyle | null {
  const row = db.prepare("SELECT style FROM ticket_merge_styles WHERE ticket_id = :ticketId")
    .get({ ticketId });
  return row ? row.style as MergeStyle : null;
}

/** Null: as its project's rule says. */
export function putMergeStyle(tx: Tx, ticketId: string, style: MergeStyle | null): void {
  if (style === null) {
    tx.db.prepare("DELETE FROM ticket_merge_styles WHERE ticket_id = :ticketId").run({ ticketId });
    return;
  }
  tx.db.prepare(`
    INSERT INTO ticket_merge_styles (ticket_id, style) VALUES (:ticketId, :style)
    ON CONFLICT (ticket_id) DO UPDATE SET style = :style
  `).run({ ticketId, style });
}
