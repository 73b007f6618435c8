/** Why ideas, tickets and runs do not go on right now: as their rows and pages say it. */
import { sentence } from "../../views/format.ts";
import { type Delay, failureWords, jobKindWords } from "../../views/words.ts";
import { jobKeys, type JobKind } from "../../queue/job.ts";
import { queueLimits } from "../../queue/limits.ts";
import { findWaiting, getJob } from "../../queue/queue.ts";
import { type MachineWait, machineWaits, type WaitReason, waitReasons } from "../../queue/stats.ts";
import type { App } from "../app.ts";
import { timeText } from "../clock.ts";
import { machineFaults } from "../machine_fault.ts";
import { once } from "../once.ts";
import type { Idea, Job, Run, Ticket } from "../records.ts";
import { failureReasons } from "../states.ts";
import { findFailedTurn, listNewestRunEvents } from "../store/run_log.ts";
import { findActiveRun, isActive, listIdeaRuns } from "../store/runs.ts";
import { describeWait, startWaitsAt } from "../services/start_waits.ts";

/** Null: it works, has ended, or is about to begin. */
export interface Delays {
  ofRun(run: Run): Delay | null;
  /** While it is refined: null as long as one of its agents works. */
  ofIdea(idea: Idea): Delay | null;
  /** While it is queued, in progress or being merged, or its merge is being undone. */
  ofTicket(ticket: Ticket): Delay | null;
  /** What keeps its forge from being asked, though that is due. */
  ofPull(ticket: Ticket): Delay | null;
}

/** Looks at what else the queue does once, however much it is then asked about. */
export function delaysOf(app: App): Delays {
  const { db } = app;
  const reasonOf = once(() => waitReasons(db, queueLimits(app.config), app.clock.nowMs()));
  const machineWaitOf = once(() => machineWaits(db));
  const startWait = once(() => startWaitsAt(db, app.clock.nowMs()));
  const lackOf = (key: string) => lackFrom(machineWaitOf()(key));
  const ofJob = (kind: JobKind, key: string): Delay | null => {
    const job = findWaiting(db, kind, key);
    return job && delayOfJob(app, job, reasonOf()(job));
  };
  const delays: Delays = {
    ofRun(run) {
      const lacking = isActive(run) ? lackOf(jobKeys.runAgent(run.id)) : null;
      if (lacking !== null && !hasGotOn(app, run, lacking.at)) return lacking.delay;
      if (run.status === "running") return run.pausedBy === null ? betweenTries(app, run) : null;
      if (run.status !== "queued" && run.status !== "waiting") return null;
      if (run.pausedBy !== null) return plain(`Paused by ${run.pausedBy}`);
      const ofItsJob = ofJob("run_agent", jobKeys.runAgent(run.id));
      return run.status === "queued" ? ofItsJob : ofWaitingRun(run, ofItsJob);
    },
    ofIdea({ id, status, round }) {
      if (status !== "submitted" && status !== "refining") return null;
      const runs = listIdeaRuns(db, id, round)
        .filter((run) => ["queued", "running", "waiting"].includes(run.status));
      if (runs.length === 0) {
        return isHeld(app, { id, status })
          ? plain("Waits until somebody presses Refine")
          : ofJob("advance_idea", jobKeys.advanceIdea(id));
      }
      const standing = runs.map((run) => delays.ofRun(run));
      return standing.every((delay) => delay !== null) ? standing[0]! : null;
    },
    ofTicket(ticket) {
      const { id, status, step, pausedBy } = ticket;
      if (pausedBy !== null) return null;
      if (status === "done") {
        const key = jobKeys.undoMerge(id);
        return lackOf(key)?.delay ?? untimed(ofJob("undo_merge", key));
      }
      const lacking = lackOf(jobKeys.advanceTicket(id)) ?? lackOf(jobKeys.mergeTicket(id));
      if (lacking !== null) return lacking.delay;
      if (status === "review" && step === "merge") {
        return ofJob("merge_ticket", jobKeys.mergeTicket(id));
      }
      if (status !== "queued" && status !== "in_progress") return null;
      const wait = status === "queued" ? startWait()(ticket) : null;
      if (wait !== null) return describeWait(wait);
      const run = findActiveRun(db, id);
      return run ? delays.ofRun(run) : ofJob("advance_ticket", jobKeys.advanceTicket(id));
    },
    ofPull({ id }) {
      const key = jobKeys.followPull(id);
      return lackOf(key)?.delay ?? untimed(ofJob("follow_pull_request", key));
    },
  };
  return delays;
}

