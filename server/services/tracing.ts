/** From a commit, a line or a file to the ticket, the idea, the questions and answers, the run and the turn behind it. */
import { ticketOfMessage } from "../../agents/git/merge_message.ts";
import {
  blame,
  type BlamedLine,
  type CommitFacts,
  commitsOf,
  findCommit,
  ticketsWith,
} from "../../agents/git/history.ts";
import { gaffer, isAncestor } from "../../agents/git/repository.ts";
import { ORIGIN_LINES } from "../../agents/git/contents.ts";
import type { App } from "../app.ts";
import type { Db } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Idea, Project, Question, Run, Subtask, Ticket, Undo } from "../records.ts";
import { findIdea } from "../store/ideas.ts";
import { getProject } from "../store/projects.ts";
import { listQuestions } from "../store/questions.ts";
import { listCheckpoints } from "../store/review_marks.ts";
import { getRun } from "../store/runs.ts";
import { getSubtask } from "../store/subtasks.ts";
import { findTicketByNumber, getTicket } from "../store/tickets.ts";
import { findCheckpoint, findMergedTicket, type TraceRelation } from "../store/traces.ts";
import { listDoneUndos } from "../store/undos.ts";
import { listRunsOfMerge } from "./attempts.ts";
import { baseTip } from "./places.ts";

/** Commits of a file that are traced, the newest. */
export const TRACED_COMMITS = 20;
/** Turns of one commit that are named, the newest. */
const TRACED_TURNS = 50;

/** What is asked about: a commit, or a file and perhaps a line of it, as of a commit or of the base branch. */
export interface TraceQuestion {
  /** An id, or its beginning. */
  commit?: string;
  path?: string;
  /** From 1. */
  line?: number;
}

export interface Trace {
  commit: CommitFacts;
  /** Where the line was in that commit, and what it says; null: no line was asked about. */
  line: { path: string; line: number; text: string } | null;
  /** Null: no ticket of this project is known for it; a person's own commit, say. */
  ticket: Ticket | null;
  relation: TraceRelation | null;
  /** What took this commit, a merge, back. */
  undo: Undo | null;
  /** The turns that brought the line or, where none was asked about, the commit; newest first. */
  turns: TraceTurn[];
  idea: Idea | null;
  /** Of the idea, in order. */
  questions: Question[];
}

export interface TraceTurn {
  commit: string;
  run: Run;
  turn: number;
  /** Number of the event in its run. */
  number: number;
  subtask: Subtask | null;
}

/**
 * Traces a commit, the commit that a line came with, or the newest commits of a file. Throws `not_found` without such a
 * project, `invalid` for a question that is none or a commit that there is not, `conflict` for a line that is not there.
 */
export async function traceOf(
  app: App,
  projectId: string,
  question: TraceQuestion,
  signal: AbortSignal,
): Promise<Trace[]> {
  const project = getProject(app.db, projectId);
  const work = { app, project, signal };
  const { path, line } = question;
  if (path === undefined) {
    if (question.commit === undefined) throw nothingAsked();
    return [await traceCommit(work, await commitNamed(work, question.commit), null)];
  }
  const at = question.commit === undefined
    ? await baseTip(project, signal)
    : (await commitNamed(work, question.commit)).commit;
  const repo = project.path;
  if (line !== undefined) {
    const [found] = await blame({ repo, at, path, first: line, last: line, signal });
    if (!found) throw new AppError("not_found", `"${path}" has no line ${line}`);
    return [await traceCommit(work, await commitNamed(work, found.commit), found)];
  }
  const traces: Trace[] = [];
  for (const id of await commitsOf({ repo, at, path, limit: TRACED_COMMITS, signal })) {
    traces.push(await traceCommit(work, await commitNamed(work, id), null));
  }
  return traces;
}

interface Work {
  app: App;
  project: Project;
  signal: AbortSignal;
}

function nothingAsked(): AppError {
  const message = "Name a commit, or the path of a file";
  return new AppError("invalid", `Cannot trace nothing: ${message}`, [
    { field: "commit", message },
  ]);
}

async function commitNamed({ project, signal }: Work, id: string): Promise<CommitFacts> {
  const found = await findCommit(project.path, id, signal);
  if (found) return found;
  const message = `The repository has no commit "${id}", or several that begin so`;
  throw new AppError("invalid", `Cannot trace it: ${message}`, [{ field: "commit", message }]);
}

