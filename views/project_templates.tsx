/** Project templates: the list with the way in for others, one with all that is in it, and one made of a project. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import { Notice, Panel, StatusBadge, Tag } from "./components.tsx";
import { plural, withCodes } from "./format.ts";
import { ActionForm, Button, buttonClass, ErrorSummary, Field, fieldId } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import {
  newFromTemplateHref,
  newProjectHref,
  planningHref,
  templateHref,
  templatesHref,
  withQuery,
} from "./links.ts";
import type { Shell } from "./shell.ts";
import type { Shown } from "./words.ts";

/** A template in a list, and on top of its page. */
export interface TemplateRow {
  id: string;
  name: string;
  about: string;
  tags: string[];
  source: "built_in" | "imported" | "project";
  trusted: boolean;
}

export interface TemplatesPageProps {
  shell: Shell;
  /** The project whose documents the new one is to begin with; null: none was named. */
  documentsOf: { id: string; name: string } | null;
  templates: TemplateRow[];
  /** The file that was refused, and why. */
  form: { text: string; message: string | null; errors: FieldError[] };
}

const sourceWords = { built_in: "built in", imported: "imported", project: "of a project" };
const untrusted: Shown = { word: "Not trusted", tone: "waiting" };
const IMPORT = "import";

export function TemplatesPage(
  { shell, templates, documentsOf, form }: TemplatesPageProps,
): VNode {
  const query = { documents_of: documentsOf?.id };
  return (
    <Layout shell={shell} title="Project templates" current="projects" live={null}>
      <PageHead crumb={{ href: "/projects", label: "Projects" }} title="New project" />
      <p class="muted">
        From a template: a repository with its first commit, instructions and agents that know the
        technology, and planning documents. Or{" "}
        <a href="/projects/new">add a folder that is there already</a>.
      </p>
      {documentsOf && (
        <p id="documents-of">
          It begins with the documents of{" "}
          <a href={planningHref(documentsOf.id)}>{documentsOf.name}</a>: choose the template that
          goes with them, then which of them come along.
        </p>
      )}
      <ul class="rows panel" id="template-list" data-rows="">
        {templates.map((template) => (
          <li class="row" id={`template-${template.id}`} key={template.id} data-row="">
            {!template.trusted && <StatusBadge shown={untrusted} />}
            <div class="row-main">
              <a
                class="row-title"
                href={template.trusted
                  ? newFromTemplateHref(template.id, query)
                  : templateHref(template.id, query)}
              >
                {withCodes(template.name)}
              </a>
              <p class="row-note">
                {withCodes(template.about)}
                {template.source !== "built_in" && <Tag>{sourceWords[template.source]}</Tag>}
              </p>
            </div>
            <a
              class="row-fact"
              href={templateHref(template.id, query)}
              aria-label={`What is in it: ${withCodes(template.name)}`}
            >
              What is in it
            </a>
          </li>
        ))}
      </ul>
      <Panel id="import-template" title="Import a template">
        <form
          method="post"
          action={templatesHref}
          id={IMPORT}
          encType="multipart/form-data"
          hx-boost="false"
        >
          <ErrorSummary form={IMPORT} message={form.message} errors={[]} />
          <p class="muted">
            One file, as templates are exported. It does nothing until you have looked at it and
            trusted it.
          </p>
          <div class="field">
            <label for={fieldId(IMPORT, "file")}>
              File<span class="optional">optional</span>
            </label>
            <input
              type="file"
              id={fieldId(IMPORT, "file")}
              name="file"
              accept=".yaml,.yml,.json"
            />
          </div>
          <Field
            form={IMPORT}
            name="text"
            label="Or its text"
            kind="area"
            rows={3}
            value={form.text}
            mono
          />
          <Button>Import</Button>
        </form>
      </Panel>
    </Layout>
  );
}

/** A text of a template that can be unfolded. */
export interface TemplatePart {
  title: string;
  /** A word or two beside it. */
  note: string;
  text: string;
}

export interface TemplatePageProps {
  shell: Shell;
  /** Id of the project whose documents the new one is to begin with; null: none was named. */
  documentsOf: string | null;
  template: TemplateRow & { hash: string; trustedBy: string | null; needs: string[] };
  commands: { name: string; command: string; when: string }[];
  questions: { label: string; hint: string; answers: string }[];
  /** What counts as evidence for its tickets, a sentence each. */
  checks: string[];
  /** Folders that its sandboxes would be shown, ignored files that would be copied, and whether setup wants the network. */
  toolchains: string[];
  localFiles: string[];
  setupNetwork: boolean;
  agents: TemplatePart[];
  documents: TemplatePart[];
  files: TemplatePart[];
}

