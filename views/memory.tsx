/** What agents remember: all memories, one with its notes and their history, and the form of one note. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import type { MemoryChange } from "../server/records.ts";
import { PlainDiff } from "./activity_call.tsx";
import { EmptyState, Notice, Panel, StatusBadge, Tag, Time } from "./components.tsx";
import { count, plural } from "./format.ts";
import { Button, buttonClass, ErrorSummary, Field } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { idPart, memoryHref, noteHref, runHref } from "./links.ts";
import { Prose } from "./prose.tsx";
import type { Shell } from "./shell.ts";

/** Whose memory it is. */
export interface MemoryName {
  id: string;
  agent: string;
  scope: "global" | "project" | "session";
  /** The project, idea or ticket; null: all projects. */
  of: { words: string; href: string } | null;
}

export interface MemoryPagesProps {
  shell: Shell;
  /** Only this agent's; null: all. */
  agent: string | null;
  rows: {
    name: MemoryName;
    notes: number;
    bytes: number;
    changedAt: string | null;
    refusal: string | null;
  }[];
}

export function MemoriesPage({ shell, agent, rows }: MemoryPagesProps): VNode {
  return (
    <Layout shell={shell} title="Memory" current="agents" live={null}>
      <PageHead title={agent ? `Memory of the ${agent}` : "Memory"} />
      <p class="muted intro">
        What agents have noted for their later runs. An agent's definition says whether it has a
        memory and how far it reaches: one idea or ticket, one project, or all.
        {agent && (
          <>
            {" "}
            <a href="/memory">Show all agents</a>
          </>
        )}
      </p>
      {rows.length === 0
        ? <EmptyState>Nothing has been noted yet. What agents learn is listed here.</EmptyState>
        : (
          <ul class="rows panel" id="memories" data-rows="">
            {rows.map(({ name, notes, bytes, changedAt, refusal }) => (
              <li class="row" id={`memory-${idPart(name.id)}`} key={name.id} data-row="">
                <div class="row-main">
                  <a class="row-title" href={memoryHref(name.id)}>{name.agent}</a>
                  <p class="row-note">
                    <Tag>{scopeWords[name.scope]}</Tag>
                    {name.of && <a href={name.of.href}>{name.of.words}</a>}
                    {refusal && (
                      <>
                        <StatusBadge shown={{ word: "Closed", tone: "failed" }} /> {refusal}
                      </>
                    )}
                  </p>
                </div>
                <span class="row-fact num">{plural(notes, "note")}</span>
                <span class="row-fact num">{plural(bytes, "byte")}</span>
                <span class="row-fact">
                  {changedAt && <Time at={changedAt} nowMs={shell.nowMs} />}
                </span>
              </li>
            ))}
          </ul>
        )}
    </Layout>
  );
}

const scopeWords: Record<MemoryName["scope"], string> = {
  global: "all projects",
  project: "project",
  session: "idea or ticket",
};

/** "Memory of the reviewer". */
const titleOf = ({ agent }: MemoryName): string => `Memory of the ${agent}`;

export interface MemoryPageProps {
  shell: Shell;
  name: MemoryName;
  notes: { path: string; text: string }[];
  bytes: number;
  limits: { notes: number; noteBytes: number; totalBytes: number };
  /** Newest first. */
  changes: MemoryChange[];
}

export function MemoryPage(props: MemoryPageProps): VNode {
  const { shell, name, notes, bytes, limits, changes } = props;
  return (
    <Layout shell={shell} title={titleOf(name)} current="agents" live={null}>
      <PageHead
        crumb={{ href: "/memory", label: "Memory" }}
        title={titleOf(name)}
        aside={
          <>
            <Tag>{scopeWords[name.scope]}</Tag>
            <a class={buttonClass("plain")} href={noteHref(name.id)}>Add a note</a>
          </>
        }
      />
      <p class="muted intro">
        {name.of ? <a href={name.of.href}>{name.of.words}</a> : "In all projects"}
        {` · ${count(notes.length)} of ${count(limits.notes)} notes, ${count(bytes)} of ${
          count(limits.totalBytes)
        } bytes. The agent gets them when a run begins.`}
      </p>
      {notes.length === 0 && <EmptyState>Nothing is noted here.</EmptyState>}
      {notes.map(({ path, text }) => (
        <Panel
          key={path}
          id={`note-${idPart(path)}`}
          title={path}
          aside={
            <a
              class={buttonClass("plain")}
              href={noteHref(name.id, path)}
              aria-label={`Edit ${path}`}
            >
              Edit
            </a>
          }
        >
          <Prose text={text} />
        </Panel>
      ))}
      <Panel id="memory-history" title="History">
        {changes.length === 0
          ? <p class="muted">No change was recorded.</p>
          : <MemoryChanges changes={changes} nowMs={shell.nowMs} linked />}
      </Panel>
    </Layout>
  );
}

