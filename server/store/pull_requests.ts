/** Pull requests of tickets, and what their forges say of them. */
import { type Db, newId, type Row, type Tx } from "../db.ts";
import type { ForgeCheck, ForgeRemark, PullRequest } from "../records.ts";
import type { ForgeCheckStatus, ForgeKind, PullStatus } from "../states.ts";

/** The database refuses a second one of a ticket that has not ended. */
export function insertPullRequest(
  tx: Tx,
  pull: Pick<PullRequest, "ticketId" | "kind" | "repository" | "branch" | "commit">,
): PullRequest {
  const row = tx.db.prepare(`
    INSERT INTO pull_requests (id, ticket_id, kind, repository, branch, commit_id, changed_at, asked_by, asked_at)
    VALUES (:id, :ticketId, :kind, :repository, :branch, :commit, :now, :actor, :now) RETURNING *
  `).get({ id: newId("pull"), ...pull, actor: tx.actor, now: tx.now });
  return pullFromRow(row!);
}

/** The newest one of a ticket; null: none was ever asked for. */
export function findPullRequest(db: Db, ticketId: string): PullRequest | null {
  const row = db.prepare(`
    SELECT * FROM pull_requests WHERE ticket_id = :ticketId ORDER BY asked_at DESC, rowid DESC LIMIT 1
  `).get({ ticketId });
  return row ? pullFromRow(row) : null;
}

/** All of a ticket, newest first. */
export const listPullRequests = (db: Db, ticketId: string): PullRequest[] =>
  db.prepare(`
    SELECT * FROM pull_requests WHERE ticket_id = :ticketId ORDER BY asked_at DESC, rowid DESC
  `).all({ ticketId }).map(pullFromRow);

export type PullChanges = Partial<
  & Pick<PullRequest, "commit" | "sent" | "pushed" | "number" | "url" | "head" | "error">
  & Pick<PullRequest, "stopped" | "failures" | "lookedAt" | "changedAt" | "kind" | "repository">
  & Pick<PullRequest, "closeAskedBy" | "approver">
>;

/** Only of one that has not ended; null: it has. */
export function updatePullRequest(tx: Tx, id: string, changes: PullChanges): PullRequest | null {
  return write(tx, id, changes, null);
}

/** Moves one on: `opening` to any other, `open` to its end. Null: it has ended. */
export function movePullRequest(
  tx: Tx,
  id: string,
  to: { status: "open" | "closed" } | { status: "merged"; mergeCommit: string },
  changes: PullChanges = {},
): PullRequest | null {
  return write(tx, id, { ...changes, changedAt: tx.now }, to);
}

function write(
  tx: Tx,
  id: string,
  changes: PullChanges,
  to: { status: PullStatus; mergeCommit?: string } | null,
): PullRequest | null {
  const row = tx.db.prepare("SELECT * FROM pull_requests WHERE id = :id AND ended_at IS NULL")
    .get({ id });
  if (!row) return null;
  const next = { ...pullFromRow(row), ...changes, ...to };
  const ended = next.status === "merged" || next.status === "closed";
  const written = tx.db.prepare(`
    UPDATE pull_requests SET kind = :kind, repository = :repository, status = :status, commit_id = :commit,
      sent = :sent, pushed = :pushed, number = :number, url = :url, head = :head, merge_commit = :mergeCommit,
      error = :error, stopped = :stopped, failures = :failures, looked_at = :lookedAt,
      changed_at = :changedAt, close_asked_by = :closeAskedBy, approver = :approver, ended_at = :endedAt
    WHERE id = :id AND ended_at IS NULL RETURNING *
  `).get({
    id,
    kind: next.kind,
    repository: next.repository,
    status: next.status,
    commit: next.commit,
    sent: JSON.stringify(next.sent),
    pushed: next.pushed,
    number: next.number,
    url: next.url,
    head: next.head,
    mergeCommit: next.mergeCommit,
    error: next.error,
    stopped: Number(next.stopped),
    failures: next.failures,
    lookedAt: next.lookedAt,
    changedAt: next.changedAt,
    closeAskedBy: next.closeAskedBy,
    approver: next.approver,
    endedAt: ended ? tx.now : null,
  });
  return written ? pullFromRow(written) : null;
}

/** A closed one was reopened on the forge, with what had been pushed; null: it was not closed, or another took its place. */
export function reopenPullRequest(tx: Tx, id: string): PullRequest | null {
  const row = tx.db.prepare(`
    UPDATE pull_requests SET status = 'open', commit_id = pushed, error = '', stopped = 0, failures = 0,
      close_asked_by = NULL, changed_at = :now, ended_at = NULL
    WHERE id = :id AND status = 'closed' AND number IS NOT NULL AND pushed IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM pull_requests o WHERE o.ticket_id = pull_requests.ticket_id AND o.ended_at IS NULL)
    RETURNING *
  `).get({ id, now: tx.now });
  return row ? pullFromRow(row) : null;
}

