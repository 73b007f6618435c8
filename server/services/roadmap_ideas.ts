/** The ideas that a new project's roadmaps wish for, each linked to its row as one that is made of a document later. */
import type { PlanningText } from "../../agents/project_templates/fill.ts";
import type { Tx } from "../db.ts";
import type { PlanningDocument, Project } from "../records.ts";
import { expectDocument } from "../store/documents_gone.ts";
import { documentFacts, documentVersion } from "./document_facts.ts";
import { insertFrom } from "./document_ideas.ts";
import { type DocumentItem, documentItems } from "./document_items.ts";
import { enqueueAdvanceIdea } from "./refinement.ts";

/** What a roadmap wishes for. */
export interface RoadmapIdea {
  title: string;
  description: string;
  /** The part of the roadmap that says it. */
  of: Pick<DocumentItem, "words" | "sectionWords" | "nth" | "section"> & {
    /** As it will be written. */
    document: Pick<PlanningDocument, "path" | "bytes" | "version">;
  };
}

/** Most ideas that a new project begins with. */
const IDEAS_MAX = 100;

/**
 * What a new project's roadmaps wish for, by the rules of *Make ideas*; what is done is left out, and what comes twice.
 * `left`: how many more there are than a project begins with.
 */
export function roadmapIdeas(
  documents: readonly PlanningText[],
): { ideas: RoadmapIdea[]; left: number } {
  const found = new Map<string, RoadmapIdea>();
  for (const { path, text } of documents) {
    if (path.startsWith("templates/") || documentFacts(path, text).type !== "roadmap") continue;
    const bytes = new TextEncoder().encode(text).length;
    const document = { path, bytes, version: documentVersion(text) };
    for (const item of documentItems(text, null, path)) {
      const { title, description, done, words, sectionWords, nth, section } = item;
      if (done === true || found.has(words)) continue;
      found.set(words, { title, description, of: { document, words, sectionWords, nth, section } });
    }
  }
  const ideas = [...found.values()].slice(0, IDEAS_MAX);
  return { ideas, left: found.size - ideas.length };
}

/** Submits all of them, to be refined at once; their documents need not have been looked at yet. */
export function submitRoadmap(
  tx: Tx,
  { id: projectId }: Pick<Project, "id">,
  ideas: readonly RoadmapIdea[],
): void {
  const ids = new Map<string, string>();
  for (const { title, description, of: { document, ...item } } of ideas) {
    const { path } = document;
    const id = ids.get(path) ?? expectDocument(tx, { projectId, ...document });
    ids.set(path, id);
    enqueueAdvanceIdea(
      tx,
      insertFrom(tx, { id, projectId, path }, { item, title, description }),
    );
  }
}
