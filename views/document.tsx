/** A planning document to read, and the form that edits it. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import type { PlanningDocument } from "../server/records.ts";
import { Facts, Notice, Panel, StatusBadge } from "./components.tsx";
import type { DocumentHeading } from "./document_markdown.ts";
import { count } from "./format.ts";
import { Button, buttonClass, Disclosure, ErrorSummary, Field } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { documentHref, planningHref } from "./links.ts";
import { documentSavesWords, documentStatusWords, documentTypeWords } from "./planning_words.ts";
import type { PlanningProject } from "./planning.tsx";
import type { Shell } from "./shell.ts";

/** Something that a document names or is named by. */
export interface DocumentNeighbour {
  words: string;
  /** Null: there is no such thing. */
  href: string | null;
}

export interface DocumentPageProps {
  shell: Shell;
  project: PlanningProject;
  document: PlanningDocument;
  /** From `renderDocument`. */
  html: string;
  headings: DocumentHeading[];
  links: DocumentNeighbour[];
  backLinks: DocumentNeighbour[];
}

export function DocumentPage(props: DocumentPageProps): VNode {
  const { shell, project, document, html, headings, links, backLinks } = props;
  const { id, title, path, type, status, owner, target, problem, version } = document;
  return (
    <Layout shell={shell} title={title} current="planning" live={null}>
      <PageHead
        crumb={{ href: planningHref(project.id), label: "Planning" }}
        title={title}
        aside={
          <>
            <StatusBadge shown={documentStatusWords[status]} />
            <a class={buttonClass("primary")} href={`${documentHref(id)}/edit`} data-key="e">
              Edit
            </a>
          </>
        }
      />
      {problem && <Notice tone="waiting" title={problem} id="document-problem" />}
      <div class="columns">
        <div class="column-main">
          <section class="panel document-text" aria-label="Text" id="document-text">
            <DocumentProse html={html} />
          </section>
        </div>
        <div class="column-facts">
          <Outline headings={headings} />
          <Panel id="document-facts" title="About it">
            <Facts
              rows={[
                ["Type", documentTypeWords[type]],
                ["Owner", owner || null],
                ["Target", target || null],
                ["File", <code class="path" key="file">planning/{path}</code>],
                ["Saves", documentSavesWords(project.saves, project.baseBranch)],
              ]}
            />
          </Panel>
          <Neighbours id="document-links" title="Leads to" rows={links} />
          <Neighbours id="document-back-links" title="Named by" rows={backLinks} />
          <Disclosure id="document-delete" summary="Delete…" kind="quiet">
            <form method="post" action={`${documentHref(id)}/delete`}>
              <p>
                Deletes planning/{path}. Git keeps what was committed of it.
              </p>
              <input type="hidden" name="seen" value={version} />
              <Button kind="danger">Delete the document</Button>
            </form>
          </Disclosure>
        </div>
      </div>
    </Layout>
  );
}

/** A rendered document. htmx never acts on anything inside it. */
export function DocumentProse({ html }: { html: string }): VNode {
  return <div class="prose document" hx-ignore="" dangerouslySetInnerHTML={{ __html: html }} />;
}

function Outline({ headings }: { headings: DocumentHeading[] }): VNode | null {
  if (headings.length < 2) return null;
  return (
    <nav class="panel outline" id="document-outline" aria-labelledby="document-outline-title">
      <div class="panel-head">
        <h2 id="document-outline-title">Outline</h2>
      </div>
      <ul>
        {headings.map(({ level, text, id }, i) => (
          <li key={id} class={`outline-${Math.min(level, 4)}`}>
            <a href={`#${id}`} data-key={i === 0 ? "o" : undefined}>{text || "Untitled"}</a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Neighbours(
  { id, title, rows }: { id: string; title: string; rows: DocumentNeighbour[] },
): VNode | null {
  if (rows.length === 0) return null;
  return (
    <Panel id={id} title={title}>
      <ul class="plain-list">
        {rows.map(({ words, href }) => (
          <li key={words}>
            {href === null
              ? <span class="muted">{words} (not there)</span>
              : <a href={href}>{words}</a>}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** What the form of a document holds, and what was wrong with it. */
export interface DocumentForm {
  text: string;
  /** Version of the text that is edited. */
  seen: string;
  /** The file ends its lines with CR and LF. */
  crlf: boolean;
  message: string | null;
  errors: FieldError[];
}

export interface DocumentEditPageProps {
  shell: Shell;
  project: PlanningProject;
  document: PlanningDocument;
  limits: { bytes: number };
  form: DocumentForm;
  /** What the file says now, where it was changed after it was opened; null otherwise. */
  present: string | null;
}

const FORM = "document-form";

export function DocumentEditPage(props: DocumentEditPageProps): VNode {
  const { shell, project, document, limits, form, present } = props;
  const { id, title } = document;
  return (
    <Layout shell={shell} title={`Edit ${title}`} current="planning" live={null}>
      <PageHead crumb={{ href: documentHref(id), label: title }} title={`Edit ${title}`} />
      <form method="post" action={`${documentHref(id)}/edit`} id={FORM} class="panel document-form">
        <ErrorSummary form={FORM} message={form.message} errors={form.errors} />
        <input type="hidden" name="seen" value={form.seen} />
        {form.crlf && <input type="hidden" name="crlf" value="1" />}
        <Field
          form={FORM}
          name="text"
          kind="area"
          rows={24}
          label="Text"
          hint={`Markdown, at most ${count(limits.bytes / 1024)} KB. ${
            documentSavesWords(project.saves, project.baseBranch)
          }.`}
          value={form.text}
          errors={form.errors}
          mono
        />
        <div class="actions">
          <Button kind="primary" keys="Control+Enter">Save</Button>
          <a class={buttonClass("quiet")} href={documentHref(id)} data-key="Escape">Cancel</a>
        </div>
      </form>
      {present !== null && (
        <Notice tone="waiting" title="What the document says now" id="document-present">
          <pre class="output" tabIndex={0} aria-label="The document as it is now">{present}</pre>
          <p>Saving again puts your text in its place.</p>
        </Notice>
      )}
    </Layout>
  );
}
