/** The ideas inbox: add one in a line, see what each waits for, narrow the list. */
import type { VNode } from "preact";
import type { Idea } from "../server/records.ts";
import { capital, EmptyState, Money, Priority, StatusBadge, Tag, Time } from "./components.tsx";
import { count, firstLine, plural } from "./format.ts";
import { Button, buttonClass } from "./forms.tsx";
import { NewIdea, type NewIdeaForm } from "./idea_form.tsx";
import { framePartials, Layout, PageHead } from "./layout.tsx";
import { ideaHref, withQuery } from "./links.ts";
import { type Live, replace } from "./live.tsx";
import type { Shell } from "./shell.ts";
import { DelayNote } from "./delay.tsx";
import { Inline } from "./inline.tsx";
import { type Delay, ideaWords } from "./words.ts";

/** Values of `?status=`, and the ideas behind them: see `ideaFilterStatuses`. */
export const ideaFilters = ["all", "needs_me", "refining", "ready", "closed"] as const;
export type IdeaFilterName = typeof ideaFilters[number];

const filterWords: Record<IdeaFilterName, string> = {
  all: "All",
  needs_me: "Needs me",
  refining: "Refining",
  ready: "Ready",
  closed: "Closed",
};

/** The states each filter shows; empty means all of them. */
export const ideaFilterStatuses: Record<IdeaFilterName, readonly Idea["status"][]> = {
  all: [],
  needs_me: ["questions", "ready", "stuck"],
  refining: ["submitted", "refining"],
  ready: ["ready"],
  closed: ["converted", "rejected"],
};

/** Values of `?sort=`. */
export const ideaSorts = ["newest", "oldest", "priority"] as const;
export type IdeaSort = typeof ideaSorts[number];

export interface IdeaRowData {
  idea: Idea;
  projectName: string;
  openQuestions: number;
  /** Why its refinement does not go on right now. */
  delay: Delay | null;
}

export interface IdeasPageProps {
  shell: Shell;
  /** Null beside a refused form. */
  live: Live | null;
  filter: { projectId: string | null; status: IdeaFilterName; q: string; sort: IdeaSort };
  /** Ideas of the project (or all) in each filter, whatever is searched for. */
  counts: Record<IdeaFilterName, number>;
  rows: IdeaRowData[];
  /** Address of the next rows; null: these are all. */
  moreHref: string | null;
  /** A refused submission; null shows an empty form. */
  form: NewIdeaForm | null;
}

export function IdeasPage(props: IdeasPageProps): VNode {
  return (
    <Layout shell={props.shell} title="Ideas" current="ideas" live={props.live}>
      <PageHead title="Ideas" />
      <NewIdea
        projects={props.shell.projects}
        projectId={props.filter.projectId}
        ideaCount={props.counts.all}
        form={props.form}
      />
      <Filters {...props} />
      <IdeaList {...props} />
    </Layout>
  );
}

/** All that may have changed in the list, for its stream. */
export function ideasPartials(props: IdeasPageProps, status?: string): VNode {
  return (
    <>
      {framePartials({ shell: props.shell, current: "ideas", title: "Ideas", status })}
      {replace("idea-filters", <Filters {...props} />)}
      {replace("idea-list", <IdeaList {...props} />)}
    </>
  );
}

/** The list's address with some of its filters changed. */
function listHref({ projectId, status, q, sort }: IdeasPageProps["filter"]): string {
  return withQuery("/ideas", {
    project: projectId,
    status: status === "all" ? null : status,
    q,
    sort: sort === "newest" ? null : sort,
  });
}

