/** What an export tells of documents beside their texts: where they lead, and their versions. */
import { listAllDocumentCommits } from "../../agents/git/document_history.ts";
import { tipOf } from "../../agents/git/repository.ts";
import type { App } from "../app.ts";
import type { DocumentLink, Project } from "../records.ts";
import { listSaves } from "../store/document_drafts.ts";
import { linksOf } from "./document_links.ts";
import type { OpenDocument } from "./documents.ts";

/** In the same order. */
export async function exportFacts(
  app: App,
  { project, documents }: { project: Project; documents: readonly OpenDocument[] },
  signal: AbortSignal,
): Promise<(OpenDocument & { links: DocumentLink[]; versions: string[] })[]> {
  const { path: repo, baseBranch } = project;
  const tip = await tipOf(repo, baseBranch, signal);
  const commits = tip === null
    ? new Map<string, string[]>()
    : await listAllDocumentCommits({ repo, tip, signal });
  return documents.map((open) => ({
    ...open,
    links: linksOf(app, open.document),
    versions: [
      ...commits.get(open.document.path) ?? [],
      ...listSaves(app.db, open.document).map(({ id }) => id),
    ],
  }));
}
