/** What somebody who has written "#" or "[[" in a document may mean. */
import type { App } from "../app.ts";
import {
  completeDocuments,
  completeSubjects,
  type Completion,
} from "../store/document_completions.ts";
import { findDocumentNamed } from "../store/documents.ts";
import { getProject } from "../store/projects.ts";
import { linkKey } from "./document_facts.ts";

/** Most that are offered. */
export const COMPLETIONS_MAX = 8;
const TEXT_CHARS = 60;

/** `text`: the mark and what follows it, "[[sav" or "#idea-1"; anything else has none. Throws `not_found` for a project. */
export function completionsFor(
  { db }: Pick<App, "db">,
  projectId: string,
  text: string,
): Completion[] {
  const { id } = getProject(db, projectId);
  const [, mark, words = ""] = /^(\[\[|#)([^[\]\n]*)$/.exec(text) ?? [];
  if (!mark || words.length > TEXT_CHARS) return [];
  if (mark === "#") {
    const [, kind = null, rest = ""] = /^(?:(idea|ticket)-?)?(.*)$/.exec(words) ?? [];
    const asked = { kind: kind as "idea" | "ticket" | null, text: rest };
    return completeSubjects(db, id, asked, COMPLETIONS_MAX);
  }
  return completeDocuments(db, id, words, COMPLETIONS_MAX).map((found) => {
    // Its title may lead to another one, or hold what would end the link: its path does not.
    const title = findDocumentNamed(db, id, { key: linkKey(found.name), path: false });
    const isClear = title?.path === found.about && !/[[\]|#]/.test(found.name);
    return isClear ? found : { ...found, name: found.about.replace(/\.md$/i, "") };
  });
}
