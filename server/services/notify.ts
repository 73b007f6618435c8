/** Tells a person's own service (a webhook, ntfy) that a run waits for a word; the command or change stays here. */
import type { Outcome } from "../../queue/job.ts";
import type { App } from "../app.ts";
import { SECOND_MS } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { getApproval } from "../store/approvals.ts";
import { countApprovalLinks } from "../store/approval_links.ts";
import { getIdea } from "../store/ideas.ts";
import { getProject } from "../store/projects.ts";
import { getRun } from "../store/runs.ts";
import { getTicket } from "../store/tickets.ts";
import { makeApprovalLink } from "./approval_links.ts";
import { isActive } from "./runs.ts";

/** For the whole answer. */
const NOTIFY_TIMEOUT_MS = 10 * SECOND_MS;
/** A service that takes messages and says that it failed gets no more links than this. */
export const LINKS_MAX = 20;
const SUBJECT_MAX_CHARS = 120;

/** What is posted as JSON. The names of the second half are those of ntfy. */
export interface Notification {
  type: "approval_requested";
  approval_id: string;
  run_id: string;
  agent: string;
  tool: string;
  rule: string;
  project: string;
  subject: string;
  title: string;
  message: string;
  /** Where it is decided. Whoever has this address can. */
  click: string;
  tags: string[];
  /** For ntfy: `topic` of the configured address. */
  topic?: string;
}

/** Sends one message of an approval that still waits. A link is made for each try, since only its hash is kept. */
export async function notifyOfApproval(
  app: App,
  approvalId: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const url = app.config.notifyUrl;
  if (url === null) return { type: "cancel", reason: "No notify_url is set" };
  const approval = getApproval(app.db, approvalId);
  if (approval.status !== "pending" || !isActive(getRun(app.db, approval.runId))) {
    return { type: "cancel", reason: "There is nothing to decide any more" };
  }
  if (countApprovalLinks(app.db, approvalId) >= LINKS_MAX) {
    return { type: "cancel", reason: "The service failed too often" };
  }
  const link = `${app.config.publicUrl}${makeApprovalLink(app, approvalId)}`;
  const target = new URL(url);
  const topic = target.searchParams.get("topic");
  target.searchParams.delete("topic");
  const body = { ...wordsOf(app, approvalId, link), ...topic && { topic } };
  try {
    const response = await fetch(target, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      // A service that moved is for a person to set anew: the link goes nowhere else.
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(NOTIFY_TIMEOUT_MS)]),
    });
    await response.body?.cancel();
    if (response.ok) return { type: "done" };
    return { type: "retry", reason: `${target.host} answered ${response.status}` };
  } catch (error) {
    signal.throwIfAborted();
    // The address may hold a password, and so may what fetch says of it.
    return { type: "retry", reason: `${target.host} can't be reached: ${nameOf(error)}` };
  }
}

const nameOf = (error: unknown): string =>
  error instanceof Error ? error.name : messageOf(error).slice(0, 100);

function wordsOf(app: App, approvalId: string, click: string): Notification {
  const { runId, tool, rule } = getApproval(app.db, approvalId);
  const run = getRun(app.db, runId);
  const project = getProject(app.db, run.projectId).name;
  const subject = subjectOf(app, run.ideaId, run.ticketId);
  return {
    type: "approval_requested",
    approval_id: approvalId,
    run_id: runId,
    agent: run.agent,
    tool,
    rule,
    project,
    subject,
    title: `The ${run.agent} wants to use ${tool}`,
    message: `${project}: ${subject}`,
    click,
    tags: ["raised_hand"],
  };
}

function subjectOf({ db }: App, ideaId: string | null, ticketId: string | null): string {
  const [kind, { number, title }] = ticketId
    ? ["Ticket", getTicket(db, ticketId)] as const
    : ["Idea", getIdea(db, ideaId!)] as const;
  return `${kind} #${number} ${title}`.slice(0, SUBJECT_MAX_CHARS);
}
