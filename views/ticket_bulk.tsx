/** Several tickets at once: they are ticked, and one press does the same with each. */
import type { VNode } from "preact";
import type { Ticket } from "../server/records.ts";
import { DEFAULT_PRIORITY, priorityNames } from "../server/states.ts";
import { capital, Hidden } from "./components.tsx";
import { Button } from "./forms.tsx";
import { ticketHref } from "./links.ts";

const FORM = "bulk";

/** What became of those that were asked for, where some were refused. */
export interface BulkOutcome {
  /** How many were done. */
  said: string;
  /** `number` null: there is no such ticket. */
  refused: { id: string; number: number | null; message: string }[];
}

/** The tick of one ticket. */
export function Pick({ ticket: { id, number, status } }: { ticket: Ticket }): VNode {
  if (status === "done") return <span class="pick" />;
  return (
    <label class="pick">
      <input type="checkbox" form={FORM} name="id" value={id} data-key="x" />
      <Hidden>Select ticket #{number}</Hidden>
    </label>
  );
}

/** What can be done with those that are ticked. */
export function BulkForm(): VNode {
  return (
    <form
      method="post"
      action="/tickets/bulk"
      id={FORM}
      class="bulk-bar"
      aria-label="Selected tickets"
    >
      <span class="muted">With selected:</span>
      <Button name="action" value="start">Start</Button>
      <Button name="action" value="pause">Pause</Button>
      <Button name="action" value="resume">Resume</Button>
      <Button name="action" value="cancel">Cancel</Button>
      <label for="bulk-priority" class="visually-hidden">Priority of the selected</label>
      <select id="bulk-priority" name="priority">
        {priorityNames.map((name, value) => (
          <option key={name} value={value} selected={value === DEFAULT_PRIORITY}>
            {capital(name)}
          </option>
        ))}
      </select>
      <Button name="action" value="priority">Set priority</Button>
    </form>
  );
}

/** Each ticket that was refused, with the reason; `#bulk-result`. */
export function BulkResult({ outcome }: { outcome: BulkOutcome | null }): VNode | null {
  if (outcome === null) return null;
  return (
    <div class="error-summary" role="alert" tabIndex={-1} data-error-summary="" id="bulk-result">
      <p class="notice-title">{outcome.said}</p>
      <ul>
        {outcome.refused.map(({ id, number, message }) => (
          <li key={id}>
            {number === null ? message : <a href={ticketHref(id)}>{message}</a>}
          </li>
        ))}
      </ul>
    </div>
  );
}
