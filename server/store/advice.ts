import type { Db, Tx } from "../db.ts";

/** What a person decided about a piece of advice. `undo` says how it was before it was applied. */
export interface AdviceDecision {
  key: string;
  /** What was advised. */
  title: string;
  state: "applied" | "dismissed";
  undo: unknown;
  decidedBy: string;
  decidedAt: string;
}

const DECISIONS_MAX = 500;

export function putAdviceDecision(
  tx: Tx,
  decision: Omit<AdviceDecision, "decidedAt" | "decidedBy">,
): void {
  tx.db.prepare(`
    INSERT INTO advice (key, title, state, undo, decided_by, decided_at)
    VALUES (:key, :title, :state, :undo, :actor, :now)
    ON CONFLICT (key) DO UPDATE SET title = :title, state = :state, undo = :undo, decided_by = :actor, decided_at = :now
  `).run({
    key: decision.key,
    title: decision.title,
    state: decision.state,
    undo: JSON.stringify(decision.undo ?? null),
    actor: tx.actor,
    now: tx.now,
  });
}

export const deleteAdviceDecision = (tx: Tx, key: string): void =>
  void tx.db.prepare("DELETE FROM advice WHERE key = :key").run({ key });

/** Newest first. */
export const listAdviceDecisions = (db: Db): AdviceDecision[] =>
  db.prepare(`SELECT * FROM advice ORDER BY decided_at DESC LIMIT ${DECISIONS_MAX}`).all().map(
    (row) => ({
      key: String(row.key),
      title: String(row.title),
      state: row.state as AdviceDecision["state"],
      undo: JSON.parse(String(row.undo)),
      decidedBy: String(row.decided_by),
      decidedAt: String(row.decided_at),
    }),
  );
