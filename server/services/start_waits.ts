/** Why a queued ticket does not start: the one place that knows, for the queue, the pages and the API. */
import { MINUTE_MS, timeText } from "../clock.ts";
import type { Db } from "../db.ts";
import type { StartHours, Ticket } from "../records.ts";
import { nextTime } from "../../queue/cron.ts";
import { listNeeds } from "../store/needs.ts";
import { ALL, countInProgress, getStartRule, getTicketStart } from "../store/starts.ts";

/** What a queued ticket waits for; the first of them that holds. */
export type StartWait =
  | { why: "paused"; by: string }
  /** These were cancelled or rejected: it never starts of itself. */
  | { why: "need_cancelled"; tickets: Ticket[] }
  | { why: "needs"; tickets: Ticket[] }
  /** A person starts it; `rule`: since its project, or all, say so of every ticket. */
  | { why: "hand"; rule: boolean }
  | { why: "not_before"; at: string }
  /** Outside of the hours; `at` null: they never come again. */
  | { why: "hours"; at: string | null }
  /** So many are in progress, which is all that may be; of its project, or of all. */
  | { why: "at_once"; of: "project" | "all"; busy: number; max: number };

/** Tickets that are about to start beside those in progress. */
export interface Coming {
  all: number;
  project: number;
}

/** Null: it may start. Says nothing about slots of the queue, which its job then waits for. */
export function startWaitOf(
  db: Db,
  nowMs: number,
  ticket: Ticket,
  coming: Coming = { all: 0, project: 0 },
): StartWait | null {
  if (ticket.pausedBy !== null) return { why: "paused", by: ticket.pausedBy };
  return needsWait(db, ticket) ?? timeWait(db, nowMs, ticket) ?? roomWait(db, ticket, coming);
}

/** The same of what it needs alone. */
export function needsWait(db: Db, ticket: Ticket): StartWait | null {
  const open = listNeeds(db, ticket.id).filter(({ status }) => status !== "done");
  if (open.length === 0) return null;
  const cancelled = open.filter(({ status }) => status === "cancelled");
  return cancelled.length > 0
    ? { why: "need_cancelled", tickets: cancelled }
    : { why: "needs", tickets: open };
}

/** A person who started it is waited for by none of these. */
function timeWait(db: Db, nowMs: number, { id, projectId }: Ticket): StartWait | null {
  const { starts, notBefore } = getTicketStart(db, id);
  if (starts === "now") return null;
  const rules = [getStartRule(db, projectId), getStartRule(db, ALL)];
  if (starts === "hand") return { why: "hand", rule: false };
  if (starts === null && rules.some((rule) => rule.starts === "hand")) {
    return { why: "hand", rule: true };
  }
  if (notBefore !== null && Date.parse(notBefore) > nowMs) {
    return { why: "not_before", at: notBefore };
  }
  for (const { hours } of rules) {
    if (hours === null || isOpen(hours, nowMs)) continue;
    const opensMs = nextTime({ expression: hours.opens, timeZone: hours.timeZone }, nowMs);
    return { why: "hours", at: opensMs === null ? null : timeText(opensMs) };
  }
  return null;
}

/** They have opened within as long as they last. */
function isOpen({ opens, openMinutes, timeZone }: StartHours, nowMs: number): boolean {
  const openedMs = nextTime({ expression: opens, timeZone }, nowMs - openMinutes * MINUTE_MS);
  return openedMs !== null && openedMs <= nowMs;
}

function roomWait(db: Db, { projectId }: Ticket, coming: Coming): StartWait | null {
  const own = getStartRule(db, projectId).atOnce;
  if (own > 0) {
    const busy = countInProgress(db, projectId) + coming.project;
    if (busy >= own) return { why: "at_once", of: "project", busy, max: own };
  }
  const all = getStartRule(db, ALL).atOnce;
  if (all > 0) {
    const busy = countInProgress(db, null) + coming.all;
    if (busy >= all) return { why: "at_once", of: "all", busy, max: all };
  }
  return null;
}

/** A wait as a person reads it: why, when it may be over (UTC text), and what can be done. */
export function describeWait(
  wait: StartWait,
): { why: string; until: string | null; then: "starts"; more: string } {
  const said = (why: string, more = "", until: string | null = null) =>
    ({ why, until, then: "starts", more }) as const;
  switch (wait.why) {
    case "paused":
      return said(`Paused by ${wait.by}`, "It goes on when somebody resumes it.");
    case "need_cancelled":
      return said(
        `Needs ${named(wait.tickets)}`,
        "Take that from what it needs, or queue it again.",
      );
    case "needs":
      return said(
        `Needs ${named(wait.tickets)}`,
        wait.tickets.some(({ status }) => status === "blocked")
          ? "What is blocked there waits for a person; this one starts by itself when all of it is done."
          : "It starts by itself when that is done.",
      );
    case "hand":
      return said(
        "Waits for you to start it",
        wait.rule ? "Tickets start by hand here: the rule is in the project's settings." : "",
      );
    case "not_before":
      return said("Waits for its time", "", wait.at);
    case "hours":
      return said(
        "Outside of the working hours",
        wait.at === null ? "They never come again: change them in the project's settings." : "",
        wait.at,
      );
    case "at_once":
      return said(
        `${wait.busy} of the ${wait.max} ${wait.of === "project" ? "of its project " : ""}` +
          "that may be in progress are",
        "It starts by itself when one of them leaves.",
      );
  }
}

/** "#5 (in progress) and #6 (queued)". */
export function named(tickets: readonly Ticket[]): string {
  const names = tickets.slice(0, NAMED_MAX).map(({ number, status }) =>
    `#${number} (${status.replaceAll("_", " ")})`
  );
  const more = tickets.length - names.length;
  if (more > 0) names.push(`${more} more`);
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** More than these are only counted. */
const NAMED_MAX = 5;
