/** What a job is: for those who ask for work, for the handlers that do it, and for the runner between. */
import type { App } from "../server/app.ts";
import { HOUR_MS, MINUTE_MS } from "../server/clock.ts";
import type { Tx } from "../server/db.ts";
import type { Job } from "../server/records.ts";
import type { FailureReason } from "../server/states.ts";

/** Every kind of job and the arguments it takes. */
export interface JobKinds {
  /** Looks at an idea and starts what comes next in its refinement. */
  advance_idea: { ideaId: string };
  /** Runs, or goes on with, the loop of one agent. */
  run_agent: { runId: string };
  /** Looks at a ticket and does the next step of its pipeline. */
  advance_ticket: { ticketId: string };
  /** Brings an approved ticket onto the base branch. */
  merge_ticket: { ticketId: string };
  /** Takes a merged ticket back off the base branch, for which a person asked. */
  undo_merge: { ticketId: string };
  remove_worktree: { ticketId: string };
  /** Pushes a ticket's work to a forge, opens its pull request, and looks at it until it ends. */
  follow_pull_request: { ticketId: string };
  /** Throws away what nobody needs any more. */
  prune: Record<string, never>;
  /** Tells a person on a channel that a run waits for a word; without one, by webhook, as older versions asked for. */
  notify: { approvalId: string; by?: NotifyChannel };
  /** Asks for a `notify_alert` on each channel that there is. */
  tell_alert: { alertId: string };
  /** Tells a person on a channel how far a limit is used. */
  notify_alert: { alertId: string; by: NotifyChannel };
  /** Backs the database up if that is due. */
  backup: Record<string, never>;
  /** Sums up the days that are over of what was used. */
  roll_up: Record<string, never>;
}
export type JobKind = keyof JobKinds;

/** How a person is told of something who looks at no page. */
export const notifyChannels = ["webhook", "mail"] as const;
export type NotifyChannel = typeof notifyChannels[number];

/** Jobs of one queue share its slots, so that agents never wait behind pruning, nor merges behind a forge. */
export const queueNames = ["agents", "steps", "merges", "forges", "upkeep"] as const;
export type QueueName = typeof queueNames[number];

/** What must be known of a kind to ask for it, without its handler: services enqueue, handlers call services. */
export interface JobPolicy {
  queue: QueueName;
  /** After this the handler's signal aborts. Null where the work has an end of its own. */
  timeoutMs: number | null;
  /** Failed attempts, the first included, after which the job is discarded. */
  maxAttempts: number;
}

export const jobPolicies: { readonly [K in JobKind]: JobPolicy } = {
  advance_idea: { queue: "steps", timeoutMs: 5 * MINUTE_MS, maxAttempts: 8 },
  // The runtime ends a run at its limits of turns, cost, silence and time. Attempts fail only for want of a
  // network or of a service with room: whoever comes back from a long weekend must find the runs going on.
  run_agent: { queue: "agents", timeoutMs: null, maxAttempts: 1_000 },
  // Each of the project's commands in it has its own, shorter time-out.
  advance_ticket: { queue: "steps", timeoutMs: 24 * HOUR_MS, maxAttempts: 8 },
  // One may run five commands, each for as long as a project's settings let it (COMMAND_SECONDS_MAX).
  merge_ticket: { queue: "merges", timeoutMs: 24 * HOUR_MS, maxAttempts: 8 },
  undo_merge: { queue: "merges", timeoutMs: 24 * HOUR_MS, maxAttempts: 8 },
  remove_worktree: { queue: "upkeep", timeoutMs: 5 * MINUTE_MS, maxAttempts: 8 },
  // Forges that answer nothing take slots of other forges: each request has a short end, and all of them have.
  follow_pull_request: { queue: "forges", timeoutMs: 3 * MINUTE_MS, maxAttempts: 8 },
  notify: { queue: "upkeep", timeoutMs: MINUTE_MS, maxAttempts: 12 },
  tell_alert: { queue: "upkeep", timeoutMs: MINUTE_MS, maxAttempts: 3 },
  notify_alert: { queue: "upkeep", timeoutMs: MINUTE_MS, maxAttempts: 12 },
  prune: { queue: "upkeep", timeoutMs: 10 * MINUTE_MS, maxAttempts: 3 },
  backup: { queue: "upkeep", timeoutMs: HOUR_MS, maxAttempts: 8 },
  roll_up: { queue: "upkeep", timeoutMs: 10 * MINUTE_MS, maxAttempts: 3 },
};

