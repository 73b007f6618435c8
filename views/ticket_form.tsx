/** The forms by which a person makes a ticket and changes what it asks for. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import type { Subtask, Ticket } from "../server/records.ts";
import { complexities, priorityNames, ticketTypes } from "../server/states.ts";
import { capital, EmptyState, Hidden } from "./components.tsx";
import { Button, ErrorSummary, Field } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { ticketHref } from "./links.ts";
import type { Shell } from "./shell.ts";
import { complexityWords, ticketTypeWords } from "./words.ts";

/** What a form shows: what is saved, or what was typed and refused. */
export interface TypedForm {
  values: Record<string, string>;
  message: string | null;
  errors: FieldError[];
}

const typeOptions = ticketTypes.map((value) => ({ value, label: ticketTypeWords[value] }));
const priorityOptions = priorityNames.map((name, value) => ({
  value: String(value),
  label: capital(name),
}));

interface PartProps {
  id: string;
  form: TypedForm;
}

function Words({ id, form: { values, errors } }: PartProps): VNode {
  return (
    <>
      <Field
        form={id}
        name="title"
        label="Title"
        value={values.title}
        errors={errors}
        maxLength={200}
        required
      />
      <Field
        form={id}
        name="description"
        kind="area"
        rows={6}
        label="Description"
        hint="Markdown. #idea-12 and #ticket-7 become links."
        value={values.description}
        errors={errors}
      />
    </>
  );
}

function Choices({ id, form: { values, errors }, type }: PartProps & { type: boolean }): VNode {
  return (
    <div class="field-row">
      {type && (
        <Field
          form={id}
          name="type"
          kind="choice"
          label="Type"
          value={values.type}
          errors={errors}
          options={typeOptions}
          required
        />
      )}
      <Field
        form={id}
        name="priority"
        kind="choice"
        label="Priority"
        value={values.priority}
        errors={errors}
        options={priorityOptions}
        required
      />
    </div>
  );
}

const Acceptance = ({ id, form: { values, errors } }: PartProps): VNode => (
  <Field
    form={id}
    name="acceptance"
    kind="area"
    rows={4}
    label="Done when"
    hint="One criterion a line, twelve at most. The reviewer judges by them."
    value={values.acceptance}
    errors={errors}
  />
);

export interface NewTicketPageProps {
  shell: Shell;
  /** In which times are typed. */
  timeZone: string;
  form: TypedForm;
}

/** A ticket made by hand; posts to `/tickets`. */
export function NewTicketPage({ shell, timeZone, form }: NewTicketPageProps): VNode {
  const projects = shell.projects.map(({ id, name }) => ({ value: id, label: name }));
  return (
    <Layout shell={shell} title="New ticket" current="development" live={null}>
      <PageHead crumb={{ href: "/development", label: "Development" }} title="New ticket" />
      {projects.length === 0
        ? (
          <EmptyState action={{ href: "/projects/new", label: "Add a project" }}>
            A ticket is work on a project, and there is none yet.
          </EmptyState>
        )
        : <NewTicketForm projects={projects} timeZone={timeZone} form={form} />}
    </Layout>
  );
}

interface NewTicketFormProps {
  projects: { value: string; label: string }[];
  timeZone: string;
  form: TypedForm;
}

function NewTicketForm({ projects, timeZone, form }: NewTicketFormProps): VNode {
  const { values, errors } = form;
  const id = "new-ticket";
  return (
    <div class="panel">
      <form method="post" action="/tickets" id={id}>
        <ErrorSummary form={id} message={form.message} errors={errors} />
        {projects.length > 1
          ? (
            <Field
              form={id}
              name="project_id"
              kind="choice"
              label="Project"
              value={values.project_id}
              errors={errors}
              options={projects}
              required
            />
          )
          : <input type="hidden" name="project_id" value={values.project_id} />}
        <Words id={id} form={form} />
        <Choices id={id} form={form} type />
        <Acceptance id={id} form={form} />
        <Field
          form={id}
          name="subtasks"
          kind="area"
          rows={4}
          label="Subtasks"
          hint="One a line, in order; each is developed and committed apart. Empty: the ticket as a whole."
          value={values.subtasks}
          errors={errors}
        />
        <Field
          form={id}
          name="needs"
          label="Needs"
          hint="Tickets of the project that must be done before, as #5 #7"
          value={values.needs}
          errors={errors}
        />
        <StartFields id={id} timeZone={timeZone} form={form} />
        <Button kind="primary" keys="Control+Enter">Make the ticket</Button>
      </form>
    </div>
  );
}

export const startOptions = [
  { value: "rule", label: "As the project's rule says" },
  { value: "auto", label: "By itself" },
  { value: "hand", label: "When I start it" },
];

