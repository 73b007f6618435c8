/** An agent's definition, as a form or as text: two ways to edit the same file. */
import type { ComponentChildren, VNode } from "preact";
import type { ToolTag } from "../agents/protocol.ts";
import type { FieldError } from "../server/errors.ts";
import { agentKindWords, atText } from "./agents.tsx";
import { Panel } from "./components.tsx";
import { plural } from "./format.ts";
import { Button, ErrorSummary, Field, fieldId } from "./forms.tsx";
import { agentHref } from "./links.ts";
import { tagWords } from "./words.ts";

export type AgentView = "form" | "text";

export interface AgentFormProps {
  agentId: string;
  view: AgentView;
  /** The version that the change is made to. */
  version: number;
  /** The whole file. */
  text: string;
  /** By name of the field; null: the text has no front matter that a form could show. */
  values: Record<string, string> | null;
  /** By name of the field. */
  choices: Record<string, readonly string[]>;
  /** Of built-in tools, what they bring into a run or let out of it. */
  toolTags: Record<string, readonly ToolTag[]>;
  /** Models that the endpoint lists and that can't be chosen for want of a price. */
  unpriced: number;
  note: string;
  /** Why it was refused. */
  message: string | null;
  errors: FieldError[];
}

const FORM = "definition";

export function AgentForm(props: AgentFormProps): VNode {
  const { agentId, version, note, message } = props;
  const view = props.values === null ? "text" : props.view;
  const errors = view === "text" ? atText(props.errors) : props.errors;
  const href = agentHref(agentId);
  return (
    <Panel
      id="agent-definition"
      title="Definition"
      aside={
        <nav class="tabs" aria-label="Edit the definition as">
          <a href={href} aria-current={view === "form" ? "true" : undefined}>Form</a>
          <a href={`${href}?view=text`} aria-current={view === "text" ? "true" : undefined}>Text</a>
        </nav>
      }
    >
      <form method="post" action={href} id={FORM}>
        <ErrorSummary form={FORM} message={message} errors={errors} />
        <input type="hidden" name="view" value={view} />
        <input type="hidden" name="version" value={String(version)} />
        {props.view === "text" || props.values === null
          ? <TextFields {...props} errors={errors} />
          : <FormFields {...props} values={props.values} errors={errors} />}
        <Field
          form={FORM}
          name="note"
          label="What the change is for"
          value={note}
          maxLength={500}
          errors={errors}
        />
        <Button kind="primary">Save as version {version + 1}</Button>
      </form>
    </Panel>
  );
}

function TextFields({ text, errors }: AgentFormProps): VNode {
  return (
    <Field
      form={FORM}
      name="text"
      label="File"
      hint="Markdown with front matter. Keys that Gaffer does not know, and comments, stay as they are."
      kind="area"
      rows={30}
      value={text}
      errors={errors}
      required
      mono
    />
  );
}

interface FieldsProps extends AgentFormProps {
  values: Record<string, string>;
}

