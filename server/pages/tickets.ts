import type { DevelopmentPageProps, TicketView } from "../../views/tickets.tsx";
import { columns, listOrder, ticketViews } from "../../views/tickets.tsx";
import type { BesideItem } from "../../views/beside.tsx";
import { addressOf, type TicketCardData } from "../../views/ticket_card.tsx";
import type { TicketPageProps } from "../../views/ticket.tsx";
import type { RefusedGuidance } from "../../views/ticket_moves.tsx";
import { runHref, withQuery } from "../../views/links.ts";
import type { App } from "../app.ts";
import { DAY_MS, timeText } from "../clock.ts";
import type { Check, CommandName, Run, Ticket } from "../records.ts";
import { type TicketStatus, ticketStatuses } from "../states.ts";
import { listRunApprovals } from "../store/approvals.ts";
import { findCheck, listChecks } from "../store/checks.ts";
import { lastSeq, listHistory } from "../store/events.ts";
import { getProject } from "../store/projects.ts";
import { isWithForge } from "../store/pull_requests.ts";
import { listNewestRunEvents } from "../store/run_log.ts";
import { findActiveRun, listTicketRuns } from "../store/runs.ts";
import { listSubtasks } from "../store/subtasks.ts";
import {
  countTickets,
  findNextReview,
  getTicket,
  listNewestTickets,
  listTickets,
} from "../store/tickets.ts";
import { findUndo } from "../store/undos.ts";
import { HISTORY_MAX } from "./ideas.ts";
import { orderOf } from "./order.ts";
import { hasLeftFolder } from "../services/letting_go.ts";
import { runningCheck } from "../services/running_checks.ts";
import { needsWait } from "../services/start_waits.ts";
import { progressOf, summaryOf } from "../services/ticket_progress.ts";
import { pullProps } from "./pull_requests.ts";
import { referencesOf } from "./references.ts";
import { type PageRequest, shellOf } from "./shell.ts";
import { type Delays, delaysOf } from "./delays.ts";
import { namedIn } from "./named_in.ts";
import { triedOf, waysOnOf } from "./ways_on.ts";
import { subjectOf, type Subjects, subjectsOf } from "./subjects.ts";

/** Tickets of one open state that the page shows beside the others; a longer queue is not read on one page. */
const OPEN_MAX = 100;
const CLOSED_MAX = 50;
/** Of the one state that `?only=` names. */
const ONLY_MAX = 1_000;
const CLOSED_FOR_MS = 7 * DAY_MS;
/** Events of a run that a page reads; older ones are on the run's own page. */
export const ACTIVITY_EVENTS = 1_000;

export interface DevelopmentQuery {
  view: TicketView;
  /** Null: nobody chose one. */
  column: TicketStatus | null;
  /** The one state that the list shows, with all its tickets; null: all states. */
  only: TicketStatus | null;
}

/** What the view of somebody's last look is kept in, for `VIEW_SECONDS`. */
export const VIEW_COOKIE = "gaffer_development_view";
export const VIEW_SECONDS = 365 * 24 * 60 * 60;

/** `kept`: of `VIEW_COOKIE`, for an address that names no view. */
export function readDevelopmentQuery(
  query: Record<string, string>,
  kept?: string,
): DevelopmentQuery {
  const only = ticketStatuses.find((name) => name === query.only) ?? null;
  const view = ticketViews.find((name) => name === (query.view ?? kept)) ?? "list";
  return {
    view: only ? "list" : view,
    column: ticketStatuses.find((name) => name === query.column) ?? null,
    only,
  };
}

export function developmentPage(
  request: PageRequest,
  { view, column, only }: DevelopmentQuery,
): DevelopmentPageProps {
  const { app, projectId } = request;
  const after = lastSeq(app.db);
  const subjects = subjectsOf(app);
  const delays = delaysOf(app);
  const counts = countTickets(app.db, projectId);
  const tickets = listShown(app, projectId, only);
  const shown = column ?? columnToOpen(tickets);
  const placeOf = placesIn(tickets, counts.queued);
  return {
    shell: shellOf(request),
    live: {
      path: withQuery("/live/development", { project: projectId, view, column: shown, only }),
      after,
    },
    view,
    column: shown,
    only,
    projectId,
    cards: tickets.map((ticket) => ({
      ...cardOf(app, { delays, subjects }, ticket),
      place: placeOf(ticket),
    })),
    outcome: null,
    counts,
  };
}

/** What the page shows with this query, in its order. */
export function listedTickets(
  app: App,
  projectId: string | null,
  { view, only }: DevelopmentQuery,
): BesideItem[] {
  const shown = listShown(app, projectId, only);
  return (view === "board" ? columns : listOrder)
    .flatMap((status) => shown.filter((ticket) => ticket.status === status))
    .map((ticket) => ({
      id: ticket.id,
      href: addressOf(ticket),
      label: `#${ticket.number} ${ticket.title}`,
    }));
}

