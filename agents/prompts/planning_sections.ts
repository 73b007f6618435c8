/** What a task says of a document: what was asked, its text, what it leads to, how it came to be. */
import type { PlanningDocument } from "../../server/records.ts";
import type { PlanningAskKind } from "../../server/states.ts";
import {
  blockSection,
  bullets,
  cut,
  harmless,
  oneLine,
  type Tag,
  textSection,
} from "./sections.ts";

/** Most of each part: characters, or entries of a list. */
export const planningLimits = {
  wordsChars: 10_000,
  sectionChars: 300,
  titleChars: 300,
  documentChars: 150_000,
  entryChars: 500,
  links: 200,
  history: 50,
  codeHistory: 50,
  commits: 50,
} as const;

/** What is absent or empty gets no section. */
export interface PlanningPromptParts {
  ask?: { kind: PlanningAskKind; section: string; words: string };
  /** `path` from the project's root. */
  document?: Pick<PlanningDocument, "path" | "title" | "type" | "status"> & { text: string };
  /** One line for each idea, ticket and document that it leads to, or is named by. */
  links?: string[];
  /** Newest commits of the document, one line each. */
  history?: string[];
  /** Newest commits of the files that it describes, one line each. */
  codeHistory?: string[];
  /** Commits that the ask is about, one line each. */
  commits?: string[];
}

export function planningSections(parts: PlanningPromptParts): string[] {
  const { ask, document, links = [], history = [], codeHistory = [], commits = [] } = parts;
  const { wordsChars, sectionChars, titleChars, documentChars } = planningLimits;
  const list = (tag: Tag, entries: string[], max: number) =>
    entries.length === 0 ? "" : blockSection(
      tag,
      {},
      bullets(entries.map((entry) => oneLine(entry, planningLimits.entryChars)), max),
    );
  return [
    ask
      ? textSection("ask", {
        kind: ask.kind,
        ...ask.section && { section: oneLine(ask.section, sectionChars) },
      }, cut(ask.words, wordsChars))
      : "",
    list("commits", commits, planningLimits.commits),
    document
      ? blockSection("document", {
        path: document.path,
        type: document.type,
        status: document.status,
        title: oneLine(document.title, titleChars),
      }, [harmless(cut(document.text, documentChars))])
      : "",
    list("links", links, planningLimits.links),
    list("history", history, planningLimits.history),
    list("code_history", codeHistory, planningLimits.codeHistory),
  ];
}
