/** What planning agents are asked, and what they suggest, as the API gives it. */
import { z } from "zod";
import type { PlanningResult } from "../../agents/results.ts";
import type { App } from "../app.ts";
import { once } from "../once.ts";
import type { DocumentSuggestion, PlanningAsk, Run, SuggestionHunk } from "../records.ts";
import { hunkStatuses, planningAsks, runStatuses, suggestionStatuses } from "../states.ts";
import { findAskSuggestion, listHunks } from "../store/document_suggestions.ts";
import { findDocument } from "../store/documents.ts";
import { getAsk } from "../store/planning_asks.ts";
import { listAskQuestions } from "../store/planning_questions.ts";
import { getAskRun } from "../store/runs.ts";
import { documentVersion } from "../services/document_facts.ts";
import { linesOf, putIn } from "../services/document_hunks.ts";
import { id, time } from "./common.ts";
import { planningQuestionJson, planningQuestionSchema } from "./questions.ts";

const pieceSchema = once(() =>
  z.object({
    number: z.number().int(),
    start: z.number().int().describe("Lines before it, in the text that the run began with"),
    removed: z.array(z.string()),
    added: z.array(z.string()),
    reason: z.string(),
    status: z.enum(hunkStatuses),
    decided_by: z.string().nullable(),
    decided_at: time().nullable(),
  }).meta({ id: "SuggestionPiece" })
);

const pieceJson = (
  { decidedBy, decidedAt, ...piece }: SuggestionHunk,
): z.infer<ReturnType<typeof pieceSchema>> => ({
  ...piece,
  decided_by: decidedBy,
  decided_at: decidedAt,
});

export const suggestionSchema = once(() =>
  z.object({
    id: id(),
    ask_id: id(),
    run_id: id(),
    path: z.string().describe("Of the document, in planning/"),
    base_version: z.string().describe("Of the text that it was made of"),
    text: z.string().describe("The document as it would be with all of it"),
    reason: z.string(),
    status: z.enum(suggestionStatuses),
    pieces: z.array(pieceSchema()),
    created_at: time(),
    decided_at: time().nullable(),
  }).meta({ id: "DocumentSuggestion" })
);

export function suggestionJson(
  { db }: Pick<App, "db">,
  s: DocumentSuggestion,
): z.infer<ReturnType<typeof suggestionSchema>> {
  const { path, baseText } = getAsk(db, s.askId);
  const hunks = listHunks(db, s.id);
  return {
    id: s.id,
    ask_id: s.askId,
    run_id: s.runId,
    path,
    base_version: documentVersion(baseText),
    text: putIn(linesOf(baseText ?? ""), hunks).join("\n"),
    reason: s.reason,
    status: s.status,
    pieces: hunks.map(pieceJson),
    created_at: s.createdAt,
    decided_at: s.decidedAt,
  };
}

export const acceptedSchema = once(() =>
  z.object({
    suggestion: suggestionSchema(),
    accepted: z.array(z.number().int()).describe("Numbers of the pieces that are in it now"),
    unfit: z.array(z.number().int()).describe(
      "Numbers of those whose place says something else by now, or can't be found; they stay open",
    ),
  })
);

const askFields = () => ({
  id: id(),
  project_id: id(),
  document_id: id().nullable().describe("Null: its file is gone"),
  path: z.string(),
  ask: z.enum(planningAsks),
  words: z.string(),
  section: z.string(),
  commits: z.array(z.string()),
  agent: z.string(),
  answers_of: id().nullable().describe("The ask whose questions' answers it works in"),
  run_id: id(),
  status: z.enum(runStatuses).describe("Of its run"),
  asked_by: z.string(),
  asked_at: time(),
});

/** In a list: what it suggests is read one by one. */
export const askSummarySchema = once(() =>
  z.object({
    ...askFields(),
    suggestion_id: id().nullable(),
    suggestion_status: z.enum(suggestionStatuses).nullable(),
  }).meta({ id: "PlanningAskSummary" })
);

export const askSchema = once(() =>
  z.object({
    ...askFields(),
    summary: z.string().nullable().describe("What the agent says; null: it has not handed in"),
    findings: z.array(z.object({
      kind: z.string(),
      severity: z.string(),
      section: z.string().nullable(),
      path: z.string().nullable(),
      line: z.number().int().nullable(),
      text: z.string(),
    })),
    left_open: z.array(z.string()).describe("What only a person can decide"),
    questions: z.array(planningQuestionSchema()),
    suggestion: suggestionSchema().nullable(),
  }).meta({ id: "PlanningAsk" })
);

const fieldsOf = ({ db }: Pick<App, "db">, a: PlanningAsk, { id: runId, status }: Run) => ({
  id: a.id,
  project_id: a.projectId,
  document_id: findDocument(db, a.projectId, a.path)?.id ?? null,
  path: a.path,
  ask: a.ask,
  words: a.words,
  section: a.section,
  commits: a.commits,
  agent: a.agent,
  answers_of: a.answersOf,
  run_id: runId,
  status,
  asked_by: a.askedBy,
  asked_at: a.askedAt,
});

export function askSummaryJson(
  app: Pick<App, "db">,
  a: PlanningAsk,
): z.infer<ReturnType<typeof askSummarySchema>> {
  const suggestion = findAskSuggestion(app.db, a.id);
  return {
    ...fieldsOf(app, a, getAskRun(app.db, a.id)),
    suggestion_id: suggestion?.id ?? null,
    suggestion_status: suggestion?.status ?? null,
  };
}

export function askJson(
  app: Pick<App, "db">,
  a: PlanningAsk,
): z.infer<ReturnType<typeof askSchema>> {
  const run = getAskRun(app.db, a.id);
  const result = run.status === "succeeded" ? run.result as PlanningResult : null;
  const suggestion = findAskSuggestion(app.db, a.id);
  return {
    ...fieldsOf(app, a, run),
    summary: result?.summary ?? null,
    findings: (result?.findings ?? []).map((
      { kind, severity, section = null, path = null, line = null, text },
    ) => ({ kind, severity, section, path, line, text })),
    left_open: result?.questions ?? [],
    questions: listAskQuestions(app.db, a.id).map(planningQuestionJson),
    suggestion: suggestion && suggestionJson(app, suggestion),
  };
}
