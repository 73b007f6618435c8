/** What reviewer and person say about a line or a file, and the form to say more. */
import type { VNode } from "preact";
import type { Applicable, Comment, ReviewFinding } from "../server/records.ts";
import { StatusBadge, Tag, Time } from "./components.tsx";
import { lineId, type Place, suggestHref } from "./diff_place.ts";
import { shortCommit } from "./format.ts";
import { suggestionIn } from "../server/suggestion.ts";
import { ActionForm, Button, buttonClass, Disclosure, Field } from "./forms.tsx";
import { ticketHref } from "./links.ts";
import { Inline } from "./inline.tsx";
import { Prose } from "./prose.tsx";
import { TakeUp } from "./pull_remarks.tsx";
import { severityWords } from "./words.ts";

/** A criterion's verdict with a place that the reviewer names as its evidence. */
export interface Evidence {
  criterion: string;
  met: boolean;
  path: string;
  line: number;
}

/** What is said in one place. */
export interface RemarksOf {
  findings: ReviewFinding[];
  comments: Comment[];
  evidence: Evidence[];
}

interface RemarksProps extends RemarksOf {
  nowMs: number;
  /** Suggestions can't be applied when it is null. */
  commentAction: string | null;
  /** See `DiffProps`. */
  commit: string | null;
}

/** Whether the line of a remark is a line of that commit. */
export const isOf = (remark: Applicable, commit: string | null): boolean =>
  remark.commit === null || commit === null || remark.commit === commit;

/** Where it was said: its line, and of what if that is not what is shown. */
function lineWords(remark: Comment | ReviewFinding, commit: string | null): string {
  if (!remark.line) return "";
  const removed = "side" in remark && remark.side === "old" ? " (removed)" : "";
  const earlier = isOf(remark, commit)
    ? ""
    : ` of an earlier version, ${shortCommit(remark.commit!)}`;
  return `line ${remark.line}${removed}${earlier}`;
}

/** Findings first, then comments, oldest first as given, then what shows that a criterion is met. */
export function Remarks(
  { findings, comments, evidence, nowMs, commentAction, commit }: RemarksProps,
): VNode | null {
  if (findings.length + comments.length + evidence.length === 0) return null;
  const open = commentAction !== null;
  return (
    <div class="remarks">
      {findings.map((finding) => (
        <FindingNote key={finding.id} finding={finding} open={open} commit={commit} />
      ))}
      {comments.map((comment) => (
        <CommentNote
          key={comment.id}
          comment={comment}
          nowMs={nowMs}
          open={open}
          commit={commit}
        />
      ))}
      {evidence.map(({ criterion, met }) => (
        <p key={criterion} class="evidence small">
          <StatusBadge
            shown={met ? { word: "Met", tone: "done" } : { word: "Not met", tone: "failed" }}
          />{" "}
          <span>
            <Inline text={criterion} />
          </span>
        </p>
      ))}
    </div>
  );
}

/** Applies what a remark suggests, as a commit; or says that it was. */
function Apply(
  { remark, kind, open }: {
    remark: Comment | ReviewFinding;
    kind: "comment" | "finding";
    open: boolean;
  },
): VNode | null {
  const suggestion = suggestionIn(remark);
  if (remark.appliedCommit) {
    return <p class="muted small">Applied as {shortCommit(remark.appliedCommit)}</p>;
  }
  if (!open || !suggestion) return null;
  const { first, last } = suggestion;
  const which = first === last ? `line ${first}` : `lines ${first} to ${last}`;
  return (
    <form
      method="post"
      action={`${ticketHref(remark.ticketId)}/apply-suggestions`}
      class="action-form"
      hx-boost={`swap:"outerMorph show:none" select:#app target:#app`}
    >
      <input type="hidden" name={kind} value={remark.id} />
      <Button keys="p" label={`Apply suggestion to ${which}`}>Apply suggestion</Button>
    </form>
  );
}

/** Its file, where it stands away from that. */
const Away = ({ path, away }: { path: string | null; away: boolean }): VNode | null =>
  away && path !== null
    ? (
      <>
        , <code class="path">{path}</code>
      </>
    )
    : null;

