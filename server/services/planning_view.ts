/**
 * What a planning agent reads: the project's code as it is on the base branch, and the documents as their pages show
 * them. Where those are files of the person's folder, they need not be committed.
 */
import { listDocumentsAt } from "../../agents/git/document_branch.ts";
import { blobIdOfBytes } from "../../agents/git/file_commit.ts";
import { viewCommit, type ViewFile } from "../../agents/git/view_commit.ts";
import { PLANNING } from "../../agents/planning/document_paths.ts";
import type { App } from "../app.ts";
import type { Project } from "../records.ts";
import { documentPlace } from "./document_place.ts";
import { portionsOf } from "./document_portions.ts";

/** Most that is laid over a commit: what is more stays as it is committed, and a line of the log says so. */
const LAID_BYTES = 64 * 1024 * 1024;

/** A commit with this one's files and the documents as they are; this one itself, where they are no others. */
export async function withDocuments(
  app: App,
  { project, commit }: { project: Project; commit: string },
  signal: AbortSignal,
): Promise<string> {
  const place = await documentPlace(app, project, signal);
  if (place.commit !== null) return commit;
  const repo = project.path;
  const committed = new Map(
    (await listDocumentsAt(repo, commit, signal)).map((file) => [file.path, file.stamp]),
  );
  const files = await place.list();
  const there = new Set(files.map(({ path }) => path));
  const laid: ViewFile[] = [...committed.keys()].filter((path) => !there.has(path))
    .map((path) => ({ path: `${PLANNING}/${path}`, content: null }));
  let bytes = 0;
  for await (const portion of portionsOf(files, signal)) {
    for (const [path, { text, problem }] of await place.readAll(portion)) {
      // What can't be read as text is nothing that a page shows, either.
      if (problem) continue;
      const content = new TextEncoder().encode(text);
      if (blobIdOfBytes(content, commit.length) === committed.get(path)) continue;
      bytes += content.length;
      if (bytes <= LAID_BYTES) laid.push({ path: `${PLANNING}/${path}`, content });
    }
  }
  if (bytes > LAID_BYTES) {
    app.log.warn("an agent sees some documents as they are committed: too much is not", {
      ...{ project: project.slug, bytes, most: LAID_BYTES },
    });
  }
  if (laid.length === 0) return commit;
  laid.sort((a, b) => a.path < b.path ? -1 : 1);
  return await viewCommit({ repo, base: commit, files: laid, signal });
}
