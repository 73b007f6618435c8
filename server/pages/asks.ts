/** What was asked of planning agents about a document, as its pages show it. */
import type { PlanningResult } from "../../agents/results.ts";
import type { AskPageProps, ShownHunk } from "../../views/ask.tsx";
import type { AsksPageProps } from "../../views/asks.tsx";
import type { AskForm, AskRow, DocumentAsksProps } from "../../views/document_asks.tsx";
import { documentAsksHref, lostAsksHref } from "../../views/links.ts";
import type { AdoptForm } from "../../views/lost_asks.tsx";
import type { RefusedAnswer } from "../../views/question_form.tsx";
import { readCursor, toPage } from "../api.ts";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import type { PlanningAsk, PlanningDocument, Project, SuggestionHunk } from "../records.ts";
import { documentVersion } from "../services/document_facts.ts";
import { linesOf } from "../services/document_hunks.ts";
import { openDocument } from "../services/documents.ts";
import { unfitHunks } from "../services/hunk_places.ts";
import { likelyDocument } from "../services/lost_asks.ts";
import { planningAgentsOf } from "../services/planning_asks.ts";
import { findAskSuggestion, listHunks } from "../store/document_suggestions.ts";
import { findDocument, getDocument } from "../store/documents.ts";
import { lastSeq } from "../store/events.ts";
import { findAnswering, getAsk, listAsks, listLostAsks } from "../store/planning_asks.ts";
import { listAskQuestions } from "../store/planning_questions.ts";
import { getAskRun } from "../store/runs.ts";
import { delaysOf } from "./delays.ts";
import { type PageRequest, shellOf } from "./shell.ts";

/** Asks that a document's page shows; the page behind it shows the rest. */
const ROWS_ON_DOCUMENT = 5;
const ROWS_PER_PAGE = 50;
/** Lines of the text around a piece. */
const AROUND = 3;

const emptyForm: AskForm = {
  ask: "review",
  words: "",
  section: "",
  agent: "",
  message: null,
  errors: [],
};

/** `sections`: headings of the document. */
export function documentAsks(
  app: App,
  project: Project,
  document: PlanningDocument,
  sections: string[],
  form: AskForm | null = null,
): Omit<DocumentAsksProps, "nowMs"> {
  const asks = listAsks(app.db, document, { limit: ROWS_ON_DOCUMENT + 1 });
  return {
    documentId: document.id,
    rows: asks.slice(0, ROWS_ON_DOCUMENT).map((ask) => rowOf(app, ask)),
    more: asks.length > ROWS_ON_DOCUMENT,
    sections: [...new Set(sections.filter(Boolean))],
    agents: planningAgentsOf(app, project.id).map(({ name, limits }) => ({
      name,
      maxCostMicroUsd: limits.maxCostMicroUsd,
    })),
    form: project.status === "active" ? form ?? emptyForm : null,
  };
}

export function rowOf({ db }: App, ask: PlanningAsk): AskRow {
  const suggestion = findAskSuggestion(db, ask.id);
  return {
    ask,
    run: getAskRun(db, ask.id),
    pieces: suggestion?.status === "open"
      ? listHunks(db, suggestion.id).filter(({ status }) => status === "pending").length
      : 0,
    questions: listAskQuestions(db, ask.id).filter(({ status }) => status === "pending").length,
  };
}

export function asksPage(
  request: PageRequest,
  documentId: string,
  cursor: string | undefined,
): AsksPageProps {
  const { app } = request;
  const document = getDocument(app.db, documentId);
  const after = readCursor(cursor);
  const found = listAsks(app.db, document, { limit: ROWS_PER_PAGE + 1, after });
  const { items, next } = toPage(found, ROWS_PER_PAGE, (ask) => ask.askedAt, (ask) => ask);
  return {
    shell: shellOf({ ...request, projectId: document.projectId }),
    document,
    rows: items.map((ask) => rowOf(app, ask)),
    moreHref: next && documentAsksHref(documentId, { cursor: next }),
    lostHref: listLostAsks(app.db, document.projectId, 1).length > 0
      ? lostAsksHref(document.projectId)
      : null,
  };
}

/** What an ask's document says now; null: it can't be read, or is gone. */
export async function presentText(
  app: App,
  askId: string,
  signal: AbortSignal,
): Promise<string | null> {
  const document = findDocument(app.db, ...placeOf(getAsk(app.db, askId)));
  if (!document) return null;
  try {
    return (await openDocument(app, document.id, signal)).text;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return null;
  }
}

const placeOf = ({ projectId, path }: PlanningAsk): [string, string] => [projectId, path];

/**
 * `present`: what the document says now, to tell which pieces fit; null: none is looked at, as when the document was
 * changed since.
 */
export function askPage(
  request: PageRequest,
  id: string,
  present: string | null,
  refused: RefusedAnswer | null = null,
  adopt: AdoptForm | null = null,
): AskPageProps {
  const { app } = request;
  const after = lastSeq(app.db);
  const ask = getAsk(app.db, id);
  const run = getAskRun(app.db, id);
  const suggestion = findAskSuggestion(app.db, id);
  const document = findDocument(app.db, ...placeOf(ask));
  const text = documentVersion(present) === document?.version ? present : null;
  return {
    shell: shellOf({ ...request, projectId: ask.projectId }),
    live: { path: `/live/ask/${id}`, after },
    ask,
    document,
    adopt: document
      ? null
      : adopt ?? { path: likelyDocument(app, ask)?.path ?? "", message: null, errors: [] },
    run,
    delay: delaysOf(app).ofRun(run),
    result: run.status === "succeeded" ? run.result as PlanningResult : null,
    questions: listAskQuestions(app.db, id),
    refused,
    suggestion: suggestion &&
      { suggestion, hunks: shownHunks(ask, listHunks(app.db, suggestion.id), text) },
    answeredBy: findAnswering(app.db, id)?.id ?? null,
  };
}

function shownHunks(
  { baseText }: PlanningAsk,
  hunks: SuggestionHunk[],
  present: string | null,
): ShownHunk[] {
  const base = baseText ?? "";
  const unfit = present === null ? null : unfitHunks(base, hunks, present);
  const lines = linesOf(base);
  return hunks.map((hunk) => ({
    ...hunk,
    diff: diffText(lines, hunk),
    unfit: unfit?.get(hunk.number) ?? null,
  }));
}

/** Of the text that the run began with, unified. */
function diffText(lines: string[], { start, removed, added }: SuggestionHunk): string {
  const from = Math.max(0, start - AROUND);
  const end = start + removed.length;
  const before = lines.slice(from, start);
  const after = lines.slice(end, end + AROUND);
  const around = before.length + after.length;
  return [
    `@@ -${from + 1},${around + removed.length} +${from + 1},${around + added.length} @@`,
    ...before.map((line) => ` ${line}`),
    ...removed.map((line) => `-${line}`),
    ...added.map((line) => `+${line}`),
    ...after.map((line) => ` ${line}`),
  ].join("\n");
}
