/** What agents were asked about documents that are gone: where it is found, and what a person can do with it. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import { EmptyState, Notice, Panel } from "./components.tsx";
import { type AskRow, AskRows } from "./document_asks.tsx";
import { ActionForm, Button, ErrorSummary, Field } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { askHref, idPart, lostAsksHref, planningHref } from "./links.ts";
import type { Shell } from "./shell.ts";

export interface LostAsksPageProps {
  shell: Shell;
  project: { id: string; name: string };
  /** By the path that the document had. */
  groups: { path: string; rows: AskRow[] }[];
  /** There are more, which are older. */
  more: boolean;
}

export function LostAsksPage({ shell, project, groups, more }: LostAsksPageProps): VNode {
  return (
    <Layout shell={shell} title={`Asked, ${project.name}`} current="planning" live={null}>
      <PageHead
        crumb={{ href: planningHref(project.id), label: "Planning" }}
        title="Asked about documents that are gone"
      />
      {groups.length === 0 && (
        <EmptyState action={{ href: planningHref(project.id), label: "Show all documents" }}>
          What agents were asked about a document that was renamed or deleted is found here. There
          is nothing now.
        </EmptyState>
      )}
      {groups.map(({ path, rows }) => (
        <Panel id={`lost-${idPart(path)}`} title={`planning/${path}`} key={path}>
          <AskRows rows={rows} nowMs={shell.nowMs} />
        </Panel>
      ))}
      {more && <p class="muted">Only the newest {groups.flatMap(({ rows }) => rows).length}.</p>}
    </Layout>
  );
}

/** What the form holds, and what was wrong with it. */
export interface AdoptForm {
  path: string;
  message: string | null;
  errors: FieldError[];
}

const FORM = "ask-adopt";

/** `#ask-gone`: an ask's document is not there. `open`: something of it waits for a person. */
export function GoneNotice(
  { ask, form, open }: {
    ask: { id: string; projectId: string; path: string };
    form: AdoptForm;
    open: boolean;
  },
): VNode {
  const { path, message, errors } = form;
  return (
    <Notice tone="waiting" title={`planning/${ask.path} is not there any more`} id="ask-gone">
      <p>
        What was asked is kept. Where the document has another name by now, say which, and all that
        was asked about it goes there.{" "}
        <a href={lostAsksHref(ask.projectId)}>What else was asked about documents that are gone</a>
      </p>
      <form method="post" action={`${askHref(ask.id)}/document`} id={FORM}>
        <ErrorSummary form={FORM} message={message} errors={errors} />
        <Field
          form={FORM}
          name="path"
          label="It is this document now"
          hint={path === "" || message !== null
            ? "Its path in planning/"
            : "It looks like this one"}
          value={path}
          errors={errors}
          placeholder="specs/saving.md"
          maxLength={300}
          required
          mono
        />
        <Button kind="primary">Move what was asked</Button>
      </form>
      {open && (
        <>
          <p>Or skip its open questions and reject what is open of its change:</p>
          <ActionForm action={`${askHref(ask.id)}/rest`}>Let it rest</ActionForm>
        </>
      )}
    </Notice>
  );
}
