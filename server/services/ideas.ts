/** What a person does with ideas and their questions. */
import { jobKeys } from "../../queue/job.ts";
import { reprioritize } from "../../queue/queue.ts";
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Idea, ProposedSubtask, Question, Ticket } from "../records.ts";
import { DEFAULT_PRIORITY } from "../states.ts";
import {
  getIdea,
  type IdeaChanges,
  insertIdea,
  moveIdea,
  type NewIdea,
  updateIdea,
} from "../store/ideas.ts";
import { countPendingQuestions, decideQuestion, getQuestion } from "../store/questions.ts";
import { getProject } from "../store/projects.ts";
import { listIdeaRuns } from "../store/runs.ts";
import { insertSubtasks } from "../store/subtasks.ts";
import { insertTicket } from "../store/tickets.ts";
import { enqueueAdvanceTicket } from "./ticket_jobs.ts";
import { enqueueAdvanceIdea, restartRefinement } from "./refinement.ts";
import { cancelIdeaRuns, isActive } from "./runs.ts";
import { settleIdeaJobs } from "./settling.ts";

/** Takes an idea in and starts its refinement. Throws `conflict` when the project is archived. */
export function submitIdea(
  app: App,
  idea: Pick<NewIdea, "projectId" | "title"> & Partial<NewIdea>,
): Idea {
  return transact(app, (tx) => {
    const project = getProject(tx.db, idea.projectId);
    if (project.status !== "active") {
      throw new AppError(
        "conflict",
        `Cannot submit an idea to "${project.name}": the project is archived`,
      );
    }
    const created = insertIdea(tx, {
      projectId: idea.projectId,
      title: idea.title,
      description: idea.description ?? "",
      priority: idea.priority ?? DEFAULT_PRIORITY,
      tags: idea.tags ?? [],
    });
    tx.emit({
      type: "idea_submitted",
      projectId: created.projectId,
      ideaId: created.id,
      data: { title: created.title },
    });
    enqueueAdvanceIdea(tx, created);
    return created;
  });
}

/** Changes the words, priority or proposed subtasks of an idea that is still open; its waiting jobs follow. */
export function editIdea(
  app: App,
  id: string,
  changes: Omit<IdeaChanges, "plan"> & { subtasks?: ProposedSubtask[] },
): Idea {
  return transact(app, (tx) => {
    const idea = getIdea(tx.db, id);
    if (idea.status === "converted" || idea.status === "rejected") {
      throw new AppError("conflict", `Cannot edit idea #${idea.number}: it is ${idea.status}`);
    }
    const { subtasks, ...columns } = changes;
    const edited = updateIdea(tx, id, {
      ...columns,
      ...(subtasks ? { plan: { ...idea.plan, subtasks } } : {}),
    });
    const runs = listIdeaRuns(tx.db, id).filter(isActive).map((run) => jobKeys.runAgent(run.id));
    reprioritize(tx, [jobKeys.advanceIdea(id), ...runs], {
      from: idea.priority,
      to: edited.priority,
    });
    tx.emit({
      type: "idea_edited",
      projectId: idea.projectId,
      ideaId: id,
      data: { fields: Object.keys(changes) },
    });
    return edited;
  });
}

/** Turns a ready idea into a queued ticket with its subtasks, which starts when a slot is free. */
export function approveIdea(app: App, id: string, subtasks?: ProposedSubtask[]): Ticket {
  return transact(app, (tx) => {
    const idea = getIdea(tx.db, id);
    if (idea.status !== "ready") {
      throw new AppError(
        "conflict",
        `Cannot approve idea #${idea.number}: it is "${idea.status}", not "ready"`,
      );
    }
    const { plan } = idea;
    const chosen = subtasks ?? plan.subtasks;
    const ticket = insertTicket(tx, {
      projectId: idea.projectId,
      ideaId: id,
      type: plan.type ?? "feature",
      title: idea.title,
      description: idea.description || plan.summary || "",
      acceptance: plan.acceptance,
      priority: idea.priority,
    });
    insertSubtasks(
      tx,
      ticket.id,
      chosen.length > 0 ? chosen : [{
        title: idea.title,
        description: plan.summary ?? idea.description,
        complexity: plan.complexity ?? "medium",
      }],
    );
    moveIdea(tx, id, "converted", { ticketId: ticket.id });
    tx.emit({
      type: "ticket_created",
      projectId: idea.projectId,
      ticketId: ticket.id,
      data: { title: ticket.title, ideaId: id },
    });
    enqueueAdvanceTicket(tx, ticket);
    return ticket;
  });
}

