/** What was changed since a ticket's checks last passed: where a developer looks for what broke them. */
import { diffOf } from "../../agents/git/changes.ts";
import { diffStat } from "../../agents/git/diff_stat.ts";
import type { PromptParts } from "../../agents/prompts/prompts.ts";
import type { Check, Project, Ticket } from "../records.ts";

/** Most bytes of the diff. */
const DIFF_BYTES = 40_000;

const counts = ({ status, knownFailures }: Check): boolean =>
  status === "passed" || status === "skipped" || knownFailures;

/** Newest commit of the ticket whose build and tests both passed; null: none has yet. `checks`: oldest first. */
export function lastGreen(checks: readonly Check[]): string | null {
  const own = checks.filter((check) => !check.baseline && counts(check));
  const built = new Set(own.filter(({ name }) => name === "build").map(({ commit }) => commit));
  return own.findLast(({ name, commit }) => name === "test" && built.has(commit))?.commit ?? null;
}

/** Null where nothing is. Throws `GitError`. */
export async function changedSinceGreen(
  project: Project,
  ticket: Ticket,
  checks: readonly Check[],
  signal: AbortSignal,
): Promise<PromptParts["sinceGreen"] | null> {
  const green = lastGreen(checks);
  const from = green ?? ticket.baseCommit;
  const to = ticket.headCommit;
  if (from === null || to === null || from === to) return null;
  const range = { repo: project.path, from, to, signal };
  const [stat, { text, truncated }] = await Promise.all([
    diffStat(range),
    diffOf({ ...range, maxBytes: DIFF_BYTES }),
  ]);
  return { commit: from, isBase: green === null, stat, diff: text, truncated };
}
