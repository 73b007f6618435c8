/** How an idea is refined: which agents run when, and what becomes of what they hand in. */
import { jobKeys } from "../../queue/job.ts";
import { enqueue } from "../../queue/queue.ts";
import type { AskedQuestions, ResultOf } from "../../agents/results.ts";
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import type { Idea, Run, RunPurpose } from "../records.ts";
import { type FailureReason, priorityNames } from "../states.ts";
import { getIdea, moveIdea, updateIdea } from "../store/ideas.ts";
import { countPendingQuestions, insertQuestion, listQuestions } from "../store/questions.ts";
import { listIdeaRuns } from "../store/runs.ts";
import { isActive, startRun } from "./runs.ts";

/** The agents of a refinement in order; those of one stage run side by side. */
const stages: { purpose: RunPurpose; agent: string }[][] = [
  [{ purpose: "clarify", agent: "clarifier" }, { purpose: "research", agent: "researcher" }],
  [{ purpose: "estimate", agent: "estimator" }],
  [{ purpose: "prioritize", agent: "prioritizer" }],
];

/** Asks the queue to look what the idea needs next. Asking twice costs nothing. */
export function enqueueAdvanceIdea(tx: Tx, idea: Idea): void {
  enqueue(tx, {
    kind: "advance_idea",
    args: { ideaId: idea.id },
    priority: idea.priority,
    uniqueKey: jobKeys.advanceIdea(idea.id),
    concurrencyKey: jobKeys.advanceIdea(idea.id),
    projectId: idea.projectId,
  });
}

/** Starts what comes next, or ends the refinement. Returns false when the idea is not being refined. */
export function advanceIdea(app: App, ideaId: string): boolean {
  return transact(app, (tx) => {
    let idea = getIdea(tx.db, ideaId);
    if (idea.status === "submitted") idea = moveIdea(tx, ideaId, "refining");
    if (idea.status !== "refining") return false;
    for (const stage of stages) {
      const runs = newestRuns(tx, idea);
      const missing = stage.filter(({ purpose }) => !runs.has(purpose));
      for (const { purpose, agent } of missing) startRun(app, tx, { idea, purpose, agent });
      if (missing.length > 0) return true;
      const ofStage = stage.map(({ purpose }) => runs.get(purpose)!);
      // A failed run has already made the idea stuck; whoever asks again starts it anew (`refineIdea`).
      if (ofStage.some((run) => run.status !== "succeeded")) return true;
      if (countPendingQuestions(tx.db, ideaId) > 0) {
        moveIdea(tx, ideaId, "questions");
        return true;
      }
    }
    moveIdea(tx, ideaId, "ready");
    return true;
  });
}

/** Starts again what failed or was cancelled in the idea's present round. */
export function restartRefinement(app: App, tx: Tx, idea: Idea): void {
  const runs = newestRuns(tx, idea);
  for (const { purpose, agent } of stages.flat()) {
    const run = runs.get(purpose);
    if (run && (run.status === "failed" || run.status === "cancelled")) {
      startRun(app, tx, { idea, purpose, agent });
    }
  }
  enqueueAdvanceIdea(tx, idea);
}

function newestRuns(tx: Tx, idea: Idea): Map<RunPurpose, Run> {
  return new Map(listIdeaRuns(tx.db, idea.id, idea.round).map((run) => [run.purpose, run]));
}

/** Records what an agent asks; the idea waits for a person until the last question is decided. */
export function recordQuestions(
  tx: Tx,
  run: Run,
  { questions }: AskedQuestions,
): void {
  const idea = getIdea(tx.db, run.ideaId!);
  // A kill between recording and answering the call makes the run's next life do it again.
  const known = listQuestions(tx.db, idea.id).filter((q) => q.round === run.round);
  for (const { question, why, options = [] } of questions) {
    if (known.some((q) => q.askedBy === run.agent && q.text === question)) continue;
    insertQuestion(tx, {
      ideaId: idea.id,
      round: run.round,
      text: question,
      why,
      options,
      askedBy: run.agent,
      runId: run.id,
    });
  }
  if (idea.status === "refining" && countPendingQuestions(tx.db, idea.id) > 0) {
    moveIdea(tx, idea.id, "questions");
  }
}

/** Takes over what an agent of the idea's present round handed in. */
export function applyRefinementResult(tx: Tx, run: Run, result: unknown): void {
  const idea = getIdea(tx.db, run.ideaId!);
  if (run.round !== idea.round) return;
  const refined = updateIdea(tx, idea.id, changesFrom(idea, run.purpose, result));
  tx.emit({
    type: "idea_refined",
    projectId: idea.projectId,
    ideaId: idea.id,
    data: { purpose: run.purpose },
  });
  enqueueAdvanceIdea(tx, refined);
}

function changesFrom(idea: Idea, purpose: RunPurpose, result: unknown) {
  const { plan } = idea;
  switch (purpose) {
    case "clarify": {
      const { summary, type, acceptance } = result as ResultOf<"clarifier">;
      return { plan: { ...plan, summary, type, acceptance } };
    }
    case "research": {
      const { summary, findings } = result as ResultOf<"researcher">;
      return {
        plan: { ...plan, findings: [{ kind: "note" as const, text: summary }, ...findings] },
      };
    }
    case "estimate": {
      const { complexity, reason, acceptance, subtasks } = result as ResultOf<"estimator">;
      return { plan: { ...plan, complexity, complexityReason: reason, acceptance, subtasks } };
    }
    case "prioritize": {
      const { priority, reason } = result as ResultOf<"prioritizer">;
      return {
        priority: priorityNames.indexOf(priority),
        plan: { ...plan, priorityReason: reason },
      };
    }
    default:
      throw new Error(`A run with the purpose "${purpose}" does not refine an idea`);
  }
}

/** One of its agents failed for good: the idea is stuck until a person has a say. */
export function failRefinement(tx: Tx, run: Run, failure: FailureReason, message: string): void {
  const idea = getIdea(tx.db, run.ideaId!);
  if (run.round !== idea.round) return;
  if (idea.status !== "refining" && idea.status !== "questions") return;
  moveIdea(tx, idea.id, "stuck", { failure, reason: `The ${run.agent} failed: ${message}` });
}

/** Nothing looks at the idea any more but its agents, if there are any: without them it is stuck. */
export function abandonRefinement(
  tx: Tx,
  ideaId: string,
  failure: FailureReason,
  message: string,
): void {
  const { status } = getIdea(tx.db, ideaId);
  if (status !== "submitted" && status !== "refining" || hasActiveRuns(tx, ideaId)) return;
  if (status === "submitted") moveIdea(tx, ideaId, "refining");
  moveIdea(tx, ideaId, "stuck", { failure, reason: `The refinement did not go on: ${message}` });
}

/** True while agents of the idea work or wait. */
export const hasActiveRuns = (tx: Tx, ideaId: string): boolean =>
  listIdeaRuns(tx.db, ideaId).some(isActive);
