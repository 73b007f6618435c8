/** What another ticket's checks found out of a commit that is the base of this one: it is not run there again. */
import { EXPLAINED_FORMAT } from "../../agents/reports/explained.ts";
import { namesItsTests } from "../../agents/reports/known_failures.ts";
import type { App } from "../app.ts";
import { DAY_MS, timeText } from "../clock.ts";
import type { Check, CheckReport, CommandName, Project, Ticket } from "../records.ts";
import { getCheckRules } from "../store/check_rules.ts";
import { findSettledCheck, TAKEN_OVER } from "../store/checks.ts";
import { getTicket } from "../store/tickets.ts";
import { record, settingsOf } from "./checks.ts";

/** It counts for so long: machines change. */
const KNOWN_MS = DAY_MS;

/**
 * Takes over what the same command, under the same settings, said of the base for another ticket; that row is this
 * ticket's, too. `base`: by default what the ticket began with. False: nothing is known.
 */
export function takeKnownBase(
  app: App,
  { project, ticket, name, base = ticket.baseCommit }: {
    project: Project;
    ticket: Ticket;
    name: CommandName;
    base?: string | null;
  },
): boolean {
  if (base === null) return false;
  const settings = settingsOf(app, project, name);
  const found = findSettledCheck(app.db, {
    ...{ projectId: project.id, name, commit: base, settings },
    since: timeText(app.clock.nowMs() - KNOWN_MS),
  });
  // One that was cut off before it was run once more says too little.
  if (found === null || isRerunDue(app, project, found)) return false;
  const { number } = getTicket(app.db, found.ticketId);
  const known =
    `Not run again: so it ended for ticket #${number} on this commit at ${found.createdAt}`;
  record(app, ticket, {
    ...found,
    ticketId: ticket.id,
    baseline: true,
    rerunOf: null,
    flaky: [],
    durationMs: 0,
    report: found.report && unmarked(found.report),
    tail: `(${known})\n${found.tail}`,
    settings: settings + TAKEN_OVER,
  });
  return true;
}

/** What failed before, failed: of the base there is no before. */
const unmarked = (report: CheckReport): CheckReport => ({
  ...report,
  failures: report.failures.map(({ before: _, ...failure }) => failure),
});

/** Whether a check is to be run once more. Never more than once: what repeats another check is not repeated. */
export const isRerunDue = (app: App, project: Project, check: Check): boolean =>
  check.name !== "setup" && check.status === "failed" && check.rerunOf === null &&
  check.report?.format !== EXPLAINED_FORMAT && namesItsTests(check.report) &&
  getCheckRules(app.db, project.id).rerunFailed;
