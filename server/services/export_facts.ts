/** What an export tells of documents beside their texts: where they lead, and their versions. */
import {
  listAllDocumentCommits,
  listDocumentCommits,
  VERSIONS_MAX,
} from "../../agents/git/document_history.ts";
import { type DocumentRename, listDocumentRenames } from "../../agents/git/document_renames.ts";
import { tipOf } from "../../agents/git/repository.ts";
import type { App } from "../app.ts";
import type { DocumentLink, Project } from "../records.ts";
import { listSaves } from "../store/document_drafts.ts";
import { listMoves } from "../store/document_moves.ts";
import { linksOf } from "./document_links.ts";
import type { OpenDocument } from "./documents.ts";

/** Documents that got another name outside of git, and are looked at one by one. */
const MOVED_MAX = 100;
/** Names that a document had one after the other. */
const NAMES_MAX = 20;

/** Of all names that git knows of it, newest first. */
function followed(
  path: string,
  commits: ReadonlyMap<string, string[]>,
  renames: readonly DocumentRename[],
): string[] {
  const found = new Set<string>();
  let [name, own] = [path, commits.get(path) ?? []];
  for (let names = 0; names < NAMES_MAX; names++) {
    const rename = renames.find(({ to, commit }) => to === name && own.includes(commit));
    const end = rename ? own.indexOf(rename.commit) + 1 : own.length;
    for (const commit of own.slice(0, end)) found.add(commit);
    if (!rename) break;
    const before = commits.get(rename.from) ?? [];
    const at = before.indexOf(rename.commit);
    [name, own] = [rename.from, at < 0 ? [] : before.slice(at + 1)];
  }
  return [...found].slice(0, VERSIONS_MAX);
}

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
  const renames = tip === null ? [] : await listDocumentRenames({ repo, tip, signal });
  const moved = new Map<string, string[]>();
  for (const { document: { id, path } } of tip === null ? [] : documents) {
    const moves = moved.size < MOVED_MAX ? listMoves(app.db, id) : [];
    if (moves.length === 0) continue;
    const found = await listDocumentCommits({ repo, tip: tip!, path, moves, signal });
    moved.set(id, found.map(({ commit }) => commit));
  }
  return documents.map((open) => ({
    ...open,
    links: linksOf(app, open.document),
    versions: [
      ...moved.get(open.document.id) ?? followed(open.document.path, commits, renames),
      ...listSaves(app.db, open.document).map(({ id }) => id),
    ],
  }));
}