export function TemplatePage(props: TemplatePageProps): VNode {
  const { shell, template, commands, questions, agents, documents, files } = props;
  const { id, name, about, hash, trusted, trustedBy, source, needs } = template;
  const href = templateHref(id);
  const query = { documents_of: props.documentsOf };
  return (
    <Layout shell={shell} title={name} current="projects" live={null}>
      <PageHead
        crumb={{ href: newProjectHref(query), label: "Project templates" }}
        title={withCodes(name)}
        aside={trusted ? <Tag>{sourceWords[source]}</Tag> : <StatusBadge shown={untrusted} />}
      />
      <p>{withCodes(about)}</p>
      {!trusted && (
        <Notice tone="waiting" title="Nobody has trusted this template yet" id="template-trust">
          <p>
            It does nothing. When you trust it, projects can be made of it: their agents get the
            prompts below, and their commands run what stands below. Read them first.
          </p>
          <ActionForm action={withQuery(`${href}/trust`, query)} fields={{ hash }} kind="primary">
            Trust it as it is
          </ActionForm>
        </Notice>
      )}
      <div class="actions">
        {trusted && (
          <a class={buttonClass("primary")} href={newFromTemplateHref(id, query)}>
            New project from it
          </a>
        )}
        <a class={buttonClass("plain")} href={`${href}/export`} hx-boost="false">
          Export as a file
        </a>
        {source !== "built_in" && <ActionForm action={`${href}/remove`}>Remove</ActionForm>}
      </div>
      {trustedBy && source === "imported" && <p class="muted">Trusted by {trustedBy}.</p>}
      <Panel id="template-commands" title="Commands">
        <dl class="facts">
          {commands.map(({ name, command, when }) => (
            <div key={`${name} ${when}`}>
              <dt>{name}</dt>
              <dd>
                <code class="path">{withCodes(command)}</code>
                {when && <span class="muted">{` (${withCodes(when)})`}</span>}
              </dd>
            </div>
          ))}
        </dl>
        <Wants {...props} />
      </Panel>
      {needs.length > 0 && (
        <Panel id="template-needs" title="What has to be installed">
          <ul class="bullets">{needs.map((need) => <li key={need}>{withCodes(need)}</li>)}</ul>
        </Panel>
      )}
      {questions.length > 0 && (
        <Panel id="template-questions" title="Questions">
          <dl class="facts">
            {questions.map(({ label, hint, answers }) => (
              <div key={label}>
                <dt>{withCodes(label)}</dt>
                <dd>{withCodes([answers, hint].filter(Boolean).join(". "))}</dd>
              </div>
            ))}
          </dl>
        </Panel>
      )}
      <Parts id="template-agents" title="Agents" noun="agent" parts={agents} />
      <Parts id="template-documents" title="Planning documents" noun="document" parts={documents} />
      <Parts id="template-files" title="Files" noun="file" parts={files} />
    </Layout>
  );
}

function Wants({ checks, toolchains, localFiles, setupNetwork }: TemplatePageProps): VNode | null {
  if (checks.length + toolchains.length + localFiles.length === 0 && !setupNetwork) return null;
  return (
    <ul class="bullets muted">
      {checks.map((words) => <li key={words}>{withCodes(words)}.</li>)}
      {setupNetwork && <li>Setup needs the network; each project is asked for it.</li>}
      {toolchains.map((folder) => (
        <li key={folder}>
          Sandboxes would be shown{" "}
          <code class="path">{withCodes(folder)}</code>; each project is asked for it.
        </li>
      ))}
      {localFiles.map((file) => (
        <li key={file}>
          Ignored files that worktrees get: <code class="path">{withCodes(file)}</code>
        </li>
      ))}
    </ul>
  );
}

/** Texts to unfold; what is not seen in them is shown by its code. */
export function Parts(
  { id, title, noun, parts }: { id: string; title: string; noun: string; parts: TemplatePart[] },
): VNode | null {
  if (parts.length === 0) return null;
  return (
    <Panel
      id={id}
      title={title}
      aside={<span class="muted num">{plural(parts.length, noun)}</span>}
    >
      {parts.map((part, index) => (
        <details key={`${part.title} ${part.note}`} id={`${id}-${index}`}>
          <summary>
            <code class="path">{withCodes(part.title)}</code>
            {part.note && <span class="muted">{` ${withCodes(part.note)}`}</span>}
          </summary>
          <pre class="output" tabIndex={0}>{withCodes(part.text)}</pre>
        </details>
      ))}
    </Panel>
  );
}
