/** What a save of a document keeps of the texts around it: drafts that it does not have, and what it is made over. */
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import type { PlanningDocument } from "../records.ts";
import { dropDraft, insertSave, listDraftsOf } from "../store/document_drafts.ts";
import { documentSavesOf, type FileText } from "./document_place.ts";
import { draftMark, type TypedIn } from "./document_typing.ts";

/**
 * Drops this person's drafts that are in a text that was just saved: those that say the same, and where it was typed in
 * a form, what was kept of that one, and the draft that it began with as it was then. All others were never saved.
 */
export function dropSaved(
  tx: Tx,
  document: Pick<PlanningDocument, "projectId" | "path">,
  { text, typed }: { text: string; typed?: TypedIn },
): void {
  for (const draft of listDraftsOf(tx.db, document, tx.actor)) {
    const isTyped = typed && (draft.form === typed.form || draftMark(draft) === typed.from);
    if (draft.text === text || isTyped) dropDraft(tx, document, draft.form);
  }
}

/**
 * What stands in the file is kept before another text takes its place, or none: git has no save that is no commit, nor
 * what such a one is made over.
 */
export function keepBefore(
  app: App,
  place: Pick<PlanningDocument, "projectId" | "path">,
  { present, text }: { present: FileText | null; text: string | null },
): void {
  if (present === null || present.text === text) return;
  if (documentSavesOf(app, place.projectId) === "commit") return;
  transact(app, (tx) => insertSave(tx, place, { text: present.text, by: "outside" }));
}
