/**
 * The job of a pull request: pushes what a person wants there, opens it, then looks at it from time to time until it
 * is merged or closed. It may be cut off anywhere and run again: what is sent is on record before, and a pull request
 * is looked for before one is opened.
 */
import type { Outcome } from "../../queue/job.ts";
import { GitError } from "../../agents/git/git_error.ts";
import { isLastingRefusal, pushBranch } from "../../agents/git/pushing.ts";
import type { App } from "../app.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../clock.ts";
import { transact, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import { machineFaultOf } from "../machine_fault.ts";
import type { ForgeSettings, PullRequest, Ticket } from "../records.ts";
import { findForge } from "../store/forges.ts";
import { getProject } from "../store/projects.ts";
import {
  findPullRequest,
  listPullRequests,
  movePullRequest,
  reopenPullRequest,
  updatePullRequest,
} from "../store/pull_requests.ts";
import { getTicket } from "../store/tickets.ts";
import { ForgeError } from "./forges/client.ts";
import { type Forge, type ForgePull, tooMany } from "./forges/forge.ts";
import { openForge, type OpenOptions } from "./forges/open.ts";
import { headOf, lookAgainMs, over, recordLook, tell, WELL } from "./pull_looks.ts";
import { isOver, mayReopen, stopAttempt } from "./pull_requests.ts";
import { approverOf, withApprover, wordsOfPull } from "./pull_text.ts";

/** Commits that may have been sent, of which the newest are remembered. */
const SENT_MAX = 100;

/** How long a closed one is looked at now and then, since it may be reopened there. */
const CLOSED_WATCHED_MS = 14 * DAY_MS;

/** What the job works with. */
interface Work {
  app: App;
  ticket: Ticket;
  pull: PullRequest;
  settings: ForgeSettings;
  forge: Forge;
  token: string;
  signal: AbortSignal;
}

export type FollowOptions = Partial<Pick<OpenOptions, "variable" | "timeoutMs">>;

/** Does what is next for a ticket's pull request, and says when to look again. */
export async function followPullRequest(
  app: App,
  ticketId: string,
  signal: AbortSignal,
  options: FollowOptions = {},
): Promise<Outcome> {
  const ticket = getTicket(app.db, ticketId);
  const pull = findPullRequest(app.db, ticketId);
  if (!pull || pull.endedAt !== null && !mayReopen(pull)) {
    return over("No pull request of it is open");
  }
  if (pull.endedAt === null && pull.stopped) return over("It waits for a person");
  // What a person wants closed is closed, also where nobody needs to follow it.
  if (pull.endedAt !== null || pull.closeAskedBy === null) {
    if (isOver(ticket)) return over(`Ticket #${ticket.number} is ${ticket.status}`);
    if (getProject(app.db, ticket.projectId).status !== "active") {
      return over("Its project is archived");
    }
  }
  const work = { app, ticket, pull, signal };
  try {
    const settings = settingsOf(app, ticket, pull);
    const opened = openForge(settings, { ...options, nowMs: app.clock.nowMs });
    return await goOn(Object.assign(work, { settings, ...opened }));
  } catch (error) {
    if (signal.aborted) throw error;
    return failed(app, work.pull, error);
  }
}

function settingsOf(app: App, ticket: Ticket, pull: PullRequest): ForgeSettings {
  const settings = findForge(app.db, ticket.projectId);
  if (settings && settings.kind === pull.kind && settings.repository === pull.repository) {
    return settings;
  }
  throw new AppError(
    "conflict",
    `Cannot follow the pull request: the project does not name "${pull.repository}" any more. ` +
      "Name it again, or push the ticket to the repository that it names now",
  );
}

async function goOn(work: Work): Promise<Outcome> {
  if (work.pull.endedAt !== null) {
    const closed = await lookAtClosed(work);
    if (closed !== null) return closed;
  }
  if (work.pull.closeAskedBy !== null) return await close(work);
  if (work.pull.pushed !== work.pull.commit) {
    const { number } = work.pull;
    if (number !== null) {
      // Nothing more goes to one that was merged or closed meanwhile: it would count as merged with the rest.
      const seen = await work.forge.look(number, work.signal);
      if (seen.state !== "open") return await look(work, number, seen);
    }
    if (isCalledOff(work)) return await close(work);
    const refused = await push(work);
    if (refused !== null) return refused;
  }
  if (isCalledOff(work)) return await close(work);
  const number = work.pull.number ?? await open(work);
  if (number === null) return over("The pull request has ended");
  return isCalledOff(work) ? await close(work) : await look(work, number);
}

/** A person wants it closed since the job looked: then nothing more is sent. */
function isCalledOff(work: Work): boolean {
  const now = findPullRequest(work.app.db, work.ticket.id);
  if (now?.id !== work.pull.id || now.closeAskedBy === null) return false;
  work.pull = now;
  return true;
}

/** Null: it was reopened there, with what had been pushed. */
async function lookAtClosed(work: Work): Promise<Outcome | null> {
  const { app, ticket, pull, forge, signal } = work;
  const { number, endedAt } = pull;
  const seen = await forge.look(number!, signal);
  if (seen.state === "closed") {
    const sinceMs = app.clock.nowMs() - Date.parse(endedAt!);
    if (sinceMs > CLOSED_WATCHED_MS) return over(`It is closed on ${forge.name}`);
    const ms = Math.max(lookAgainMs(sinceMs), forge.restMs());
    return { type: "snooze", ms, reason: `The pull request is closed on ${forge.name}` };
  }
  return transact(app, (tx) => {
    const reopened = reopenPullRequest(tx, pull.id);
    if (reopened === null) return over("Another pull request took its place");
    work.pull = reopened;
    tell(tx, ticket, "pull_request_reopened", { forge: forge.name, number });
    return null;
  });
}

/** As a person asked for. One that was merged meanwhile is recorded so. */
async function close(work: Work): Promise<Outcome> {
  const { app, ticket, pull, forge, signal } = work;
  const number = pull.number ?? (await find(work))?.number;
  if (number === undefined) {
    const data = { forge: forge.name, number: null, by: pull.closeAskedBy };
    return transact(app, (tx) => {
      movePullRequest(tx, pull.id, { status: "closed" }, WELL);
      tell(tx, ticket, "pull_request_closed", data);
      return { type: "done" };
    });
  }
  const before = await forge.look(number, signal);
  const after = before.state === "open" ? await forge.close(number, signal) : before;
  return await look(work, number, after);
}

/** Null: it is there. */
async function push(work: Work): Promise<Outcome | null> {
  const { app, ticket, pull, settings, forge, token, signal } = work;
  const { commit, branch } = pull;
  const sent = [...pull.sent.filter((one) => one !== commit), commit].slice(-SENT_MAX);
  if (!transact(app, (tx) => updatePullRequest(tx, pull.id, { sent }))) {
    return over("The pull request has ended");
  }
  const own = listPullRequests(app.db, ticket.id).filter((one) => one.branch === branch)
    .flatMap((one) => one.sent);
  const pushed = await pushBranch({
    repo: getProject(app.db, ticket.projectId).path,
    remote: settings.remoteUrl,
    login: { user: forge.gitUser, token },
    ...{ branch, commit, own, signal },
  });
  if (pushed.type === "foreign") {
    const error = `Cannot push: the branch "${branch}" on ${forge.name} is at ${pushed.tip}, ` +
      "which Gaffer did not put there. Bring it into the ticket's branch, or delete the branch there, then try again";
    return transact(app, (tx) => stopped(tx, pull, error));
  }
  const changedAt = transact(app, (tx) => {
    updatePullRequest(tx, pull.id, { pushed: commit, head: null, ...WELL, changedAt: tx.now });
    tell(tx, ticket, "pull_request_pushed", { forge: forge.name, commit });
    return tx.now;
  });
  work.pull = { ...pull, pushed: commit, sent, head: null, changedAt };
  return null;
}

/** The number of its pull request, opened if there is none; null: it has ended meanwhile. */
async function open(work: Work): Promise<number | null> {
  const { app, ticket, pull, forge } = work;
  const { branch } = pull;
  const found = await find(work) ?? await openNew(work) ?? await find(work);
  if (!found) {
    const message = `Cannot open the pull request at ${forge.name}: it says that there is one of ` +
      `branch "${branch}", and does not show it. It is tried again by itself`;
    throw new ForgeError(message, false, null);
  }
  const { number, url } = found;
  return transact(app, (tx) => {
    const changed = movePullRequest(tx, pull.id, { status: "open" }, { number, url, ...WELL });
    if (!changed) return null;
    work.pull = { ...pull, number, url, changedAt: tx.now };
    tell(tx, ticket, "pull_request_opened", { forge: forge.name, number });
    return number;
  });
}

/** Null: there is one. */
function openNew({ app, ticket, pull, forge, signal }: Work): Promise<ForgePull | null> {
  const { approver, ...words } = wordsOfPull(app, ticket);
  const target = getProject(app.db, ticket.projectId).baseBranch;
  transact(app, (tx) => updatePullRequest(tx, pull.id, { approver }));
  return forge.open({ branch: pull.branch, target, ...words }, signal);
}

/** One that is open; or one of this very commit that has ended since it was asked for. */
async function find({ app, ticket, pull, forge, signal }: Work): Promise<ForgePull | null> {
  const all = await forge.find(pull.branch, signal);
  const earlier = new Set(listPullRequests(app.db, ticket.id).map(({ number }) => number));
  return all.find(({ state }) => state === "open") ??
    all.find(({ number, headCommit }) => headCommit === pull.pushed && !earlier.has(number)) ??
    null;
}

async function look(work: Work, number: number, known?: ForgePull): Promise<Outcome> {
  const { app, pull, forge, signal } = work;
  const seen = known ?? await forge.look(number, signal);
  const naming = await read(() => nameApprover(work, seen));
  const { found: checks, ...checking } = await read(() => forge.checks(headOf(pull, seen), signal));
  const { found: said, ...listening } = await read(() => forge.remarks(number, signal));
  const whyNot = [
    naming.whyNot,
    checking.whyNot,
    checks?.cut ? tooMany(forge.name, "checks of this commit") : "",
    listening.whyNot,
    ...said?.unread ?? [],
  ].filter(Boolean).join(". ");
  const unread = whyNot && `${whyNot}. The pull request is followed without`;
  return transact(app, (tx) => recordLook(tx, work, { pull: seen, checks, said, unread }));
}

/** Who approved the ticket may have changed since its text was written there. */
async function nameApprover({ app, ticket, forge, signal }: Work, seen: ForgePull): Promise<void> {
  const pull = findPullRequest(app.db, ticket.id);
  const after = approverOf(app, ticket);
  const { number, state, body } = seen;
  if (state !== "open" || pull?.number !== number || pull.approver === after) return;
  const text = withApprover(body, { before: pull.approver, after });
  if (text !== body) await forge.reword(number, text, signal);
  transact(app, (tx) => {
    if (!updatePullRequest(tx, pull.id, { approver: after }) || text === body) return;
    tell(tx, ticket, "pull_request_reworded", { forge: forge.name, number, approver: after });
  });
}

/** What only tells more of a pull request; it is followed also where the token may not see that. */
async function read<T>(ask: () => Promise<T>): Promise<{ found: T | null; whyNot: string }> {
  try {
    return { found: await ask(), whyNot: "" };
  } catch (error) {
    if (!(error instanceof ForgeError) || !error.hides) throw error;
    return { found: null, whyNot: error.message };
  }
}

/** Pause after so many looks in a row that came to nothing: 1, 2, 4 … minutes, an hour at most. */
export const failurePauseMs = (failures: number): number =>
  Math.min(MINUTE_MS * 2 ** (failures - 1), HOUR_MS);

/** Unless a person asked for more meanwhile: the job of that waits already. */
const stopped = (tx: Tx, pull: PullRequest, message: string): Outcome =>
  over(stopAttempt(tx, pull, message) ? message : "A person has asked for it anew meanwhile");

/** Throws on what is no refusal of the forge: the queue's to try again. */
function failed(app: App, pull: PullRequest, error: unknown): Outcome {
  if (machineFaultOf(error) !== null) throw error;
  const isForges = error instanceof ForgeError;
  if (!isForges && !(error instanceof AppError)) throw error;
  const lasting = isForges
    ? error.lasting
    : error instanceof GitError
    ? isLastingRefusal(error)
    : true;
  const { message } = error;
  const afterMs = isForges ? error.afterMs ?? 0 : 0;
  if (pull.endedAt !== null) {
    // Nobody waits for a closed one.
    return lasting
      ? over(message)
      : { type: "snooze", ms: Math.max(HOUR_MS, afterMs), reason: message };
  }
  return transact(app, (tx) => {
    if (lasting) return stopped(tx, pull, message);
    const now = findPullRequest(tx.db, pull.ticketId)!;
    const failures = now.failures + 1;
    updatePullRequest(tx, pull.id, { error: message, failures, lookedAt: tx.now });
    if (now.error !== message) {
      tell(tx, getTicket(tx.db, pull.ticketId), "pull_request_waits", { reason: message });
    }
    return { type: "snooze", ms: Math.max(failurePauseMs(failures), afterMs), reason: message };
  });
}
