/** Agents: the list of all by kind, with what each does and how it went, and the form for a new one. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import { capital, EmptyState, Hidden, Money, Panel, StatusBadge, Tag } from "./components.tsx";
import { duration, money } from "./format.ts";
import { Button, ErrorSummary, Field } from "./forms.tsx";
import { framePartials, Layout, PageHead } from "./layout.tsx";
import { agentFilesHref, agentHref } from "./links.ts";
import { type Live, replace } from "./live.tsx";
import type { Shell } from "./shell.ts";
import type { Shown } from "./words.ts";

/** One ended run, as the strip of results shows it. */
export interface ResultMark {
  runId: string;
  shown: Shown;
  demo: boolean;
}

/** How an agent did in its last runs; null where none tells. */
export interface AgentFigures {
  /** Oldest first. */
  results: ResultMark[];
  succeeded: number;
  /** Those that succeeded or failed; what a person cancelled tells nothing. */
  counted: number;
  /** Of those that a paid model answered. */
  medianMicroUsd: number | null;
  medianMs: number | null;
}

export interface AgentRow {
  id: string;
  name: string;
  /** Null: it works in every project. */
  projectName: string | null;
  active: boolean;
  /** False: it was taken from a file that nobody trusts now. */
  trusted: boolean;
  /** Null: it can't be read. */
  about: {
    description: string;
    model: string;
    effort: string | null;
    tools: string[];
    maxTurns: number;
    maxCostMicroUsd: number;
  } | null;
  figures: AgentFigures;
}

export interface NewAgentForm {
  text: string;
  project: string;
  kind: string;
  message: string | null;
  errors: FieldError[];
}

export interface AgentsPageProps {
  shell: Shell;
  /** Null beside a refused form. */
  live: Live | null;
  groups: { kind: string; title: string; rows: AgentRow[] }[];
  form: NewAgentForm;
}

export const agentKindWords: Readonly<Record<string, string>> = {
  refinement: "Refinement",
  development: "Development",
  support: "Support",
  planning: "Planning",
};

export function AgentsPage(props: AgentsPageProps): VNode {
  return (
    <Layout shell={props.shell} title="Agents" current="agents" live={props.live}>
      <PageHead title="Agents" />
      <AgentGroups {...props} />
      <RepositoryLinks shell={props.shell} />
      <AddAgent {...props} />
    </Layout>
  );
}

/** All that may have changed in the list, for its stream. */
export function agentsPartials(props: AgentsPageProps, status?: string): VNode {
  return (
    <>
      {framePartials({ shell: props.shell, current: "agents", title: "Agents", status })}
      {replace("agent-groups", <AgentGroups {...props} />)}
    </>
  );
}

function AgentGroups({ groups }: AgentsPageProps): VNode {
  return (
    <div id="agent-groups" class="panels">
      {groups.length === 0 && <EmptyState>Agents and what they may do stand here.</EmptyState>}
      {groups.map(({ kind, title, rows }) => (
        <Panel key={kind} id={`agents-${kind}`} title={title}>
          <ul class="rows" data-rows="">
            {rows.map((row) => <AgentItem key={row.id} row={row} />)}
          </ul>
        </Panel>
      ))}
    </div>
  );
}

function AgentItem({ row }: { row: AgentRow }): VNode {
  const { about, figures } = row;
  return (
    <li class="row agent-row" id={`agent-${row.id}`} data-row="">
      <div class="row-main">
        <a class="row-title" href={agentHref(row.id)}>{row.name}</a> <AgentState {...row} />
        {row.projectName !== null && <Tag>{row.projectName}</Tag>}
        <p class="agent-does">{about?.description ?? "Its definition can't be read."}</p>
        {about && (
          <p class="row-note">
            <span>{modelWords(about)}</span>
            <span>{about.tools.join(", ")}</span>
            <span>at most {about.maxTurns} turns, {money(about.maxCostMicroUsd)}</span>
          </p>
        )}
      </div>
      <div class="agent-figures">
        <ResultStrip results={figures.results} />
        <Figures figures={figures} />
      </div>
    </li>
  );
}

export const modelWords = ({ model, effort }: { model: string; effort: string | null }): string =>
  effort === null ? model : `${model}, ${effort} effort`;

