/** What becomes of a ticket when one of its runs ends: what the agent handed in is taken over, a failure blocks it. */
import { absolutePath, relativePath } from "../../agents/paths.ts";
import { EXPLAINED_FORMAT } from "../../agents/reports/explained.ts";
import { routeByType } from "../../agents/catalog.ts";
import type { ResultOf } from "../../agents/results.ts";
import type { App } from "../app.ts";
import type { Tx } from "../db.ts";
import type { Check, CheckReport, Run, Ticket } from "../records.ts";
import type { FailureReason } from "../states.ts";
import { listChecks, setCheckReport } from "../store/checks.ts";
import { getCheckRules } from "../store/check_rules.ts";
import { getProject } from "../store/projects.ts";
import { areReturned, insertReturned } from "../store/returned_findings.ts";
import { replaceFindings } from "../store/reviews.ts";
import { moveSubtask } from "../store/subtasks.ts";
import { getTicket, updateTicket } from "../store/tickets.ts";
import { isReviewable, whyNotReviewable } from "./evidence.ts";
import { tellOfDeployment } from "./deploying.ts";
import { startRun } from "./runs.ts";
import { block, goTo, sendBack, toReview } from "./development.ts";

/** Takes over what an agent of the ticket handed in, in the transaction that ends its run. */
export function applyDevelopmentResult(app: App, tx: Tx, run: Run, result: unknown): void {
  if (run.purpose === "deploy") return tellOfDeployment(tx, run, result as ResultOf<"deployer">);
  const ticket = getTicket(tx.db, run.ticketId!);
  if (ticket.status !== "in_progress") return;
  switch (run.purpose) {
    case "develop":
    case "fix":
    case "change":
      return applyDeveloperResult(tx, ticket, run, result as ResultOf<"developer">);
    case "review":
      return applyReview(app, tx, ticket, run, result as ResultOf<"reviewer">);
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

function applyReview(
  app: App,
  tx: Tx,
  ticket: Ticket,
  run: Run,
  result: ResultOf<"reviewer">,
): void {
  replaceFindings(
    tx,
    ticket.id,
    result.findings.map(({ severity, path, line, message, suggestion }) => ({
      runId: run.id,
      severity,
      path: path === undefined ? null : pathInDiff(path),
      line: line ?? null,
      message,
      suggestion: suggestion ?? "",
    })),
  );
  const blocking = result.findings.filter(({ severity }) => severity === "blocking");
  if (mayReturn(tx, ticket) && blocking.length > 0) {
    return returnFindings(app, tx, ticket, run, blocking);
  }
  // The project's settings may have changed while it was read.
  const why = whyNotReviewable(tx.db, getProject(tx.db, ticket.projectId));
  if (why !== null) return block(tx, ticket, "checks_misconfigured", why);
  if (!isReviewable(tx.db, ticket)) return goTo(tx, ticket, "build");
  toReview(tx, ticket, result);
}

/** A path that leads somewhere in the project, as git and so the diff has it: "./src//a.ts" is "src/a.ts". */
const pathInDiff = (path: string): string | null =>
  relativePath("/", absolutePath("/", path)) || null;

/** Once, where the project says so: what a fresh reviewer finds then is a person's to judge. */
const mayReturn = (tx: Tx, { id, projectId }: Ticket): boolean =>
  getCheckRules(tx.db, projectId).findingsBack && !areReturned(tx.db, id);

/** The developer changes what the reviewer blocks; build, tests and a fresh review follow. */
function returnFindings(
  app: App,
  tx: Tx,
  ticket: Ticket,
  run: Run,
  findings: ResultOf<"reviewer">["findings"],
): void {
  insertReturned(tx, ticket.id, run.id);
  tx.emit({
    type: "findings_returned",
    projectId: ticket.projectId,
    ticketId: ticket.id,
    data: { count: findings.length, runId: run.id },
  });
  const next = updateTicket(tx, ticket.id, {
    step: "develop",
    round: 0,
    guidance: `The reviewer found what has to be changed before a person reads it:\n${
      findings.map(describeFinding).join("\n")
    }`,
  });
  startRun(app, tx, { ticket: next, purpose: "change", agent: routeByType(next.type) });
}

const describeFinding = (
  { path, line, message, suggestion }: ResultOf<"reviewer">["findings"][number],
): string =>
  `- ${path ? `${path}${line ? `:${line}` : ""}: ` : ""}${message}${
    suggestion ? `\n  Suggestion: ${suggestion.replaceAll("\n", "\n  ")}` : ""
  }`;

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
  // How a deployment ended changes nothing of its ticket.
  if (ticket.status !== "in_progress" || run.purpose === "deploy") return;
  // The explanation is a help, not a need: without it the developer gets the plain output.
  if (run.purpose === "explain") {
    const failed = newestFailure(listChecks(tx.db, ticket.id), ticket);
    if (failed) return sendBack(app, tx, ticket, failed);
  }
  block(tx, ticket, failure, `The ${run.agent} failed: ${message}`);
}