/** Nobody has said yet that it is to be refined: it was made of a document. */
export const isHeld = ({ db }: App, { id, status }: Pick<Idea, "id" | "status">): boolean =>
  status === "submitted" && findWaiting(db, "advance_idea", jobKeys.advanceIdea(id)) === null;

/** What a job is put off for that the machine lacks at present: it is tried again every few seconds. */
function lackFrom(wait: MachineWait | null): { delay: Delay; at: string } | null {
  if (wait === null) return null;
  const delay = { why: "Waits, and goes on by itself", until: null, more: wait.reason };
  return { delay, at: wait.at };
}

function hasGotOn({ db }: App, run: Run, since: string): boolean {
  const [newest] = listNewestRunEvents(db, run.id, 1);
  return newest !== undefined && newest.at > since;
}

/** From one look to the next nothing is in its way: what it waits for then is told elsewhere. */
const untimed = (delay: Delay | null): Delay | null => delay?.until === null ? delay : null;

const plain = (why: string): Delay => ({ why, until: null, more: "" });

/** The loop sleeps before it sends the same request again: what refused it is at the end of its log. */
function betweenTries({ db }: App, run: Run): Delay | null {
  const failed = findFailedTurn(db, run.id);
  if (!failed?.body.retryInMs) return null;
  const { reason, message, retryInMs } = failed.body;
  return {
    why: failureWords[reason],
    until: timeText(Date.parse(failed.at) + retryInMs),
    more: `${sentence(message)} ${failureReasons[reason].mend}`,
  };
}

/** `ofItsJob`: what its job waits for; null: it has none, so somebody must act first. */
function ofWaitingRun({ failure, waitReason }: Run, ofItsJob: Delay | null): Delay {
  if (failure === null) return ofItsJob ?? plain(waitReason || "It goes on by itself");
  const { retriable, mend } = failureReasons[failure];
  if (retriable) {
    return ofItsJob?.until === null
      ? { ...ofItsJob, more: waitReason }
      : { why: failureWords[failure], until: ofItsJob?.until ?? null, more: waitReason };
  }
  return ofItsJob ?? {
    why: `The agents are held: ${failureWords[failure].toLowerCase()}`,
    until: null,
    more: `${sentence(waitReason)} ${mend}`,
  };
}

function delayOfJob(app: App, job: Job, reason: WaitReason | null): Delay | null {
  if (reason === null) return null;
  if (reason.why === "time") {
    const failure = job.errors.at(-1)?.failure ?? null;
    const more = job.errors.at(-1)?.message ?? "";
    return {
      why: failure === null ? "Put off" : failureWords[failure],
      until: reason.at,
      more: more && sentence(more),
    };
  }
  if (reason.why === "order" && reason.next) return null;
  return plain(sentenceOf(app, reason)!);
}

/** Why a job waits, without a full stop. Null: it does not, or for its time, which stands beside it. */
export function sentenceOf(app: App, reason: WaitReason | null): string | null {
  switch (reason?.why) {
    case "storage":
      return `Nothing can be saved: ${machineFaults[reason.fault.kind].what}`;
    case "paused":
      return `Its queue was paused by ${reason.pause.by}`;
    case "total":
      return `${reason.busy} jobs are at work, which is all that may be`;
    case "slots":
      return `All ${reason.busy} slots of its queue are taken`;
    case "project":
      return `Its project has ${reason.busy} at work, which is all that it may`;
    case "key":
      return `Waits for job ${reason.jobId} (${kindOf(app, reason.jobId)})`;
    case "suspect":
      return `Gaffer died while it ran; it waits for job ${reason.jobId}, of which that is true too`;
    case "order":
      return reason.next ? "It comes next" : "Waits its turn";
    default:
      return null;
  }
}

function kindOf(app: App, jobId: string): string {
  const { kind } = getJob(app.db, jobId);
  return (jobKindWords[kind] ?? kind).toLowerCase();
}
