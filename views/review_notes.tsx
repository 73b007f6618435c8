/** What the reviewer says of a ticket's work, and all that was said of no line which the diff has. */
import type { VNode } from "preact";
import { matchVerdicts } from "../server/criteria.ts";
import type {
  Comment,
  CriterionVerdict,
  DiffFile,
  ReviewFinding,
  Ticket,
} from "../server/records.ts";
import { StatusBadge } from "./components.tsx";
import { CommentNote, FindingNote } from "./diff_remarks.tsx";
import { plural } from "./format.ts";
import { Inline } from "./inline.tsx";
import { reviewHref } from "./links.ts";
import { Prose } from "./prose.tsx";
import { evidenceHref, evidenceOf, jumpTo } from "./review_evidence.ts";
import { severityWords, type Shown } from "./words.ts";

export interface ReviewNotesProps {
  ticket: Ticket;
  /** Those that the page shows. */
  files: DiffFile[];
  findings: ReviewFinding[];
  verdicts: CriterionVerdict[];
  comments: Comment[];
  nowMs: number;
  /** It can be commented on. */
  open: boolean;
  /** `files` are all that the ticket changes. */
  whole: boolean;
  /** Ids of the lines that the page has. */
  shownLines(): ReadonlySet<string>;
}

/**
 * What the reviewer says of the whole, criterion by criterion, with notes that jump to their line. What was said of a
 * file that the ticket does not change stands here, since it has no other place.
 */
export function ReviewNotes(props: ReviewNotesProps): VNode {
  const { ticket, verdicts, findings, comments, files, nowMs, open, whole } = props;
  const places = evidenceOf(props);
  const changed = new Set<string | null>(files.map(({ path }) => path));
  const isHere = ({ path }: { path: string | null }) =>
    path === null || whole && !changed.has(path);
  const here = findings.filter(isHere);
  const placed = findings.filter((finding) => !isHere(finding));
  const unplaced = comments.filter(isHere);
  const shown = placed.length > 0 ? props.shownLines() : new Set<string>();
  const { of, others } = matchVerdicts(ticket.acceptance, verdicts);
  const judged = [
    ...of,
    ...others.map((verdict) => ({ criterion: verdict.criterion, verdict })),
  ];
  const met = judged.filter(({ verdict }) => verdict?.met).length;
  return (
    // Folded, for the page opens on the diff; its line says whether there is something to unfold.
    <details class="panel" id="review-notes" open={unplaced.length > 0}>
      <summary>
        <h2>Reviewer</h2>
        {verdicts.length > 0 && (
          <span class={`outcome tone-${met === judged.length ? "done" : "failed"}`}>
            {met} of {plural(judged.length, "criterion", "criteria")} met
          </span>
        )}
        {findings.length > 0 && <span class="muted small">{countsOf(findings)}</span>}
      </summary>
      {ticket.reviewSummary === ""
        ? <p class="muted">No agent has read it, or it wrote no summary.</p>
        : <Prose text={ticket.reviewSummary} />}
      {verdicts.length > 0 && (
        <ul class="verdicts">
          {judged.map(({ criterion, verdict }, index) => (
            <li key={index}>
              <StatusBadge shown={verdictWords(verdict)} />
              <div>
                <Inline text={criterion} />
                <p class="muted small">
                  <Inline text={verdict?.evidence ?? "The reviewer did not decide this one."} />
                </p>
                {places.filter((place) => place.criterion === verdict?.criterion).map((place) => (
                  <a class="jump small" href={evidenceHref(reviewHref(ticket.id), files, place)}>
                    <code class="path">{place.path}:{place.line}</code>
                  </a>
                ))}
              </div>
            </li>
          ))}
        </ul>
      )}
      {placed.length > 0 && (
        <ul class="jumps">
          {placed.map((finding) => (
            <li key={finding.id}>
              <StatusBadge shown={severityWords[finding.severity]} />
              <div>
                <a href={jumpTo(finding, { shown, changed, review: reviewHref(ticket.id) })}>
                  <code class="path">{finding.path}{finding.line ? `:${finding.line}` : ""}</code>
                </a>
                <p class="muted small clipped">
                  <Inline text={finding.message} />
                </p>
              </div>
            </li>
          ))}
        </ul>
      )}
      {here.map((finding) => (
        <FindingNote
          key={finding.id}
          finding={finding}
          open={open}
          commit={ticket.headCommit}
          away
        />
      ))}
      {unplaced.map((comment) => (
        <CommentNote
          key={comment.id}
          comment={comment}
          open={open}
          commit={ticket.headCommit}
          nowMs={nowMs}
          away={comment.path !== null}
        />
      ))}
    </details>
  );
}

const verdictWords = (verdict: CriterionVerdict | null): Shown =>
  verdict === null
    ? { word: "No verdict", tone: "waiting" }
    : verdict.met
    ? { word: "Met", tone: "done" }
    : { word: "Not met", tone: "failed" };

/** "1 major, 2 minor": the worst first. */
const countsOf = (findings: ReviewFinding[]): string =>
  Object.entries(severityWords).map(([severity, { word }]) => ({
    word: word.toLowerCase(),
    count: findings.filter((finding) => finding.severity === severity).length,
  })).filter(({ count }) => count > 0)
    .map(({ word, count }) => word === "note" ? plural(count, word) : `${count} ${word}`).join(
      ", ",
    );
