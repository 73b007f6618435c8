import type { DevelopmentPageProps, TicketView } from "../../views/tickets.tsx";
import { ticketViews } from "../../views/tickets.tsx";
import type { TicketCardData } from "../../views/ticket_card.tsx";
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
import { triedOf, waysOnOf } from "./ways_on.ts";
import { subjectOf, type Subjects, subjectsOf } from "./subjects.ts";

/** Open tickets that the page shows; a queue longer than that is not read on one page. */
const OPEN_MAX = 200;
const CLOSED_MAX = 50;
const CLOSED_FOR_MS = 7 * DAY_MS;
/** Events of a run that a page reads; older ones are on the run's own page. */
export const ACTIVITY_EVENTS = 1_000;

export interface DevelopmentQuery {
  view: TicketView;
  /** Null: nobody chose one. */
  column: TicketStatus | null;
}

export function readDevelopmentQuery(query: Record<string, string>): DevelopmentQuery {
  return {
    view: ticketViews.find((name) => name === query.view) ?? "list",
    column: ticketStatuses.find((name) => name === query.column) ?? null,
  };
}

export function developmentPage(
  request: PageRequest,
  { view, column }: DevelopmentQuery,
): DevelopmentPageProps {
  const { app, projectId } = request;
  const after = lastSeq(app.db);
  const project = projectId ? { projectId } : {};
  const open = listTickets(app.db, {
    ...project,
    statuses: ["queued", "in_progress", "review", "blocked"],
    limit: OPEN_MAX,
  });
  const since = timeText(app.clock.nowMs() - CLOSED_FOR_MS);
  const closed = (["done", "cancelled"] as const).flatMap((status) =>
    listNewestTickets(app.db, { ...project, status, since, limit: CLOSED_MAX })
  );
  const subjects = subjectsOf(app);
  const counts = countTickets(app.db, projectId);
  const delays = delaysOf(app);
  const shown = column ?? columnToOpen([...open, ...closed]);
  return {
    shell: shellOf(request),
    live: {
      path: withQuery("/live/development", { project: projectId, view, column: shown }),
      after,
    },
    view,
    column: shown,
    projectId,
    cards: [...open, ...closed].map((ticket) => cardOf(app, { delays, subjects }, ticket)),
    outcome: null,
    total: Object.values(counts).reduce((sum, n) => sum + n, 0),
  };
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
): TicketCardData {
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
  return {
    shell: shellOf(request),
    live: refused ? null : { path: `/live/ticket/${id}`, after },
    ticket,
    projectName: project.name,
    commands: project.commands,
    tried: triedOf(ticket, inOrder.runs, inOrder.checks),
    waysOn: waysOnOf(app, ticket, project),
    idea: ticket.ideaId ? subjectOf(app, { ideaId: ticket.ideaId, ticketId: null }) : null,
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
