/** A merge that meets a conflict: the ticket's developer gets it to resolve, or the ticket blocks with it shown. */
import { routeByType } from "../../agents/catalog.ts";
import type { ConflictFile, PreparedMerge } from "../../agents/git/merging.ts";
import { markConflict, marksIn, takeConflict } from "../../agents/git/resolving.ts";
import type { App } from "../app.ts";
import { transact } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Project, Ticket } from "../records.ts";
import {
  deleteConflictRounds,
  insertConflictRound,
  listConflictRounds,
  markRoundGiven,
} from "../store/conflict_rounds.ts";
import { mergeRuleOf, putTicketMergeRule } from "../store/merge_rules.ts";
import { getTicket, updateTicket } from "../store/tickets.ts";
import { guidanceFor, guidanceForTogether, TOLD_PATHS } from "./brought_words.ts";
import type { Together } from "./failed_merges.ts";
import { worktreeOf } from "./places.ts";
import { startRun } from "./runs.ts";
import { moveTicket } from "./ticket_moves.ts";
import { retryTicketIn } from "./tickets.ts";

/** Most characters of a reason; a large conflict is better read in the repository. */
const REASON_MAX_CHARS = 20_000;

interface Work {
  project: Project;
  ticket: Ticket;
  signal: AbortSignal;
}

/** Which files, with their texts: as code, since reasons are shown as markdown, which marks of a conflict and comments are too. */
export const describeConflict = (base: string, files: readonly ConflictFile[]): string =>
  [
    `The base branch "${base}" changed the same lines in: ${files.map((f) => f.path).join(", ")}`,
    ...files.flatMap(({ path, text }) =>
      text === null ? [] : ["", `\`${path}\`:`, ...fenced(text)]
    ),
  ].join("\n").slice(0, REASON_MAX_CHARS);

function fenced(text: string): string[] {
  const runs = text.slice(0, REASON_MAX_CHARS).match(/`+/g) ?? [];
  const fence = "`".repeat(runs.reduce((longest, run) => Math.max(longest, run.length), 2) + 1);
  return [fence, text.replace(/\n$/, ""), fence];
}

/** Gives the conflict to the developer, by the rule; else says why the ticket blocks. Null: it went back. */
export async function meetConflict(
  app: App,
  work: Work & { conflict: PreparedMerge & { type: "conflict" } },
): Promise<string | null> {
  const { project, ticket, conflict, signal } = work;
  const { baseTip, paths, tree } = conflict;
  const shown = describeConflict(project.baseBranch, conflict.files);
  if (mergeRuleOf(app.db, ticket).onConflict === "block") return shown;
  if (listConflictRounds(app.db, ticket.id).some((round) => round.baseTip === baseTip)) {
    return `The developer had this conflict before, and it is there still.\n${shown}`;
  }
  const commit = await markConflict({
    repo: project.path,
    headCommit: ticket.headCommit!,
    baseTip,
    tree,
    message: `Ticket #${ticket.number}, "${project.baseBranch}" brought in with conflicts marked`,
    signal,
  });
  // On record before the branch has it: a crash in between goes on from here.
  transact(app, (tx) => insertConflictRound(tx, { ticketId: ticket.id, baseTip, commit, paths }));
  return await goOnResolving(app, work) ? null : shown;
}

/** Gives the developer a conflict that is on record for it. False: there is none. May be cut off and done again. */
export async function goOnResolving(
  app: App,
  { project, ticket, signal }: Work,
): Promise<boolean> {
  const round = listConflictRounds(app.db, ticket.id).find(({ given }) => !given);
  if (!round) return false;
  const worktree = worktreeOf(app, ticket);
  await app.agents.release(worktree.path);
  const { status, step } = getTicket(app.db, ticket.id);
  if (status !== "review" || step !== "merge") return false;
  const taken = await takeConflict({
    repo: project.path,
    worktree: await Deno.realPath(worktree.path),
    branch: worktree.branch,
    commit: round.commit,
    signal,
  });
  if (!taken) {
    // Work came onto the branch since: it may meet other conflicts, or none.
    transact(app, (tx) => deleteConflictRounds(tx, ticket.id, round.baseTip));
    return false;
  }
  transact(app, (tx) => {
    const now = getTicket(tx.db, ticket.id);
    const commits = { baseCommit: round.baseTip, headCommit: round.commit };
    if (now.status !== "review" || now.step !== "merge") {
      // A person called it off meanwhile. The branch has it all the same, and the next merge gives it to the developer.
      if (now.status !== "review") updateTicket(tx, ticket.id, commits);
      return;
    }
    markRoundGiven(tx, round);
    const back = moveTicket(tx, ticket.id, "in_progress", {
      step: "develop",
      round: 0,
      // One without paths is of a merge whose checks failed.
      guidance: round.paths.length > 0
        ? guidanceFor(project.baseBranch, round)
        : guidanceForTogether(project.baseBranch, now),
      mergeCommit: null,
      // What the ticket changes is now what it changes of that state of the base.
      ...commits,
    });
    startRun(app, tx, { ticket: back, purpose: "change", agent: routeByType(back.type) });
  });
  return true;
}

/** Marks that the developer left in files that it was to resolve, in words; null: none. */
export async function markersLeft(
  app: App,
  { project, ticket, signal }: Work,
): Promise<string | null> {
  const round = listConflictRounds(app.db, ticket.id).findLast(({ given }) => given);
  if (!round || ticket.headCommit === null) return null;
  const left = await marksIn({
    repo: project.path,
    commit: ticket.headCommit,
    without: round.baseTip,
    paths: round.paths,
    signal,
  });
  if (left.length === 0) return null;
  return `Marks of the conflict with "${project.baseBranch}" are still in: ${
    left.slice(0, TOLD_PATHS).join(", ")
  }`;
}

/**
 * Lets the developer resolve the conflict that a ticket is blocked with, whatever the project's rule says and even if
 * it had it before; or mend what failed in the checks of its merge, which `together` has. Throws `conflict` when the
 * ticket is blocked with something else.
 */
export function resolveConflict(app: App, id: string, together: Together | null = null): Ticket {
  return transact(app, (tx) => {
    const { status, failure, step, number, headCommit } = getTicket(tx.db, id);
    const isFailed = failure === "merge_checks_failed" && together?.headCommit === headCommit;
    if (status !== "blocked" || failure !== "merge_conflict" && !isFailed || step !== "merge") {
      throw new AppError(
        "conflict",
        `Cannot let the developer of ticket #${number} resolve a conflict: it is blocked with none`,
      );
    }
    deleteConflictRounds(tx, id);
    if (isFailed) {
      const { baseTip, commit } = together!;
      insertConflictRound(tx, { ticketId: id, baseTip, commit, paths: [] });
    } else putTicketMergeRule(tx, id, { onConflict: "resolve" });
    return retryTicketIn(tx, id, "merge");
  });
}
