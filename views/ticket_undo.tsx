/** Undoing a merge on a ticket's page: the button, and how it stands. */
import type { VNode } from "preact";
import type { Ticket, Undo } from "../server/records.ts";
import { Notice } from "./components.tsx";
import { shortCommit } from "./format.ts";
import { ActionForm, Button, Disclosure, Field } from "./forms.tsx";
import { pullHref, ticketHref } from "./links.ts";
import { Prose } from "./prose.tsx";

interface TicketUndoProps {
  ticket: Ticket;
  /** The newest; null: nobody ever asked for one. */
  undo: Undo | null;
}

/** The ticket is cancelled because its merge was taken back: queued again, it begins anew. */
export const isUndone = ({ ticket, undo }: TicketUndoProps): boolean =>
  ticket.status === "cancelled" && undo?.status === "done" &&
  undo.mergeCommit === ticket.mergeCommit;

/**
 * Of a merged ticket: that it is, and how its undo stands. `on`: the forge that merged it; null: it was merged here.
 * `brought`: that merge is known to be in the base branch here.
 */
export function MergedNotice(
  { ticket, undo, on = null, brought = false }: TicketUndoProps & {
    on?: string | null;
    brought?: boolean;
  },
): VNode {
  return (
    <>
      <Notice tone="done" title={on ? `Merged on ${on}` : "Merged"}>
        <p>
          Commit <code>{shortCommit(ticket.mergeCommit ?? "")}</code> is on the base branch
          {on === null
            ? "."
            : brought
            ? " there and here."
            : " there. Tickets that need it wait until your own has it, too: pull, or move it along."}
        </p>
        {on && !brought && (
          <ActionForm action={pullHref(ticket.id, "bring")}>Move my base branch along</ActionForm>
        )}
      </Notice>
      {undo?.status === "pending" && (
        <Notice tone="waiting" title="The merge is being undone">
          <p>
            {undo.wait ||
              "A commit that reverts it is made and checked; then it goes onto the base branch."}
          </p>
        </Notice>
      )}
      {undo?.status === "refused" && undo.mergeCommit === ticket.mergeCommit && (
        <Notice tone="failed" title="The merge was not undone">
          <Prose text={undo.reason} />
        </Notice>
      )}
    </>
  );
}

/** Most tickets that are named. */
const ON_TOP_MAX = 10;

/**
 * Undo at once, or with words; nothing while one is under way, and where nothing was merged. `neededBy`: tickets that
 * need this one, of which those that are done were made on top of it.
 */
export function UndoActions(
  { ticket, undo, neededBy = [] }: TicketUndoProps & { neededBy?: Ticket[] },
): VNode | null {
  if (undo?.status === "pending" || ticket.mergeCommit === null) return null;
  const onTop = neededBy.filter(({ status }) => status === "done").slice(0, ON_TOP_MAX);
  const action = `${ticketHref(ticket.id)}/undo`;
  return (
    <>
      <div class="action-main">
        <ActionForm action={action}>Undo the merge</ActionForm>
        <span class="effect">
          By a commit that reverts it, tested first. The ticket can be queued again.
        </span>
        {onTop.length > 0 && (
          <span class="effect">
            Done since, and {onTop.length === 1 ? "needs" : "need"} it: {onTop.map((other, i) => (
              <>
                {i > 0 && ", "}
                <a key={other.id} href={ticketHref(other.id)}>#{other.number} {other.title}</a>
              </>
            ))}
          </span>
        )}
      </div>
      <Disclosure id="undo" summary="Undo and say why">
        <form method="post" action={action} id="undo-form">
          <Field
            form="undo-form"
            name="why"
            kind="area"
            rows={3}
            label="Why?"
            hint="Stands in the commit, and is told to the developer if you queue the ticket again."
            required
          />
          <Button kind="danger">Undo the merge</Button>
        </form>
      </Disclosure>
    </>
  );
}
