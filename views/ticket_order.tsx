/** In which order a ticket starts: what it needs, what needs it, when it may begin. */
import type { VNode } from "preact";
import type { Ticket, TicketStart } from "../server/records.ts";
import { Panel, StatusBadge } from "./components.tsx";
import { ActionForm, Button } from "./forms.tsx";
import { ticketHref } from "./links.ts";
import { startOptions } from "./ticket_form.tsx";
import { type Delay, ticketWords } from "./words.ts";

export interface TicketOrder {
  /** What must be done before, whatever became of it. */
  needs: Ticket[];
  neededBy: Ticket[];
  start: TicketStart;
  /** Its `notBefore` as clocks of `timeZone` show it, "2026-11-27T09:00". */
  notBefore: string | null;
  timeZone: string;
  splitFrom: Ticket | null;
  splitInto: Ticket[];
  /** Why it is not worked on right now; null: it is, or it has ended. */
  wait: Delay | null;
}

/** Something that it needs is not done. */
export const hasOpenNeeds = ({ needs }: TicketOrder): boolean =>
  needs.some(({ status }) => status !== "done");

/** `#ticket-order`. What can be changed is there while the ticket is queued. */
export function TicketOrderPanel({ ticket, order }: { ticket: Ticket; order: TicketOrder }): VNode {
  const { needs, neededBy, splitFrom, splitInto } = order;
  const { status } = ticket;
  const queued = status === "queued";
  const own = ticketHref(ticket.id);
  return (
    <Panel
      id="ticket-order"
      title="Order"
      aside={status === "done" || status === "cancelled" ? undefined : (
        <span class="panel-aside">
          <a href={`${own}/edit`} data-key="e">Edit</a>
          {(queued || status === "blocked") && <a href={`${own}/split`}>Split</a>}
        </span>
      )}
    >
      <h3>Needs</h3>
      {needs.length === 0 ? <p class="muted">Nothing.</p> : (
        <ul class="plain-list">
          {needs.map((needed) => (
            <li key={needed.id}>
              <TicketLink ticket={needed} />
              <ActionForm
                action={`${own}/needs/${needed.id}/remove`}
                kind="quiet"
                label={`Remove ticket #${needed.number} from what it needs`}
              >
                Remove
              </ActionForm>
            </li>
          ))}
        </ul>
      )}
      {queued && <AddNeed action={`${own}/needs`} />}
      <Named title="Needed by" tickets={neededBy} />
      <Named title="Split into" tickets={splitInto} />
      <Named title="Split from" tickets={splitFrom ? [splitFrom] : []} />
      {queued && <PlanForm action={`${own}/plan`} order={order} />}
    </Panel>
  );
}

function Named({ title, tickets }: { title: string; tickets: Ticket[] }): VNode | null {
  if (tickets.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul class="plain-list">
        {tickets.map((ticket) => (
          <li key={ticket.id}>
            <TicketLink ticket={ticket} />
          </li>
        ))}
      </ul>
    </>
  );
}

function TicketLink({ ticket }: { ticket: Ticket }): VNode {
  return (
    <span>
      <StatusBadge shown={ticketWords[ticket.status]} />{" "}
      <a href={ticketHref(ticket.id)}>#{ticket.number} {ticket.title}</a>
    </span>
  );
}

function AddNeed({ action }: { action: string }): VNode {
  return (
    <form method="post" action={action} class="inline-form">
      <label for="need-number">Wait for ticket</label>
      <input
        id="need-number"
        name="number"
        type="text"
        inputMode="numeric"
        required
        maxLength={10}
        placeholder="#5"
        autocomplete="off"
      />
      <Button>Add</Button>
    </form>
  );
}

/** When it starts. */
function PlanForm({ action, order }: { action: string; order: TicketOrder }): VNode {
  const { start, notBefore, timeZone } = order;
  const chosen = start.starts === "now" ? "rule" : start.starts ?? "rule";
  return (
    <form method="post" action={action} id="plan">
      <h3>Start</h3>
      <div class="field-row">
        <div class="field">
          <label for="plan-starts">Starts</label>
          <select id="plan-starts" name="starts">
            {startOptions.map(({ value, label }) => (
              <option key={value} value={value} selected={value === chosen}>{label}</option>
            ))}
          </select>
        </div>
        <div class="field">
          <label for="plan-not_before">
            Not before ({timeZone})<span class="optional">optional</span>
          </label>
          <input
            id="plan-not_before"
            name="not_before"
            type="datetime-local"
            value={notBefore ?? ""}
          />
        </div>
      </div>
      <Button>Save start</Button>
    </form>
  );
}