function StartFields(
  { id, timeZone, form: { values, errors } }: PartProps & { timeZone: string },
): VNode {
  return (
    <div class="field-row">
      <Field
        form={id}
        name="starts"
        kind="choice"
        label="Starts"
        value={values.starts}
        errors={errors}
        options={startOptions}
        required
      />
      <Field
        form={id}
        name="not_before"
        label="Not before"
        hint={`As 2026-11-27 09:00, in ${timeZone}`}
        value={values.not_before}
        errors={errors}
      />
    </div>
  );
}

export interface EditTicketPageProps {
  shell: Shell;
  ticket: Ticket;
  /** Those that are still to be done; rows beyond them are for new ones. */
  subtasks: Subtask[];
  /** While somebody works on it only its words and priority can be changed. */
  atRest: boolean;
  form: TypedForm;
}

/** Empty rows for new subtasks. */
const NEW_ROWS = 2;

/** Posts to the ticket's `edit`: as `title_1`, `description_1`, `complexity_1`, `order_1`, `include_1`, `id_1`, … */
export function EditTicketPage(
  { shell, ticket, subtasks, atRest, form }: EditTicketPageProps,
): VNode {
  const id = "edit-ticket";
  const own = ticketHref(ticket.id);
  const rows = [...subtasks, ...Array.from({ length: NEW_ROWS }, () => null)];
  return (
    <Layout shell={shell} title={`Edit ticket #${ticket.number}`} current="development" live={null}>
      <PageHead
        crumb={{ href: own, label: `Ticket #${ticket.number}` }}
        title={`Edit ticket #${ticket.number}`}
      />
      <div class="panel">
        <form method="post" action={`${own}/edit`} id={id} noValidate>
          <ErrorSummary form={id} message={form.message} errors={form.errors} />
          <Words id={id} form={form} />
          <Choices id={id} form={form} type={atRest} />
          {!atRest && (
            <p class="muted">
              What it asks for can be changed while it is queued or blocked. It is at work now.
            </p>
          )}
          {atRest && (
            <>
              <Acceptance id={id} form={form} />
              <fieldset id={`${id}-subtasks`} tabIndex={-1}>
                <legend>Subtasks still to be done</legend>
                <ListError errors={form.errors} name="subtasks" />
                <ol class="subtasks">
                  {rows.map((subtask, index) => (
                    <SubtaskRow
                      key={index}
                      id={id}
                      form={form}
                      number={index + 1}
                      subtask={subtask}
                    />
                  ))}
                </ol>
              </fieldset>
            </>
          )}
          <div class="actions">
            <Button kind="primary" keys="Control+Enter">Save</Button>
            <a class="button" href={own} data-key="Escape">Cancel</a>
          </div>
        </form>
      </div>
    </Layout>
  );
}

function SubtaskRow(
  { id, form, number, subtask }: PartProps & { number: number; subtask: Subtask | null },
): VNode {
  const { values, errors } = form;
  const name = (field: string) => `${field}_${number}`;
  const title = values[name("title")] ?? "";
  const label = subtask ? `Subtask ${number}` : "New subtask";
  return (
    <li>
      {subtask && <input type="hidden" name={name("id")} value={subtask.id} />}
      <Field
        form={id}
        name={name("title")}
        label={label}
        value={title}
        errors={errors}
        maxLength={200}
        required={subtask !== null}
      />
      <details id={`edit-subtask-${number}`}>
        <summary>
          Details<Hidden>of {label.toLowerCase()} {number}</Hidden>
        </summary>
        <Field
          form={id}
          name={name("description")}
          kind="area"
          rows={3}
          label="Description"
          value={values[name("description")]}
          errors={errors}
        />
        <div class="field-row">
          <Field
            form={id}
            name={name("complexity")}
            kind="choice"
            label="Complexity"
            value={values[name("complexity")] ?? "medium"}
            errors={errors}
            options={complexities.map((value) => ({ value, label: complexityWords[value] }))}
            required
          />
          <Field
            form={id}
            name={name("order")}
            label="Place"
            value={values[name("order")] ?? String(number)}
            errors={errors}
            required
          />
        </div>
      </details>
      {subtask === null
        ? <input type="hidden" name={name("include")} value="1" />
        : (
          <label class="option">
            <input
              type="checkbox"
              name={name("include")}
              value="1"
              checked={values[name("include")] === "1"}
            />
            Keep<Hidden>{label.toLowerCase()} {number}: {title}</Hidden>
          </label>
        )}
    </li>
  );
}

/** What is wrong with a list as a whole. */
export function ListError({ errors, name }: { errors: FieldError[]; name: string }): VNode | null {
  const error = errors.find(({ field }) => field === name);
  return error ? <p class="error">{error.message}</p> : null;
}
