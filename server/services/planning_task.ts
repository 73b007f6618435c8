/** What a planning agent is told: what it was asked, the document, what it leads to, and how it came to be. */
import { type CommitFacts, filesOf, findCommit } from "../../agents/git/history.ts";
import { landedCommits } from "../../agents/git/base_changes.ts";
import { listDocumentCommits } from "../../agents/git/document_history.ts";
import { tipOf } from "../../agents/git/repository.ts";
import { PLANNING } from "../../agents/planning/document_paths.ts";
import type { App } from "../app.ts";
import { transact } from "../db.ts";
import { messageOf } from "../errors.ts";
import type { PlanningDocument, Project, Run } from "../records.ts";
import { listDocumentFiles } from "../store/document_drift.ts";
import { findIdeaByNumber } from "../store/ideas.ts";
import { getAsk, setBaseText } from "../store/planning_asks.ts";
import { listDecidedQuestions } from "../store/planning_questions.ts";
import { findTicketByNumber } from "../store/tickets.ts";
import { describes } from "./document_files.ts";
import { backLinksOf, linkedDocument, linksOf } from "./document_links.ts";
import { openDocument } from "./documents.ts";
import { requireDocument } from "./planning_asks.ts";
import type { TaskParts } from "./run_task.ts";

/** Newest commits of the document that the agent is told of. */
const HISTORY_COMMITS = 20;
/** Newest commits of the files that the document describes, of the newest `LANDED_MAX` on the branch. */
const CODE_COMMITS = 20;
/** Files of each commit that the agent is told of. */
const COMMIT_FILES = 10;
/** Answers that were given about the document, the newest. */
const ANSWERS_MAX = 60;

/**
 * The task of a run about a document, of its text as it is now: that is the one which its suggestion will be about.
 * Throws as `openDocument`.
 */
export async function planningParts(
  app: App,
  run: Run,
  project: Project,
  signal: AbortSignal,
): Promise<TaskParts> {
  const ask = getAsk(app.db, run.askId!);
  const { id } = requireDocument(app, ask);
  const { document, text } = await openDocument(app, id, signal);
  const tip = await tipOf(project.path, project.baseBranch, signal);
  const { path } = document;
  const history = tip === null ? [] : await listDocumentCommits({
    ...{ repo: project.path, tip, path, signal },
    limit: HISTORY_COMMITS,
  });
  const commits: string[] = [];
  for (const commit of ask.commits) {
    const found = await findCommit(project.path, commit, signal);
    // One that is gone says nothing any more.
    if (found) commits.push(await commitText(project, found, signal));
  }
  transact(app, (tx) => setBaseText(tx, ask.id, text));
  return {
    ask: { kind: ask.ask, section: ask.section, words: ask.words },
    document: { ...document, path: `${PLANNING}/${path}`, text },
    links: linksText(app, document),
    history: history.map(({ commit, at, by, subject }) =>
      `${commit.slice(0, 12)} ${at.slice(0, 10)} ${by}: ${subject}`
    ),
    codeHistory: tip === null ? [] : await codeHistory(app, { project, document, tip }, signal),
    commits,
    answers: listDecidedQuestions(app.db, ask, ANSWERS_MAX),
  };
}

/** What happened to the files that the document describes. An agent does without where git can't tell. */
async function codeHistory(
  app: App,
  { project, document, tip }: { project: Project; document: PlanningDocument; tip: string },
  signal: AbortSignal,
): Promise<string[]> {
  const patterns = listDocumentFiles(app.db, document);
  if (patterns.length === 0) return [];
  const isDescribed = describes(patterns);
  try {
    return (await landedCommits({ repo: project.path, tip, signal }))
      .map(({ files, ...commit }) => ({ ...commit, files: files.filter(isDescribed) }))
      .filter(({ files }) => files.length > 0)
      .slice(0, CODE_COMMITS)
      .map(({ commit, at, by, subject, files }) => {
        const more = files.length > COMMIT_FILES ? `, and ${files.length - COMMIT_FILES} more` : "";
        const named = `${files.slice(0, COMMIT_FILES).join(", ")}${more}`;
        return `${commit.slice(0, 12)} ${at.slice(0, 10)} ${by}: ${subject} (${named})`;
      });
  } catch (error) {
    signal.throwIfAborted();
    const path = document.path;
    app.log.warn("an agent is told no commits of the code", { path, error: messageOf(error) });
    return [];
  }
}

async function commitText(
  { path: repo }: Project,
  { commit, at, subject }: CommitFacts,
  signal: AbortSignal,
): Promise<string> {
  const files = await filesOf({ repo, commit, limit: COMMIT_FILES, signal });
  return `${commit.slice(0, 12)} ${at.slice(0, 10)} ${subject} (${files.join(", ")})`;
}

function linksText(app: App, document: PlanningDocument): string[] {
  const { projectId } = document;
  const leads = linksOf(app, document).map(({ kind, target }) => {
    if (kind === "document") {
      const found = linkedDocument(app, document, target, "name");
      return found ? `leads to ${documentText(found)}` : `leads to "${target}", which is not there`;
    }
    const number = Number(target);
    const found = kind === "idea"
      ? findIdeaByNumber(app.db, projectId, number)
      : findTicketByNumber(app.db, projectId, number);
    return found
      ? `leads to ${kind} #${number}, ${found.status}: ${found.title}`
      : `leads to ${kind} #${number}, which is not there`;
  });
  return [...leads, ...backLinksOf(app, document).map((from) => `named by ${documentText(from)}`)];
}

const documentText = ({ path, title, status }: PlanningDocument): string =>
  `${PLANNING}/${path}, ${status}: ${title}`;
