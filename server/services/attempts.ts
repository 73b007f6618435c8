/** A ticket whose merge was undone may be tried again: what belongs to its present attempt. */
import type { Db, Tx } from "../db.ts";
import type { Run, Ticket } from "../records.ts";
import { deleteConflictRounds } from "../store/conflict_rounds.ts";
import { listTicketRuns } from "../store/runs.ts";
import { listSubtasks, moveSubtask } from "../store/subtasks.ts";
import type { TicketChanges } from "../store/tickets.ts";
import { listDoneUndos } from "../store/undos.ts";

/** The runs of the present attempt, oldest first; of one that was undone until the ticket is queued again. */
export function listAttemptRuns(db: Db, { id, mergeCommit }: Ticket): Run[] {
  const earlier = listDoneUndos(db, id).find((undo) => undo.mergeCommit !== mergeCommit);
  const since = earlier?.endedAt ?? "";
  return listTicketRuns(db, id).filter(({ createdAt }) => createdAt >= since);
}

/** The runs behind a merge of the ticket, also behind one that was undone before it was tried again. */
export function listRunsOfMerge(db: Db, ticket: Ticket, commit: string): Run[] {
  const undos = listDoneUndos(db, ticket.id);
  const at = undos.findIndex(({ mergeCommit }) => mergeCommit === commit);
  if (at < 0) return ticket.mergeCommit === commit ? listAttemptRuns(db, ticket) : [];
  const since = undos[at + 1]?.endedAt ?? "";
  const until = undos[at]!.endedAt!;
  return listTicketRuns(db, ticket.id)
    .filter(({ createdAt }) => createdAt >= since && createdAt <= until);
}

/**
 * What has to change of a cancelled ticket so that it begins anew, on the base branch as it is then; null: its merge
 * was not undone, and it goes on from its branch. Its done subtasks are to be done again.
 */
export function beginAnew(tx: Tx, ticket: Ticket): TicketChanges | null {
  const [undo] = listDoneUndos(tx.db, ticket.id);
  if (!undo || undo.mergeCommit !== ticket.mergeCommit) return null;
  deleteConflictRounds(tx, ticket.id);
  for (const { id, status } of listSubtasks(tx.db, ticket.id)) {
    if (status === "done") moveSubtask(tx, id, "pending");
  }
  return {
    step: "prepare",
    round: 0,
    branch: null,
    baseCommit: null,
    headCommit: null,
    mergeCommit: null,
    mergeMessage: "",
    reviewSummary: "",
    reviewVerdicts: [],
    guidance: [
      `An earlier attempt was merged as ${undo.mergeCommit} and undone by ${undo.commit}.`,
      undo.why,
    ].filter(Boolean).join("\n"),
  };
}
