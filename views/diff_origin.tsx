/** What changed lines were made for: the subtask, request or suggestion behind the commit that brought them. */
import type { VNode } from "preact";
import type { DiffFile, DiffHunk } from "../server/records.ts";
import { fileId, type Place, placeText } from "./diff_place.ts";
import { shortCommit } from "./format.ts";
import { withQuery } from "./links.ts";

/** What one commit of a ticket's branch was made for. */
export interface Origin {
  /** "Subtask 2: Cover it by a test". */
  words: string;
  /** The step that did it, in its run; null: no agent did. */
  href: string | null;
  /** "turn 4 of feature-dev"; "" without a run. */
  by: string;
  /** The idea that it goes back to. */
  idea: { href: string; words: string } | null;
}

/** Its links lead to other pages, while those of a file around them change that file alone. */
const leadsAway = {
  "hx-boost:inherited": `swap:"outerMorph show:none" select:#app target:#app`,
};

/** At the head of a file: each thing once. */
export function OriginLine({ origins }: { origins: Origin[] }): VNode | null {
  if (origins.length === 0) return null;
  const idea = origins.find((origin) => origin.idea)?.idea;
  return (
    <p class="origin muted small" {...leadsAway}>
      For {origins.map((origin, i) => (
        <>
          {i > 0 && "; "}
          {origin.href ? <a href={origin.href}>{origin.words}</a> : origin.words}
          {origin.by && ` (${origin.by})`}
        </>
      ))}
      {idea && (
        <>
          , from <a href={idea.href}>{idea.words}</a>
        </>
      )}
    </p>
  );
}

interface HunkOriginProps {
  page: string;
  file: DiffFile;
  hunk: DiffHunk;
  origins?: ReadonlyMap<string, Origin[]>;
  why?: { at: Place; origins: Origin[] } | null;
}

/** At the head of a hunk: a link that asks what it is for, where the file has several answers; or the answer. */
export function HunkOrigin({ page, file, hunk, origins, why }: HunkOriginProps): VNode | null {
  const line = hunk.lines.find(({ kind }) => kind === "added")?.newLine;
  if (line == null) return null;
  if (why?.at.path === file.path && why.at.line === line) {
    return why.origins.length > 0
      ? <OriginLine origins={why.origins} />
      : <p class="origin muted small">Nobody knows which step wrote these lines.</p>;
  }
  if ((origins?.get(file.path)?.length ?? 0) < 2) return null;
  const at = placeText({ path: file.path, line, side: "new" });
  return (
    <a class="why" href={`${withQuery(page, { why: at })}#${fileId(file.path)}`}>
      What for?
    </a>
  );
}

/** A commit that no run and no suggestion is known for. */
export const unknownOrigin = (commit: string): Origin => ({
  words: `commit ${shortCommit(commit)}`,
  href: null,
  by: "",
  idea: null,
});
