/** Which form something is typed in, so that nothing takes the place of what was typed elsewhere. */
import { newId } from "../db.ts";
import type { DocumentDraft } from "../store/document_drafts.ts";
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
