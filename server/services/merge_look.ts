/** What would happen if a reviewed ticket were merged now: for whoever is about to approve it. Nothing is changed. */
import { wouldCombine } from "../../agents/git/merge_look.ts";
import type { App } from "../app.ts";
import type { MergeLook, Ticket } from "../records.ts";
import { getMergeRule } from "../store/merge_rules.ts";
import { getProject } from "../store/projects.ts";
import { signsItself } from "./merge_rules.ts";
import { baseTip } from "./places.ts";

/** Throws `conflict` when the base branch is gone, `GitError`. Null: the ticket has no work yet. */
export async function lookAtMerge(
  app: App,
  { projectId, headCommit: head }: Ticket,
  signal: AbortSignal,
): Promise<MergeLook | null> {
  if (head === null) return null;
  const project = getProject(app.db, projectId);
  const base = await baseTip(project, signal);
  const [combining, signs] = await Promise.all([
    wouldCombine({ repo: project.path, head, base, signal }),
    signsItself(project, signal),
  ]);
  return {
    ...combining,
    baseBranch: project.baseBranch,
    checks: project.commands,
    unsigned: signs && getMergeRule(app.db, projectId).sign === null,
  };
}
