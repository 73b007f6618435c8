/** Documents that got another name or folder: known by their text, where only one can be meant. */
import type { DocumentFile } from "../../agents/planning/planning_folder.ts";
import { DOCUMENTS_MAX } from "../../agents/planning/document_paths.ts";
import type { App } from "../app.ts";
import { DAY_MS, timeText } from "../clock.ts";
import { newId, type Tx } from "../db.ts";
import type { PlanningDocument } from "../records.ts";
import { moveTexts } from "../store/document_drafts.ts";
import { insertMove } from "../store/document_moves.ts";
import { type GoneDocument, listGoneSince, takeGone } from "../store/documents_gone.ts";
import { moveAsks } from "../store/planning_asks.ts";
import { documentVersion } from "./document_facts.ts";
import type { DocumentPlace } from "./document_place.ts";
import { portionsOf } from "./document_portions.ts";

/** A file of the same text that appears later is another one. */
const MOVED_WITHIN_MS = DAY_MS;

/**
 * Which of the files that appeared are documents that were elsewhere, by path. Only files as large as one of those that
 * went are read; a text that two have, there or here, tells nothing.
 */
export async function findMoves(
  app: App,
  projectId: string,
  { place, appeared, signal }: {
    place: DocumentPlace;
    appeared: readonly DocumentFile[];
    signal: AbortSignal;
  },
): Promise<Map<string, GoneDocument>> {
  if (appeared.length === 0) return new Map();
  const since = timeText(app.clock.nowMs() - MOVED_WITHIN_MS);
  const here = new Set(appeared.map(({ path }) => path));
  // Whatever is back where it was has its id by its path.
  const gone = listGoneSince(app.db, projectId, since, DOCUMENTS_MAX)
    .filter(({ path, version }) => !here.has(path) && version !== documentVersion(""));
  const sizes = new Set(gone.map(({ bytes }) => bytes));
  const likely = appeared.filter(({ bytes }) => sizes.has(bytes));
  const versions = new Map<string, string>();
  for await (const portion of portionsOf(likely, signal)) {
    for (const [path, { text }] of await place.readAll(portion)) {
      versions.set(path, documentVersion(text));
    }
  }
  const appearedOnce = once([...versions], ([, version]) => version);
  const goneOnce = once(gone, ({ version }) => version);
  return new Map(
    [...appearedOnce].flatMap(([version, [path]]): [string, GoneDocument][] => {
      const from = goneOnce.get(version);
      return from ? [[path, from]] : [];
    }),
  );
}

/** Those whose key no other has. */
function once<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T> {
  const found = new Map<string, T>();
  const twice = new Set<string>();
  for (const one of all) {
    const key = keyOf(one);
    if (found.has(key)) twice.add(key);
    else found.set(key, one);
  }
  for (const key of twice) found.delete(key);
  return found;
}

/** The id of a document whose row is new: that of the one it was; what was typed into that, and asked, comes along. */
export function idFor(
  tx: Tx,
  here: Pick<PlanningDocument, "projectId" | "path">,
  from: GoneDocument | undefined,
): string {
  const moved = from ? takeGone(tx, from) : null;
  if (from && moved) {
    moveTexts(tx, from, here.path);
    moveAsks(tx, from, here.path);
    insertMove(tx, { ...here, id: moved }, from.path);
  }
  return moved ?? takeGone(tx, here) ?? newId("document");
}