interface MemoryChangesProps {
  changes: MemoryChange[];
  nowMs: number;
  /** Whether each names its run; on the run's own page they are open instead. */
  linked?: boolean;
}

/** Each change with its diff. */
export function MemoryChanges({ changes, nowMs, linked = false }: MemoryChangesProps): VNode {
  return (
    <ul class="calls">
      {changes.map((change) => (
        <li key={change.id}>
          <details class="call" id={`change-${change.id}`} open={!linked}>
            <summary>
              <code class="call-object">{change.path}</code>{" "}
              <span class="call-outcome">
                by {change.by}, <Time at={change.at} nowMs={nowMs} />
              </span>
            </summary>
            <div class="call-body">
              {change.diff === ""
                ? <p class="muted">The change is too large to show.</p>
                : <PlainDiff diff={change.diff} whole />}
              {linked && change.runId && (
                <p class="muted small">
                  <a href={runHref(change.runId)}>The run that noted it</a>
                </p>
              )}
            </div>
          </details>
        </li>
      ))}
    </ul>
  );
}

/** On a run's page: what its agent has noted for later runs. */
export function LearnedPanel(
  { changes, nowMs }: { changes: MemoryChange[]; nowMs: number },
): VNode {
  const [first] = changes;
  return (
    <div id="run-learned">
      {first && (
        <Panel
          id="learned"
          title="What it learned"
          aside={<a href={memoryHref(first.memory)}>Its memory</a>}
        >
          <MemoryChanges changes={changes} nowMs={nowMs} />
        </Panel>
      )}
    </div>
  );
}

/** What the form of a note holds, and what was wrong with it. */
export interface NoteForm {
  path: string;
  text: string;
  /** Version of the note that is changed. */
  seen: string;
  message: string | null;
  errors: FieldError[];
}

export interface NotePageProps {
  shell: Shell;
  name: MemoryName;
  isNew: boolean;
  limits: { noteBytes: number };
  form: NoteForm;
  /** What the note says now, where that is not what was typed; null otherwise. */
  present: string | null;
}

const FORM = "note";

export function NotePage({ shell, name, isNew, limits, form, present }: NotePageProps): VNode {
  const title = isNew ? "Add a note" : `Edit ${form.path}`;
  return (
    <Layout shell={shell} title={title} current="agents" live={null}>
      <PageHead crumb={{ href: memoryHref(name.id), label: titleOf(name) }} title={title} />
      <Panel id="note-panel" title="Note">
        <form method="post" action={`${memoryHref(name.id)}/edit`} id={FORM}>
          <ErrorSummary form={FORM} message={form.message} errors={form.errors} />
          <input type="hidden" name="seen" value={form.seen} />
          <input type="hidden" name="was" value={isNew ? "" : form.path} />
          {isNew
            ? (
              <Field
                form={FORM}
                name="path"
                label="Name"
                hint="A markdown file, such as checks.md"
                value={form.path}
                errors={form.errors}
                maxLength={120}
                required
                mono
              />
            )
            : <input type="hidden" name="path" value={form.path} />}
          <Field
            form={FORM}
            name="text"
            kind="area"
            rows={16}
            label="Text"
            hint={`Markdown, at most ${count(limits.noteBytes)} bytes. Agents take it for true.`}
            value={form.text}
            errors={form.errors}
            required
            mono
          />
          <div class="actions">
            <Button kind="primary">Save</Button>
            {!isNew && (
              <Button kind="danger" name="remove" value="1" formNoValidate>Delete the note</Button>
            )}
            <a class={buttonClass("quiet")} href={memoryHref(name.id)}>Leave it as it is</a>
          </div>
        </form>
      </Panel>
      {present !== null && (
        <Notice tone="waiting" title="What the note says now" id="note-present">
          <pre class="output" tabIndex={0} aria-label="The note as it is now">{present}</pre>
          <p>Saving again puts your text in its place.</p>
        </Notice>
      )}
    </Layout>
  );
}
