/** What waits for a person, oldest first. */
import type { Need } from "../../views/needs.tsx";
import type { App } from "../app.ts";
import type { PlanningQuestion, Run } from "../records.ts";
import { countPendingApprovals, listPendingApprovals } from "../store/approvals.ts";
import { countConfigNews, listConfigNews } from "../store/config_news.ts";
import { countIdeas, getIdea, listIdeas } from "../store/ideas.ts";
import { findDocument } from "../store/documents.ts";
import { getAsk } from "../store/planning_asks.ts";
import { countPlanningNeeds, listPlanningNeeds } from "../store/planning_needs.ts";
import { listAskQuestions } from "../store/planning_questions.ts";
import { getProject } from "../store/projects.ts";
import { countOpenQuestions, listPendingQuestions } from "../store/questions.ts";
import { isWithForge } from "../store/pull_requests.ts";
import { countFindings } from "../store/reviews.ts";
import { getRun } from "../store/runs.ts";
import { countTicketsInNeed, listTickets } from "../store/tickets.ts";

/** Most rows of each kind; the pages behind them show the rest. */
const EACH_MAX = 25;

/** How much waits for a person, for the navigation: the others are in `needs`, which has changed configurations, too. */
export function countNeeds(
  { db }: Pick<App, "db">,
  projectId: string | null,
): { needs: number; ideas: number; development: number; planning: number } {
  const { ready, stuck } = countIdeas(db, projectId);
  const ideas = countOpenQuestions(db, projectId) + ready + stuck;
  const development = countPendingApprovals(db, projectId) + countTicketsInNeed(db, projectId);
  const planning = countPlanningNeeds(db, projectId);
  const needs = ideas + development + planning + countConfigNews(db, projectId);
  return { needs, ideas, development, planning };
}

export function listNeeds(app: App, projectId: string | null): Need[] {
  const { db } = app;
  const project = projectId === null ? {} : { projectId };
  const needs: Need[] = [];
  for (const question of listPendingQuestions(db, projectId, EACH_MAX)) {
    const idea = getIdea(db, question.ideaId);
    needs.push({
      id: question.id,
      since: question.createdAt,
      projectName: getProject(db, idea.projectId).name,
      kind: "question",
      question,
      idea,
    });
  }
  for (const approval of listPendingApprovals(db, projectId, EACH_MAX)) {
    const run: Run = getRun(db, approval.runId);
    needs.push({
      id: approval.id,
      since: approval.createdAt,
      projectName: getProject(db, run.projectId).name,
      kind: "approval",
      approval,
      run,
    });
  }
  for (const { askId, kind, count, since } of listPlanningNeeds(db, projectId, EACH_MAX)) {
    const ask = getAsk(db, askId);
    needs.push({
      id: `${kind}-${askId}`,
      since,
      projectName: getProject(db, ask.projectId).name,
      kind: "document",
      ask,
      waits: kind,
      count,
      question: kind === "questions" ? firstPending(db, askId) : null,
      title: findDocument(db, ask.projectId, ask.path)?.title ?? ask.path,
    });
  }
  for (const news of listConfigNews(db, projectId, EACH_MAX)) {
    needs.push({
      id: `config-${news.projectId}`,
      since: news.noticedAt,
      projectName: news.name,
      kind: "config",
      projectId: news.projectId,
      isGone: news.isGone,
    });
  }
  const ideas = listIdeas(db, {
    ...project,
    statuses: ["ready", "stuck"],
    sort: "oldest",
    limit: EACH_MAX,
  });
  for (const idea of ideas) {
    const kind = idea.status === "ready" ? "ready" : "stuck";
    const projectName = getProject(db, idea.projectId).name;
    needs.push({ id: idea.id, since: idea.updatedAt, projectName, kind, idea });
  }
  const tickets = listTickets(db, {
    ...project,
    statuses: ["review", "blocked"],
    limit: EACH_MAX,
  });
  for (const ticket of tickets) {
    // In the merge queue nobody needs to do anything, unless the merge waits for the person's own edits.
    if (ticket.status === "review" && ticket.step === "merge" && !ticket.mergeWait) continue;
    if (isWithForge(db, ticket.id)) continue;
    const projectName = getProject(db, ticket.projectId).name;
    const common = { id: ticket.id, since: ticket.updatedAt, projectName, ticket };
    needs.push(
      ticket.status === "review"
        ? { ...common, kind: "review", findings: countFindings(db, ticket.id) }
        : { ...common, kind: "blocked" },
    );
  }
  return needs.toSorted((a, b) => a.since < b.since ? -1 : a.since > b.since ? 1 : 0);
}

const firstPending = (db: App["db"], askId: string): PlanningQuestion | null =>
  listAskQuestions(db, askId).find(({ status }) => status === "pending") ?? null;
