/** The verbs of starting: what a person says about when one ticket, those of a project, or all start. */
import { nextTime } from "../../queue/cron.ts";
import { cancelJobs } from "../../queue/queue.ts";
import { jobKeys } from "../../queue/job.ts";
import type { App } from "../app.ts";
import { timeText } from "../clock.ts";
import { transact } from "../db.ts";
import { AppError } from "../errors.ts";
import type { StartRule, TicketStart } from "../records.ts";
import { getProject } from "../store/projects.ts";
import {
  ALL,
  getStartRule,
  getTicketStart,
  putStartRule,
  putTicketStart,
} from "../store/starts.ts";
import { getTicket } from "../store/tickets.ts";
import { wakeForRoom, wakeReady } from "./ticket_moves.ts";
import { enqueueAdvanceTicket } from "./ticket_jobs.ts";

/**
 * Says when a queued ticket starts; what is absent stays. Throws `invalid` for a time that there is not, and
 * `conflict` when it has started.
 */
export function planTicket(
  app: App,
  id: string,
  changes: { starts?: "auto" | "hand" | null; notBefore?: string | null },
): TicketStart {
  return transact(app, (tx) => {
    const ticket = getTicket(tx.db, id);
    if (ticket.status !== "queued") {
      throw new AppError(
        "conflict",
        `Cannot change when ticket #${ticket.number} starts: it is "${ticket.status}"`,
      );
    }
    const before = getTicketStart(tx.db, id);
    const { starts = before.starts, notBefore = before.notBefore } = changes;
    const next = { starts, notBefore: notBefore === null ? null : exactTime(notBefore) };
    putTicketStart(tx, id, next);
    tx.emit({
      type: "ticket_start_changed",
      projectId: ticket.projectId,
      ticketId: id,
      data: next,
    });
    // A job that waits for the old time is of no use; the gate plans the new one.
    cancelJobs(tx, { uniqueKey: jobKeys.advanceTicket(id) }, "Its start was changed");
    enqueueAdvanceTicket(tx, ticket);
    wakeForRoom(tx);
    return getTicketStart(tx.db, id);
  });
}

/** Any form of a time with its zone, as the database keeps it. */
function exactTime(text: string): string {
  const ms = Date.parse(text);
  if (!Number.isNaN(ms) && /(?:Z|[+-]\d\d:?\d\d)$/.test(text)) return timeText(ms);
  const message = "Write a time with its zone, as 2026-11-27T09:00:00Z";
  throw new AppError("invalid", `Cannot read when the ticket starts: ${message}`, [
    { field: "not_before", message },
  ]);
}

/**
 * Sets the rule of a project, or of all (`ALL`); what may start by it does. Throws `not_found`, and `invalid` for
 * hours that there are not.
 */
export function setStartRule(app: App, scope: string, rule: StartRule): StartRule {
  return transact(app, (tx) => {
    if (scope !== ALL) getProject(tx.db, scope);
    // Throws for an expression or a zone that there is not.
    if (rule.hours) {
      nextTime({ expression: rule.hours.opens, timeZone: rule.hours.timeZone }, tx.nowMs);
    }
    putStartRule(tx, scope, rule);
    tx.emit({
      type: "start_rule_changed",
      projectId: scope === ALL ? null : scope,
      data: { ...rule },
    });
    wakeReady(tx);
    return getStartRule(tx.db, scope);
  });
}
