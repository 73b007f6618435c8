/** A project's MCP servers: what each is, what it offers when it is tried, and the form for a new one. */
import type { VNode } from "preact";
import type { ToolTag } from "../agents/protocol.ts";
import type { FieldError } from "../server/errors.ts";
import type { McpServer, Project } from "../server/records.ts";
import { EmptyState, Notice, Panel, Tag } from "./components.tsx";
import { plural } from "./format.ts";
import { ActionForm, Button, Disclosure, ErrorSummary, Field } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { mcpServersHref, projectHref } from "./links.ts";
import type { Shell } from "./shell.ts";
import { tagWords } from "./words.ts";

/** What a form holds, by field name, and what was wrong with it. */
export interface McpServerForm {
  values: {
    name: string;
    transport: string;
    command: string;
    /** One a line. */
    args: string;
    /** `NAME=value`, one a line. */
    env: string;
    url: string;
    /** `Name: value`, one a line. */
    headers: string;
    timeout_seconds: string;
    /** `careful` or `said`. */
    tags_as: string;
  };
  /** What is marked. */
  tags: readonly ToolTag[];
  active: boolean;
  message: string | null;
  errors: FieldError[];
}

export interface McpTrial {
  server: McpServer;
  tools: { name: string; description: string }[];
  problems: string[];
}

export interface McpServersPageProps {
  shell: Shell;
  project: Project;
  /** `tags`: what its tools count as, whoever says so. */
  servers: { server: McpServer; form: McpServerForm; tags: readonly ToolTag[] }[];
  newForm: McpServerForm;
  /** What came of starting one. */
  trial: McpTrial | null;
}

export function McpServersPage(
  { shell, project, servers, newForm, trial }: McpServersPageProps,
): VNode {
  const href = mcpServersHref(project.id);
  return (
    <Layout shell={shell} title={`MCP servers of ${project.name}`} current="projects" live={null}>
      <PageHead
        crumb={{ href: projectHref(project.id), label: project.name }}
        title="MCP servers"
      />
      {trial && <Trial {...trial} />}
      {servers.length === 0 && <EmptyState>This project has no MCP servers yet.</EmptyState>}
      {servers.map((shown) => <Server key={shown.server.id} href={href} {...shown} />)}
      <Panel id="add-mcp" title="Add a server">
        <p class="hint">
          Programs that give this project's agents more tools. An agent gets them when its
          definition lists them: <code>mcp</code> for all, <code>mcp__docs</code>{" "}
          for those of a server called docs. They start with each run and end with it; one that
          fails ends its tools, not the run.
        </p>
        <form method="post" action={href}>
          <Fields form="new" shown={newForm} />
          <Button kind="primary">Add</Button>
        </form>
      </Panel>
    </Layout>
  );
}

function Trial({ server, tools, problems }: McpTrial): VNode {
  const failed = problems.length > 0 && tools.length === 0;
  return (
    <Notice
      tone={failed ? "failed" : problems.length > 0 ? "waiting" : "done"}
      title={failed
        ? `${server.name} could not be started`
        : `${server.name} offers ${plural(tools.length, "tool")}`}
      id="mcp-trial"
    >
      {problems.map((problem) => <p key={problem}>{problem}</p>)}
      {tools.length > 0 && (
        <dl class="facts">
          {tools.map(({ name, description }) => (
            <div key={name}>
              <dt>
                <code>{name}</code>
              </dt>
              <dd>{description || "It says nothing of itself"}</dd>
            </div>
          ))}
        </dl>
      )}
    </Notice>
  );
}

function Server(
  { href, server, form, tags }: McpServersPageProps["servers"][number] & { href: string },
): VNode {
  const own = `${href}/${server.id}`;
  const refused = form.message !== null || form.errors.length > 0;
  return (
    <Panel
      id={`mcp-${server.id}`}
      title={server.name}
      aside={!server.active && <Tag>switched off</Tag>}
    >
      <p>
        <code class="path">
          {server.transport === "http" ? server.url : [server.command, ...server.args].join(" ")}
        </code>
      </p>
      <p class="muted small" id={`mcp-${server.id}-tags`}>
        {tagsInForce(server, tags)}
      </p>
      <div class="actions">
        <ActionForm action={`${own}/try`} label={`Try ${server.name}`}>Try</ActionForm>
        <ActionForm action={`${own}/remove`} kind="danger" label={`Remove ${server.name}`}>
          Remove
        </ActionForm>
      </div>
      <Disclosure id={`mcp-${server.id}-edit`} summary="Change" open={refused}>
        <form method="post" action={own}>
          <Fields form={server.id} shown={form} />
          <Button kind="primary">Save</Button>
        </form>
      </Disclosure>
    </Panel>
  );
}

