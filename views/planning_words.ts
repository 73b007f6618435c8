/** The words for planning documents. */
import type { DocumentSaves, DocumentStatus, DocumentType } from "../server/states.ts";
import type { Shown } from "./words.ts";

export const documentStatusWords: Record<DocumentStatus, Shown> = {
  draft: { tone: "idle", word: "Draft" },
  review: { tone: "review", word: "In review" },
  approved: { tone: "done", word: "Approved" },
  implementing: { tone: "running", word: "Implementing" },
  done: { tone: "done", word: "Done" },
};

export const documentTypeWords: Record<DocumentType, string> = {
  roadmap: "Roadmap",
  spec: "Spec",
  architecture: "Architecture",
  note: "Note",
};

/** Where saves go; `branch` is the project's base branch. */
export const documentSavesWords = (saves: DocumentSaves, branch: string): string =>
  saves === "commit"
    ? `Each save is a commit on ${branch}`
    : "Saves only change the files in your folder";