/** What is out of the ordinary about it: nothing is shown for an agent that works. */
export function AgentState(
  { active, trusted }: { active: boolean; trusted: boolean },
): VNode | null {
  if (!trusted) return <StatusBadge shown={{ word: "Not trusted", tone: "waiting" }} />;
  return active ? null : <StatusBadge shown={{ word: "Disabled", tone: "idle" }} />;
}

/** The last results as one picture with its words; `linked`: each leads to its run. */
export function ResultStrip(
  { results, linked = false }: { results: ResultMark[]; linked?: boolean },
): VNode {
  if (results.length === 0) return <p class="muted small">No run yet</p>;
  if (linked) {
    return (
      <ol class="result-strip" aria-label="Results, the oldest first">
        {results.map(({ runId, shown, demo }) => (
          <li key={runId}>
            <a
              class={`mark tone-${shown.tone}`}
              href={`/runs/${runId}`}
              title={wordOf(shown, demo)}
            >
              <Hidden>{wordOf(shown, demo)}</Hidden>
            </a>
          </li>
        ))}
      </ol>
    );
  }
  return (
    <span class="result-strip" role="img" aria-label={summaryOf(results)}>
      {results.map(({ runId, shown }) => <span key={runId} class={`mark tone-${shown.tone}`} />)}
    </span>
  );
}

const wordOf = ({ word }: Shown, demo: boolean) => demo ? `${word}, demo model` : word;

function summaryOf(results: ResultMark[]): string {
  const counts = new Map<string, number>();
  for (const { shown } of results) counts.set(shown.word, (counts.get(shown.word) ?? 0) + 1);
  const words = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([word, n]) => `${n} ${word.toLowerCase()}`).join(", ");
  return `Last ${results.length}: ${words}`;
}

/** Success rate, and the medians of cost and time. */
export function Figures({ figures }: { figures: AgentFigures }): VNode | null {
  const { succeeded, counted, medianMicroUsd, medianMs, results } = figures;
  if (results.length === 0) return null;
  const demo = medianMicroUsd === null && results.some((result) => result.demo);
  return (
    <p class="figures muted small">
      {counted > 0 && <span>{Math.round(100 * succeeded / counted)} % of {counted} succeeded</span>}
      {(medianMicroUsd !== null || demo) && (
        <span>
          <Money microUsd={medianMicroUsd ?? 0} demo={demo} />
        </span>
      )}
      {medianMs !== null && <span class="num">{duration(medianMs)}</span>}
    </p>
  );
}

function RepositoryLinks({ shell }: { shell: Shell }): VNode | null {
  if (shell.projects.length === 0) return null;
  return (
    <Panel id="agent-repositories" title="Agents of the repositories">
      <p class="muted">
        What a repository brings along in <code>.claude/agents</code>{" "}
        does nothing until you have read and trusted it.
      </p>
      <ul class="plain-list">
        {shell.projects.map(({ id, name }) => (
          <li key={id}>
            <a href={agentFilesHref(id)}>{name}</a>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const EXAMPLE = `---
name: api-reviewer
description: Looks at changes of the public API.
tools: Read, Glob, Grep
---

You look at …`;

function AddAgent({ shell, form }: AgentsPageProps): VNode {
  const { message, errors } = form;
  return (
    <Panel id="add-agent" title="Add an agent">
      <form method="post" action="/agents" id="new-agent">
        <ErrorSummary form="new-agent" message={message} errors={atText(errors)} />
        <Field
          form="new-agent"
          name="text"
          label="Definition"
          kind="area"
          rows={10}
          hint="A markdown file with front matter, also one of .claude/agents. What it does not say is filled in, and you are told what."
          value={form.text}
          errors={atText(errors)}
          placeholder={EXAMPLE}
          required
          mono
        />
        <div class="field-row">
          <Field
            form="new-agent"
            name="kind"
            label="Kind, where the file does not say"
            kind="choice"
            required
            value={form.kind}
            options={Object.entries(agentKindWords).map(([value, label]) => ({ value, label }))}
          />
          <Field
            form="new-agent"
            name="project"
            label="For"
            kind="choice"
            required
            value={form.project}
            options={[
              { value: "", label: "Every project" },
              ...shell.projects.map(({ id, name }) => ({ value: id, label: name })),
            ]}
          />
        </div>
        <Button kind="primary">Add the agent</Button>
      </form>
    </Panel>
  );
}

/** What is wrong with a key is wrong in the text. */
export const atText = (errors: FieldError[]): FieldError[] =>
  errors.map(({ message }) => ({ field: "text", message: capital(message) }));
