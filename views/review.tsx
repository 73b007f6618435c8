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
import { shownLineIds } from "./diff_table.tsx";
import { shortCommit } from "./format.ts";
import { framePartials, Layout, PageHead } from "./layout.tsx";
import { reviewHref, ticketHref, traceHref } from "./links.ts";
import { type Live, replace } from "./live.tsx";
import { ForgeRemarks, remarksInDiff } from "./pull_remarks.tsx";
import type { PullProps } from "./pull_request.tsx";
import { type RefusedReview, ReviewBar } from "./review_decision.tsx";
import { evidenceOf } from "./review_evidence.ts";
import { FileList } from "./review_files.tsx";
import { ReviewNotes } from "./review_notes.tsx";
import { rangeHref, ReviewTools, type ReviewView } from "./review_tools.tsx";
import type { Shell } from "./shell.ts";
import { ticketWords } from "./words.ts";

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
    | "colours"
    | "marks"
    | "gaps"
    | "expanded"
    | "ticks"
    | "origins"
    | "why"
    | "commentText"
    | "oldCommit"
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
          <ReviewNotes {...notesOf(props)} />
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
  if (view?.ignoreSpace) return "Nothing else changed.";
  if (view?.range === "look") return "Nothing that the ticket changes is new since your last look.";
  return "The branch changes nothing.";
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

const notesOf = (props: ReviewPageProps) => ({
  ...props,
  nowMs: props.shell.nowMs,
  open: isOpen(props.ticket),
  // A filter hides files, and what was said of them: the whole review has it.
  whole: !props.view || props.view.range === "all" && props.view.only === "",
  shownLines: () => shownLines(props),
});

/** Ids of the lines that the page has. */
function shownLines(props: ReviewPageProps): Set<string> {
  const plan = planFiles(props.files, wantedOf(diffOf(props)));
  return new Set(
    props.files.flatMap((file) => [
      ...shownLineIds({ file, shownLines: plan.get(file.path) ?? 0 }),
    ]),
  );
}
