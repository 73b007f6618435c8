/** The review of a ticket: opens on the diff, ends in merge, send back or reject. */
import type { VNode } from "preact";
import type {
  Check,
  Comment,
  CriterionVerdict,
  DiffFile,
  ReviewFinding,
  Ticket,
} from "../server/records.ts";
import type { MergeStyle } from "../server/states.ts";
import { FoldedChecks } from "./checks.tsx";
import { Notice, StatusBadge } from "./components.tsx";
import { Diff, FileDiff } from "./diff.tsx";
import { fileId, type Place, planFiles } from "./diff_place.ts";
import { type DiffProps, wantedOf } from "./diff_props.ts";
import { CommentNote, FindingNote } from "./diff_remarks.tsx";
import { plural, shortCommit } from "./format.ts";
import { framePartials, Layout, PageHead } from "./layout.tsx";
import { reviewHref, ticketHref, traceHref } from "./links.ts";
import { type Live, replace } from "./live.tsx";
import { Inline } from "./inline.tsx";
import { Prose } from "./prose.tsx";
import { ForgeRemarks, remarksInDiff } from "./pull_remarks.tsx";
import type { PullProps } from "./pull_request.tsx";
import { type RefusedReview, ReviewBar } from "./review_decision.tsx";
import { evidenceHref, evidenceOf, jumpTo } from "./review_evidence.ts";
import { FileList } from "./review_files.tsx";
import { rangeHref, ReviewTools, type ReviewView } from "./review_tools.tsx";
import type { Shell } from "./shell.ts";
import { severityWords, type Shown, ticketWords } from "./words.ts";
import { matchVerdicts } from "../server/criteria.ts";

export interface ReviewPageProps {
  shell: Shell;
  /** Null beside a refused form. */
  live: Live | null;
  ticket: Ticket;
  baseBranch: string;
  files: DiffFile[];
  findings: ReviewFinding[];
  verdicts: CriterionVerdict[];
  /** Sent ones and drafts, oldest first. */
  comments: Comment[];
  /** Of the newest commit, and of the untouched base; newest first. */
  checks: Check[];
  /** Of the commits between; newest first. */
  olderChecks: Check[];
  /** `?file=`. */
  openFile: string | null;
  /** `?comment=`, read by `parsePlace`. */
  commentAt: Place | null;
  /** Which part of the work is shown, and how; null: all of it, unified. */
  view?: ReviewView | null;
  /** What the diff shows besides its lines. */
  extras?: Pick<
    DiffProps,
    "colours" | "marks" | "gaps" | "expanded" | "ticks" | "origins" | "why" | "commentText"
  >;
  pull: PullProps;
  /** Lines or files were left out. */
  truncated?: boolean;
  /** Proposed commit message of the merge. */
  /** How it would be merged. */
  style: MergeStyle;
  message: string;
  refused: RefusedReview | null;
  /** The commit of the shown diff, which a decision is about; absent: the newest one. */
  shown?: string | null;
}

export function ReviewPage(props: ReviewPageProps): VNode {
  const { ticket, shell, files, view } = props;
  return (
    <Layout shell={shell} title={titleOf(ticket)} current="development" live={props.live}>
      <Strip {...props} />
      <div class="review">
        <div class="review-side">
          <FileList
            {...props}
            viewed={props.extras?.ticks?.viewed ?? null}
            page={reviewHref(ticket.id)}
          />
        </div>
        <div class="review-main">
          <ReviewChecks {...props} />
          <Summary {...props} />
          <a class="skip-inline" href="#review-bar">Skip the diff</a>
          {view && <ReviewTools page={reviewHref(ticket.id)} view={view} />}
          {files.length > 0 && isOpen(ticket) && (
            <p class="muted small diff-hint">Press a line's number to comment on it.</p>
          )}
          {view?.ignoreSpace && (
            <p class="muted small">
              White space is hidden: files in which nothing else changed are left out.
            </p>
          )}
          {files.length === 0
            ? (
              <p class="calm">
                {emptyWords(view)}
              </p>
            )
            : <Diff {...diffOf(props)} />}
          {props.truncated && (
            <p class="muted small">The diff is longer than what is read; the branch has it all.</p>
          )}
          <ForgeRemarks {...remarksOf(props)} />
        </div>
      </div>
      <ReviewBar {...barOf(props)} />
    </Layout>
  );
}

function emptyWords(view?: ReviewView | null): string {
  if (view?.only) return `No changed file has "${view.only}" in its path.`;
  return view?.ignoreSpace ? "Nothing else changed." : "The branch changes nothing.";
}

/** One file of the page, as the answer to a link or a form within it; null: the page has no such file. */
export function ReviewFilePart(props: ReviewPageProps, id: string): VNode | null {
  const diff = diffOf(props);
  const file = props.files.find(({ path }) => fileId(path) === id);
  if (!file) return null;
  const shownLines = planFiles(props.files, wantedOf(diff)).get(file.path) ?? 0;
  return (
    <>
      <FileDiff {...diff} file={file} shownLines={shownLines} />
      {replace(
        "review-files",
        <FileList
          {...props}
          viewed={props.extras?.ticks?.viewed ?? null}
          page={reviewHref(props.ticket.id)}
        />,
      )}
    </>
  );
}

