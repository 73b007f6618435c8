/** What a document said before: the list, two of them compared, and the way back. */
import type { VNode } from "preact";
import type { PlanningDocument } from "../server/records.ts";
import { PlainDiff } from "./activity_call.tsx";
import { Panel, Time } from "./components.tsx";
import { ActionForm, buttonClass } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { documentHref, withQuery } from "./links.ts";
import type { Shell } from "./shell.ts";

export interface DocumentVersionRow {
  id: string;
  by: string;
  at: string;
  /** A commit's first line; null: a save that is none. */
  subject: string | null;
}

export interface DocumentVersionsPageProps {
  shell: Shell;
  document: PlanningDocument;
  /** Newest first. */
  versions: DocumentVersionRow[];
  /** The version that is looked at; null: only the list. */
  shown: {
    version: DocumentVersionRow;
    text: string;
    /** From it to what the file says now, unified; null: too far apart; "": it is the same. */
    diff: string | null;
  } | null;
}

const versionsHref = (documentId: string, version: string): string =>
  withQuery(`${documentHref(documentId)}/versions`, { version });

export function DocumentVersionsPage(props: DocumentVersionsPageProps): VNode {
  const { shell, document, versions, shown } = props;
  const { id, title, version: seen } = document;
  const words = ({ subject }: DocumentVersionRow) => subject ?? "Saved in the folder";
  return (
    <Layout shell={shell} title={`${title}, versions`} current="planning" live={null}>
      <PageHead crumb={{ href: documentHref(id), label: title }} title="Versions" />
      {shown && (
        <Panel
          id="document-version"
          title={words(shown.version)}
          aside={shown.diff !== "" && (
            <ActionForm
              action={`${documentHref(id)}/restore`}
              fields={{ version: shown.version.id, seen }}
              kind="primary"
            >
              Restore this version
            </ActionForm>
          )}
        >
          <p class="muted">
            By {shown.version.by}, <Time at={shown.version.at} nowMs={shell.nowMs} />
          </p>
          <h3>From it to what the document says now</h3>
          {shown.diff === null
            ? <p class="muted">The two have too little in common to show it line by line.</p>
            : shown.diff === ""
            ? <p class="muted">Nothing: the two are the same.</p>
            : <PlainDiff diff={shown.diff} whole />}
          <details>
            <summary>All of it</summary>
            <pre class="output" tabIndex={0} aria-label="The version's text">{shown.text}</pre>
          </details>
        </Panel>
      )}
      <Panel id="document-versions" title="All versions">
        {versions.length === 0
          ? <p class="muted">Nothing of it has been committed or saved here yet.</p>
          : (
            <ul class="rows">
              {versions.map((version) => (
                <li class="row" key={version.id} id={`version-${version.id}`} data-row="">
                  <div class="row-main">
                    <a class="row-title" href={versionsHref(id, version.id)}>{words(version)}</a>
                    <p class="row-note">by {version.by}</p>
                  </div>
                  <span class="row-fact">
                    <Time at={version.at} nowMs={shell.nowMs} />
                  </span>
                </li>
              ))}
            </ul>
          )}
      </Panel>
      <a class={buttonClass("quiet")} href={documentHref(id)}>Back to the document</a>
    </Layout>
  );
}
