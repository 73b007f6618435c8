/** That the code has moved on since a document was approved, and the commits that did it. */
import type { VNode } from "preact";
import { Notice, Time } from "./components.tsx";
import { ActionForm } from "./forms.tsx";
import { documentHref, traceHref } from "./links.ts";
import type { Shown } from "./words.ts";

/** In lists, beside the document's status. */
export const staleWords: Shown = { tone: "waiting", word: "Stale" };

export interface DriftRow {
  commit: string;
  by: string;
  at: string;
  subject: string;
  /** Those of its files that the document describes. */
  files: string[];
}

export interface DriftNoticeProps {
  /** `version`: what a person says to be true. */
  document: { id: string; projectId: string; version: string };
  /** Newest first; empty: it is not stale. */
  commits: DriftRow[];
  /** All that are kept of a document: there may be more. */
  isFull: boolean;
  /** Why nobody could look; null: it is known. */
  problem: string | null;
  nowMs: number;
}

/** `#document-drift`. */
export function DriftNotice(props: DriftNoticeProps): VNode {
  const { document, commits, isFull, problem, nowMs } = props;
  const { id, projectId, version } = document;
  return (
    <div id="document-drift" class="if-any">
      {problem && <Notice tone="failed" title={problem} id="document-drift-problem" />}
      {commits.length > 0 && (
        <Notice
          tone="waiting"
          title="Stale: what it describes has changed since it was approved"
          id="document-stale"
        >
          <ul class="plain-list drift">
            {commits.map(({ commit, by, at, subject, files }) => (
              <li key={commit}>
                <a href={traceHref(projectId, { commit })}>{subject || commit.slice(0, 12)}</a>{" "}
                <span class="muted">
                  by {by}, <Time at={at} nowMs={nowMs} />
                </span>
                <p class="path small">{files.join(", ")}</p>
              </li>
            ))}
          </ul>
          {isFull && <p class="muted">Older ones are not shown.</p>}
          <div class="actions">
            <ActionForm action={`${documentHref(id)}/propose-update`} kind="primary">
              Propose an update
            </ActionForm>
            <ActionForm
              action={`${documentHref(id)}/confirm`}
              fields={{ seen: version, newest: commits[0]!.commit }}
            >
              It is true as it is
            </ActionForm>
          </div>
        </Notice>
      )}
    </div>
  );
}
