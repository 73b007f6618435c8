/** What was tried to mend a ticket's checks: one line for each round. */
import type { Check, Run, Ticket } from "../records.ts";

export interface TriedRound {
  round: number;
  runId: string;
  /** What the developer says that it did, or why its run failed. */
  summary: string;
  /** What failed after it; null: nothing was checked then. */
  failed: Check | null;
}

/** Those since a person last had the word, oldest first. `runs` and `checks`: oldest first. */
export function triedRounds(
  { round }: Pick<Ticket, "round">,
  runs: readonly Run[],
  checks: readonly Check[],
): TriedRound[] {
  const fixes = round === 0 ? [] : runs.filter(({ purpose }) => purpose === "fix").slice(-round);
  return fixes.map((run, index) => ({
    round: round - fixes.length + index + 1,
    runId: run.id,
    summary: summaryOf(run),
    failed:
      checks.findLast((check) =>
        !check.baseline && (check.status === "failed" || check.status === "timed_out") &&
        run.finishedAt !== null && check.createdAt >= run.finishedAt &&
        check.createdAt <= (fixes[index + 1]?.createdAt ?? check.createdAt)
      ) ?? null,
  }));
}

function summaryOf({ result, error, status }: Run): string {
  const summary = (result as { summary?: unknown } | null)?.summary;
  if (typeof summary === "string" && summary.trim() !== "") return summary;
  return error || `The run ${status}`;
}
