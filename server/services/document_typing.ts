/** Which form a text was typed in, and which drafts a save has in it. */
import { newId, type Tx } from "../db.ts";
import type { PlanningDocument } from "../records.ts";
import { type DocumentDraft, dropDraft, listDraftsOf } from "../store/document_drafts.ts";
import { documentVersion } from "./document_facts.ts";

/** Longest name of a form. */
export const FORM_CHARS = 64;

/** Where something is typed, so that two windows or devices never write over each other. */
export interface TypedIn {
  /** Names the form: its draft is its own. "": one without a name. */
  form: string;
  /** The draft that the form began with, as `draftMark` gave it; "": none. */
  from: string;
}

/** A name that no other form has. */
export const newFormName = (): string => newId("form");

/** Names a draft as it is now. */
export const draftMark = ({ form, text }: Pick<DocumentDraft, "form" | "text">): string =>
  `${documentVersion(text)}.${form}`;

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
