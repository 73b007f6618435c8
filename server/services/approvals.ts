/** A person's yes or no that a waiting run needs. */
import type { ApprovalQuestion } from "../../agents/protocol.ts";
import { enqueue } from "../../queue/queue.ts";
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import type { Approval } from "../records.ts";
import {
  decideApproval,
  findApproval,
  insertApproval,
  listRunApprovals,
} from "../store/approvals.ts";
import { deleteApprovalLinks } from "../store/approval_links.ts";
import { appendRunEvent } from "../store/run_log.ts";
import { getRun } from "../store/runs.ts";
import { channelsOf } from "./channels.ts";
import { enqueueRun, requireActive } from "./runs.ts";

/** The approval of a tool call, asked for when it is new. Throws `conflict` when the run is over: nobody waits then. */
export function askApproval(
  app: App,
  runId: string,
  call: { id: string; name: string },
  question: ApprovalQuestion,
): Approval {
  return transact(app, (tx) => askApprovalIn(app, tx, { runId, call, question }));
}

/** The same for whoever is in a transaction. */
export function askApprovalIn(
  app: App,
  tx: Tx,
  { runId, call, question }: {
    runId: string;
    call: { id: string; name: string };
    question: ApprovalQuestion;
  },
): Approval {
  const known = findApproval(tx.db, runId, call.id);
  if (known) return known;
  const { detail, rule = "", diff = null } = question;
  const run = getRun(tx.db, runId);
  requireActive(run, "ask for an approval");
  const asked = { runId, callId: call.id, tool: call.name, detail, rule, diff };
  const approval = insertApproval(tx, asked);
  appendRunEvent(tx, run, {
    type: "approval_requested",
    callId: call.id,
    approvalId: approval.id,
    ...question,
  });
  for (const by of channelsOf(app)) {
    enqueue(tx, { kind: "notify", args: { approvalId: approval.id, by } });
  }
  return approval;
}

/**
 * Grants or denies, once; the run goes on when nothing else of it waits. The decision, its place in the log and
 * the job that goes on are one transaction, so none is lost with the process. Throws `conflict` when it was decided
 * before, or when its run is over.
 */
export function decide(app: App, id: string, granted: boolean, reason: string): Approval {
  return transact(app, (tx) => {
    const approval = decideApproval(tx, id, granted ? "granted" : "denied", reason);
    deleteApprovalLinks(tx, id);
    const run = getRun(tx.db, approval.runId);
    requireActive(run, "decide this approval");
    appendRunEvent(tx, run, {
      type: "approval_decided",
      callId: approval.callId,
      granted,
      reason,
      by: tx.actor,
    });
    const open = listRunApprovals(tx.db, run.id).some((a) => a.status === "pending");
    if (run.status === "waiting" && run.pausedBy === null && !open) enqueueRun(tx, run, 0);
    return approval;
  });
}