function FormFields(props: FieldsProps): VNode {
  const line = fieldOf(props, "text");
  const lines = fieldOf(props, "area");
  const choice = fieldOf(props, "choice");
  return (
    <>
      {line("description", "What it does", "In one sentence.", { required: true })}
      <div class="field-row">
        {choice("kind", "Kind", "", { required: true })}
        {choice("model", "Model", props.unpriced > 0 && <Unpriced count={props.unpriced} />, {
          required: true,
        })}
        {choice("effort", "Effort", "")}
      </div>
      <Tools {...props} />
      <p class="hint">
        Where WebSearch or WebFetch come together with a tool that reads what is private, each run
        waits for your word before its first request, unless you say yes beforehand below. A search
        costs $0.01 beside its tokens.
      </p>
      <fieldset>
        <legend>Limits of each run</legend>
        <div class="field-row">
          {line("max_turns", "Turns", "", { required: true })}
          {line("timeout_minutes", "Minutes", "", { required: true })}
        </div>
        <div class="field-row">
          {line("max_tokens", "Tokens", "", { required: true })}
          {line("max_cost_usd", "US dollars", "", { required: true })}
        </div>
      </fieldset>
      {lines("prompt", "Instructions", "The agent's own part of the system prompt.", {
        required: true,
        rows: 24,
      })}
      <details class="further" id="definition-further" open={furtherIsWrong(props.errors)}>
        <summary>Paths, commands, hosts, approvals, memory</summary>
        {lines("allowed_paths", "Paths it may touch", "One glob a line; none: all.")}
        {lines("blocked_paths", "Paths it may not touch", "One glob a line. This list wins.")}
        {lines("writable_paths", "Paths it may write", "One glob a line; none: all it may touch.")}
        {lines("allowed_commands", "Commands it may run", 'One pattern a line, as "npm run *".')}
        {lines(
          "allowed_hosts",
          "Hosts it may reach",
          'One a line, as "registry.npmjs.org", "*.example.com" or "registry.lan:4873". Commands reach these alone, through a proxy, in the sandbox; without any they have no network. WebSearch and WebFetch keep to them, and to what lies below each; without any they reach all. MCP servers are not held to them.',
        )}
        {lines(
          "require_approval",
          "Calls that need your approval",
          'One a line, as "write(new)", "edit(*.lock)" or "bash(rm *)".',
        )}
        {choice(
          "web",
          "Web beside private data",
          "None: each run asks you before its first request. Allowed: you have said yes to all of them.",
        )}
        {choice("memory", "Memory", "How long it keeps what it notes down.")}
        {lines("context_files", "Files it reads at the start", "One path a line.")}
        {choice("result", "What it hands in", "", { required: true })}
        {lines("tags", "Tags", "One a line.")}
      </details>
    </>
  );
}

const further = [
  "allowed_paths",
  "blocked_paths",
  "writable_paths",
  "allowed_commands",
  "allowed_hosts",
  "require_approval",
  "web",
  "memory",
  "context_files",
  "result",
  "tags",
];

const furtherIsWrong = (errors: FieldError[]): boolean =>
  errors.some(({ field }) => further.includes(field));

/** Fields of one kind, filled with the definition's values. */
function fieldOf({ values, choices, errors }: FieldsProps, kind: "text" | "area" | "choice") {
  return (
    name: string,
    label: string,
    hint: ComponentChildren,
    { required = false, rows = 3 }: { required?: boolean; rows?: number } = {},
  ): VNode => (
    <Field
      form={FORM}
      name={name}
      label={label}
      hint={hint || undefined}
      kind={kind}
      rows={rows}
      value={values[name] ?? ""}
      errors={errors}
      required={required}
      mono={kind === "area"}
      options={kind === "choice" ? optionsOf(choices[name] ?? [], values[name] ?? "") : undefined}
    />
  );
}

function Unpriced({ count }: { count: number }): VNode {
  return (
    <>
      The endpoint lists {plural(count, "more model")}: <a href="/usage#prices">give one a price</a>
      {" "}
      to choose it.
    </>
  );
}

/** What the definition has stays a choice, also where it is none that is offered. */
function optionsOf(offered: readonly string[], present: string) {
  const all = offered.includes(present) ? offered : [present, ...offered];
  return all.map((value) => ({ value, label: agentKindWords[value] ?? (value || "none") }));
}

function Tools({ values, choices, toolTags, errors }: FieldsProps): VNode {
  const chosen = (values.tools ?? "").split(", ");
  // Those of one MCP server, say, which only the text can bring in.
  const more = chosen.filter((name) => name.startsWith("mcp__"));
  const error = errors.find(({ field }) => field === "tools")?.message;
  const id = fieldId(FORM, "tools");
  return (
    <fieldset class="options tools" id={id} aria-describedby={error && `${id}-error`}>
      <legend>Tools</legend>
      {error && <Wrong id={`${id}-error`}>{error}</Wrong>}
      {[...choices.tools ?? [], ...more].map((name) => (
        <label key={name} class="option">
          <input
            type="checkbox"
            name="tools"
            value={name}
            id={fieldId(FORM, `tools-${name}`)}
            checked={chosen.includes(name)}
          />
          <span>
            {name}
            {toolTags[name] && (
              <span class="muted small">
                {" "}
                {toolTags[name].map((tag) => tagWords[tag]).join(", ")}
              </span>
            )}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function Wrong({ id, children }: { id: string; children: ComponentChildren }): VNode {
  return <p class="error" id={id}>{children}</p>;
}
