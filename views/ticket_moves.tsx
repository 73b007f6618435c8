/** What a person may do with a ticket in its state. Moves that the state forbids are absent. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import type { Ticket, Undo } from "../server/records.ts";
import { priorityNames } from "../server/states.ts";
import { Hidden } from "./components.tsx";
import { ActionForm, Button, buttonClass, Disclosure, ErrorSummary, Field } from "./forms.tsx";
import { reviewHref, ticketHref } from "./links.ts";
import { DeployAction } from "./ticket_deploy.tsx";
import { PlaceForm, type QueuePlace } from "./ticket_place.tsx";
import { isOrders, isProjects } from "./ticket_parts.tsx";
import { isUndone, UndoActions } from "./ticket_undo.tsx";

interface TicketMenuProps {
  ticket: Ticket;
  /** Something that it needs is not done, so that it can't be started. */
  needs: boolean;
  /** Where it stands in the queue; null: it is not in it. */
  place: QueuePlace | null;
  /** A forge decides on its merge. */
  withForge: boolean;
}

/** The small menu of a card or row. */
export function TicketMenu({ ticket, needs, place, withForge }: TicketMenuProps): VNode {
  const { status, id } = ticket;
  const action = (verb: string) => `${ticketHref(id)}/${verb}`;
  if (status === "done") return <span class="row-menu-none" />;
  return (
    <details name="menu" class="row-menu" id={`menu-${id}`}>
      <summary class="icon-menu" data-key="m">
        <Hidden>Actions for ticket #{ticket.number}</Hidden>
      </summary>
      <div class="menu">
        {status === "queued" && !needs && (
          <ActionForm action={action("start")} kind="quiet" moveTo="in_progress">
            Start now
          </ActionForm>
        )}
        {place && <PlaceForm ticket={ticket} place={place} />}
        {status === "review" && <ReviewMoves ticket={ticket} withForge={withForge} />}
        {(status === "blocked" && !isOrders(ticket.failure) || status === "cancelled") && (
          <ActionForm
            action={action("retry")}
            kind="quiet"
            moveTo={ticket.step === "merge" ? "review" : "in_progress"}
          >
            {status === "blocked" ? "Retry" : "Queue again"}
          </ActionForm>
        )}
        {(status === "queued" || status === "in_progress") && (
          <ActionForm action={action(ticket.pausedBy === null ? "pause" : "resume")} kind="quiet">
            {ticket.pausedBy === null ? "Pause" : "Resume"}
          </ActionForm>
        )}
        {status !== "cancelled" && <PriorityForm ticket={ticket} />}
        {(status === "queued" || status === "blocked") && (
          <a class={buttonClass("quiet")} href={action("edit")} data-key="e">Edit</a>
        )}
        {status !== "cancelled" && (
          <ActionForm action={action("cancel")} kind="quiet">Cancel</ActionForm>
        )}
      </div>
    </details>
  );
}

/** The decisions of a review. None is taken here: each opens its dialog there, which says what it does. */
function ReviewMoves({ ticket, withForge }: { ticket: Ticket; withForge: boolean }): VNode {
  const { id, step, mergeWait } = ticket;
  const merging = step === "merge";
  const link = buttonClass("quiet");
  return (
    <>
      <a class={link} href={reviewHref(id)}>Review</a>
      {!merging && !withForge && (
        <a class={link} href={`${reviewHref(id)}#merge`} data-move-to="done" data-key="a">
          Approve & merge …
        </a>
      )}
      {(!merging || mergeWait !== "") && (
        <a
          class={link}
          href={`${reviewHref(id)}#changes`}
          data-move-to="queued in_progress"
          data-key="r"
        >
          Request changes …
        </a>
      )}
    </>
  );
}

/** One step up or down. */
function PriorityForm({ ticket: { id, priority } }: { ticket: Ticket }): VNode {
  const last = priorityNames.length - 1;
  return (
    <form method="post" action={`${ticketHref(id)}/priority`} class="action-form">
      {priority > 0 && (
        <Button kind="quiet" name="priority" value={String(priority - 1)} keys="p">
          More urgent
        </Button>
      )}
      {priority < last && (
        <Button kind="quiet" name="priority" value={String(priority + 1)}>Less urgent</Button>
      )}
    </form>
  );
}

/** Guidance that was refused. */
export interface RefusedGuidance {
  guidance: string;
  message: string;
  errors: FieldError[];
}

interface TicketActionsProps {
  ticket: Ticket;
  /** The newest undo of its merge. */
  undo?: Undo | null;
  /** Tickets that need it, whatever became of them. */
  neededBy?: Ticket[];
  /** Something but a free slot holds it up. */
  waits?: boolean;
  /** Something that it needs is not done, so that it can't be started. */
  needs?: boolean;
  /** Its run was paused, if not the ticket itself. */
  runPaused?: boolean;
  /** A run of it is not over. */
  atWork?: boolean;
  refused: RefusedGuidance | null;
}

