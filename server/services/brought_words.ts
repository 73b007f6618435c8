/** What a developer is told when the base branch was brought into the ticket's branch. */
import type { Ticket } from "../records.ts";
import type { ConflictRound } from "../store/conflict_rounds.ts";

/** Most paths that the developer is told; the files themselves say the rest. */
export const TOLD_PATHS = 100;

/** Of the conflicts that it has to resolve. */
export function guidanceFor(base: string, { paths }: ConflictRound): string {
  const more = paths.length - TOLD_PATHS;
  return [
    `The base branch "${base}" has changed the same lines as this ticket. It was merged into your branch, and these ` +
    "files hold the conflicts:",
    ...paths.slice(0, TOLD_PATHS).map((path) => `- ${path}`),
    ...(more > 0 ? [`- and ${more} more`] : []),
    "Resolve each so that both purposes are kept, the base branch's and the ticket's. Between <<<<<<< and ||||||| " +
    "stands what the base branch has, between ======= and >>>>>>> what the ticket has, between them what was there " +
    "before. Leave none of these marks. A file without marks was deleted on one side, or is not text: decide which " +
    "side holds. Then run the checks.",
  ].join("\n");
}

/** Where no lines conflict and the checks fail, whose failures stand beside it. */
export const guidanceForTogether = (baseBranch: string, { title }: Ticket): string =>
  `The base branch "${baseBranch}" has moved on, and with it the checks of this ticket fail: each passes alone. It was ` +
  "merged into your branch; no lines conflict, but what the two do does. Mend it so that both purposes are kept, the " +
  `base branch's and the ticket's ("${title}"). Then run the checks.`;
