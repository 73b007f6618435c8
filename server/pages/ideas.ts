import type { NewIdeaForm } from "../../views/idea_form.tsx";
import {
  type IdeaFilterName,
  ideaFilters,
  ideaFilterStatuses,
  type IdeaSort,
  ideaSorts,
  type IdeasPageProps,
} from "../../views/ideas.tsx";
import type { IdeaPageProps } from "../../views/idea.tsx";
import type { BesideItem } from "../../views/beside.tsx";
import { ideaHref, withQuery } from "../../views/links.ts";
import { readCursor, toPage } from "../api.ts";
import type { App } from "../app.ts";
import type { Idea } from "../records.ts";
import type { IdeaStatus } from "../states.ts";
import { isActive } from "../services/runs.ts";
import { originOf } from "./document_ideas.ts";
import { namedIn } from "./named_in.ts";
import { listRunApprovals } from "../store/approvals.ts";
import { lastSeq, listHistory } from "../store/events.ts";
import { countIdeas, getIdea, ideaSortKey, listIdeas } from "../store/ideas.ts";
import { getProject } from "../store/projects.ts";
import { listQuestions } from "../store/questions.ts";
import { listIdeaRuns } from "../store/runs.ts";
import { referencesOf } from "./references.ts";
import { type PageRequest, shellOf } from "./shell.ts";
import { delaysOf, isHeld } from "./delays.ts";
import { subjectsOf } from "./subjects.ts";

const ROWS_PER_PAGE = 50;
/** Changes that one page's history shows. */
export const HISTORY_MAX = 50;

export interface IdeasQuery {
  status: IdeaFilterName;
  q: string;
  sort: IdeaSort;
  cursor: string | undefined;
}

/** What is not known counts as not given: an old link still shows the list. */
export function readIdeasQuery(query: Record<string, string>): IdeasQuery {
  return {
    status: ideaFilters.find((name) => name === query.status) ?? "all",
    q: (query.q ?? "").slice(0, 200).trim(),
    sort: ideaSorts.find((name) => name === query.sort) ?? "newest",
    cursor: query.cursor || undefined,
  };
}

export function ideasPage(
  request: PageRequest,
  { status, q, sort, cursor }: IdeasQuery,
  form: NewIdeaForm | null = null,
): IdeasPageProps {
  const { app, projectId } = request;
  const after = lastSeq(app.db);
  const found = findIdeas(app, projectId, { status, q, sort, cursor });
  const { items, next } = toPage(found, ROWS_PER_PAGE, (i) => ideaSortKey(i, sort), (idea) => idea);
  const delays = delaysOf(app);
  const subjects = subjectsOf(app);
  const address = { project: projectId, status, q, sort };
  return {
    shell: shellOf(request),
    live: form ? null : { path: withQuery("/live/ideas", { ...address, cursor }), after },
    filter: { projectId, status, q, sort },
    counts: countsOf(countIdeas(app.db, projectId)),
    rows: items.map((idea) => ({
      idea,
      projectName: subjects.projectName(idea.projectId),
      openQuestions: idea.status === "questions"
        ? listQuestions(app.db, idea.id).filter((question) => question.status === "pending").length
        : 0,
      delay: delays.ofIdea(idea),
    })),
    moreHref: next && withQuery("/ideas", { ...address, cursor: next }),
    form,
  };
}

/** One more than a page has room for, if there are so many. */
const findIdeas = (app: App, projectId: string | null, query: IdeasQuery): Idea[] =>
  listIdeas(app.db, {
    ...(projectId ? { projectId } : {}),
    statuses: [...ideaFilterStatuses[query.status]],
    text: query.q || undefined,
    sort: query.sort,
    limit: ROWS_PER_PAGE + 1,
    after: readCursor(query.cursor),
  });

/** What the page shows with this query, in its order. */
export const listedIdeas = (
  app: App,
  projectId: string | null,
  query: IdeasQuery,
): BesideItem[] =>
  findIdeas(app, projectId, query).slice(0, ROWS_PER_PAGE)
    .map(({ id, number, title }) => ({ id, href: ideaHref(id), label: `#${number} ${title}` }));

function countsOf(counts: Record<IdeaStatus, number>): Record<IdeaFilterName, number> {
  const all = Object.keys(counts) as IdeaStatus[];
  const sum = (statuses: readonly IdeaStatus[]) => statuses.reduce((n, s) => n + counts[s], 0);
  return Object.fromEntries(
    ideaFilters.map((name) => [name, sum(name === "all" ? all : ideaFilterStatuses[name])]),
  ) as Record<IdeaFilterName, number>;
}

/** What was refused on an idea's page. */
export type IdeaRefusals = Partial<Pick<IdeaPageProps, "refusedDecision" | "refusedAnswer">>;

export function ideaPage(
  request: PageRequest,
  id: string,
  refusals: IdeaRefusals = {},
): IdeaPageProps {
  const { app } = request;
  const after = lastSeq(app.db);
  const idea = getIdea(app.db, id);
  const delays = delaysOf(app);
  const { refusedDecision = null, refusedAnswer = null } = refusals;
  const refused = refusedDecision !== null || refusedAnswer !== null;
  return {
    shell: shellOf(request),
    live: refused ? null : { path: `/live/idea/${id}`, after },
    idea,
    projectName: getProject(app.db, idea.projectId).name,
    questions: listQuestions(app.db, id),
    delay: delays.ofIdea(idea),
    isHeld: isHeld(app, idea),
    origin: originOf(app, id),
    namedIn: namedIn(app, idea.projectId, { idea, ticket: null }),
    runs: listIdeaRuns(app.db, id).map((run) => ({
      run,
      delay: delays.ofRun(run),
      liveText: app.agents.liveText(run.id)?.text ?? "",
    })),
    approvals: listIdeaRuns(app.db, id).filter(isActive).flatMap((run) =>
      listRunApprovals(app.db, run.id)
        .filter((approval) => approval.status === "pending")
        .map((approval) => ({ approval, run }))
    ),
    changes: listHistory(app.db, { ideaId: id }, HISTORY_MAX),
    resolve: referencesOf(app, idea.projectId),
    refusedDecision,
    refusedAnswer,
  };
}