export const jobKinds = Object.keys(jobPolicies) as JobKind[];

/** The unique keys under which jobs are asked for, and cancelled with what they are for. */
export const jobKeys = {
  advanceIdea: (ideaId: string) => `idea:${ideaId}`,
  runAgent: (runId: string) => `run:${runId}`,
  advanceTicket: (ticketId: string) => `ticket:${ticketId}`,
  mergeTicket: (ticketId: string) => `merge:${ticketId}`,
  undoMerge: (ticketId: string) => `undo:${ticketId}`,
  removeWorktree: (ticketId: string) => `remove:${ticketId}`,
  followPull: (ticketId: string) => `pull:${ticketId}`,
  alert: (alertId: string, by: NotifyChannel) => `alert:${alertId}:${by}`,
} as const;

/** How an attempt ended. A handler that throws asks for a retry with the error's message, as "internal". */
export type Outcome =
  | { type: "done" }
  /** There is nothing (more) to do: the job ends for good. */
  | { type: "cancel"; reason: string }
  /** Not now: comes back after `ms`. Not an attempt, so it may happen any number of times. */
  | { type: "snooze"; ms: number; reason: string }
  /**
   * Failed: comes back after the backoff of its failure and not before `afterMs`, until its attempts are used
   * up. With a failure that needs a person it is given up at once.
   */
  | { type: "retry"; reason: string; failure?: FailureReason; afterMs?: number };

/** Finds out how an attempt ended in the transaction that records it: what it writes and the end are one. */
export type Decide = (tx: Tx) => Outcome;

export interface JobContext {
  /** Acts as "gaffer". */
  app: App;
  /** With `attempt` already counted: the last one has `attempt === maxAttempts`. */
  job: Job;
  /** Aborts with a `JobAborted`; the handler then ends what it started and returns or throws. */
  signal: AbortSignal;
}

/**
 * The code for one kind. Any job may run again after a crash, even one that was nearly done, so a handler
 * first looks at what is already true.
 */
export interface JobHandler<K extends JobKind = JobKind> {
  readonly kind: K;
  /** What has to be on record when the attempt begins, written with its claim. A throw is how the attempt ends. */
  begin?(tx: Tx, args: JobKinds[K]): void;
  run(args: JobKinds[K], context: JobContext): Promise<Outcome | Decide>;
  /**
   * Gaffer stops: what executes for these args is to end at the next moment at which nothing is lost, and to
   * begin nothing before. Its signal aborts some seconds later. Absent: it aborts at once.
   */
  letGo?(app: App, args: JobKinds[K]): void;
  /**
   * Whether it has got on since its attempt began, although the process died meanwhile: then the death is no
   * reason to suspect the job. Absent: nobody can tell.
   */
  gotOn?(app: App, args: JobKinds[K], since: string): boolean;
}
export type AnyJobHandler = { [K in JobKind]: JobHandler<K> }[JobKind];

/**
 * `shutdown` the server stops, the job comes back at its next start; `timed_out` it used up its time;
 * `cancelled` somebody cancelled it; `lease_lost` its row is no longer this attempt's (a bug or a hand in the
 * database). After the last two nothing that the handler returns is recorded.
 */
export type AbortCause = "shutdown" | "timed_out" | "cancelled" | "lease_lost";

/** The reason of a handler's aborted signal. */
export class JobAborted extends Error {
  override name = "JobAborted";
  constructor(readonly why: AbortCause) {
    super(`The job was aborted: ${why}`);
  }
}
