/** What each person has seen of a review: files in their content, and the commit of the last look. */
import type { Db, Tx } from "../db.ts";

/** Most ticks of one ticket that are read. */
const TICKS_MAX = 5_000;

/** By path, the content that the person has viewed. */
export function listTicks(db: Db, actor: string, ticketId: string): Map<string, string> {
  const rows = db.prepare(`
    SELECT path, content FROM review_ticks WHERE actor = :actor AND ticket_id = :ticketId
    LIMIT :limit
  `).all({ actor, ticketId, limit: TICKS_MAX });
  return new Map(rows.map((row) => [String(row.path), String(row.content)]));
}

/** Says that whoever acts has viewed the file in this content; null takes it back. Twice changes nothing. */
export function setTick(tx: Tx, ticketId: string, path: string, content: string | null): void {
  const key = { actor: tx.actor, ticketId, path };
  if (content === null) {
    tx.db.prepare(`
      DELETE FROM review_ticks WHERE actor = :actor AND ticket_id = :ticketId AND path = :path
    `).run(key);
    return;
  }
  tx.db.prepare(`
    INSERT INTO review_ticks (actor, ticket_id, path, content, at)
    VALUES (:actor, :ticketId, :path, :content, :now)
    ON CONFLICT DO UPDATE SET content = :content, at = :now
  `).run({ ...key, content, now: tx.now });
}

/** What a person has looked at. */
export interface Look {
  /** Newest commit that was looked at. */
  commit: string;
  /** The newest one at the look before; null: there was none. */
  before: string | null;
}

/** Null: the person has not looked yet. */
export function findLook(db: Db, actor: string, ticketId: string): Look | null {
  const row = db.prepare(`
    SELECT commit_id, before_commit FROM review_looks
    WHERE actor = :actor AND ticket_id = :ticketId
  `).get({ actor, ticketId });
  return row ? { commit: String(row.commit_id), before: row.before_commit as string | null } : null;
}

/** Whoever acts looks at this commit now. Looking again at the same one changes nothing. */
export function setLook(tx: Tx, ticketId: string, commit: string): void {
  tx.db.prepare(`
    INSERT INTO review_looks (actor, ticket_id, commit_id, at)
    VALUES (:actor, :ticketId, :commit, :now)
    ON CONFLICT DO UPDATE SET before_commit = commit_id, commit_id = :commit, at = :now
    WHERE commit_id <> :commit
  `).run({ actor: tx.actor, ticketId, commit, now: tx.now });
}

/** A comment or a finding. */
export interface RemarkRef {
  id: string;
  kind: "comment" | "finding";
}

/** The remark is about this line of this commit from now on. */
export function moveRemark(
  tx: Tx,
  { id, kind }: RemarkRef,
  { commit, line }: { commit: string; line: number | null },
): void {
  const sql = kind === "comment"
    ? "UPDATE comments SET commit_id = :commit, line = :line WHERE id = :id"
    : "UPDATE review_findings SET commit_id = :commit, line = :line WHERE id = :id";
  tx.db.prepare(sql).run({ id, commit, line });
}

/** Says which commit a remark's suggestion became. An applied comment is no draft any more. */
export function markApplied(tx: Tx, { id, kind }: RemarkRef, commit: string): void {
  const sql = kind === "comment"
    ? "UPDATE comments SET applied_commit = :commit, sent = 1 WHERE id = :id"
    : "UPDATE review_findings SET applied_commit = :commit WHERE id = :id";
  tx.db.prepare(sql).run({ id, commit });
}

/** A commit of a ticket's branch, and what it was made for. */
export interface Checkpointed {
  commit: string;
  files: string[];
  turn: number;
  runId: string;
  /** Number of the event within its run. */
  number: number;
}

/** Most checkpoints of one ticket that are read, the newest. */
const CHECKPOINTS_MAX = 200;
/** The files of one that names more are not read: a turn that touched hundreds of them says little about each. */
const CHECKPOINT_CHARS = 32_000;

/** The checkpoints that the ticket's runs have made, newest first. */
export function listCheckpoints(
  db: Db,
  ticketId: string,
  limit = CHECKPOINTS_MAX,
): Checkpointed[] {
  return db.prepare(`
    SELECT run_id, number, json_extract(data, '$.commit') AS commit_id,
      json_extract(data, '$.turn') AS turn,
      CASE WHEN length(data) <= :maxChars THEN json_extract(data, '$.files') END AS files
    FROM events
    WHERE ticket_id = :ticketId AND type = 'checkpoint' AND run_id IS NOT NULL
    ORDER BY seq DESC LIMIT :limit
  `).all({ ticketId, limit, maxChars: CHECKPOINT_CHARS }).map((row) => ({
    commit: String(row.commit_id),
    files: JSON.parse(String(row.files ?? "[]")),
    turn: Number(row.turn),
    runId: String(row.run_id),
    number: Number(row.number),
  }));
}

/** Commits that suggestions became, by whose finding or comment it was. */
export function listApplied(db: Db, ticketId: string): { commit: string; by: string }[] {
  return db.prepare(`
    SELECT applied_commit, author FROM comments
    WHERE ticket_id = :ticketId AND applied_commit IS NOT NULL
    UNION ALL
    SELECT applied_commit, 'reviewer' FROM review_findings
    WHERE ticket_id = :ticketId AND applied_commit IS NOT NULL LIMIT :limit
  `).all({ ticketId, limit: CHECKPOINTS_MAX }).map((row) => ({
    commit: String(row.applied_commit),
    by: String(row.author),
  }));
}