/** What the page's diff is made of. */
const diffOf = (props: ReviewPageProps): DiffProps => ({
  files: props.files,
  findings: props.findings,
  comments: [...props.comments, ...remarksInDiff({ ...props.pull, ticket: props.ticket })],
  commit: props.ticket.headCommit,
  openFile: props.openFile,
  commentAt: props.commentAt,
  page: rangeHref(reviewHref(props.ticket.id), props.view?.range ?? "all", props.view?.only),
  commentAction: isOpen(props.ticket) ? `${ticketHref(props.ticket.id)}/comments` : null,
  nowMs: props.shell.nowMs,
  evidence: evidenceOf(props),
  split: props.view?.split,
  nowrap: props.view?.nowrap,
  ...props.extras,
});

/**
 * What may have changed while a person reads: state, checks, the bar; `files` is not looked at. The diff
 * stays as it is: the strip names the newest commit, the next load shows it, and until then the bar's forms are about
 * the one that is shown.
 */
export function reviewPartials(props: ReviewPageProps, status?: string): VNode {
  const { ticket, shell } = props;
  const frame = { shell, current: "development", title: titleOf(ticket), status } as const;
  return (
    <>
      {framePartials(frame)}
      {replace("review-strip", <Strip {...props} />)}
      {replace("review-checks", <ReviewChecks {...props} />)}
      {replace("review-forge", <ForgeRemarks {...remarksOf(props)} />)}
      {replace("review-bar", <ReviewBar {...barOf({ ...props, refused: null })} />)}
    </>
  );
}

const ReviewChecks = ({ checks, olderChecks, shell }: ReviewPageProps): VNode => (
  <FoldedChecks id="review-checks" checks={checks} older={olderChecks} nowMs={shell.nowMs} />
);

const titleOf = (ticket: Ticket) => `Review #${ticket.number} ${ticket.title}`;

/** Until it is approved: what is in the merge queue is not commented on any more. */
const isOpen = ({ status, step }: Ticket) => status === "review" && step !== "merge";

const barOf = (props: ReviewPageProps) => ({
  ticket: props.ticket,
  baseBranch: props.baseBranch,
  drafts: props.comments.filter((comment) => !comment.sent).length,
  blocking: props.findings.filter((finding) => finding.severity === "blocking").length,
  message: props.message,
  style: props.style,
  pull: props.pull,
  refused: props.refused,
  shown: props.shown,
});

const remarksOf = (props: ReviewPageProps) => ({
  ...props.pull,
  ticket: props.ticket,
  files: props.files,
  nowMs: props.shell.nowMs,
});

function Strip({ ticket }: ReviewPageProps): VNode {
  return (
    <div id="review-strip">
      <PageHead
        crumb={{ href: ticketHref(ticket.id), label: `Ticket #${ticket.number} ${ticket.title}` }}
        title={
          <>
            Review <span class="muted">#{ticket.number}</span> {ticket.title}
          </>
        }
        aside={<StatusBadge shown={ticketWords[ticket.status]} />}
      />
      {ticket.branch && ticket.headCommit && (
        <p class="muted review-branch">
          <code class="path">{ticket.branch}</code> at{" "}
          <a href={traceHref(ticket.projectId, { commit: ticket.headCommit })}>
            <code>{shortCommit(ticket.headCommit)}</code>
          </a>
        </p>
      )}
      {ticket.status !== "review" && (
        <Notice
          tone="idle"
          title={`Not in review: ${ticketWords[ticket.status].word.toLowerCase()}`}
        >
          <p>
            You see what the branch changes right now.{" "}
            <a href={ticketHref(ticket.id)}>Go to the ticket</a>
          </p>
        </Notice>
      )}
      {ticket.mergeWait !== "" && (
        <Notice tone="waiting" title="The merge waits">
          <p>{ticket.mergeWait}</p>
        </Notice>
      )}
    </div>
  );
}

const verdictWords = (verdict: CriterionVerdict | null): Shown =>
  verdict === null
    ? { word: "No verdict", tone: "waiting" }
    : verdict.met
    ? { word: "Met", tone: "done" }
    : { word: "Not met", tone: "failed" };

/** What the reviewer says of the whole, criterion by criterion, with notes that jump to their line. */
function Summary(props: ReviewPageProps): VNode {
  const { ticket, verdicts, findings, comments, shell, files } = props;
  const places = evidenceOf(props);
  const general = findings.filter((finding) => finding.path === null);
  const placed = findings.filter((finding) => finding.path !== null);
  const unplaced = comments.filter((comment) => comment.path === null);
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
                <a href={`#${jumpTo(files, finding)}`}>
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
      {general.map((finding) => <FindingNote key={finding.id} finding={finding} />)}
      {unplaced.map((comment) => (
        <CommentNote
          key={comment.id}
          comment={comment}
          open={isOpen(ticket)}
          nowMs={shell.nowMs}
        />
      ))}
    </details>
  );
}

/** "1 major, 2 minor": the worst first. */
const countsOf = (findings: ReviewFinding[]): string =>
  Object.entries(severityWords).map(([severity, { word }]) => ({
    word: word.toLowerCase(),
    count: findings.filter((finding) => finding.severity === severity).length,
  })).filter(({ count }) => count > 0)
    .map(({ word, count }) => word === "note" ? plural(count, word) : `${count} ${word}`).join(
      ", ",
    );
