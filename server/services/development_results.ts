/** What becomes of a ticket when one of its runs ends: what the agent handed in is taken over, a failure blocks it. */
import { EXPLAINED_FORMAT } from "../../agents/reports/explained.ts";
import type { ResultOf } from "../../agents/results.ts";
import type { App } from "../app.ts";
import type { Tx } from "../db.ts";
import type { Check, CheckReport, Run, Ticket } from "../records.ts";
import type { FailureReason } from "../states.ts";
import { listChecks, setCheckReport } from "../store/checks.ts";
import { replaceFindings } from "../store/reviews.ts";
import { moveSubtask } from "../store/subtasks.ts";
import { getTicket } from "../store/tickets.ts";
import { moveTicket } from "./ticket_moves.ts";
import { block, goTo, sendBack } from "./development.ts";

/** Takes over what an agent of the ticket handed in, in the transaction that ends its run. */
export function applyDevelopmentResult(app: App, tx: Tx, run: Run, result: unknown): void {
  const ticket = getTicket(tx.db, run.ticketId!);
  if (ticket.status !== "in_progress") return;
  switch (run.purpose) {
    case "develop":
    case "fix":
    case "change":
      return applyDeveloperResult(tx, ticket, run, result as ResultOf<"developer">);
    case "review":
      return applyReview(tx, ticket, run, result as ResultOf<"reviewer">);
    case "explain":
      return applyExplanation(app, tx, ticket, result as ResultOf<"failures">);
    default:
      throw new Error(`A run with the purpose "${run.purpose}" does not belong to a ticket`);
  }
}

function applyDeveloperResult(
  tx: Tx,
  ticket: Ticket,
  run: Run,
  { status, summary }: ResultOf<"developer">,
): void {
  if (status === "blocked") {
    if (run.subtaskId) moveSubtask(tx, run.subtaskId, "blocked", summary);
    return block(tx, ticket, run.demo ? "demo_limit" : "agent_blocked", summary);
  }
  if (run.subtaskId) moveSubtask(tx, run.subtaskId, "done", summary);
  const guidance = run.purpose === "change" ? { guidance: "" } : {};
  goTo(tx, ticket, run.purpose === "develop" ? "develop" : "build", guidance);
}

function applyReview(tx: Tx, ticket: Ticket, run: Run, result: ResultOf<"reviewer">): void {
  replaceFindings(
    tx,
    ticket.id,
    result.findings.map(({ severity, path, line, message, suggestion }) => ({
      runId: run.id,
      severity,
      path: path ?? null,
      line: line ?? null,
      message,
      suggestion: suggestion ?? "",
    })),
  );
  moveTicket(tx, ticket.id, "review", {
    step: null,
    round: 0,
    reviewSummary: result.summary,
    reviewVerdicts: result.criteria,
  });
}

function applyExplanation(
  app: App,
  tx: Tx,
  ticket: Ticket,
  { failures }: ResultOf<"failures">,
): void {
  const failed = newestFailure(listChecks(tx.db, ticket.id), ticket);
  if (!failed) return goTo(tx, ticket, "build");
  const report: CheckReport = {
    format: EXPLAINED_FORMAT,
    passed: 0,
    failed: failures.length,
    skipped: 0,
    failures: failures.map(({ cause, message, ...place }) => ({
      ...place,
      message: cause ? `${message}\nCause: ${cause}` : message,
    })),
  };
  setCheckReport(tx, failed.id, report);
  sendBack(app, tx, ticket, { ...failed, report });
}

/** The check that stopped the ticket at its present commit. */
export function newestFailure(checks: Check[], ticket: Ticket): Check | undefined {
  return checks.findLast((c) =>
    !c.baseline && c.commit === ticket.headCommit && !c.knownFailures &&
    (c.status === "failed" || c.status === "timed_out")
  );
}

/** A run of the ticket failed for good: the ticket blocks with the run's reason. */
export function failDevelopment(
  app: App,
  tx: Tx,
  run: Run,
  failure: FailureReason,
  message: string,
): void {
  const ticket = getTicket(tx.db, run.ticketId!);
  if (ticket.status !== "in_progress") return;
  // The explanation is a help, not a need: without it the developer gets the plain output.
  if (run.purpose === "explain") {
    const failed = newestFailure(listChecks(tx.db, ticket.id), ticket);
    if (failed) return sendBack(app, tx, ticket, failed);
  }
  block(tx, ticket, failure, `The ${run.agent} failed: ${message}`);
}