async function traceCommit(
  work: Work,
  commit: CommitFacts,
  line: BlamedLine | null,
): Promise<Trace> {
  const { db } = work.app;
  const found = await ticketBehind(work, commit);
  const ticket = found?.ticket ?? null;
  const idea = ticket?.ideaId ? findIdea(db, ticket.ideaId) : null;
  return {
    commit,
    line: line && { path: line.path, line: line.line, text: line.text },
    ticket,
    relation: found?.relation ?? null,
    undo: ticket && undoOf(db, ticket.id, commit.commit),
    turns: found ? await turnsBehind(work, commit.commit, found, line) : [],
    idea,
    questions: idea ? listQuestions(db, idea.id) : [],
  };
}

const undoOf = (db: Db, ticketId: string, commit: string): Undo | null =>
  listDoneUndos(db, ticketId).find(({ mergeCommit }) => mergeCommit === commit) ?? null;

interface Found {
  ticket: Ticket;
  relation: TraceRelation;
}

/** By what is on record first; a message is only somebody's word. */
async function ticketBehind(
  work: Work,
  { commit, author, message }: CommitFacts,
): Promise<Found | null> {
  const { app: { db }, project, signal } = work;
  const merged = findMergedTicket(db, project.id, commit);
  if (merged) return { ticket: getTicket(db, merged.ticketId), relation: merged.relation };
  const turn = findCheckpoint(db, project.id, commit);
  if (turn) return { ticket: getTicket(db, turn.ticketId), relation: "checkpoint" };
  const numbered = (number: number) => findTicketByNumber(db, project.id, number);
  const named = ticketOfMessage(message);
  const byMessage = named === null ? null : numbered(named);
  if (byMessage) return { ticket: byMessage, relation: "message" };
  // What else Gaffer commits on a ticket's branch. Of one ticket alone: others may have begun from it.
  if (author !== gaffer.name) return null;
  const having = await ticketsWith({ repo: project.path, commit, limit: 2, signal });
  const [ticket] = having.length === 1 ? having.map(numbered) : [];
  if (!ticket || await wasBefore(work, ticket, commit)) return null;
  return { ticket, relation: "branch" };
}

/** The ticket's branch began with it, or after it. */
async function wasBefore(
  { project, signal }: Work,
  { baseCommit }: Ticket,
  commit: string,
): Promise<boolean> {
  return baseCommit === null || await isAncestor(project.path, commit, baseCommit, signal);
}

async function turnsBehind(
  work: Work,
  commit: string,
  { ticket, relation }: Found,
  line: BlamedLine | null,
): Promise<TraceTurn[]> {
  const { db } = work.app;
  if (relation === "checkpoint") return turnOf(work, commit);
  if (relation !== "merge" && relation !== "message") return [];
  if (line !== null) {
    // The branch of an attempt that was undone is another's by now.
    if (ticket.mergeCommit !== commit) return [];
    const id = await commitOfLine(work, ticket, line);
    return id === null ? [] : turnOf(work, id);
  }
  const runs = new Set(listRunsOfMerge(db, ticket, commit).map(({ id }) => id));
  return listCheckpoints(db, ticket.id).filter(({ runId }) => runs.has(runId))
    .slice(0, TRACED_TURNS).map((point) => turnWith(work, point));
}

function turnOf(work: Work, commit: string): TraceTurn[] {
  const found = findCheckpoint(work.app.db, work.project.id, commit);
  return found ? [turnWith(work, { ...found, commit })] : [];
}

function turnWith(
  { app: { db } }: Work,
  { commit, runId, turn, number }: { commit: string; runId: string; turn: number; number: number },
): TraceTurn {
  const run = getRun(db, runId);
  return {
    commit,
    run,
    turn,
    number,
    subtask: run.subtaskId ? getSubtask(db, run.subtaskId) : null,
  };
}

/**
 * The commit of the ticket's own branch that a line of its merge came with: the same text, nearest to the same place,
 * since what landed may have been combined with other changes. Null: the branch has no such line of its own.
 */
async function commitOfLine(
  { project, signal }: Work,
  { baseCommit: base, headCommit: at }: Ticket,
  { path, line, text }: BlamedLine,
): Promise<string | null> {
  if (base === null || at === null) return null;
  const first = Math.max(1, line - ORIGIN_LINES / 2);
  const last = first + ORIGIN_LINES - 1;
  try {
    const lines = await blame({ repo: project.path, at, base, path, first, last, signal });
    const own = lines.map((found, index) => ({ ...found, away: Math.abs(first + index - line) }))
      .filter((found) => !found.old && found.text === text)
      .sort((a, b) => a.away - b.away);
    return own[0]?.commit ?? null;
  } catch (error) {
    signal.throwIfAborted();
    // The branch has no such file or fewer lines: it was renamed on the base, or the branch is gone.
    if (error instanceof AppError && error.code === "conflict") return null;
    throw error;
  }
}
