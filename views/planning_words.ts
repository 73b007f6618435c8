/** The words for planning documents. */
import type {
  DocumentSaves,
  DocumentStatus,
  DocumentType,
  HunkStatus,
  PlanningAskKind,
  SuggestionStatus,
} from "../server/states.ts";
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

/** What was asked, as a heading. */
export const askWords: Record<PlanningAskKind, string> = {
  draft: "Draft",
  review: "Review",
  interview: "Questions",
  extend: "Extend a section",
  summarise: "Summarise decisions",
  update: "Update",
};

/** The same as a choice. */
export const askChoices: Record<PlanningAskKind, string> = {
  draft: "Draft it from a few lines",
  review: "Review it against the code",
  interview: "Ask me about it",
  extend: "Extend a section",
  summarise: "Summarise its decisions",
  update: "Bring it up to date",
};

export const suggestionWords: Record<SuggestionStatus, Shown> = {
  open: { tone: "waiting", word: "Waits for you" },
  accepted: { tone: "done", word: "Accepted" },
  partly: { tone: "done", word: "Partly accepted" },
  rejected: { tone: "idle", word: "Rejected" },
};

export const hunkWords: Record<HunkStatus, Shown> = {
  pending: { tone: "waiting", word: "Open" },
  accepted: { tone: "done", word: "Accepted" },
  rejected: { tone: "idle", word: "Rejected" },
};

/** Where saves go; `branch` is the project's base branch. */
export const documentSavesWords = (saves: DocumentSaves, branch: string): string =>
  saves === "commit"
    ? `Each save is a commit on ${branch}`
    : "Saves only change the files in your folder";
