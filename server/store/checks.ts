import { type Db, newId, type Row, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Check, CheckReport, CommandName } from "../records.ts";
import type { CheckStatus } from "../states.ts";

/** Most checks repeat no other. */
export type NewCheck =
  & Omit<Check, "id" | "createdAt" | "rerunOf" | "flaky" | "knownFailures">
  & Partial<Pick<Check, "rerunOf" | "flaky">>
  & {
    /** A digest of all that a person set for the command; "" where that is not to be compared. */
    settings?: string;
  };

export function insertCheck(tx: Tx, check: NewCheck): Check {
  const id = newId("check");
  tx.db.prepare(`
    INSERT INTO checks (id, ticket_id, name, commit_id, baseline, command, status, exit_code, duration_ms,
      report, tail, output_path, unconfined, rerun_of, flaky, settings, created_at)
    VALUES (:id, :ticketId, :name, :commit, :baseline, :command, :status, :exitCode, :durationMs,
      :report, :tail, :outputPath, :unconfined, :rerunOf, :flaky, :settings, :now)
  `).run({
    id,
    ticketId: check.ticketId,
    name: check.name,
    commit: check.commit,
    baseline: Number(check.baseline),
    command: check.command,
    status: check.status,
    exitCode: check.exitCode,
    durationMs: Math.round(check.durationMs),
    report: check.report && JSON.stringify(check.report),
    tail: check.tail,
    outputPath: check.outputPath,
    unconfined: Number(check.unconfined),
    rerunOf: check.rerunOf ?? null,
    flaky: JSON.stringify(check.flaky ?? []),
    settings: check.settings ?? "",
    now: tx.now,
  });
  return getCheck(tx.db, id);
}

/** Throws `not_found`, also for another ticket's. */
export function getTicketCheck(db: Db, ticketId: string, id: string): Check {
  const check = getCheck(db, id);
  if (check.ticketId !== ticketId) {
    throw new AppError("not_found", `The ticket has no check with the id "${id}"`);
  }
  return check;
}

/** Throws `not_found`. */
export function getCheck(db: Db, id: string): Check {
  const row = db.prepare("SELECT * FROM checks WHERE id = :id").get({ id });
  if (!row) throw new AppError("not_found", `No check with the id "${id}"`);
  return checkFromRow(row);
}

/** The one that repeats it; null: it was not run once more. */
export function findRerun(db: Db, id: string): Check | null {
  const row = db.prepare("SELECT * FROM checks WHERE rerun_of = :id").get({ id });
  return row ? checkFromRow(row) : null;
}

/** Oldest first. */
export function listChecks(db: Db, ticketId: string): Check[] {
  return db.prepare("SELECT * FROM checks WHERE ticket_id = :ticketId ORDER BY created_at, rowid")
    .all({ ticketId }).map(checkFromRow);
}

/** Behind the settings of a result that another ticket's checks gave: it holds for these alone, and is given to no third. */
export const TAKEN_OVER = " taken over";

/**
 * The newest result of a command on exactly this commit that still counts. `settings`: only where it is not known that
 * the command, or what was set for it, was another one.
 */
export function findCheck(
  db: Db,
  { settings = null, ...key }: {
    ticketId: string;
    name: CommandName;
    commit: string;
    baseline: boolean;
    settings?: string | null;
  },
): Check | null {
  const row = db.prepare(`
    SELECT * FROM checks WHERE ticket_id = :ticketId AND name = :name AND commit_id = :commit
      AND baseline = :baseline AND outdated = 0
      AND (:settings IS NULL OR settings IN ('', :settings, :settings || '${TAKEN_OVER}'))
    ORDER BY created_at DESC, rowid DESC LIMIT 1
  `).get({ ...key, settings, baseline: Number(key.baseline) });
  return row ? checkFromRow(row) : null;
}

/**
 * The newest result of a command, under these settings, on exactly this commit of the base branch: of any ticket of the
 * project, not older than `since` (UTC text), and never of a folder that an agent has worked in. Null: there is none.
 */
export function findSettledCheck(
  db: Db,
  key: { projectId: string; name: CommandName; commit: string; settings: string; since: string },
): Check | null {
  const row = db.prepare(`
    SELECT c.* FROM checks c JOIN tickets t ON t.id = c.ticket_id
    WHERE c.commit_id = :commit AND c.name = :name AND c.settings = :settings AND c.settings <> ''
      AND c.outdated = 0 AND c.status IN ('passed', 'failed') AND c.created_at >= :since
      AND t.project_id = :projectId AND (c.baseline = 1 OR t.merge_commit = c.commit_id)
    ORDER BY c.created_at DESC, c.rowid DESC LIMIT 1
  `).get(key);
  return row ? checkFromRow(row) : null;
}

function checkFromRow(row: Row): Check {
  return {
    id: String(row.id),
    ticketId: String(row.ticket_id),
    name: row.name as CommandName,
    commit: String(row.commit_id),
    baseline: row.baseline === 1,
    command: String(row.command),
    status: row.status as CheckStatus,
    exitCode: row.exit_code as number | null,
    durationMs: Number(row.duration_ms),
    report: row.report === null ? null : JSON.parse(String(row.report)),
    tail: String(row.tail),
    outputPath: row.output_path as string | null,
    unconfined: row.unconfined === 1,
    rerunOf: row.rerun_of as string | null,
    flaky: JSON.parse(String(row.flaky)),
    knownFailures: row.known_failures === 1,
    createdAt: String(row.created_at),
  };
}

/** Adds what a model read out of an output that no parser knew. */
export function setCheckReport(tx: Tx, id: string, report: CheckReport): void {
  tx.db.prepare("UPDATE checks SET report = :report WHERE id = :id")
    .run({ id, report: JSON.stringify(report) });
}

/** Whether it failed in nothing but what failed before any change. */
export function setKnownFailures(tx: Tx, id: string, known: boolean): void {
  tx.db.prepare("UPDATE checks SET known_failures = :known WHERE id = :id")
    .run({ id, known: Number(known) });
}

/** What a command said of this commit counts no more: it is run again when its step is taken. */
export function outdateChecks(
  tx: Tx,
  { ticketId, commit, names }: { ticketId: string; commit: string; names: readonly CommandName[] },
): void {
  tx.db.prepare(`
    UPDATE checks SET outdated = 1 WHERE ticket_id = :ticketId AND commit_id = :commit AND baseline = 0
      AND name IN (SELECT value FROM json_each(:names))
  `).run({ ticketId, commit, names: JSON.stringify(names) });
}