/** Most merges that are waited for, or looked for, at once. */
const LACKING_MAX = 200;

/** Merged on a forge, and not yet seen in the base branch here: of what a ticket needs, or of a project. Oldest first. */
export const listLackingMerges = (
  db: Db,
  of: { ticketId: string } | { projectId: string },
): PullRequest[] =>
  db.prepare(`
    SELECT p.* FROM tickets t JOIN pull_requests p ON p.ticket_id = t.id
    WHERE ${
    "ticketId" in of
      ? "t.id IN (SELECT needs_id FROM ticket_needs WHERE ticket_id = :id)"
      : "t.project_id = :id"
  } AND t.status = 'done' AND p.status = 'merged' AND p.merge_commit = t.merge_commit AND p.brought_at IS NULL
    ORDER BY p.ended_at, p.rowid LIMIT ${LACKING_MAX}
  `).all({ id: "ticketId" in of ? of.ticketId : of.projectId }).map(pullFromRow);

/** Its merge is in the base branch; false: that was known. */
export const markBrought = (tx: Tx, id: string): boolean =>
  tx.db.prepare(`
    UPDATE pull_requests SET brought_at = :now
    WHERE id = :id AND status = 'merged' AND brought_at IS NULL
  `).run({ id, now: tx.now }).changes === 1;

/** What the column `at` holds where the forge does not say when. */
const UNDATED = "1970-01-01T00:00:00.000Z";

/** When it was said, as far as anybody knows. */
const saidAt = (remark: string): string =>
  `iif(${remark}.at = '${UNDATED}', ${remark}.seen_at, ${remark}.at)`;

/**
 * Of a row of `tickets`: it is in review, and its work as it is now is on the forge, where nothing has failed, nobody
 * has pushed anything else, and nobody wants anything of it that was not taken up; of verdicts the last of each person
 * counts. Then people there have the word.
 */
export const IS_WITH_FORGE = `(tickets.status = 'review' AND EXISTS (
  SELECT 1 FROM pull_requests p
  WHERE p.ticket_id = tickets.id AND p.ended_at IS NULL AND p.stopped = 0 AND p.commit_id = tickets.head_commit
    AND (p.head IS NULL OR p.head = p.commit_id)
    AND NOT EXISTS (SELECT 1 FROM pull_request_checks c WHERE c.pull_request_id = p.id AND c.status = 'failed')
    AND NOT EXISTS (SELECT 1 FROM pull_request_remarks r WHERE r.pull_request_id = p.id
      AND r.commit_id = p.commit_id AND r.comment_id IS NULL AND (r.path IS NOT NULL OR r.verdict = 'changes_requested'
        AND r.withdrawn_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM pull_request_remarks l WHERE l.pull_request_id = p.id AND l.author = r.author
          AND l.verdict = 'approved' AND l.withdrawn_at IS NULL
          AND (${saidAt("l")}, l.rowid) > (${saidAt("r")}, r.rowid))))))`;

/** The same of one ticket. */
export const isWithForge = (db: Db, ticketId: string): boolean =>
  db.prepare(`SELECT 1 FROM tickets WHERE id = :ticketId AND ${IS_WITH_FORGE}`)
    .get({ ticketId }) !== undefined;

// ------------------------------------------------------------------ what the forge says

export function replaceForgeChecks(tx: Tx, pullId: string, checks: readonly ForgeCheck[]): void {
  tx.db.prepare("DELETE FROM pull_request_checks WHERE pull_request_id = :pullId").run({ pullId });
  const insert = tx.db.prepare(`
    INSERT INTO pull_request_checks (pull_request_id, key, position, name, status, summary, url, commit_id)
    VALUES (:pullId, :key, :position, :name, :status, :summary, :url, :commit)
    ON CONFLICT DO NOTHING
  `);
  checks.forEach((check, position) => insert.run({ pullId, position, ...check }));
}

/** In the forge's order. */
export const listForgeChecks = (db: Db, pullId: string): ForgeCheck[] =>
  db.prepare("SELECT * FROM pull_request_checks WHERE pull_request_id = :pullId ORDER BY position")
    .all({ pullId }).map((row) => ({
      key: String(row.key),
      name: String(row.name),
      status: row.status as ForgeCheckStatus,
      summary: String(row.summary),
      url: String(row.url),
      commit: String(row.commit_id),
    }));

export type NewRemark = Omit<
  ForgeRemark,
  "id" | "pullRequestId" | "commit" | "seenAt" | "commentId" | "withdrawnAt"
