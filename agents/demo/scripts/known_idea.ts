/** What the demo model has to know about an idea to take it through the whole pipeline. */
import type { ResultOf } from "../../results.ts";
import type { Desk, Script } from "../script.ts";
import type { Task } from "../task.ts";

/** An idea that the demo model has worked out beforehand; what the person answers still changes it. */
export interface KnownIdea {
  /** As in the sample; a ticket or an idea with this title is taken for it. */
  title: string;
  question: { question: string; why: string; options: string[] };
  clarified: ResultOf<"clarifier">;
  /** What the estimator proposes, given the feedback, answers and earlier acceptance in the task. */
  plan(task: Task): ResultOf<"estimator">;
  priority: ResultOf<"prioritizer">;
  /** Implements the subtask at this index. Returns the summary; throws `CannotGoOn`. */
  develop(desk: Desk, subtask: number): Script<string>;
  /** Repairs what the failed check shows. Returns the summary; throws `CannotGoOn`. */
  fix(desk: Desk): Script<string>;
}