/** Some of each state, so that no long queue keeps what waits for a person off the page. */
function listShown(app: App, projectId: string | null, only: TicketStatus | null): Ticket[] {
  const project = projectId ? { projectId } : {};
  const since = only ? "" : timeText(app.clock.nowMs() - CLOSED_FOR_MS);
  return (only ? [only] : ticketStatuses).flatMap((status) =>
    status === "done" || status === "cancelled"
      ? listNewestTickets(app.db, {
        ...project,
        status,
        since,
        limit: only ? ONLY_MAX : CLOSED_MAX,
      })
      : listTickets(app.db, {
        ...project,
        statuses: [status],
        limit: only ? ONLY_MAX : OPEN_MAX,
      })
  );
}

/** `all`: how many are queued, of which some may not be shown. */
function placesIn(shown: Ticket[], all: number): (ticket: Ticket) => TicketCardData["place"] {
  const queued = shown.filter(({ status }) => status === "queued");
  const [first, last] = [queued[0], queued.length === all ? queued.at(-1) : undefined];
  return ({ id, status }) =>
    status === "queued" ? { first: id === first?.id, last: id === last?.id } : null;
}

/** What needs a person first, then what works, then what waits: a phone shows one column at a time. */
function columnToOpen(tickets: Ticket[]): TicketStatus {
  const order = ["blocked", "review", "in_progress", "queued", "done"] as const;
  return order.find((status) => tickets.some((ticket) => ticket.status === status)) ?? "queued";
}

function cardOf(
  app: App,
  { delays, subjects }: { delays: Delays; subjects: Subjects },
  ticket: Ticket,
): Omit<TicketCardData, "place"> {
  const run = ticket.status === "in_progress" ? findActiveRun(app.db, ticket.id) : null;
  const subtasks = listSubtasks(app.db, ticket.id);
  const result = (name: CommandName): Check | null =>
    ticket.headCommit === null ? null : findCheck(app.db, {
      ticketId: ticket.id,
      name,
      commit: ticket.headCommit,
      baseline: false,
    });
  return {
    ticket,
    projectName: subjects.projectName(ticket.projectId),
    agent: run?.agent ?? null,
    purpose: run?.purpose ?? null,
    delay: delays.ofTicket(ticket),
    demo: run?.demo ?? false,
    subtasks: {
      done: subtasks.filter((subtask) => subtask.status === "done").length,
      total: subtasks.length,
    },
    withForge: ticket.status === "review" && isWithForge(app.db, ticket.id),
    needs: ticket.status === "queued" && needsWait(app.db, ticket) !== null,
    build: result("build"),
    test: result("test"),
  };
}

export function ticketPage(
  request: PageRequest,
  id: string,
  refused: RefusedGuidance | null = null,
): TicketPageProps {
  const { app } = request;
  const { db } = app;
  const after = lastSeq(db);
  const ticket = getTicket(db, id);
  const inOrder = { runs: listTicketRuns(db, id), checks: listChecks(db, id) };
  const runs = inOrder.runs.toReversed();
  const project = getProject(db, ticket.projectId);
  const active = findActiveRun(db, id);
  const idea = ticket.ideaId ? subjectOf(app, { ideaId: ticket.ideaId, ticketId: null }) : null;
  return {
    shell: shellOf(request),
    live: refused ? null : { path: `/live/ticket/${id}`, after },
    ticket,
    projectName: project.name,
    commands: project.commands,
    tried: triedOf(ticket, inOrder.runs, inOrder.checks),
    waysOn: waysOnOf(app, ticket, project),
    idea,
    namedIn: namedIn(app, ticket.projectId, { idea, ticket }),
    subtasks: listSubtasks(db, id),
    checks: inOrder.checks.toReversed(),
    runs,
    delay: delaysOf(app).ofTicket(ticket),
    order: orderOf(app, ticket),
    hasLeftFolder: hasLeftFolder(db, ticket),
    undo: findUndo(db, id),
    nextReview: ticket.status === "done" || ticket.step === "merge"
      ? findNextReview(db, ticket)
      : null,
    pull: pullProps(app, ticket),
    progress: progressOf(app, ticket),
    summary: summaryOf(app, ticket),
    approvals: active
      ? listRunApprovals(db, active.id).filter((approval) => approval.status === "pending")
      : [],
    changes: listHistory(db, { ticketId: id }, HISTORY_MAX),
    activity: activityOf(app, active ?? runs[0] ?? null),
    running: runningCheck(app, id),
    resolve: referencesOf(app, ticket.projectId),
    refused,
  };
}

/** What a run did, newest part; and what it is saying right now. */
export function activityOf(app: App, run: Run | null): TicketPageProps["activity"] {
  return {
    run,
    events: run ? listNewestRunEvents(app.db, run.id, ACTIVITY_EVENTS) : [],
    liveText: run ? app.agents.liveText(run.id)?.text ?? "" : "",
    allHref: run && runHref(run.id),
  };
}
