/** What a document said before: the list, two of them compared, and the way back. */
import type { VNode } from "preact";
import type { PlanningDocument } from "../server/records.ts";
import type { DocumentStatus } from "../server/states.ts";
import { PlainDiff } from "./activity_call.tsx";
import { Panel, StatusBadge, Time } from "./components.tsx";
import { exactTime } from "./format.ts";
import { ActionForm, Button, buttonClass, Field } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { documentHref, withQuery } from "./links.ts";
import { documentStatusWords } from "./planning_words.ts";
import type { Shell } from "./shell.ts";

export interface DocumentVersionRow {
  id: string;
  by: string;
  at: string;
  /** A commit's first line; null: a save that is none. */
  subject: string | null;
  /** That the document had then; null: of a save. */
  path: string | null;
  /** It removed the document: there is no text. */
  removed: boolean;
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
    /** What it is compared with; null: what the file says now. */
    other: DocumentVersionRow | null;
    /** From it to the other, unified; null: too far apart; "": it is the same. */
    diff: string | null;
  } | null;
  /** What its status was and became, the newest first. */
  statuses: StatusChangeRow[];
}

export interface StatusChangeRow {
  seq: number;
  from: DocumentStatus;
  to: DocumentStatus;
  by: string;
  at: string;
}

const versionsHref = (documentId: string, version: string): string =>
  withQuery(`${documentHref(documentId)}/versions`, { version });

export function DocumentVersionsPage(props: DocumentVersionsPageProps): VNode {
  const { shell, document, versions, shown, statuses } = props;
  const { id, title, path, version: seen } = document;
  return (
    <Layout shell={shell} title={`${title}, versions`} current="planning" live={null}>
      <PageHead crumb={{ href: documentHref(id), label: title }} title="Versions" />
      {shown && (
        <Panel
          id="document-version"
          title={words(shown.version)}
          aside={(shown.diff !== "" || shown.other) && (
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
          <h3>
            From it to {shown.other
              ? (
                <>
                  “{words(shown.other)}”, <Time at={shown.other.at} nowMs={shell.nowMs} />
                </>
              )
              : "what the document says now"}
          </h3>
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
      <Compare documentId={id} versions={versions} shown={shown} />
      <Panel id="document-versions" title="All versions">
        {versions.length === 0
          ? <p class="muted">Nothing of it has been committed or saved here yet.</p>
          : (
            <ul class="rows">
              {versions.map((version) => (
                <li class="row" key={version.id} id={`version-${version.id}`} data-row="">
                  <div class="row-main">
                    {version.removed
                      ? <span class="row-title">{words(version)}</span>
                      : (
                        <a class="row-title" href={versionsHref(id, version.id)}>
                          {words(version)}
                        </a>
                      )}
                    <p class="row-note">
                      by {version.by}
                      {version.removed && ", removed it"}
                      {version.path !== null && version.path !== path && (
                        <>
                          , as <span class="path">{version.path}</span>
                        </>
                      )}
                    </p>
                  </div>
                  <span class="row-fact">
                    <Time at={version.at} nowMs={shell.nowMs} />
                  </span>
                </li>
              ))}
            </ul>
          )}
      </Panel>
      {statuses.length > 0 && (
        <Panel id="document-statuses" title="Status">
          <ul class="rows">
            {statuses.map(({ seq, from, to, by, at }) => (
              <li class="row" key={seq} id={`status-${seq}`}>
                <StatusBadge shown={documentStatusWords[to]} />
                <div class="row-main">
                  <p class="row-note">
                    was {documentStatusWords[from].word}; by {by}
                  </p>
                </div>
                <span class="row-fact">
                  <Time at={at} nowMs={shell.nowMs} />
                </span>
              </li>
            ))}
          </ul>
        </Panel>
      )}
      <a class={buttonClass("quiet")} href={documentHref(id)}>Back to the document</a>
    </Layout>
  );
}

const words = ({ subject }: DocumentVersionRow): string => subject ?? "Saved in the folder";

/** In place of a version's id. */
const NOW = "now";

interface CompareProps extends Pick<DocumentVersionsPageProps, "versions" | "shown"> {
  documentId: string;
}

/** Any two versions with each other. */
function Compare({ documentId, versions, shown }: CompareProps): VNode | null {
  const form = "document-compare";
  const options = versions.filter(({ removed }) => !removed)
    .map((version) => ({
      value: version.id,
      label: `${words(version)}, ${exactTime(version.at)}, by ${version.by}`,
    }));
  if (options.length < 2) return null;
  return (
    <Panel id={`${form}-panel`} title="Compare">
      <form action={`${documentHref(documentId)}/versions`} id={form}>
        <Field
          form={form}
          name="version"
          kind="choice"
          label="From"
          value={shown?.version.id ?? options[1]!.value}
          options={options}
          required
        />
        <Field
          form={form}
          name="with"
          kind="choice"
          label="To"
          value={shown?.other?.id ?? NOW}
          options={[{ value: NOW, label: "What the document says now" }, ...options]}
          required
        />
        <Button>Compare</Button>
      </form>
    </Panel>
  );
}