const HOW = [
  { value: "stdio", label: "A program that is started (stdio)" },
  { value: "http", label: "An address (Streamable HTTP)" },
];

const TAGS_AS = [
  { value: "careful", label: "The careful view, by how it is reached" },
  { value: "said", label: "What is marked below" },
];

const tagLabels: Record<ToolTag, string> = {
  private: "What it gives may be private",
  untrusted: "What it gives was written by strangers",
  outbound: "What it is given leaves this machine",
};

/** "Counts as private data, untrusted input and way out: the careful view." */
function tagsInForce(server: McpServer, tags: readonly ToolTag[]): string {
  const names = tags.map((tag) => tagWords[tag]);
  const words = names.length === 0 ? "nothing that matters" : andJoined(names);
  return `Counts as ${words}: ${server.tags ? "as was said here" : "the careful view"}.`;
}

const andJoined = (names: string[]): string =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

/** What its tools count as, for runs that must not have all of it together without a person's word. */
function TagFields({ form, shown }: { form: string; shown: McpServerForm }): VNode {
  return (
    <fieldset>
      <legend>What its tools count as</legend>
      <Field
        form={form}
        errors={shown.errors}
        name="tags_as"
        label="Private data, untrusted input, way out"
        hint="A run that has all three waits for your word, unless its project says otherwise. Careful: a program counts as the first two, an address as all three"
        kind="choice"
        options={TAGS_AS}
        value={shown.values.tags_as}
        required
      />
      {(Object.keys(tagLabels) as ToolTag[]).map((tag) => (
        <label class="option" key={tag}>
          <input type="checkbox" name={`tag_${tag}`} value="1" checked={shown.tags.includes(tag)} />
          {tagLabels[tag]}
        </label>
      ))}
    </fieldset>
  );
}

function Fields({ form, shown }: { form: string; shown: McpServerForm }): VNode {
  const { values, errors, message, active } = shown;
  const shared = { form, errors };
  return (
    <>
      <ErrorSummary form={form} message={message} errors={errors} />
      <Field
        {...shared}
        name="name"
        label="Name"
        hint="Part of its tools' names: lower-case letters, digits and hyphens"
        value={values.name}
        required
        maxLength={20}
        mono
      />
      <Field
        {...shared}
        name="transport"
        label="How it is reached"
        kind="choice"
        options={HOW}
        value={values.transport}
        required
      />
      <Field
        {...shared}
        name="command"
        label="Program"
        hint="For stdio. It runs in the sandbox of the run's folder, without the network"
        value={values.command}
        mono
      />
      <Field
        {...shared}
        name="args"
        label="Arguments, one a line"
        kind="area"
        rows={2}
        value={values.args}
        mono
      />
      <Field
        {...shared}
        name="env"
        label="Variables, NAME=value, one a line"
        hint="NAME=$TOKEN takes the value from Gaffer's own environment, so that no secret is kept here"
        kind="area"
        rows={2}
        value={values.env}
        mono
      />
      <Field
        {...shared}
        name="url"
        label="Address"
        hint="For Streamable HTTP"
        value={values.url}
        placeholder="https://mcp.example.com/mcp"
        mono
      />
      <Field
        {...shared}
        name="headers"
        label="Headers, Name: value, one a line"
        hint="Authorization: $TOKEN takes the value from Gaffer's own environment"
        kind="area"
        rows={2}
        value={values.headers}
        mono
      />
      <Field
        {...shared}
        name="timeout_seconds"
        label="Seconds that one call may take"
        value={values.timeout_seconds}
        required
      />
      <TagFields form={form} shown={shown} />
      <label class="option">
        <input type="checkbox" name="active" value="1" checked={active} />
        Runs that begin get its tools
      </label>
    </>
  );
}