>;

/**
 * Says how many of them were new; those known by the forge's id stay as they were first seen. `commit`: where the
 * branch is there.
 */
export function addForgeRemarks(
  tx: Tx,
  pullId: string,
  commit: string,
  remarks: readonly NewRemark[],
): number {
  const insert = tx.db.prepare(`
    INSERT INTO pull_request_remarks
      (id, pull_request_id, forge_id, author, path, line, side, body, verdict, url, at,
       commit_id, seen_at)
    VALUES (:id, :pullId, :forgeId, :author, :path, :line, :side, :body, :verdict, :url, :at,
      :commit, :now)
    ON CONFLICT (pull_request_id, forge_id) DO NOTHING
  `);
  return remarks.reduce(
    (sum, { at, ...remark }) =>
      sum + insert.run({
        ...{ id: newId("remark"), pullId, commit, ...remark },
        at: at ?? UNDATED,
        now: tx.now,
      }).changes,
    0,
  );
}

/**
 * Of verdicts that are kept: which stand there. What `said` lacks is withdrawn only where it has all of that kind
 * (`whole`). Gives those that are known to be withdrawn from now on.
 */
export function settleVerdicts(
  tx: Tx,
  pullId: string,
  said: readonly Pick<NewRemark, "forgeId" | "verdict">[],
  whole: readonly NonNullable<NewRemark["verdict"]>[],
): ForgeRemark[] {
  const standing = said.filter(({ verdict }) => verdict !== null);
  const changed = tx.db.prepare(`
    UPDATE pull_request_remarks SET withdrawn_at = iif(withdrawn_at IS NULL, :now, NULL)
    WHERE pull_request_id = :pullId AND verdict IS NOT NULL
      AND (withdrawn_at IS NULL) <> (forge_id || ' ' || verdict IN (SELECT value FROM json_each(:standing)))
      AND (withdrawn_at IS NOT NULL OR verdict IN (SELECT value FROM json_each(:whole)))
    RETURNING *
  `).all({
    pullId,
    now: tx.now,
    whole: JSON.stringify(whole),
    standing: JSON.stringify(standing.map(({ forgeId, verdict }) => `${forgeId} ${verdict}`)),
  });
  return changed.map(remarkFromRow).filter(({ withdrawnAt }) => withdrawnAt !== null);
}

/** Oldest first, as they were said; what has no time, when it was seen. */
export const listForgeRemarks = (db: Db, pullId: string): ForgeRemark[] =>
  db.prepare(`
    SELECT * FROM pull_request_remarks r WHERE pull_request_id = :pullId ORDER BY ${
    saidAt("r")
  }, rowid
  `).all({ pullId }).map(remarkFromRow);

/** A person made a comment of it; false: that had happened before. */
export const markRemarkTaken = (tx: Tx, id: string, commentId: string): boolean =>
  tx.db.prepare(`
    UPDATE pull_request_remarks SET comment_id = :commentId WHERE id = :id AND comment_id IS NULL
  `).run({ id, commentId }).changes === 1;

function remarkFromRow(row: Row): ForgeRemark {
  return {
    id: String(row.id),
    pullRequestId: String(row.pull_request_id),
    forgeId: String(row.forge_id),
    author: String(row.author),
    path: row.path as string | null,
    line: row.line as number | null,
    side: row.side as ForgeRemark["side"],
    body: String(row.body),
    verdict: row.verdict as ForgeRemark["verdict"],
    url: String(row.url),
    at: row.at === UNDATED ? null : String(row.at),
    commit: String(row.commit_id),
    seenAt: String(row.seen_at),
    commentId: row.comment_id as string | null,
    withdrawnAt: row.withdrawn_at as string | null,
  };
}

function pullFromRow(row: Row): PullRequest {
  return {
    id: String(row.id),
    ticketId: String(row.ticket_id),
    kind: row.kind as ForgeKind,
    repository: String(row.repository),
    branch: String(row.branch),
    status: row.status as PullStatus,
    commit: String(row.commit_id),
    pushed: row.pushed as string | null,
    sent: JSON.parse(String(row.sent)),
    number: row.number as number | null,
    url: String(row.url),
    head: row.head as string | null,
    mergeCommit: row.merge_commit as string | null,
    error: String(row.error),
    stopped: row.stopped === 1,
    failures: Number(row.failures),
    lookedAt: row.looked_at as string | null,
    changedAt: String(row.changed_at),
    askedBy: String(row.asked_by),
    askedAt: String(row.asked_at),
    endedAt: row.ended_at as string | null,
    closeAskedBy: row.close_asked_by as string | null,
    approver: String(row.approver),
    broughtAt: row.brought_at as string | null,
  };
}
