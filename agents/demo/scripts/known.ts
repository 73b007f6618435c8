/** The ideas of the sample project that the demo model can implement, and how it recognises one. */
import type { Task } from "../task.ts";
import { countIdea } from "./count_idea.ts";
import type { KnownIdea } from "./known_idea.ts";
import { placeIdea } from "./place_idea.ts";

const knownIdeas: KnownIdea[] = [countIdea, placeIdea];

/** The known idea that this task is about, by the title of its ticket or idea. */
export function knownIdea({ ticket, idea }: Task): KnownIdea | null {
  const title = (ticket ?? idea)?.title.trim().toLowerCase();
  return knownIdeas.find((known) => known.title.toLowerCase() === title) ?? null;
}

/** Index of the subtask that the task names, by its title; null when the plan has been changed by hand. */
export function subtaskIndex(known: KnownIdea, task: Task): number | null {
  const title = task.subtask?.title.trim().toLowerCase();
  const index = known.plan(task).subtasks.findIndex((s) => s.title.toLowerCase() === title);
  return index < 0 ? null : index;
}
