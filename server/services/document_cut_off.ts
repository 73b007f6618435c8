/**
 * Files that an editor empties or cuts off for a moment while it writes: what they say then is no status of theirs, and
 * their return is no change of it.
 */
import type { Db, Tx } from "../db.ts";
import type { PlanningDocument } from "../records.ts";
import type { DocumentStatus } from "../states.ts";
import { documentVersion, splitDocument } from "./document_facts.ts";

/** Most documents that are cut off at the same time, and not taken for drafts when they return. */
const REMEMBERED = 1_000;

/** What each document was before it was cut off, by its id, and the version that is left of it. A start forgets it. */
const cutOff = new WeakMap<Db, Map<string, { status: DocumentStatus; left: string }>>();

/**
 * The status that a change from outside has to be compared with: the last one of the document while its text was whole.
 * `before`: as it was until this text.
 */
export function statusBefore(
  { db }: Pick<Tx, "db">,
  { id, status, version }: Pick<PlanningDocument, "id" | "status" | "version">,
  text: string,
): DocumentStatus {
  const all = cutOff.get(db) ?? new Map();
  const known = all.get(id);
  all.delete(id);
  // Saved here meanwhile, it is what the save says.
  const before = known?.left === version ? known.status : status;
  if (isCutOff(text) && all.size < REMEMBERED) {
    cutOff.set(db, all.set(id, { status: before, left: documentVersion(text) }));
  }
  return before;
}

/** Empty, or with front matter that has no end. */
const isCutOff = (text: string): boolean =>
  "---".startsWith(text.trim()) ||
  /^\uFEFF?---[ \t]*\r?\n/.test(text) && splitDocument(text).bodyLine === 0;