/** The ticket page's own actions, always in reach; `#ticket-actions`. */
export function TicketActions(props: TicketActionsProps): VNode {
  const { ticket, undo = null, neededBy = [], waits, needs, runPaused, atWork, refused } = props;
  const { status, id } = ticket;
  const paused = ticket.pausedBy !== null || runPaused === true;
  const action = (verb: string) => `${ticketHref(id)}/${verb}`;
  return (
    <div
      class={status === "done" && undo?.status === "pending" ? "action-bar is-empty" : "action-bar"}
      id="ticket-actions"
    >
      {status === "done" && <UndoActions ticket={ticket} undo={undo} neededBy={neededBy} />}
      {status === "done" && ticket.mergeCommit !== null && undo?.status !== "pending" && !atWork &&
        <DeployAction ticket={ticket} />}
      {status === "queued" && !needs && (
        <div class="action-main">
          <ActionForm action={action("start")} kind="primary">Start now</ActionForm>
          {!waits && <span class="effect">Or it starts by itself when a slot is free.</span>}
        </div>
      )}
      {(status === "queued" || status === "in_progress") && (
        paused
          ? <ActionForm action={action("resume")} kind="primary">Resume</ActionForm>
          : <Pause ticket={ticket} />
      )}
      {status === "review" && (
        <div class="action-main">
          <a class={buttonClass("primary")} href={reviewHref(id)}>
            Review the changes
          </a>
        </div>
      )}
      {status === "blocked" && (
        <>
          {!isProjects(ticket.failure) && !isOrders(ticket.failure) && (
            <Guide ticket={ticket} refused={refused} />
          )}
          {!isOrders(ticket.failure) && (
            <ActionForm
              action={action("retry")}
              kind={isProjects(ticket.failure) && ticket.failure !== "commands_not_allowed"
                ? "primary"
                : "plain"}
            >
              Retry
            </ActionForm>
          )}
        </>
      )}
      {status === "cancelled" && (
        <div class="action-main">
          <ActionForm action={action("retry")} kind="primary">Queue again</ActionForm>
          <span class="effect">
            {isUndone({ ticket, undo })
              ? "Begins anew, from the base branch as it is now."
              : "Goes on from its branch."}
          </span>
        </div>
      )}
      {isTakeable(ticket) && <TakeOver ticket={ticket} />}
      {status !== "cancelled" && status !== "done" && (
        <Disclosure
          id="cancel"
          summary={status === "in_progress" ? "Stop" : "Cancel"}
          keys="Shift+x"
        >
          <form method="post" action={action("cancel")}>
            <p>
              {status === "in_progress"
                ? "Stops the agent and everything it started, at once."
                : "Takes the ticket out of the queue."}{" "}
              Its branch and every checkpoint are kept; it can be queued again.
            </p>
            <Button kind="danger">
              {status === "in_progress" ? "Stop and cancel" : "Cancel the ticket"}
            </Button>
          </form>
        </Disclosure>
      )}
    </div>
  );
}

/** Its branch is there, and no merge of it is under way. */
const isTakeable = ({ status, step, headCommit, mergeWait }: Ticket): boolean =>
  (status === "in_progress" || status === "review") && headCommit !== null &&
  (step !== "merge" || mergeWait !== "");

function TakeOver({ ticket }: { ticket: Ticket }): VNode {
  return (
    <Disclosure id="take-over-now" summary="Take over">
      <form method="post" action={`${ticketHref(ticket.id)}/take-over`}>
        <p>
          {ticket.status === "review"
            ? "Takes it out of its review. "
            : "Stops its agent and what it started, at once; what it has not committed stays in the folder. "}
          You get the commands to work on its branch. When you continue, what you committed is
          built, tested and reviewed.
        </p>
        <Button kind="primary">Take over by hand</Button>
      </form>
    </Disclosure>
  );
}

function Pause({ ticket }: { ticket: Ticket }): VNode {
  const action = `${ticketHref(ticket.id)}/pause`;
  if (ticket.status === "queued") return <ActionForm action={action}>Pause</ActionForm>;
  return (
    <Disclosure id="pause" summary="Pause" keys="p">
      <form method="post" action={action}>
        <p>What is at work now is finished and kept; no further step begins until you resume it.</p>
        <div class="actions">
          <Button kind="primary">Pause</Button>
          <Button name="tools" value="kill">Pause and end the running command</Button>
        </div>
      </form>
    </Disclosure>
  );
}

function Guide({ ticket, refused }: TicketActionsProps): VNode {
  return (
    <Disclosure
      id="guide"
      summary="Guide"
      // The page itself offers another way first.
      kind={ticket.failure === "merge_conflict" || ticket.failure === "taken_over"
        ? "plain"
        : "primary"}
      keys="r"
      open={refused !== null}
    >
      <form method="post" action={`${ticketHref(ticket.id)}/guide`} id="guidance">
        <ErrorSummary
          form="guidance"
          message={refused?.message ?? null}
          errors={refused?.errors ?? []}
        />
        <Field
          form="guidance"
          name="guidance"
          kind="area"
          rows={4}
          label="What should the developer do?"
          hint={ticket.failure === "merge_conflict" || ticket.failure === "merge_checks_failed"
            ? "Its branch gets the base branch as it is now. It has your words and three fresh rounds."
            : "It goes on from where it was, with your words and three fresh rounds."}
          value={refused?.guidance}
          errors={refused?.errors}
          required
        />
        <Button kind="primary">Guide and go on</Button>
      </form>
    </Disclosure>
  );
}
