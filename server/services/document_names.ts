/** Names of documents beside each other. */
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import type { Project } from "../records.ts";
import { documentStamps } from "../store/documents.ts";

/**
 * Throws `conflict` for a new path that differs from another one's in upper and lower case, or the spelling of its
 * letters, alone: a repository with both could be checked out whole on some systems only.
 */
export function requireOwnName({ db }: Pick<App, "db">, { id }: Project, path: string): void {
  const alike = pathAlike({ db }, id, path);
  if (alike === null) return;
  throw new AppError(
    "conflict",
    `Cannot make ${path}: there is ${alike} already, and some systems don't tell the two apart. Choose another name`,
    [{ field: "path", message: `There is ${alike} already` }],
  );
}

/** Another document's path that some systems take for this one; null: there is none, or a document of this very path. */
export function pathAlike({ db }: Pick<App, "db">, projectId: string, path: string): string | null {
  const paths = [...documentStamps(db, projectId).keys()];
  if (paths.includes(path)) return null;
  const own = spelled(path);
  return paths.find((known) => spelled(known) === own) ?? null;
}

const spelled = (path: string): string => path.normalize("NFC").toLowerCase();
