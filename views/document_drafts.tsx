/** What a person has typed into documents and not saved, also where the document is gone. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import { EmptyState, Notice, Panel, Time } from "./components.tsx";
import { ActionForm, Button, ErrorSummary, Field } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { documentHref, draftHref, draftsHref, idPart, planningHref } from "./links.ts";
import type { PlanningProject } from "./planning.tsx";
import type { Shell } from "./shell.ts";

export interface DocumentDraftsPageProps {
  shell: Shell;
  project: PlanningProject;
  /** Of documents that are there. */
  placed: {
    path: string;
    form: string;
    title: string | null;
    documentId: string | null;
    updatedAt: string;
  }[];
  /** Of documents that are gone. */
  lost: LostDraftShown[];
  /** Documents that were deleted and can be brought back, the newest first. */
  gone: { id: string; path: string; goneAt: string }[];
  /** Why the files could not be looked at; null: they were. */
  problem: string | null;
  /** A form that was refused; null: none was. */
  refused: RefusedDraft | null;
}

export interface LostDraftShown {
  path: string;
  /** Names the form in which it was typed. */
  form: string;
  text: string;
  updatedAt: string;
}

/** What a form of a lost draft held, and what was wrong with it. */
export interface RefusedDraft {
  /** Path that the draft was typed for. */
  draft: string;
  /** Of the draft; undefined: the newest was meant. */
  form: string | undefined;
  /** Path that was written into the form. */
  path: string;
  message: string;
  errors: FieldError[];
}

export function DocumentDraftsPage(props: DocumentDraftsPageProps): VNode {
  const { shell, project, placed, lost, gone, problem, refused } = props;
  return (
    <Layout shell={shell} title={`Drafts, ${project.name}`} current="planning" live={null}>
      <PageHead crumb={{ href: planningHref(project.id), label: "Planning" }} title="Drafts" />
      {problem && <Notice tone="failed" title={problem} id="drafts-problem" />}
      {placed.length + lost.length === 0 && (
        <EmptyState action={{ href: planningHref(project.id), label: "Show all documents" }}>
          What you type into a document and don't save is kept here. There is nothing now.
        </EmptyState>
      )}
      {lost.map((draft) => (
        <LostDraft
          key={`${draft.path} ${draft.form}`}
          {...draft}
          projectId={project.id}
          nowMs={shell.nowMs}
          refused={isRefused(draft, refused) ? refused : null}
        />
      ))}
      {placed.length > 0 && (
        <Panel id="drafts-placed" title="In documents">
          <ul class="rows">
            {placed.map(({ path, title, form, documentId, updatedAt }) => (
              <li
                class="row"
                key={`${path} ${form}`}
                id={`draft-row-${documentId}-${idPart(form)}`}
                data-row=""
              >
                <div class="row-main">
                  <a
                    class="row-title"
                    href={draftHref(documentId!, form)}
                  >
                    {title}
                  </a>
                  <p class="row-note">
                    <span class="path">{path}</span>
                  </p>
                </div>
                <span class="row-fact">
                  Kept <Time at={updatedAt} nowMs={shell.nowMs} />
                </span>
              </li>
            ))}
          </ul>
        </Panel>
      )}
      {gone.length > 0 && (
        <Panel id="documents-gone" title="Deleted documents">
          <ul class="rows">
            {gone.map(({ id, path, goneAt }) => (
              <li class="row" key={id} id={`gone-${id}`} data-row="">
                <div class="row-main">
                  <span class="row-title path">{path}</span>
                  <p class="row-note">
                    Gone <Time at={goneAt} nowMs={shell.nowMs} />
                  </p>
                </div>
                <ActionForm
                  action={`${documentHref(id)}/bring-back`}
                  label={`Bring back ${path}`}
                >
                  Bring back
                </ActionForm>
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </Layout>
  );
}

interface LostDraftProps extends LostDraftShown {
  projectId: string;
  nowMs: number;
  refused: RefusedDraft | null;
}

const isRefused = ({ path, form }: LostDraftShown, refused: RefusedDraft | null): boolean =>
  refused?.draft === path && (refused.form ?? form) === form;

function LostDraft(props: LostDraftProps): VNode {
  const { path, form: typedIn, text, updatedAt, projectId, nowMs, refused } = props;
  const form = `draft-${idPart(path)}${typedIn && `-${idPart(typedIn)}`}`;
  const action = (verb: string) => draftsHref(projectId).replace("?", `/${verb}?`);
  return (
    <Panel id={`${form}-panel`} title={path}>
      <p>
        Kept <Time at={updatedAt} nowMs={nowMs} />. The document itself is gone from the project.
      </p>
      <details id={`${form}-text`} open={text.length < SHORT_CHARS}>
        <summary>What you typed</summary>
        <pre class="output" tabIndex={0} aria-label={`What you typed into ${path}`}>{text}</pre>
      </details>
      <form method="post" action={action("save")} id={form}>
        <ErrorSummary
          form={form}
          message={refused?.message ?? null}
          errors={refused?.errors ?? []}
        />
        <input type="hidden" name="draft" value={path} />
        <input type="hidden" name="typed_in" value={typedIn} />
        <Field
          form={form}
          name="path"
          label="Path"
          hint="Under its old path the document comes back, with its address; under another one it is new"
          value={refused?.path ?? path}
          errors={refused?.errors}
          required
        />
        <Button kind="primary">Save as a document</Button>
      </form>
      <form method="post" action={action("discard")} id={`${form}-discard`}>
        <input type="hidden" name="draft" value={path} />
        <input type="hidden" name="typed_in" value={typedIn} />
        <Button kind="quiet">Discard the draft</Button>
      </form>
    </Panel>
  );
}

/** A longer one is folded at first. */
const SHORT_CHARS = 2_000;
