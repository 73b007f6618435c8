/**
 * The approved planning documents that the agents of an idea or a ticket are told: the one that the idea was made of,
 * those that name the idea or the ticket, and those that describe files of it: which its words name, or which the ticket
 * has changed so far.
 */
import { changedFiles } from "../../agents/git/changes.ts";
import { DOCUMENTS_MAX, PLANNING } from "../../agents/planning/document_paths.ts";
import { pathRules } from "../../agents/policy.ts";
import type { PathPolicy, ReadDocument } from "../../agents/protocol.ts";
import type { App } from "../app.ts";
import { messageOf } from "../errors.ts";
import type { Idea, PlanningDocument, Project, Run, Ticket } from "../records.ts";
import { approvedStatuses } from "../states.ts";
import { listDescribing, listStale } from "../store/document_drift.ts";
import { findOrigin } from "../store/document_ideas.ts";
import { findDocumentById } from "../store/documents.ts";
import { findIdea } from "../store/ideas.ts";
import { listSubtasks } from "../store/subtasks.ts";
import { getTicket } from "../store/tickets.ts";
import { describing } from "./document_files.ts";
import { documentFacts, documentVersion, splitDocument } from "./document_facts.ts";
import { followDocuments } from "./document_index.ts";
import { documentsAbout } from "./document_links.ts";
import { documentPlace } from "./document_place.ts";

/** Documents that a run is told at most. */
const DOCUMENTS_TOLD = 8;
/** Characters of one document, and of all: what has no room is named. */
const DOCUMENT_CHARS = 15_000;
const ALL_CHARS = 45_000;
/** Names of files that are read off a ticket's words. */
const NAMED_MAX = 1_000;

/** A document as it is told. */
export interface ToldDocument extends ReadDocument {
  /** Without its front matter; cut where it was longer. */
  text: string;
  /** The code has changed since it was approved. */
  isStale: boolean;
}

/**
 * Documents for a run, the closest first; none for one that only explains a failure, or is a trial.
 * `policy`: what the agent may not read, it is not told. What can't be read stops no run; it is logged.
 */
export async function documentsForRun(
  app: App,
  { run, project, policy }: { run: Run; project: Project; policy: PathPolicy },
  signal: AbortSignal,
): Promise<ToldDocument[]> {
  if (run.trial || run.purpose === "explain") return [];
  try {
    await followDocuments(app, project, signal);
    const ticket = run.ticketId ? getTicket(app.db, run.ticketId) : null;
    const ideaId = run.ideaId ?? ticket?.ideaId ?? null;
    const subject = { ticket, idea: ideaId === null ? null : findIdea(app.db, ideaId) };
    const files = await filesOf(app, project, subject, signal);
    const chosen = choose(app, project, subject, files);
    return await read(app, project, { chosen, policy }, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    const message = messageOf(error);
    app.log.warn("a run begins without planning documents", { run: run.id, error: message });
    return [];
  }
}

/** What a run is for: an idea, a ticket, or a ticket that was one. */
interface Subject {
  idea: Idea | null;
  ticket: Ticket | null;
}

function choose(
  app: App,
  project: Project,
  { idea, ticket }: Subject,
  files: string[],
): PlanningDocument[] {
  const { db } = app;
  const origin = idea && findOrigin(db, idea.id);
  const ofOrigin = origin ? findDocumentById(db, origin.documentId) : null;
  const naming = [
    ...ticket ? documentsAbout(app, project.id, { kind: "ticket", number: ticket.number }) : [],
    ...idea ? documentsAbout(app, project.id, { kind: "idea", number: idea.number }) : [],
  ];
  const patterns = listDescribing(db, project.id, DOCUMENTS_MAX).flatMap(({ id, patterns }) =>
    patterns.map((pattern): [string, string] => [pattern, id])
  );
  const describersOf = describing(patterns);
  const counts = new Map<string, number>();
  for (const file of files) {
    for (const id of describersOf(file)) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  // By code units where as many files are described: the same ones, in the same order, each time.
  const byFiles = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .flatMap(([id]) => findDocumentById(db, id) ?? []);
  const all = [...ofOrigin ? [ofOrigin] : [], ...naming, ...byFiles];
  return [...new Map(all.map((document) => [document.id, document])).values()]
    .filter(({ status }) => approvedStatuses.includes(status)).slice(0, DOCUMENTS_TOLD);
}

/** Named in its words, its subtasks and what the researcher found, or changed by it so far. */
async function filesOf(
  { db }: App,
  project: Project,
  { idea, ticket }: Subject,
  signal: AbortSignal,
): Promise<string[]> {
  const { findings = [], subtasks = [] } = idea?.plan ?? {};
  const parts = ticket ? listSubtasks(db, ticket.id) : subtasks;
  const words = [
    ...ticket
      ? [ticket.title, ticket.description, ...ticket.acceptance]
      : [idea?.title ?? "", idea?.description ?? ""],
    ...parts.flatMap(({ title, description }) => [title, description]),
    ...findings.flatMap(({ path, text }) => [path ?? "", text]),
  ];
  const { baseCommit: from = null, headCommit: to = null } = ticket ?? {};
  const changed = from && to && from !== to
    ? await changedFiles({ repo: project.path, from, to, signal })
    : [];
  const named = words.flatMap((text) => pathsIn(text)).slice(0, NAMED_MAX);
  return [...new Set([...named, ...changed.map(({ path }) => path)])];
}

/** What looks like a path of the repository: a folder in front, or an ending. */
export function pathsIn(text: string): string[] {
  return text.split(/[\s`"'()[\]{}<>,;|*]+/).flatMap((token) => {
    const path = token.replace(/^\.?\/+/, "").replace(/[.:!?]+$/, "").replace(/(?::\d+)+$/, "");
    const isPath = /^[^:?#\\]{3,300}$/.test(path) && /\/|[^.]\.\w{1,8}$/.test(path);
    return isPath && !path.split("/").includes("..") ? [path] : [];
  });
}

async function read(
  app: App,
  project: Project,
  { chosen, policy }: { chosen: PlanningDocument[]; policy: PathPolicy },
  signal: AbortSignal,
): Promise<ToldDocument[]> {
  if (chosen.length === 0) return [];
  const place = await documentPlace(app, project, signal);
  const rules = await pathRules(policy);
  const stale = listStale(app.db, project.id);
  let room = ALL_CHARS;
  const told: ToldDocument[] = [];
  for (const { id, path } of chosen) {
    const full = `${PLANNING}/${path}`;
    if (rules.blocked(full) ?? rules.notAllowed(full)) continue;
    const file = await place.read(path);
    // It may be another one since it was indexed.
    if (!file || file.problem || !isApproved(path, file.text)) continue;
    const { title } = documentFacts(path, file.text);
    const body = splitDocument(file.text).body.trim();
    const chars = Math.min(DOCUMENT_CHARS, room);
    const text = body.length <= chars
      ? body
      : `${body.slice(0, chars)}\n[cut: the first ${chars} of ${body.length} characters shown]`;
    room = Math.max(0, room - text.length);
    const version = documentVersion(file.text);
    told.push({ id, path: full, title, version, text, isStale: stale.has(id) });
  }
  return told;
}

const isApproved = (path: string, text: string): boolean =>
  approvedStatuses.includes(documentFacts(path, text).status);
