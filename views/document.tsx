/** A planning document to read. */
import type { VNode } from "preact";
import type { PlanningDocument } from "../server/records.ts";
import { documentStatuses } from "../server/states.ts";
import { Facts, Notice, Panel, StatusBadge, Time } from "./components.tsx";
import { DriftNotice, type DriftNoticeProps, staleWords } from "./document_drift.tsx";
import { DocumentIdeasPanel, type KnownIdeaRow } from "./document_ideas.tsx";
import { AskRefused, AsksNotice, DocumentAsks, type DocumentAsksProps } from "./document_asks.tsx";
import type { DocumentHeading } from "./document_headings.ts";
import { DocumentTree, type DocumentTreeProps } from "./document_tree.tsx";
import { Button, buttonClass, Disclosure, Field } from "./forms.tsx";
import { framePartials, Layout, PageHead } from "./layout.tsx";
import { documentHref, draftsHref, planningHref } from "./links.ts";
import { type Live, replace } from "./live.tsx";
import { documentSavesWords, documentStatusWords, documentTypeWords } from "./planning_words.ts";
import { documentExportLink, Formats } from "./planning_export.tsx";
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
  live: Live | null;
  project: PlanningProject;
  document: PlanningDocument;
  tree: DocumentTreeProps;
  /** From `renderDocument`. */
  html: string;
  headings: DocumentHeading[];
  links: DocumentNeighbour[];
  backLinks: DocumentNeighbour[];
  /** Those that were made of it. */
  ideas: KnownIdeaRow[];
  drift: DriftNoticeProps;
  /** When this person's draft was kept; null: there is none. */
  draftAt: string | null;
  /** There is a browser that makes PDF. */
  hasPdf: boolean;
  asks: Omit<DocumentAsksProps, "nowMs">;
}

export function DocumentPage(props: DocumentPageProps): VNode {
  const { shell, document, live } = props;
  return (
    <Layout shell={shell} title={document.title} current="planning" live={live}>
      <DocumentParts {...props} />
    </Layout>
  );
}

/** The page after the document or something around it was changed. */
export function documentPartials(props: DocumentPageProps): VNode {
  const { shell, document } = props;
  return (
    <>
      {framePartials({ shell, current: "planning", title: document.title })}
      {replace("document-page", <DocumentParts {...props} />)}
    </>
  );
}

/** The page after the document's file went: what was shown stays, and what is the matter stands above it. */
export const documentGonePartials = (projectId: string): VNode =>
  replace(
    "document-outside",
    <div id="document-outside">
      <Notice tone="failed" title="The document was deleted" id="document-gone">
        <p>
          This is what it said last. <a href={planningHref(projectId)}>Show all documents</a>
        </p>
      </Notice>
    </div>,
  );

/** `#document-page`: all of the page's own. */
function DocumentParts(props: DocumentPageProps): VNode {
  const { shell, project, document, html, headings, links, backLinks, draftAt } = props;
  const { id, title, path, type, status, owner, target, problem, version } = document;
  return (
    <div id="document-page">
      <div id="document-outside" />
      <PageHead
        crumb={{ href: planningHref(project.id), label: "Planning" }}
        title={title}
        aside={
          <>
            <StatusBadge shown={documentStatusWords[status]} />
            {props.drift.commits.length > 0 && <StatusBadge shown={staleWords} />}
            <a
              class={buttonClass("plain")}
              id="document-make-ideas"
              href={`${documentHref(id)}/ideas`}
              data-of-all="Make ideas"
              data-of-selection="Make ideas of the selection"
            >
              Make ideas
            </a>
            <a class={buttonClass("plain")} href={`${documentHref(id)}/versions`}>Versions</a>
            <a class={buttonClass("primary")} href={`${documentHref(id)}/edit`} data-key="e">
              Edit
            </a>
          </>
        }
      />
      {draftAt && (
        <Notice
          tone="waiting"
          title="You have a draft that is not saved"
          id="document-draft-notice"
        >
          <p>
            Kept <Time at={draftAt} nowMs={shell.nowMs} />.{" "}
            <a href={`${documentHref(id)}/edit`}>Go on with it</a>
          </p>
        </Notice>
      )}
      <AskRefused form={props.asks.form} />
      <AsksNotice rows={props.asks.rows} />
      {problem && <Notice tone="waiting" title={problem} id="document-problem" />}
      <DriftNotice {...props.drift} />
      <div class="columns document-columns">
        <DocumentTree {...props.tree} />
        <div class="column-main">
          <section class="panel document-text" aria-label="Text" id="document-text">
            <form method="post" action={`${documentHref(id)}/tick`} id="document-ticks">
              <input type="hidden" name="seen" value={version} />
              <DocumentProse html={html} />
            </form>
          </section>
        </div>
        <div class="column-facts">
          <Outline headings={headings} />
          <DocumentAsks {...props.asks} nowMs={shell.nowMs} />
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
            <Disclosure id="document-status" summary="Change the status" kind="quiet">
              <form method="post" action={`${documentHref(id)}/status`}>
                <input type="hidden" name="seen" value={version} />
                <Field
                  form="document-status"
                  name="status"
                  kind="choice"
                  label="Status"
                  value={status}
                  options={documentStatuses.map((value) => ({
                    value,
                    label: documentStatusWords[value].word,
                  }))}
                  required
                />
                <Button>Save the status</Button>
              </form>
            </Disclosure>
            <Disclosure id="document-export" summary="Export" kind="quiet">
              <Formats
                formats={["html", "pdf", "json"]}
                hrefOf={documentExportLink(id)}
                hasPdf={props.hasPdf}
              />
            </Disclosure>
            <Disclosure id="document-delete" summary="Delete…" kind="quiet">
              <form method="post" action={`${documentHref(id)}/delete`}>
                <p>
                  Deletes planning/{path}. What it says is kept:{" "}
                  <a href={draftsHref(project.id)}>Drafts</a> lists it, to be brought back.
                </p>
                <input type="hidden" name="seen" value={version} />
                <Button kind="danger">Delete the document</Button>
              </form>
            </Disclosure>
          </Panel>
          <DocumentIdeasPanel rows={props.ideas} />
          <Neighbours id="document-links" title="Leads to" rows={links} />
          <Neighbours id="document-back-links" title="Named by" rows={backLinks} />
        </div>
      </div>
    </div>
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
      <HeadingList headings={headings} firstKey="o" />
    </nav>
  );
}

/** Links to the headings of a text on the same page. */
export function HeadingList(
  { headings, firstKey }: { headings: DocumentHeading[]; firstKey?: string },
): VNode {
  return (
    <ul class="plain-list">
      {headings.map(({ level, text, id, line }, i) => (
        <li key={id} class={`outline-${Math.min(level, 4)}`}>
          <a href={`#${id}`} data-key={i === 0 ? firstKey : undefined} data-heading-line={line}>
            {text || "Untitled"}
          </a>
        </li>
      ))}
    </ul>
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