/** A reviewer's finding, with what to do instead. `away`: it does not stand in its file, and names it. */
export function FindingNote(
  { finding, open = false, commit = null, away = false }: {
    finding: ReviewFinding;
    open?: boolean;
    commit?: string | null;
    away?: boolean;
  },
): VNode {
  const line = lineWords(finding, commit);
  return (
    <article class="remark" id={`finding-${finding.id}`}>
      <p class="remark-head">
        <StatusBadge shown={severityWords[finding.severity]} />
        <span class="muted">
          reviewer<Away {...finding} away={away} />
          {line && `, ${line}`}
        </span>
      </p>
      <Prose text={finding.message} />
      {finding.suggestion !== "" && (
        <>
          <p class="remark-label">Suggestion</p>
          <Prose text={finding.suggestion} />
        </>
      )}
      <Apply remark={finding} kind="finding" open={open} />
    </article>
  );
}

/** A person's comment; a draft until the changes are requested. `away`: as of `FindingNote`. */
export function CommentNote(
  { comment, nowMs, open = false, commit = null, away = false }: {
    comment: Comment;
    nowMs: number;
    open?: boolean;
    commit?: string | null;
    away?: boolean;
  },
): VNode {
  const line = lineWords(comment, commit);
  return (
    <article class="remark" id={`comment-${comment.id}`}>
      <p class="remark-head">
        <strong>{comment.author}</strong>
        <span class="muted">
          {away && <code class="path">{comment.path}</code>}
          {away && ", "}
          {line && `${line}, `}
          <Time at={comment.createdAt} nowMs={nowMs} />
        </span>
        {!comment.sent && <Tag>draft</Tag>}
      </p>
      <Prose text={comment.body} />
      {!comment.sent && open && <DraftForm comment={comment} />}
      {comment.remarkId
        ? open && (
          <TakeUp
            ticketId={comment.ticketId}
            remarkId={comment.remarkId}
            author={comment.author}
          />
        )
        : <Apply remark={comment} kind="comment" open={open} />}
      {!comment.sent && (
        <ActionForm
          action={`${commentPath(comment)}/remove`}
          kind="quiet"
          label={`Remove the draft${onLine(comment)}`}
        >
          Remove
        </ActionForm>
      )}
    </article>
  );
}

const commentPath = ({ ticketId, id }: Comment) => `${ticketHref(ticketId)}/comments/${id}`;
const onLine = ({ line }: Comment) => line ? ` on line ${line}` : "";

/** Where the draft stands, so that what it is about stays in sight. */
function DraftForm({ comment }: { comment: Comment }): VNode {
  const form = `comment-edit-${comment.id}`;
  return (
    <Disclosure
      id={form}
      kind="quiet"
      summary={
        <>
          Edit<span class="visually-hidden">the draft{onLine(comment)}</span>
        </>
      }
    >
      <form
        method="post"
        action={`${commentPath(comment)}/edit`}
        class="comment-form"
        hx-boost={`swap:"outerMorph show:none" select:#app target:#app`}
      >
        <Field
          form={form}
          name="body"
          kind="area"
          label={`Your comment${onLine(comment)}`}
          value={comment.body}
          rows={5}
          required
        />
        <div class="actions">
          <Button kind="primary">Save comment</Button>
        </div>
      </form>
    </Disclosure>
  );
}

interface CommentFormProps {
  place: Place;
  /** What it is about: a line of the new or old side of this commit's changes; null: of the newest one's. */
  of: Pick<Place, "side"> & { commit: string | null };
  action: string;
  /** Where Cancel leads. */
  page: string;
  /** What it begins with. */
  text: string;
}

/** Opens under a line. The comment is kept as a draft until changes are requested. */
export function CommentForm({ place, of, action, page, text }: CommentFormProps): VNode {
  return (
    <form
      method="post"
      action={action}
      class="comment-form"
      id="comment-form"
      hx-boost={`swap:"outerMorph show:none" select:#app target:#app`}
    >
      <input type="hidden" name="path" value={place.path} />
      <input type="hidden" name="line" value={place.line} />
      <input type="hidden" name="side" value={of.side} />
      {of.commit !== null && <input type="hidden" name="commit" value={of.commit} />}
      <Field
        form={`comment-${lineId(place)}`}
        name="body"
        kind="area"
        label={`Comment on line ${place.line}`}
        hint="Kept as a draft; all drafts go to the developer together when you request changes."
        value={text}
        rows={text === "" ? 3 : Math.min(12, text.split("\n").length + 1)}
        mono={text !== ""}
        required
        autoFocus
      />
      <div class="actions">
        <Button kind="primary">Add comment</Button>
        {text === "" && place.side === "new" && (
          <a class={buttonClass("quiet")} href={suggestHref(page, place)}>
            Suggest other words
          </a>
        )}
        <a class={buttonClass("quiet")} href={`${page}#${lineId(place)}`} data-key="Escape">
          Cancel
        </a>
      </div>
    </form>
  );
}