/** Puts an idea aside for good, with the reason. */
export function rejectIdea(app: App, id: string, reason: string): Idea {
  requireText(reason, "reason", "Cannot reject the idea: say why");
  return transact(app, (tx) => {
    const idea = moveIdea(tx, id, "rejected", { reason });
    cancelIdeaRuns(app, tx, id);
    settleIdeaJobs(tx, id, "The idea was rejected");
    return idea;
  });
}

/** Sends a ready idea back: it is refined again, with the feedback. */
export function requestIdeaChanges(app: App, id: string, feedback: string): Idea {
  requireText(feedback, "feedback", "Cannot send the idea back: say what should change");
  return transact(app, (tx) => {
    if (getIdea(tx.db, id).status !== "ready") {
      throw new AppError("conflict", "Cannot send the idea back: only a ready idea can be");
    }
    const idea = moveIdea(tx, id, "refining", { feedback, nextRound: true });
    enqueueAdvanceIdea(tx, idea);
    return idea;
  });
}

/**
 * Refines a stuck or rejected idea again: what succeeded is kept, what failed runs anew. One that was made of a document
 * and waits for somebody's word begins.
 */
export const refineIdea = (app: App, id: string): Idea =>
  transact(app, (tx) => refineIdeaIn(app, tx, id));

/** The same for whoever is in a transaction. */
export function refineIdeaIn(app: App, tx: Tx, id: string): Idea {
  const before = getIdea(tx.db, id);
  if (before.status === "submitted") {
    enqueueAdvanceIdea(tx, before);
    return before;
  }
  if (before.status !== "stuck" && before.status !== "rejected") {
    throw new AppError(
      "conflict",
      `Cannot refine idea #${before.number} again: it is "${before.status}"; a ready one is sent back instead`,
    );
  }
  const idea = moveIdea(tx, id, "refining", { again: true });
  settleIdeaJobs(tx, id);
  restartRefinement(app, tx, idea);
  return idea;
}

/** Answers a question. Throws `invalid` without a text, `conflict` when it was decided before. */
export function answerQuestion(app: App, id: string, answer: string): Question {
  requireText(answer, "answer", "Cannot answer the question: choose an option or write an answer");
  return decide(app, id, "answered", answer.trim());
}

/** Leaves a question to the agents' judgement. */
export const skipQuestion = (app: App, id: string): Question => decide(app, id, "skipped", "");

function decide(app: App, id: string, to: "answered" | "skipped", answer: string): Question {
  return transact(app, (tx) => {
    const idea = getIdea(tx.db, getQuestion(tx.db, id).ideaId);
    if (idea.status !== "questions" && idea.status !== "refining") {
      throw new AppError(
        "conflict",
        `Cannot answer a question of idea #${idea.number}: it is "${idea.status}"`,
      );
    }
    const question = decideQuestion(tx, id, to, answer);
    tx.emit({
      type: `question_${to}`,
      projectId: idea.projectId,
      ideaId: idea.id,
      data: { questionId: id, number: question.number },
    });
    if (countPendingQuestions(tx.db, idea.id) === 0) {
      if (idea.status === "questions") moveIdea(tx, idea.id, "refining");
      enqueueAdvanceIdea(tx, idea);
    }
    return question;
  });
}

function requireText(text: string, field: string, message: string): void {
  if (text.trim() === "") throw new AppError("invalid", message, [{ field, message }]);
}
