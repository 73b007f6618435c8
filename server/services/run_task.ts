/** What an agent is told of its task: the idea or ticket, and what the agents before it have found. */
import { type PromptParts } from "../../agents/prompts/prompts.ts";
import { diffOf } from "../../agents/git/changes.ts";
import { type App } from "../app.ts";
import type { Check, Project, Run, Ticket } from "../records.ts";
import { getIdea } from "../store/ideas.ts";
import { listQuestions } from "../store/questions.ts";
import { getSubtask, listSubtasks } from "../store/subtasks.ts";
import { getTicket } from "../store/tickets.ts";
import { newestFailure } from "./development_results.ts";
import { lastFailure } from "./failed_merges.ts";
import { changedSinceGreen } from "./last_green.ts";
import { listChecks } from "../store/checks.ts";

export type TaskParts = Omit<
  PromptParts,
  | "project"
  | "commands"
  | "purpose"
  | "round"
  | "files"
  | "scripts"
  | "memory"
  | "contextFiles"
  | "documents"
>;

/** The task of a run, but for what is the same whatever it is about. */
export async function taskOf(
  app: App,
  run: Run,
  project: Project,
  signal: AbortSignal,
): Promise<TaskParts> {
  if (run.ideaId) return ideaParts(app, run);
  if (run.ticketId) return await ticketParts(app, run, project, signal);
  const { planningParts } = await import("./planning_task.ts");
  return await planningParts(app, run, project, signal);
}

function ideaParts(app: App, run: Run): TaskParts {
  const idea = getIdea(app.db, run.ideaId!);
  const isLater = run.purpose !== "clarify" && run.purpose !== "research";
  return {
    idea,
    feedback: idea.feedback,
    answers: listQuestions(app.db, idea.id),
    acceptance: isLater || idea.round > 1 ? idea.plan.acceptance : [],
    findings: isLater ? idea.plan.findings : [],
  };
}

async function ticketParts(
  app: App,
  run: Run,
  project: Project,
  signal: AbortSignal,
): Promise<TaskParts> {
  const ticket = getTicket(app.db, run.ticketId!);
  const checks = listChecks(app.db, ticket.id);
  if (run.purpose === "explain") {
    return { ticket, output: newestFailure(checks, ticket)?.tail ?? "" };
  }
  const base = toldBase(checks, ticket);
  const subtasks = listSubtasks(app.db, ticket.id);
  const shared: TaskParts = {
    ticket,
    acceptance: ticket.acceptance,
    findings: ticket.ideaId ? getIdea(app.db, ticket.ideaId).plan.findings : [],
    answers: ticket.ideaId ? listQuestions(app.db, ticket.ideaId) : [],
    doneSubtasks: subtasks.filter((s) => s.status === "done"),
    // What failed before anyone touched it is not the developer's to find out.
    checks: checks.filter((check) =>
      check.baseline && check.commit === base && check.name !== "setup" && isLast(check, checks)
    ),
  };
  switch (run.purpose) {
    case "develop": {
      const subtask = run.subtaskId
        ? { ...getSubtask(app.db, run.subtaskId), of: subtasks.length }
        : undefined;
      return { ...shared, subtask, guidance: ticket.guidance };
    }
    case "fix": {
      const failed = newestFailure(checks, ticket);
      const sinceGreen = await changedSinceGreen(project, ticket, checks, signal);
      return {
        ...shared,
        guidance: ticket.guidance,
        checkFailures: failed ? [failed] : [],
        ...sinceGreen && { sinceGreen },
      };
    }
    case "change": {
      const asked = { ...shared, requestedChanges: ticket.guidance };
      // Whoever is guided out of failing checks has not seen them: the rounds before were other runs, and a merge has
      // none. They are of another commit where the branch has moved since.
      const lasting = checks.filter((check) => isLast(check, checks));
      const failed = newestFailure(lasting, ticket) ?? lastFailure(lasting);
      if (!failed) return asked;
      const sinceGreen = await changedSinceGreen(project, ticket, checks, signal);
      return { ...asked, checkFailures: [failed], ...sinceGreen && { sinceGreen } };
    }
    case "deploy": {
      const { headCommit, mergeCommit } = ticket;
      const proves = ({ commit }: Check) => commit === headCommit || commit === mergeCommit;
      return { ...shared, checks: checks.filter((c) => !c.baseline && proves(c)) };
    }
    default: {
      if (ticket.baseCommit === null || ticket.headCommit === null) return shared;
      const { text } = await diffOf({
        repo: project.path,
        from: ticket.baseCommit,
        to: ticket.headCommit,
        signal,
      });
      const shown = (check: Check) => check.commit === (check.baseline ? base : ticket.headCommit);
      return { ...shared, diff: text, checks: checks.filter(shown) };
    }
  }
}

/** The base that is told of: the ticket's own where it was asked, else the one that was asked last. */
const toldBase = (checks: readonly Check[], { baseCommit }: Ticket): string | undefined => {
  const bases = checks.filter(({ baseline }) => baseline).map(({ commit }) => commit);
  return bases.find((commit) => commit === baseCommit) ?? bases.at(-1);
};

/** Whether it was not run once more: what failed first and passed then is no failure. */
const isLast = ({ id }: Check, checks: readonly Check[]): boolean =>
  !checks.some(({ rerunOf }) => rerunOf === id);
