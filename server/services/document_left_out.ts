/** Files that somebody may have meant for documents and that can be none: said where documents are listed. */
import type { App } from "../app.ts";
import type { Db } from "../db.ts";

/** Of each project, as of the last look at its files. A start forgets it, and the next look knows it again. */
const lastLooks = new WeakMap<Db, Map<string, readonly string[]>>();

/** Whether they are others than at the look before. */
export function noteLeftOut(
  { db }: Pick<App, "db">,
  projectId: string,
  paths: readonly string[],
): boolean {
  const known = lastLooks.get(db) ?? new Map<string, readonly string[]>();
  const before = known.get(projectId) ?? [];
  lastLooks.set(db, known.set(projectId, paths));
  return before.join("\n") !== paths.join("\n");
}

/** Paths from `planning/`, `LEFT_OUT_MAX` at most; a folder's ends in "/". */
export const leftOutOf = ({ db }: Pick<App, "db">, projectId: string): readonly string[] =>
  lastLooks.get(db)?.get(projectId) ?? [];
