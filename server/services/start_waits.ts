/** Why a queued ticket does not start: the one place that knows, for the queue, the pages and the API. */
import { MINUTE_MS, timeText } from "../clock.ts";
import type { Db } from "../db.ts";
import type { StartHours, StartRule, Ticket } from "../records.ts";
import { nextTime } from "../../queue/cron.ts";
import { listNeeds } from "../store/needs.ts";
import { getProject } from "../store/projects.ts";
import { listLackingMerges } from "../store/pull_requests.ts";
import { getTicket } from "../store/tickets.ts";
import { ALL, countInProgress, getStartRule, getTicketStart } from "../store/starts.ts";

/** What a queued ticket waits for; the first of them that holds. */
export type StartWait =
  | { why: "paused"; by: string }
  /** Its project was put aside: nothing of it begins. */
  | { why: "archived" }
  /** These were cancelled or rejected: it never starts of itself. */
  | { why: "need_cancelled"; tickets: Ticket[] }
  | { why: "needs"; tickets: Ticket[] }
  /** These were merged on a forge, and are not in the base branch here, which it would begin with. */
  | { why: "needs_merge"; tickets: Ticket[] }
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
export const startWaitOf = (db: Db, nowMs: number, ticket: Ticket): StartWait | null =>
  startWaitsAt(db, nowMs)(ticket);

/** The same of many tickets at one moment: what rules say then is looked up once, however many are asked about. */
export function startWaitsAt(
  db: Db,
  nowMs: number,
): (ticket: Ticket, coming?: Coming) => StartWait | null {
  const rulesOf = rulesAt(db, nowMs);
  return (ticket, coming = { all: 0, project: 0 }) => {
    if (ticket.pausedBy !== null) return { why: "paused", by: ticket.pausedBy };
    const need = needsWait(db, ticket);
    if (need !== null) return need;
    const rules = { own: rulesOf(ticket.projectId), all: rulesOf(ALL) };
    if (rules.own.archived) return { why: "archived" };
    return timeWait(db, nowMs, { ticket, rules }) ?? roomWait(rules, coming);
  };
}

/** What the rule of one scope says at one moment. */
interface RuleNow extends StartRule {
  /** Tickets in progress; 0 where their number is free. */
  busy: number;
  /** Outside of the hours, until then; `at` null: they never come again. */
  closed: { at: string | null } | null;
  archived: boolean;
}

interface RulesNow {
  own: RuleNow;
  all: RuleNow;
}

function rulesAt(db: Db, nowMs: number): (scope: string) => RuleNow {
  const known = new Map<string, RuleNow>();
  return (scope) => {
    const found = known.get(scope);
    if (found) return found;
    const rule = getStartRule(db, scope);
    const busy = rule.atOnce === 0 ? 0 : countInProgress(db, scope === ALL ? null : scope);
    const archived = scope !== ALL && getProject(db, scope).status === "archived";
    const now = { ...rule, busy, closed: closedIn(rule.hours, nowMs), archived };
    known.set(scope, now);
    return now;
  };
}

/** The same of what it needs alone. */
export function needsWait(db: Db, ticket: Ticket): StartWait | null {
  const needs = listNeeds(db, ticket.id);
  if (needs.length === 0) return null;
  const open = needs.filter(({ status }) => status !== "done");
  if (open.length === 0) {
    const lacking = listLackingMerges(db, { ticketId: ticket.id });
    if (lacking.length === 0) return null;
    return { why: "needs_merge", tickets: lacking.map(({ ticketId }) => getTicket(db, ticketId)) };
  }
  const cancelled = open.filter(({ status }) => status === "cancelled");
  return cancelled.length > 0
    ? { why: "need_cancelled", tickets: cancelled }
    : { why: "needs", tickets: open };
}

/** A person who started it is waited for by none of these. */
function timeWait(
  db: Db,
  nowMs: number,
  { ticket, rules: { own, all } }: { ticket: Ticket; rules: RulesNow },
): StartWait | null {
  const { starts, notBefore } = getTicketStart(db, ticket.id);
  if (starts === "now") return null;
  if (starts === "hand") return { why: "hand", rule: false };
  if (starts === null && (own.starts === "hand" || all.starts === "hand")) {
    return { why: "hand", rule: true };
  }
  if (notBefore !== null && Date.parse(notBefore) > nowMs) {
    return { why: "not_before", at: notBefore };
  }
  const closed = own.closed ?? all.closed;
  return closed && { why: "hours", at: closed.at };
}

/** Null: they have opened within as long as they last. */
function closedIn(hours: StartHours | null, nowMs: number): RuleNow["closed"] {
  if (hours === null) return null;
  const { opens: expression, openMinutes, timeZone } = hours;
  const openedMs = nextTime({ expression, timeZone }, nowMs - openMinutes * MINUTE_MS);
  if (openedMs !== null && openedMs <= nowMs) return null;
  const opensMs = nextTime({ expression, timeZone }, nowMs);
  return { at: opensMs === null ? null : timeText(opensMs) };
}

function roomWait({ own, all }: RulesNow, coming: Coming): StartWait | null {
  const full = ({ atOnce, busy }: RuleNow, more: number) => atOnce > 0 && busy + more >= atOnce;
  if (full(own, coming.project)) {
    return { why: "at_once", of: "project", busy: own.busy + coming.project, max: own.atOnce };
  }
  if (full(all, coming.all)) {
    return { why: "at_once", of: "all", busy: all.busy + coming.all, max: all.atOnce };
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
    case "archived":
      return said("Its project is archived", "Nothing of it begins any more.");
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
    case "needs_merge":
      return said(
        `Needs ${numbers(wait.tickets)}, merged on the forge and not in your base branch yet`,
        "It starts by itself when you have pulled that, or pressed Move my base branch along on the ticket that it needs.",
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
        wait.of === "project"
          ? `Its project has ${wait.busy} in progress, which is all that it may`
          : `${wait.busy} ${wait.busy === 1 ? "is" : "are"} in progress, which is all that may be`,
        "It starts by itself when one of them leaves.",
      );
  }
}

/** "#5 (in progress) and #6 (queued)". */
export function named(tickets: readonly Ticket[]): string {
  return listed(tickets, ({ number, status }) => `#${number} (${status.replaceAll("_", " ")})`);
}

/** "#5 and #6". */
const numbers = (tickets: readonly Ticket[]): string =>
  listed(tickets, ({ number }) => `#${number}`);

function listed(tickets: readonly Ticket[], name: (ticket: Ticket) => string): string {
  const names = tickets.slice(0, NAMED_MAX).map(name);
  const more = tickets.length - names.length;
  if (more > 0) names.push(`${more} more`);
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** More than these are only counted. */
const NAMED_MAX = 5;
