/** Forms that work without scripts: every action is a POST with a submit button. */
import type { ComponentChildren, VNode } from "preact";
import type { FieldError } from "../server/errors.ts";

interface FieldProps {
  /** Name in the form data; an error with this name is shown beside the field. */
  name: string;
  label: string;
  /** Makes the element id unique on the page: `<form>-<name>`. */
  form: string;
  value?: string;
  hint?: ComponentChildren;
  errors?: FieldError[];
  kind?: "text" | "area" | "choice";
  /** For a choice. */
  options?: { value: string; label: string }[];
  required?: boolean;
  rows?: number;
  maxLength?: number;
  mono?: boolean;
  placeholder?: string;
  /** Shown as it is, and sent along; for text alone. */
  readOnly?: boolean;
  /** Takes the focus when it appears. */
  autoFocus?: boolean;
}

/** A labelled field with its hint and its error; both are read out with it. */
export function Field(props: FieldProps): VNode {
  const { name, label, hint, form } = props;
  const id = fieldId(form, name);
  const error = props.errors?.find((e) => e.field === name)?.message;
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  const shared = {
    id,
    name,
    required: props.required,
    readonly: props.readOnly,
    class: props.mono ? "mono" : undefined,
    "aria-invalid": error ? ("true" as const) : undefined,
    "aria-describedby": described || undefined,
    autofocus: props.autoFocus,
  };
  return (
    <div class={error ? "field has-error" : "field"}>
      <label for={id}>
        {label}
        {!props.required && <span class="optional">optional</span>}
      </label>
      {hint && <p class="hint" id={`${id}-hint`}>{hint}</p>}
      {error && (
        <p class="error" id={`${id}-error`}>
          <ErrorText text={error} />
        </p>
      )}
      <Control {...props} shared={shared} />
    </div>
  );
}

function Control({ shared, ...props }: FieldProps & { shared: Record<string, unknown> }): VNode {
  const { value = "", kind = "text", maxLength, placeholder } = props;
  if (kind === "area") {
    return (
      <textarea {...shared} rows={props.rows ?? 3} maxLength={maxLength} placeholder={placeholder}>
        {keepFirstNewline(value)}
      </textarea>
    );
  }
  if (kind === "choice") {
    return (
      <select {...shared}>
        {props.options?.map((option) => (
          <option key={option.value} value={option.value} selected={option.value === value}>
            {option.label}
          </option>
        ))}
      </select>
    );
  }
  return (
    <input
      {...shared}
      type="text"
      value={value}
      maxLength={maxLength}
      placeholder={placeholder}
      autocomplete="off"
    />
  );
}

/** The HTML parser drops a newline right after `<textarea>`; one more keeps the person's own. */
const keepFirstNewline = (text: string) => /^\r?\n/.test(text) ? `\n${text}` : text;

/** Element id of a field. */
export const fieldId = (form: string, name: string): string => `${form}-${name}`;

interface ErrorSummaryProps {
  form: string;
  /** Why the form was refused. */
  message: string | null;
  errors: FieldError[];
}

/**
 * On top of a refused form: what is wrong, with links to the fields of the form. Takes the focus. A single
 * error stands in full at its field alone.
 */
export function ErrorSummary({ form, message, errors }: ErrorSummaryProps): VNode | null {
  if (message === null && errors.length === 0) return null;
  const [only] = errors;
  const atField = errors.length === 1 && /^\w+$/.test(only!.field) &&
    (message ?? "").endsWith(only!.message);
  return (
    <div class="error-summary" role="alert" tabIndex={-1} data-error-summary="">
      <p class="notice-title">
        {atField
          ? <a href={`#${fieldId(form, only!.field)}`}>One field needs another look</a>
          : message === null
          ? "Some fields need another look"
          : <ErrorText text={message} />}
      </p>
      {errors.length > 0 && !atField && (
        <ul>
          {errors.map(({ field, message }) => (
            <li key={field}>
              <a href={`#${fieldId(form, field)}`}>{message}</a>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** A command that mends it, after what is wrong: "… Run: git -C /a fetch". */
const COMMAND = /^(.*: )(git (?:-C|config) [^;]+)$/s;

/** An error's words; a command at their end in a block of its own, to copy. */
function ErrorText({ text }: { text: string }): VNode {
  const [, words, command] = COMMAND.exec(text) ?? [];
  if (!command) return <>{text}</>;
  return (
    <>
      {words}
      <code class="command">{command}</code>
    </>
  );
}

type ButtonKind = "primary" | "plain" | "danger" | "quiet";

interface ButtonProps {
  children: ComponentChildren;
  kind?: ButtonKind;
  name?: string;
  value?: string;
  /** Key or key sequence that presses it, see static/keys.js. */
  keys?: string;
  /** It can't be taken back: its key only brings the focus here, and Enter presses it. */
  decides?: boolean;
  /** Submits the form with this id, from outside it. */
  form?: string;
  formAction?: string;
  formNoValidate?: boolean;
  /** Says more than the text shows, for screen readers. */
  label?: string;
}

/** A submit button. */
export function Button(props: ButtonProps): VNode {
  const { children, kind = "plain", keys, decides = false, label, formAction, ...rest } = props;
  return (
    <button
      type="submit"
      class={buttonClass(kind)}
      data-key={keys}
      data-decides={decides && keys ? "" : undefined}
      aria-label={label}
      formaction={formAction}
      {...rest}
    >
      {children}
    </button>
  );
}

/** Classes of a button, for links and summaries that look like one. */
export const buttonClass = (kind: ButtonKind): string =>
  kind === "plain" ? "button" : `button button-${kind}`;

interface ActionFormProps extends Omit<ButtonProps, "form"> {
  action: string;
  /** Hidden fields sent along. */
  fields?: Record<string, string>;
  /** The board's column that it leads to: a card dropped there sends this form. */
  moveTo?: string;
}

/** One button that does one thing: a form of its own. */
export function ActionForm(props: ActionFormProps): VNode {
  const { action, fields = {}, moveTo, ...button } = props;
  return (
    <form method="post" action={action} class="action-form" data-move-to={moveTo}>
      {Object.entries(fields).map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
      <Button {...button} />
    </form>
  );
}

interface DisclosureProps {
  /** Stable id, so that live updates leave it as open or closed as it is. */
  id: string;
  summary: ComponentChildren;
  kind?: ButtonKind;
  keys?: string;
  open?: boolean;
  children: ComponentChildren;
}

/** A button that opens the form behind it; works without scripts, closes with Esc. */
export function Disclosure(props: DisclosureProps): VNode {
  return (
    // One name for all: opening one closes the one that was open.
    <details class="disclosure" id={props.id} name="disclosure" open={props.open}>
      <summary class={buttonClass(props.kind ?? "plain")} data-key={props.keys}>
        {props.summary}
      </summary>
      <div class="disclosure-body">{props.children}</div>
    </details>
  );
}
