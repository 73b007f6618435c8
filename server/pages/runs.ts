import type { RunPageProps } from "../../views/run.tsx";
import type { RunsPageProps } from "../../views/runs.tsx";
import type { RefusedMessage } from "../../views/run_actions.tsx";
import { type ActivityItem, foldActivity } from "../../views/activity_fold.ts";
import type { BesideItem } from "../../views/beside.tsx";
import { runTitle } from "../../views/subject.tsx";
import { askHref, ideaHref, runHref, ticketHref, withQuery } from "../../views/links.ts";
import { stepWords } from "../../views/words.ts";
import { readCursor, toPage } from "../api.ts";
import type { App } from "../app.ts";
import type { Run } from "../records.ts";
import { whyNotFork } from "../services/forking.ts";
import { outlookOf } from "../services/run_control.ts";
import { isActive } from "../services/runs.ts";
import { listRunApprovals } from "../store/approvals.ts";
import { getProject } from "../store/projects.ts";
import { listRunTags } from "../store/run_tags.ts";
import { lastSeq } from "../store/events.ts";
import { getIdea } from "../store/ideas.ts";
import { listRunMemoryChanges } from "../store/memory.ts";
import { countPersonNotes, hasUnreadNote, readRunLog } from "../store/run_log.ts";
import { getRun, listIdeaRuns, listRuns, listTicketRuns } from "../store/runs.ts";
import { getTicket } from "../store/tickets.ts";
import { subjectOf, subjectsOf } from "./subjects.ts";
import { type PageRequest, shellOf } from "./shell.ts";
import { activityOf } from "./tickets.ts";
import { delaysOf } from "./delays.ts";

const ROWS_PER_PAGE = 50;

export function runsPage(request: PageRequest, cursor: string | undefined): RunsPageProps {
  const { app, projectId } = request;
  const after = lastSeq(app.db);
  const found = findRuns(app, projectId, cursor);
  const { items, next } = toPage(found, ROWS_PER_PAGE, (run) => run.createdAt, (run) => run);
  const delays = delaysOf(app);
  const subjects = subjectsOf(app);
  return {
    shell: shellOf(request),
    live: { path: withQuery("/live/runs", { project: projectId, cursor }), after },
    rows: items.map((run) => ({ run, subject: subjects.of(run)!, delay: delays.ofRun(run) })),
    moreHref: next && withQuery("/runs", { project: projectId, cursor: next }),
  };
}

/** One more than a page has room for, if there are so many. */
const findRuns = (app: App, projectId: string | null, cursor: string | undefined): Run[] =>
  listRuns(app.db, {
    ...(projectId ? { projectId } : {}),
    limit: ROWS_PER_PAGE + 1,
    after: readCursor(cursor),
  });

/** What the page shows with this query, in its order. */
export function listedRuns(
  app: App,
  projectId: string | null,
  cursor: string | undefined,
): BesideItem[] {
  const subjects = subjectsOf(app);
  return findRuns(app, projectId, cursor).slice(0, ROWS_PER_PAGE)
    .map((run) => ({ id: run.id, href: runHref(run.id), label: runTitle(run, subjects.of(run)!) }));
}

/** How much of a run's transcript is wanted. */
export interface RunPageQuery {
  /** The whole log instead of its newest part. */
  all?: boolean;
  /** Only the steps that say this. */
  search?: string;
  refused?: RefusedMessage;
}

export function runPage(
  request: PageRequest,
  id: string,
  { all = false, search = "", refused }: RunPageQuery = {},
): RunPageProps {
  const { app } = request;
  const after = lastSeq(app.db);
  const run = getRun(app.db, id);
  const text = search.trim();
  const forkable = whyNotFork(app, run) === null;
  const found = text === "" ? null : searched(app, run, text);
  const newest = activityOf(app, run);
  const messages = countPersonNotes(app.db, id);
  return {
    shell: shellOf(request),
    live: found || refused ? null : { path: `/live/run/${id}`, after },
    run,
    subject: subjectOf(app, run)!,
    delay: delaysOf(app).ofRun(run),
    attempt: attemptOf(app, run),
    tags: listRunTags(app.db, id),
    tagsAllowed: getProject(app.db, run.projectId).tagsAllowed,
    approvals: listRunApprovals(app.db, id).filter((approval) => approval.status === "pending"),
    learned: listRunMemoryChanges(app.db, id),
    moves: {
      outlook: run.pausedBy !== null && run.status === "waiting" ? outlookOf(app.db, run) : null,
      ticketPaused: run.ticketId !== null && !run.trial &&
        getTicket(app.db, run.ticketId).pausedBy !== null,
      messages,
      refused: refused ?? null,
      retry: retryOf(app, run),
      forkable,
    },
    unread: !run.trial && messages > 0 && !isActive(run) && hasUnreadNote(app.db, id),
    activity: {
      events: found?.events ?? (all ? readRunLog(app.db, id) : newest.events),
      liveText: found ? "" : newest.liveText,
      allHref: all || found ? null : `/runs/${id}?all=1`,
      only: found?.only,
      forkable,
    },
    search: found && { text, found: found.only.length, of: found.of },
  };
}

function searched(app: App, run: Run, text: string) {
  const events = readRunLog(app.db, run.id);
  const items = foldActivity(events);
  const wanted = text.toLowerCase();
  const says = (item: ActivityItem) => textsIn(item).join("\n").toLowerCase().includes(wanted);
  const only = items.filter(says).map(({ first }) => first);
  return { events, only, of: items.length };
}

/** Every text in a value, whatever it is called. */
function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** Runs at the same piece of work, oldest first. */
function siblings(app: App, run: Run): Run[] {
  if (run.askId) return [run];
  const runs = run.ticketId
    ? listTicketRuns(app.db, run.ticketId)
    : listIdeaRuns(app.db, run.ideaId!, run.round);
  return runs.filter((other) =>
    other.purpose === run.purpose && other.subtaskId === run.subtaskId && other.round === run.round
  );
}

const attemptOf = (app: App, run: Run): number =>
  run.trial ? 1 : siblings(app, run).findIndex(({ id }) => id === run.id) + 1;

/** A run that failed is tried again by its idea's or ticket's own verb, while nothing came after it. */
function retryOf(app: App, run: Run): RunPageProps["moves"]["retry"] {
  if (run.trial || run.status !== "failed" && run.status !== "cancelled") return null;
  if (run.askId) {
    return {
      action: `${askHref(run.askId)}/again`,
      label: "Ask again",
      effect: "A new run about the document as it is now.",
    };
  }
  const again = `attempt ${siblings(app, run).length + 1} of this`;
  if (run.ideaId) {
    const idea = getIdea(app.db, run.ideaId);
    const isNewest = siblings(app, run).at(-1)?.id === run.id && run.round === idea.round;
    if (!isNewest || (idea.status !== "stuck" && idea.status !== "rejected")) return null;
    return {
      action: `${ideaHref(idea.id)}/refine`,
      label: "Retry",
      effect: `Refines idea #${idea.number} on: ${again}.`,
    };
  }
  const ticket = getTicket(app.db, run.ticketId!);
  const isNewest = listTicketRuns(app.db, ticket.id).at(-1)?.id === run.id;
  if (!isNewest || (ticket.status !== "blocked" && ticket.status !== "cancelled")) return null;
  const step = stepWords[ticket.step ?? "prepare"].toLowerCase();
  return {
    action: `${ticketHref(ticket.id)}/retry`,
    label: ticket.status === "blocked" ? "Retry" : "Queue the ticket again",
    effect: `Ticket #${ticket.number} goes on with ${step}: ${again}.`,
  };
}
