/** What becomes of what a planning agent does: its questions wait for a person, its change is suggested to one. */
import type { AskedQuestions, PlanningResult } from "../../agents/results.ts";
import { planningLimits } from "../../agents/prompts/planning_sections.ts";
import type { App } from "../app.ts";
import { doApart, transact, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { PlanningAsk, PlanningQuestion, Run } from "../records.ts";
import { findDocument } from "../store/documents.ts";
import { insertSuggestion } from "../store/document_suggestions.ts";
import { findAnswering, getAsk, listUnanswering } from "../store/planning_asks.ts";
import {
  decidePlanningQuestion,
  getPlanningQuestion,
  insertPlanningQuestion,
  listAskQuestions,
} from "../store/planning_questions.ts";
import { askIdOf, getAskRun } from "../store/runs.ts";
import { hunksOf } from "./document_hunks.ts";
import { ACTIVE_ASKS_MAX, askPlanningAgentIn } from "./planning_asks.ts";

/** Most questions of one ask; an agent that asks on and on is told to stop. */
const QUESTIONS_MAX = 20;

/** Why a result can't be taken, with how to mend it, for the agent; null: it can. */
export function faultInResult(
  { db }: Pick<App, "db">,
  runId: string,
  given: unknown,
): string | null {
  const askId = askIdOf(db, runId);
  if (askId === null) return null;
  const { ask, baseText } = getAsk(db, askId);
  const result = given as PlanningResult;
  if (result.text !== undefined && (baseText ?? "").length > planningLimits.documentChars) {
    return said("text: you were shown only the beginning of the document. Hand in edits of it");
  }
  const { hunks, fault } = hunksOf(baseText ?? "", result);
  if (hunks === null) return said(fault);
  const { findings = [], questions = [] } = result;
  const saysNothing = hunks.length === 0 && findings.length === 0 && questions.length === 0;
  if (!saysNothing || ask === "review" || ask === "interview") return null;
  return said(
    "text: nothing is suggested. Hand in text or edits; where nothing is to change, say why in a finding",
  );
}

const said = (fault: string): string =>
  `The result was not accepted:\n- ${fault}\nMend this and call submit_result again.`;

/** Records what an agent asks about a document; asked again after a restart, it is there once. */
export function recordPlanningQuestions(tx: Tx, run: Run, { questions }: AskedQuestions): void {
  const askId = run.askId!;
  const known = new Set(listAskQuestions(tx.db, askId).map(({ text }) => text));
  for (const { question, why, options = [] } of questions) {
    if (known.has(question) || known.size >= QUESTIONS_MAX) continue;
    known.add(question);
    insertPlanningQuestion(tx, { askId, text: question, why, options, askedBy: run.agent });
  }
  const { projectId, path } = getAsk(tx.db, askId);
  tx.emit({ type: "document_questions", projectId, data: { path, askId, count: known.size } });
}

/** Keeps what a planning agent's run suggests, for a person to decide on. */
export function applyPlanningResult(app: App, tx: Tx, run: Run, given: unknown): void {
  const ask = getAsk(tx.db, run.askId!);
  const result = given as PlanningResult;
  const { hunks } = hunksOf(ask.baseText ?? "", result);
  if (hunks && hunks.length > 0) {
    const suggestion = { askId: ask.id, runId: run.id, reason: result.summary };
    const { id } = insertSuggestion(tx, suggestion, hunks);
    tx.emit({
      type: "document_suggested",
      projectId: ask.projectId,
      data: { path: ask.path, askId: ask.id, suggestionId: id, hunks: hunks.length },
    });
  }
  // A person may have answered all before the agent was done.
  workWaitingAnswersIn(app, tx, ask.id);
}

/**
 * A run about a document is over: answers that waited for its end, or for fewer runs to be under way, are worked in
 * now. What stands in the way of that is logged, and stops nothing.
 */
export function workWaitingAnswersIn(app: App, tx: Tx, askId: string): void {
  for (const interview of listUnanswering(tx.db, getAsk(tx.db, askId), ACTIVE_ASKS_MAX)) {
    workAnswersIn(app, tx, interview);
  }
}

/**
 * Answers a question about a document. With the last one, and once the interview's run has ended well, an agent is
 * asked to work the answers in. Throws `not_found`, `invalid` for no answer, `conflict` when it was decided before.
 */
export function answerPlanningQuestion(app: App, id: string, answer: string): PlanningQuestion {
  const text = answer.trim();
  if (text === "") {
    const message = "Choose an option or write an answer";
    throw new AppError("invalid", `Cannot answer the question: ${message}`, [
      { field: "answer", message },
    ]);
  }
  return decide(app, id, "answered", text);
}

/** Leaves a question about a document open. Throws as `answerPlanningQuestion`. */
export const skipPlanningQuestion = (app: App, id: string): PlanningQuestion =>
  decide(app, id, "skipped", "");

function decide(
  app: App,
  id: string,
  to: "answered" | "skipped",
  answer: string,
): PlanningQuestion {
  return transact(app, (tx) => {
    const ask = getAsk(tx.db, getPlanningQuestion(tx.db, id).askId);
    const question = decidePlanningQuestion(tx, id, to, answer);
    const { projectId, path } = ask;
    tx.emit({
      type: `document_question_${to}`,
      projectId,
      data: { path, askId: ask.id, questionId: id, number: question.number },
    });
    workAnswersIn(app, tx, ask);
    return question;
  });
}

/** Once for each interview, and only where somebody has answered something. */
function workAnswersIn(app: App, tx: Tx, { id, projectId, path, section }: PlanningAsk): void {
  const questions = listAskQuestions(tx.db, id);
  if (questions.some(({ status }) => status === "pending")) return;
  if (!questions.some(({ status }) => status === "answered")) return;
  const document = findDocument(tx.db, projectId, path);
  if (getAskRun(tx.db, id).status !== "succeeded" || findAnswering(tx.db, id) || !document) return;
  const input = {
    documentId: document.id,
    ask: "update",
    words: WORK_IN,
    section,
    answersOf: id,
  } as const;
  doApart(tx, (part) => askPlanningAgentIn(app, part, input), {
    refused(error) {
      // The answers are kept; the end of the next run about the document is another occasion.
      if (!(error instanceof AppError)) throw error;
      app.log.warn("answers are not worked in by themselves", { ask: id, error: error.message });
    },
  });
}

const WORK_IN = "Work the answers into the document, each where it belongs.";
