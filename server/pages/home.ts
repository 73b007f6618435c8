import type { HomePageProps, RunningRow } from "../../views/home.tsx";
import type { Subject } from "../../views/links.ts";
import type { App } from "../app.ts";
import { DAY_MS, timeText } from "../clock.ts";
import type { ChangeEvent, Idea, Run, Ticket } from "../records.ts";
import { lastSeq, listRecentChanges } from "../store/events.ts";
import { countIdeas, findIdea } from "../store/ideas.ts";
import { getProject } from "../store/projects.ts";
import { listActiveRuns, spentSince } from "../store/runs.ts";
import { listSubtasks } from "../store/subtasks.ts";
import { findTicket, listTickets } from "../store/tickets.ts";
import { listNeeds } from "./needs.ts";
import { type PageRequest, shellOf } from "./shell.ts";
import { type Delays, delaysOf } from "./delays.ts";

/** Changes that "Recent activity" looks through. */
const RECENT_CHANGES = 100;
/** Changes of one subject in a row that it shows; its own page has them all. */
const SHOWN_PER_SUBJECT = 5;
/** What a person wants to know of the past; the steps in between are on the subject's page. */
const worthTelling = new Set([
  "idea_submitted",
  "idea_moved",
  "question_answered",
  "question_skipped",
  "ticket_created",
  "ticket_moved",
  "project_created",
  "project_archived",
  "agents_held",
  "agents_resumed",
]);

export function homePage(request: PageRequest): HomePageProps {
  const { app, projectId } = request;
  const { db } = app;
  const after = lastSeq(db);
  const needs = listNeeds(app, projectId);
  const month = timeText(app.clock.nowMs()).slice(0, 7);
  const today = timeText(Math.floor(app.clock.nowMs() / DAY_MS) * DAY_MS);
  const counts = countIdeas(db, projectId);
  const delays = delaysOf(app);
  const next = listTickets(db, {
    ...(projectId ? { projectId } : {}),
    statuses: ["queued"],
    limit: 1,
  })[0] ?? null;
  return {
    shell: shellOf(request),
    live: { path: projectId ? `/live/home?project=${projectId}` : "/live/home", after },
    needs,
    running: listActiveRuns(db, projectId).map((run) => runningRow(app, delays, run)),
    next: next && { ticket: next, delay: delays.ofTicket(next) },
    spend: {
      todayMicroUsd: spentSince(db, today),
      monthMicroUsd: spentSince(db, `${month}-01T00:00:00.000Z`),
    },
    recent: grouped(app, listRecentChanges(db, projectId, RECENT_CHANGES)),
    ideaCount: Object.values(counts).reduce((sum, n) => sum + n, 0),
  };
}

function runningRow(app: App, delays: Delays, run: Run): RunningRow {
  const ticket = run.ticketId ? findTicket(app.db, run.ticketId) : null;
  const subtasks = ticket ? listSubtasks(app.db, ticket.id) : [];
  return {
    run,
    subject: subjectOf(app, run)!,
    delay: delays.ofRun(run),
    ticket,
    subtasks: ticket && {
      done: subtasks.filter((subtask) => subtask.status === "done").length,
      total: subtasks.length,
    },
  };
}

/** The idea or ticket that a run or a change belongs to. */
export function subjectOf(
  app: App,
  { ideaId, ticketId }: { ideaId: string | null; ticketId: string | null },
): Subject | null {
  const ticket = ticketId ? findTicket(app.db, ticketId) : null;
  if (ticket) {
    return subject(app, "ticket", ticket);
  }
  const idea = ideaId ? findIdea(app.db, ideaId) : null;
  return idea && subject(app, "idea", idea);
}

function subject(app: App, kind: Subject["kind"], of: Idea | Ticket): Subject {
  const { id, number, title, projectId } = of;
  return { kind, id, number, title, projectName: getProject(app.db, projectId).name };
}

/** Neighbouring changes of one subject stand together. */
function grouped(app: App, changes: ChangeEvent[]): HomePageProps["recent"] {
  const groups: HomePageProps["recent"] = [];
  const subjects = new Map<string | null, Subject | null>();
  for (const change of changes) {
    if (!worthTelling.has(change.type)) continue;
    const id = change.ticketId ?? change.ideaId;
    if (!subjects.has(id)) subjects.set(id, subjectOf(app, change));
    const subject = subjects.get(id)!;
    const last = groups.at(-1);
    if (last && last.subject?.id === subject?.id) {
      if (last.changes.length < SHOWN_PER_SUBJECT) last.changes.push(change);
    } else groups.push({ subject, changes: [change] });
  }
  return groups;
}
