/** A suggested change of a document: its pieces, each to accept or reject. */
import type { VNode } from "preact";
import type { DocumentSuggestion } from "../server/records.ts";
import { PlainDiff } from "./activity_call.tsx";
import type { ShownHunk } from "./ask.tsx";
import { Panel, StatusBadge, Time } from "./components.tsx";
import { firstLine } from "./format.ts";
import { ActionForm } from "./forms.tsx";
import { documentHref, suggestionHref } from "./links.ts";
import { hunkWords, suggestionWords } from "./planning_words.ts";
import { Prose } from "./prose.tsx";

interface SuggestionPanelProps {
  suggestion: DocumentSuggestion;
  hunks: ShownHunk[];
  path: string;
  /** Null: the document is gone. */
  documentId: string | null;
  nowMs: number;
}

/** Of the reason for a whole change, beside each piece: all of it stands above. */
const WHOLE_CHARS = 300;

/** `#suggestion`. */
export function SuggestionPanel(props: SuggestionPanelProps): VNode {
  const { suggestion, hunks, path, documentId, nowMs } = props;
  const open = hunks.filter(({ status }) => status === "pending").length;
  const action = suggestionHref(suggestion.id);
  const whole = firstLine(suggestion.reason, WHOLE_CHARS);
  return (
    <Panel
      id="suggestion"
      title="Suggested change"
      aside={<StatusBadge shown={suggestionWords[suggestion.status]} />}
    >
      {documentId === null && open > 0 && (
        <p class="error">planning/{path} is gone, so nothing of this can be accepted.</p>
      )}
      {open > 1 && (
        <div class="actions" id="suggestion-all">
          {documentId && (
            <ActionForm action={`${action}/accept`} kind="primary">
              Accept all {open}
            </ActionForm>
          )}
          <ActionForm action={`${action}/reject`} kind="quiet">Reject all {open}</ActionForm>
        </div>
      )}
      {hunks.map((hunk) => (
        <Piece
          key={hunk.number}
          hunk={hunk}
          whole={whole}
          action={action}
          documentId={documentId}
          nowMs={nowMs}
        />
      ))}
    </Panel>
  );
}

function Piece(
  { hunk, whole, action, documentId, nowMs }: {
    hunk: ShownHunk;
    /** Why the change as a whole: for a piece that was given no reason of its own. */
    whole: string;
    action: string;
    documentId: string | null;
    nowMs: number;
  },
): VNode {
  const { number, status, start, removed, reason, diff, unfit, decidedBy, decidedAt } = hunk;
  const place = removed.length === 0
    ? `after line ${start}`
    : removed.length === 1
    ? `line ${start + 1}`
    : `lines ${start + 1} to ${start + removed.length}`;
  const fields = { piece: String(number) };
  return (
    <article class="question" id={`piece-${number}`} data-row="" aria-label={`Piece ${number}`}>
      <h3>Piece {number}, {place}</h3>
      {reason ? <Prose text={reason} /> : whole && (
        <>
          <p class="muted">Why the whole change:</p>
          <Prose text={whole} />
        </>
      )}
      {unfit && (
        <div class="error">
          {unfit === "changed"
            ? "The document says something else here by now, so this piece does not fit any more."
            : "The document was changed in too many lines to find the place of this piece again."}
          {" "}
          {documentId && <a href={`${documentHref(documentId)}/edit`}>Change it by hand</a>}, then
          reject the piece.
        </div>
      )}
      <PlainDiff diff={diff} whole />
      {status === "pending"
        ? (
          <div class="actions">
            {documentId && (
              <ActionForm
                action={`${action}/accept`}
                fields={fields}
                kind="primary"
                keys="a"
                label={`Accept piece ${number}`}
              >
                Accept
              </ActionForm>
            )}
            <ActionForm
              action={`${action}/reject`}
              fields={fields}
              keys="Shift+x"
              label={`Reject piece ${number}`}
            >
              Reject
            </ActionForm>
          </div>
        )
        : (
          <p class="remark-head">
            <StatusBadge shown={hunkWords[status]} />
            <span class="muted">
              by {decidedBy} {decidedAt && <Time at={decidedAt} nowMs={nowMs} />}
            </span>
          </p>
        )}
    </article>
  );
}
