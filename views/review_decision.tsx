/** The bar under a review: approve and merge, send back, reject. Each says what follows before it does it. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import type { Ticket } from "../server/records.ts";
import type { MergeStyle } from "../server/states.ts";
import { plural } from "./format.ts";
import { Button, Disclosure, ErrorSummary, Field } from "./forms.tsx";
import { reviewHref, ticketHref } from "./links.ts";
import { MergeLookLater } from "./merge_look.tsx";
import { PullAction } from "./pull_action.tsx";
import { type PullProps, standingOf } from "./pull_request.tsx";
import { mergeStyleWords } from "./words.ts";

/** A decision that was refused: shown again where it was typed. */
export interface RefusedReview {
  action: "approve" | "request-changes" | "reject" | "pull-request";
  /** By field name, as posted. */
  values: Record<string, string>;
  message: string;
  errors: FieldError[];
}

interface ReviewBarProps {
  ticket: Ticket;
  baseBranch: string;
  /** Comments that go along with "Request changes". */
  drafts: number;
  /** Findings that the reviewer calls blocking. */
  blocking: number;
  message: string;
  /** How it would be merged. */
  style: MergeStyle;
  pull: PullProps;
  refused: RefusedReview | null;
  /** The commit of the shown diff; absent: the newest one. */
  shown?: string | null;
}

/** What the decision is about. */
const Shown = ({ shown }: Pick<ReviewBarProps, "shown">): VNode | null =>
  shown == null ? null : <input type="hidden" name="commit" value={shown} />;

/** `#review-bar`; empty when there is nothing to decide. */
export function ReviewBar(given: ReviewBarProps): VNode {
  const { ticket, shown = ticket.headCommit } = given;
  const props = { ...given, shown };
  const open = ticket.status === "review";
  const merging = open && ticket.step === "merge";
  const callable = !merging || ticket.mergeWait !== "";
  return (
    <div class={open ? "action-bar" : "action-bar is-empty"} id="review-bar" tabIndex={-1}>
      {open && shown !== ticket.headCommit && (
        <p class="effect">
          It has changed since you looked: <a href={reviewHref(ticket.id)}>see what is new</a>
        </p>
      )}
      {merging && <p class="effect">In the merge queue: rebased, tested again, then merged.</p>}
      {open && !merging && <Approve {...props} />}
      {open && callable && <PullAction {...props} {...props.pull} />}
      {open && callable && <RequestChanges {...props} />}
      {open && callable && <Reject {...props} />}
    </div>
  );
}

function Approve(
  { ticket, baseBranch, blocking, drafts, message, style, pull, refused, shown }: ReviewBarProps,
): VNode | null {
  const again = refused?.action === "approve" ? refused : null;
  const there = pull.forge?.takesMerge ? pull.forge.name : null;
  // It is there already: what else there is to do happens on the forge.
  if (there && standingOf({ pull: pull.pull, ticket }) !== "none") return null;
  return (
    <Disclosure
      id="approve"
      summary={there ? "Approve & open a pull request" : "Approve & merge"}
      kind="primary"
      keys="a"
      open={again !== null}
    >
      <form method="post" action={`${ticketHref(ticket.id)}/approve`} id="merge">
        <Shown shown={shown} />
        <ErrorSummary form="merge" message={again?.message ?? null} errors={again?.errors ?? []} />
        {there
          ? (
            <p>
              Pushes <code>{ticket.branch}</code> to {there}{" "}
              and opens a pull request. Nothing is merged here; merged there, the ticket is done.
            </p>
          )
          : (
            <p>
              Puts it on <code>{baseBranch}</code>{" "}
              as chosen below: combined with its newest state and tested there first, where that has
              moved on. Your own checkout keeps every edit.
            </p>
          )}
        {!there && <MergeLookLater ticket={ticket} opener="approve" />}
        {blocking > 0 && (
          <p class="outcome tone-failed">
            {plural(blocking, "blocking finding")} by the reviewer would be merged.
          </p>
        )}
        {drafts > 0 && (
          <p class="outcome tone-waiting">{plural(drafts, "draft comment")} would not be sent.</p>
        )}
        <Field
          form="merge"
          name="message"
          kind="area"
          rows={6}
          mono
          label="Commit message"
          hint="Trailers for developer, reviewer and approver are added."
          value={again?.values.message ?? message}
          errors={again?.errors}
          required
        />
        {!there && (
          <Field
            form="merge"
            name="style"
            kind="choice"
            label="It becomes"
            value={again?.values.style ?? style}
            errors={again?.errors}
            options={Object.entries(mergeStyleWords).map(([value, label]) => ({ value, label }))}
          />
        )}
        <Button kind="primary">{there ? "Push and open" : "Merge"}</Button>
      </form>
    </Disclosure>
  );
}

function RequestChanges({ ticket, drafts, refused, shown }: ReviewBarProps): VNode {
  const again = refused?.action === "request-changes" ? refused : null;
  const label = drafts > 0 ? `Request changes (${drafts})` : "Request changes";
  return (
    <Disclosure id="request-changes" summary={label} keys="r" open={again !== null}>
      <form method="post" action={`${ticketHref(ticket.id)}/request-changes`} id="changes">
        <Shown shown={shown} />
        <ErrorSummary
          form="changes"
          message={again?.message ?? null}
          errors={again?.errors ?? []}
        />
        <Field
          form="changes"
          name="remark"
          kind="area"
          label="What should change?"
          hint={drafts > 0
            ? `Goes to the developer together with your ${plural(drafts, "comment")}.`
            : "Goes to the developer, who continues on the same branch."}
          value={again?.values.remark}
          errors={again?.errors}
          required={drafts === 0}
        />
        <Button kind="primary">Send back</Button>
      </form>
    </Disclosure>
  );
}

function Reject({ ticket, refused }: ReviewBarProps): VNode {
  const again = refused?.action === "reject" ? refused : null;
  return (
    <Disclosure id="reject" summary="Reject" keys="Shift+x" open={again !== null}>
      <form method="post" action={`${ticketHref(ticket.id)}/reject`} id="rejection">
        <ErrorSummary
          form="rejection"
          message={again?.message ?? null}
          errors={again?.errors ?? []}
        />
        <Field
          form="rejection"
          name="reason"
          kind="area"
          label="Why not?"
          hint="The ticket is cancelled. Its branch is kept; it can be queued again."
          value={again?.values.reason}
          errors={again?.errors}
          required
        />
        <Button kind="danger">Reject</Button>
      </form>
    </Disclosure>
  );
}