function Filters({ filter, counts }: IdeasPageProps): VNode {
  return (
    <div class="filters" id="idea-filters">
      <nav class="tabs" aria-label="Filter ideas">
        {ideaFilters.map((name) => (
          <a
            key={name}
            href={listHref({ ...filter, status: name })}
            aria-current={name === filter.status ? "true" : undefined}
          >
            {filterWords[name]} <span class="num muted">{count(counts[name])}</span>
          </a>
        ))}
      </nav>
      <form action="/ideas" class="filter-form" role="search" aria-label="Search this list">
        {filter.projectId && <input type="hidden" name="project" value={filter.projectId} />}
        {filter.status !== "all" && <input type="hidden" name="status" value={filter.status} />}
        <label class="visually-hidden" for="idea-search">Search this list</label>
        <input
          id="idea-search"
          type="search"
          name="q"
          value={filter.q}
          placeholder="Search this list"
          autocomplete="off"
          data-key="/"
          hx-get="/ideas"
          hx-include="closest form"
          hx-trigger="input changed delay:250ms"
          hx-target="#app"
          hx-select="#app"
          hx-swap="outerMorph show:none"
          hx-replace-url="true"
          hx-sync="this:replace"
        />
        <label class="visually-hidden" for="idea-sort">Sort</label>
        <select id="idea-sort" name="sort">
          {ideaSorts.map((sort) => (
            <option key={sort} value={sort} selected={sort === filter.sort}>
              {sort === "priority" ? "By priority" : `${capital(sort)} first`}
            </option>
          ))}
        </select>
        <Button>Apply</Button>
      </form>
    </div>
  );
}

function IdeaList(props: IdeasPageProps): VNode {
  const { rows, shell, moreHref } = props;
  return (
    <section id="idea-list" aria-label="List of ideas">
      {rows.length === 0 ? <NoIdeas {...props} /> : (
        <ul class="rows panel" data-rows="">
          {rows.map((row) => (
            <IdeaRow
              key={row.idea.id}
              {...row}
              nowMs={shell.nowMs}
              showProject={shell.projects.length > 1 && props.filter.projectId === null}
            />
          ))}
        </ul>
      )}
      {moreHref && (
        <p class="more">
          Showing {count(rows.length)}. <a href={moreHref}>Show the next</a>
        </p>
      )}
    </section>
  );
}

function NoIdeas({ filter, counts }: IdeasPageProps): VNode {
  if (counts.all === 0) {
    return (
      <EmptyState>
        Ideas belong here: one sentence is enough, like “Pressing save twice loses the second save.”
      </EmptyState>
    );
  }
  return (
    <div class="empty">
      <p>
        No ideas match
        {filter.status !== "all" && (
          <a class="removable" href={listHref({ ...filter, status: "all" })}>
            {filterWords[filter.status]}
          </a>
        )}
        {filter.q !== "" && (
          <a class="removable" href={listHref({ ...filter, q: "" })}>
            “{filter.q}”
          </a>
        )}
      </p>
      <a
        class={buttonClass("plain")}
        href={listHref({ ...filter, status: "all", q: "", sort: "newest" })}
      >
        Clear
      </a>
    </div>
  );
}

/** One idea of the list; `#idea-<id>`. */
export function IdeaRow(props: IdeaRowData & { nowMs: number; showProject: boolean }): VNode {
  const { idea, nowMs } = props;
  return (
    <li class="row" id={`idea-${idea.id}`} data-row="">
      <StatusBadge shown={ideaWords[idea.status]} />
      <div class="row-main">
        <a class="row-title" href={ideaHref(idea.id)}>#{idea.number} {idea.title}</a>
        <p class="row-note">
          {props.delay
            ? <DelayNote delay={props.delay} nowMs={nowMs} />
            : <Inline text={waitsFor(props)} />}
          {props.showProject && <Tag>{props.projectName}</Tag>}
          {idea.tags.map((tag) => <Tag key={tag}>{tag}</Tag>)}
        </p>
      </div>
      <span class="row-fact">
        <Priority level={idea.priority} />
      </span>
      <span class="row-fact">
        <Money microUsd={idea.costMicroUsd} />
      </span>
      <span class="row-fact">
        <Time at={idea.updatedAt} nowMs={nowMs} />
      </span>
    </li>
  );
}

/** Longest reason in a row. */
const REASON_MAX_CHARS = 140;

function waitsFor({ idea, openQuestions }: IdeaRowData): string {
  switch (idea.status) {
    case "submitted":
      return "Waits for a free slot";
    case "refining":
      return "Agents read the code";
    case "questions":
      return `${plural(openQuestions, "question")} for you`;
    case "ready":
      return `${plural(idea.plan.subtasks.length, "subtask")} proposed; waits for your decision`;
    case "stuck":
    case "rejected":
      return firstLine(idea.reason, REASON_MAX_CHARS);
    case "converted":
      return "Became a ticket";
  }
}
