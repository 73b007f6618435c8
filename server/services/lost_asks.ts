/**
 * What agents were asked about documents that are not there: renamed with another text at once, or deleted. A person says
 * which document it is by now, or lets it rest; nothing of it is thrown away.
 */
import { documentPath } from "../../agents/planning/document_paths.ts";
import type { App } from "../app.ts";
import { transact, within } from "../db.ts";
import { AppError } from "../errors.ts";
import type { PlanningAsk, PlanningDocument } from "../records.ts";
import { findDocument, findDocumentNamed, findDocumentOfVersion } from "../store/documents.ts";
import { findAskSuggestion } from "../store/document_suggestions.ts";
import { getAsk, listLostAsks, moveAsks } from "../store/planning_asks.ts";
import { listAskQuestions } from "../store/planning_questions.ts";
import { rejectHunks } from "./accepting.ts";
import { documentFacts, documentVersion, keysOf } from "./document_facts.ts";
import { skipPlanningQuestion, workWaitingAnswersIn } from "./planning_results.ts";

/** Most that are listed of a project, the newest first. */
export const LOST_ASKS_MAX = 100;

/** Of a project, at most `LOST_ASKS_MAX`, the newest first. */
export const lostAsks = ({ db }: Pick<App, "db">, projectId: string): PlanningAsk[] =>
  listLostAsks(db, projectId, LOST_ASKS_MAX);

/** The document that it may be by now: of the same text, or else of the same name or title; null: none looks like it. */
export function likelyDocument(
  { db }: Pick<App, "db">,
  { projectId, path, baseText }: PlanningAsk,
): PlanningDocument | null {
  const same = baseText && findDocumentOfVersion(db, projectId, documentVersion(baseText));
  if (same) return same;
  const { title } = documentFacts(path, baseText ?? "");
  for (const key of keysOf({ path, title })) {
    const named = findDocumentNamed(db, projectId, { key, path: false });
    if (named) return named;
  }
  return null;
}

/**
 * All that was asked about the document of an ask is about the one of this path from now on; answers that waited for it
 * are worked in. Throws `not_found`, `conflict` where its own document is there, `invalid` with the field for a path that
 * no document has.
 */
export function adoptAsks(app: App, askId: string, given: string): PlanningDocument {
  const to = documentPath(given);
  return transact(app, (tx) => {
    const { projectId, path } = getAsk(tx.db, askId);
    if (findDocument(tx.db, projectId, path)) {
      throw new AppError("conflict", `Cannot move what was asked: its document ${path} is there`);
    }
    const document = findDocument(tx.db, projectId, to);
    if (!document) {
      const message = `There is no document ${to}`;
      throw new AppError("invalid", `Cannot move what was asked: ${message}`, [
        { field: "path", message },
      ]);
    }
    moveAsks(tx, { projectId, path }, to);
    tx.emit({
      type: "document_asks_moved",
      projectId,
      data: { path: to, from: path, documentId: document.id, askId },
    });
    workWaitingAnswersIn(app, tx, askId);
    return document;
  });
}

/**
 * Nothing of an ask waits for a person any more: its open questions are skipped, the open pieces of its change left out.
 * Throws `not_found`.
 */
export async function letAskRest(app: App, askId: string, signal: AbortSignal): Promise<void> {
  const suggestion = findAskSuggestion(app.db, getAsk(app.db, askId).id);
  transact(app, (tx) => {
    for (const { id, status } of listAskQuestions(tx.db, askId)) {
      if (status === "pending") skipPlanningQuestion(within(tx, app), id);
    }
  });
  if (suggestion) await rejectHunks(app, suggestion.id, null, signal);
}
