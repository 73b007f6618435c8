/** The form by which a person takes a ticket of its own out of another. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import type { Subtask, Ticket } from "../server/records.ts";
import { Button, ErrorSummary, Field } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { ticketHref } from "./links.ts";
import type { Shell } from "./shell.ts";
import { ListError, type TypedForm } from "./ticket_form.tsx";

export interface SplitTicketPageProps {
  shell: Shell;
  ticket: Ticket;
  /** Those that nobody has begun. */
  subtasks: Subtask[];
  form: TypedForm;
  /** Subtasks and criteria that are ticked. */
  chosen: string[];
}

/** Posts to the ticket's `split`. */
export function SplitTicketPage(
  { shell, ticket, subtasks, form, chosen }: SplitTicketPageProps,
): VNode {
  const id = "split-ticket";
  const own = ticketHref(ticket.id);
  return (
    <Layout
      shell={shell}
      title={`Split ticket #${ticket.number}`}
      current="development"
      live={null}
    >
      <PageHead
        crumb={{ href: own, label: `Ticket #${ticket.number}` }}
        title={`Split ticket #${ticket.number}`}
      />
      <div class="panel">
        <form method="post" action={`${own}/split`} id={id}>
          <ErrorSummary form={id} message={form.message} errors={form.errors} />
          <Field
            form={id}
            name="title"
            label="Title of the new ticket"
            value={form.values.title}
            errors={form.errors}
            maxLength={200}
            required
          />
          <Ticks
            legend="Subtasks that go to it"
            name="subtasks"
            id={id}
            items={subtasks.map(({ id, title }) => ({ value: id, label: title }))}
            chosen={chosen}
            errors={form.errors}
          />
          <Ticks
            legend="Criteria that go along"
            name="acceptance"
            id={id}
            items={ticket.acceptance.map((value) => ({ value, label: value }))}
            chosen={chosen}
            errors={form.errors}
          />
          <Field
            form={id}
            name="needs"
            kind="choice"
            label="Order"
            hint="Both wait for what this one waits for, and what waits for this one waits for both."
            value={form.values.needs}
            errors={form.errors}
            options={[
              { value: "none", label: "Neither waits for the other" },
              { value: "new", label: "The new one waits for this" },
              { value: "old", label: "This waits for the new one" },
            ]}
            required
          />
          <div class="actions">
            <Button kind="primary" keys="Control+Enter">Split</Button>
            <a class="button" href={own} data-key="Escape">Cancel</a>
          </div>
        </form>
      </div>
    </Layout>
  );
}

interface TicksProps {
  legend: string;
  name: string;
  id: string;
  items: { value: string; label: string }[];
  chosen: string[];
  errors: FieldError[];
}

function Ticks({ legend, name, id, items, chosen, errors }: TicksProps): VNode | null {
  if (items.length === 0) return null;
  return (
    <fieldset id={`${id}-${name}`} tabIndex={-1}>
      <legend>{legend}</legend>
      <ListError errors={errors} name={name} />
      {items.map(({ value, label }) => (
        <label class="option" key={value}>
          <input type="checkbox" name={name} value={value} checked={chosen.includes(value)} />
          {label}
        </label>
      ))}
    </fieldset>
  );
}
