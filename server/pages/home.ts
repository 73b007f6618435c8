import type { HomePageProps, RunningRow } from "../../views/home.tsx";
import type { App } from "../app.ts";
import { monthOf, today } from "../calendar.ts";
import type { ChangeEvent, Run } from "../records.ts";
import { lastSeq, listRecentChanges } from "../store/events.ts";
import { countIdeas } from "../store/ideas.ts";
import { spentIn } from "../store/reservations.ts";
import { listActiveRuns } from "../store/runs.ts";
import { listSubtasks } from "../store/subtasks.ts";
import { findTicket, listTickets } from "../store/tickets.ts";
import { listNeeds } from "./needs.ts";
import { type PageRequest, shellOf } from "./shell.ts";
import { type Delays, delaysOf } from "./delays.ts";
import { type Subjects, subjectsOf } from "./subjects.ts";

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
  "pull_request_opened",
  "pull_request_merged",
  "pull_request_closed",
  "pull_request_reopened",
  "pull_request_stopped",
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
  const day = today(app);
  const counts = countIdeas(db, projectId);
  const delays = delaysOf(app);
  const subjects = subjectsOf(app);
  const next = listTickets(db, {
    ...(projectId ? { projectId } : {}),
    statuses: ["queued"],
    limit: 1,
  })[0] ?? null;
  return {
    shell: shellOf(request),
    live: { path: projectId ? `/live/home?project=${projectId}` : "/live/home", after },
    needs,
    running: listActiveRuns(db, projectId).map((run) => runningRow(app, { delays, subjects }, run)),
    next: next && { ticket: next, delay: delays.ofTicket(next) },
    spend: {
      todayMicroUsd: spentIn(db, day).microUsd,
      monthMicroUsd: spentIn(db, monthOf(day)).microUsd,
    },
    recent: grouped(subjects, listRecentChanges(db, projectId, RECENT_CHANGES)),
    ideaCount: Object.values(counts).reduce((sum, n) => sum + n, 0),
  };
}

function runningRow(
  app: App,
  { delays, subjects }: { delays: Delays; subjects: Subjects },
  run: Run,
): RunningRow {
  const ticket = run.ticketId ? findTicket(app.db, run.ticketId) : null;
  const subtasks = ticket ? listSubtasks(app.db, ticket.id) : [];
  return {
    run,
    subject: subjects.of(run)!,
    delay: delays.ofRun(run),
    ticket,
    subtasks: ticket && {
      done: subtasks.filter((subtask) => subtask.status === "done").length,
      total: subtasks.length,
    },
  };
}

/** Neighbouring changes of one subject stand together. */
function grouped(subjects: Subjects, changes: ChangeEvent[]): HomePageProps["recent"] {
  const groups: HomePageProps["recent"] = [];
  for (const change of changes) {
    if (!worthTelling.has(change.type)) continue;
    const subject = subjects.of(change);
    const last = groups.at(-1);
    if (last && last.subject?.id === subject?.id) {
      if (last.changes.length < SHOWN_PER_SUBJECT) last.changes.push(change);
    } else groups.push({ subject, changes: [change] });
  }
  return groups;
}
