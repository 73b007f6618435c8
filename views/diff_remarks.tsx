/** What reviewer and person say about a line or a file, and the form to say more. */
import type { VNode } from "preact";
import type { Comment, ReviewFinding } from "../server/records.ts";
import { StatusBadge, Tag, Time } from "./components.tsx";
import { lineId, type Place } from "./diff_place.ts";
import { ActionForm, Button, buttonClass, Disclosure, Field } from "./forms.tsx";
import { ticketHref } from "./links.ts";
import { Prose } from "./prose.tsx";
import { severityWords } from "./words.ts";

export interface RemarksOf {
  findings: ReviewFinding[];
  comments: Comment[];
}

/** Findings first, then comments, oldest first as given; drafts with a form where they are `changeable`. */
export function Remarks(
  { findings, comments, ...rest }: RemarksOf & { changeable: boolean; nowMs: number },
): VNode | null {
  if (findings.length === 0 && comments.length === 0) return null;
  return (
    <div class="remarks">
      {findings.map((finding) => <FindingNote key={finding.id} finding={finding} />)}
      {comments.map((comment) => <CommentNote key={comment.id} comment={comment} {...rest} />)}
    </div>
  );
}

/** A reviewer's finding, with what to do instead. */
export function FindingNote({ finding }: { finding: ReviewFinding }): VNode {
  return (
    <article class="remark" id={`finding-${finding.id}`}>
      <p class="remark-head">
        <StatusBadge shown={severityWords[finding.severity]} />
        <span class="muted">reviewer{finding.line ? `, line ${finding.line}` : ""}</span>
      </p>
      <Prose text={finding.message} />
      {finding.suggestion !== "" && (
        <>
          <p class="remark-label">Suggestion</p>
          <Prose text={finding.suggestion} />
        </>
      )}
    </article>
  );
}

interface CommentNoteProps {
  comment: Comment;
  /** A draft's text can still be changed. */
  changeable: boolean;
  nowMs: number;
}

/** A person's comment; a draft until the changes are requested. */
export function CommentNote({ comment, changeable, nowMs }: CommentNoteProps): VNode {
  return (
    <article class="remark" id={`comment-${comment.id}`}>
      <p class="remark-head">
        <strong>{comment.author}</strong>
        <span class="muted">
          {comment.line ? `line ${comment.line}, ` : ""}
          <Time at={comment.createdAt} nowMs={nowMs} />
        </span>
        {!comment.sent && <Tag>draft</Tag>}
      </p>
      <Prose text={comment.body} />
      {!comment.sent && changeable && <DraftForm comment={comment} />}
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
  action: string;
  /** Where Cancel leads. */
  page: string;
}

/** Opens under a line. The comment is kept as a draft until changes are requested. */
export function CommentForm({ place, action, page }: CommentFormProps): VNode {
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
      <input type="hidden" name="side" value={place.side} />
      <Field
        form={`comment-${lineId(place)}`}
        name="body"
        kind="area"
        label={`Comment on line ${place.line}`}
        hint="Kept as a draft; all drafts go to the developer together when you request changes."
        required
        autoFocus
      />
      <div class="actions">
        <Button kind="primary">Add comment</Button>
        <a class={buttonClass("quiet")} href={`${page}#${lineId(place)}`} data-key="Escape">
          Cancel
        </a>
      </div>
    </form>
  );
}
