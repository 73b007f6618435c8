/**
 * Whether a check is evidence enough: run once more where its tests may be flaky, held against the untouched base. What
 * the base says is found out before anyone edits; where the base has moved since, once something fails.
 */
import { EXPLAINED_FORMAT } from "../../agents/reports/explained.ts";
import { markKnown, onlyKnown } from "../../agents/reports/known_failures.ts";
import type { App } from "../app.ts";
import { type Db, transact } from "../db.ts";
import type { Check, CommandName, Project, Ticket } from "../records.ts";
import { getCheckRules } from "../store/check_rules.ts";
import { findCheck, getCheck, setCheckReport, setKnownFailures } from "../store/checks.ts";
import { inBaseFolder } from "./base_folder.ts";
import { baselineOf, type CheckRequest, runCheck } from "./checks.ts";
import { isRerunDue, takeKnownBase } from "./known_base.ts";

export interface Evidence {
  check: Check;
  /** The ticket may go on with it. */
  passes: boolean;
}

interface Work {
  project: Project;
  ticket: Ticket;
  request: CheckRequest;
  signal: AbortSignal;
}

/**
 * Runs a check of a commit, once more where it failed in nothing but tests, and says whether the ticket may go on. What
 * is known of the commit is not found out again. Throws as `runCheck`.
 */
export async function gatherEvidence(app: App, work: Work): Promise<Evidence> {
  const { project, ticket, request } = work;
  let check = await runCheck(app, work);
  const judge = () => request.baseline ? false : judgeKnown(app, ticket, request, check);
  let known = judge();
  if (!known && isBaseDue(app, work, check) && takeKnownBase(app, { ...work, ...request })) {
    known = judge();
    check = getCheck(app.db, check.id);
  }
  if (!known && isRerunDue(app, project, check)) {
    check = await runCheck(app, { ...work, request: { ...request, rerunOf: check } });
    known = judge();
  }
  if (!known && isBaseDue(app, work, check)) {
    await checkBase(app, work);
    known = judge();
    check = getCheck(app.db, check.id);
  }
  return { check, passes: known || check.status === "passed" || check.status === "skipped" };
}

/** Whether nobody has asked the base, and its answer could change what becomes of the ticket, or what is said of it. */
function isBaseDue(app: App, { project, ticket, request }: Work, check: Check): boolean {
  if (request.baseline || check.name === "setup" || check.status !== "failed") return false;
  const base = baselineOf(app, ticket, check.name, request.base);
  // A command may have been named since.
  if (base !== null && base.status !== "skipped") return false;
  if (request.base !== undefined) return true;
  return ticket.baseCommit !== null && (check.report?.failures.length ?? 0) > 0 &&
    check.report?.format !== EXPLAINED_FORMAT && !getCheckRules(app.db, project.id).baselineBlocks;
}

/** Runs the same on the untouched base, after what has to come before it there; its rows are the ticket's. */
async function checkBase(app: App, { project, ticket, request, signal }: Work): Promise<void> {
  const commit = request.base ?? ticket.baseCommit!;
  const before = request.name === "test" ? ["build"] as const : [];
  await inBaseFolder(app, { project, ticket, commit, signal }, async (place) => {
    const run = (name: CommandName) =>
      gatherEvidence(app, {
        ...{ project, ticket, signal },
        request: { name, commit, baseline: true, place },
      });
    if (project.commands.some(({ name }) => name === "setup")) {
      // Without it nothing that the base says would count.
      if (!(await run("setup")).passes) return;
    }
    for (const name of [...before, request.name]) await run(name);
  });
}

/** Says of the check, for the database too, whether it failed only in what the base fails in, and may be. */
function judgeKnown(app: App, ticket: Ticket, request: CheckRequest, check: Check): boolean {
  const base = baselineOf(app, ticket, check.name, request.base);
  const known = check.status === "failed" && base?.status === "failed" &&
    check.report?.format !== EXPLAINED_FORMAT && onlyKnown(check.report, base.report) &&
    !getCheckRules(app.db, ticket.projectId).baselineBlocks;
  const report = markKnown(check.report, base?.report ?? null);
  const marked = JSON.stringify(report) !== JSON.stringify(check.report);
  if (known !== check.knownFailures || marked) {
    transact(app, (tx) => {
      setKnownFailures(tx, check.id, known);
      if (marked) setCheckReport(tx, check.id, report!);
    });
  }
  return known;
}

/** Evidence is for exactly one commit: work that was done since needs its own. */
export function isProven(db: Db, ticket: Ticket, name: CommandName, commit: string): boolean {
  const found = findCheck(db, { ticketId: ticket.id, name, commit, baseline: false });
  if (found?.status === "skipped") {
    return !getCheckRules(db, ticket.projectId).required.includes(name);
  }
  return found !== null && (found.status === "passed" || found.knownFailures);
}

/** Whether its newest commit has all the evidence that a review needs, as the database will ask for it. */
export const isReviewable = (db: Db, ticket: Ticket): boolean =>
  ticket.headCommit !== null &&
  isProven(db, ticket, "build", ticket.headCommit) &&
  isProven(db, ticket, "test", ticket.headCommit);

/** Why the project's own settings keep its tickets from a review, whatever is done; null: they don't. */
export function whyNotReviewable(db: Db, project: Project): string | null {
  const missing = getCheckRules(db, project.id).required
    .filter((name) => !project.commands.some((command) => command.name === name));
  if (missing.length === 0) return null;
  const one = missing.length === 1;
  return `The project requires ${missing.join(" and ")}, and has no such command${
    one ? "" : "s"
  }. ` +
    `Name ${one ? "it" : "them"} in the project's settings, or require ${
      one ? "it" : "them"
    } no more`;
}
