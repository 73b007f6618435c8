/** Tells a person (by webhook, ntfy, mail) that a run waits for a word; the command or change stays here. */
import type { NotifyChannel, Outcome } from "../../queue/job.ts";
import type { App } from "../app.ts";
import { getApproval } from "../store/approvals.ts";
import { countApprovalLinks } from "../store/approval_links.ts";
import type { Run } from "../records.ts";
import { getAsk } from "../store/planning_asks.ts";
import { getIdea } from "../store/ideas.ts";
import { getProject } from "../store/projects.ts";
import { getRun } from "../store/runs.ts";
import { getTicket } from "../store/tickets.ts";
import { makeApprovalLink } from "./approval_links.ts";
import { channelsOf, notSet, send } from "./channels.ts";
import { isActive } from "./runs.ts";

/** A service that takes messages and says that it failed gets no more links than this. */
export const LINKS_MAX = 20;
const SUBJECT_MAX_CHARS = 120;

/** What is posted as JSON, with the `topic` of the configured address, if it has one. The names of the second half are those of ntfy. */
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
}

/** Sends one message of an approval that still waits. A link is made for each try, since only its hash is kept. */
export async function notifyOfApproval(
  app: App,
  { approvalId, by }: { approvalId: string; by: NotifyChannel },
  signal: AbortSignal,
): Promise<Outcome> {
  if (!channelsOf(app).includes(by)) return notSet(by === "mail" ? "smtp_url" : "notify_url");
  const approval = getApproval(app.db, approvalId);
  if (approval.status !== "pending" || !isActive(getRun(app.db, approval.runId))) {
    return { type: "cancel", reason: "There is nothing to decide any more" };
  }
  if (countApprovalLinks(app.db, approvalId) >= LINKS_MAX) {
    return { type: "cancel", reason: "The service failed too often" };
  }
  const click = `${app.config.publicUrl}${makeApprovalLink(app, approvalId)}`;
  const body = wordsOf(app, approvalId, click);
  const { title, message } = body;
  const text = `${message}\n\nSee what it is, and say yes or no. Whoever has this link can:`;
  return await send(app, by, { id: approvalId, title, text, click, body: { ...body } }, signal);
}

function wordsOf(app: App, approvalId: string, click: string): Notification {
  const { runId, tool, rule } = getApproval(app.db, approvalId);
  const run = getRun(app.db, runId);
  const project = getProject(app.db, run.projectId).name;
  const subject = subjectOf(app, run);
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

function subjectOf({ db }: App, { ideaId, ticketId, askId }: Run): string {
  if (askId) return `Document ${getAsk(db, askId).path}`.slice(0, SUBJECT_MAX_CHARS);
  const [kind, { number, title }] = ticketId
    ? ["Ticket", getTicket(db, ticketId)] as const
    : ["Idea", getIdea(db, ideaId!)] as const;
  return `${kind} #${number} ${title}`.slice(0, SUBJECT_MAX_CHARS);
}
