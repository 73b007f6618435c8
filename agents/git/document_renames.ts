/** Documents that got another name on a branch. */
import { PLANNING } from "../planning/document_paths.ts";
import { gitOk } from "./git.ts";
import { checkCommit } from "./repository.ts";

export interface DocumentRename {
  commit: string;
  /** From `planning/`, both. */
  from: string;
  to: string;
}

/** Newest commits with a rename that are looked at, and files of one that are compared with each other. */
const COMMITS_MAX = 5_000;
const FILES_MAX = 400;

/** All that git sees in the history up to `tip`, newest first: by one process. */
export async function listDocumentRenames(
  { repo, tip, signal }: { repo: string; tip: string; signal: AbortSignal },
): Promise<DocumentRename[]> {
  const args = [
    ...["log", `--max-count=${COMMITS_MAX}`, "-M", `-l${FILES_MAX}`, "--diff-filter=R"],
    ...["--name-status", "--format=%x01%H", checkCommit(tip), "--", `${PLANNING}/`],
  ];
  const text = await gitOk(repo, args, {
    signal,
    env: { GIT_LITERAL_PATHSPECS: "1" },
    // Names of documents have nothing that git would quote then.
    settings: ["core.quotePath=false"],
    doing: "look which documents got another name",
  });
  return text.split("\u0001").slice(1).flatMap((entry) => {
    const [commit = "", ...lines] = entry.split("\n");
    return lines.flatMap((line) => {
      const [, from, to] = /^R\d*\tplanning\/([^\t]+)\tplanning\/([^\t]+)$/.exec(line) ?? [];
      return from && to ? [{ commit, from, to }] : [];
    });
  });
}
