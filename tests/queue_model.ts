/** The queue as a plain list, written for clearness: what the SQL must agree with (queue_model_test.ts). */
import type { Ending } from "../queue/lease.ts";
import type { QueueLimits } from "../queue/limits.ts";
import { AGE_STEP_MS } from "../queue/rows.ts";
import type { JobStatus } from "../server/states.ts";

export interface ModelJob {
  id: string;
  kind: string;
  queue: "steps" | "agents";
  args: string;
  status: JobStatus;
  priority: number;
  attempt: number;
  crashes: number;
  dueMs: number;
  uniqueKey: string | null;
  concurrencyKey: string | null;
  projectId: string | null;
  token: string | null;
}

export type NewModelJob = Pick<
  ModelJob,
  | "kind"
  | "queue"
  | "args"
  | "priority"
  | "dueMs"
  | "uniqueKey"
  | "concurrencyKey"
  | "projectId"
>;

const waitingStatuses: JobStatus[] = ["scheduled", "available", "retryable"];
export const isOpen = (job: ModelJob): boolean =>
  job.status === "executing" || waitingStatuses.includes(job.status);
const orderOf = (job: ModelJob): number => job.dueMs + job.priority * AGE_STEP_MS;

export class Model {
  jobs: ModelJob[] = [];
  paused = new Set<string>();
  nowMs = 0;

  constructor(readonly limits: QueueLimits) {}

  executing = (): ModelJob[] => this.jobs.filter((job) => job.status === "executing");

  /** The one that waits for the same work. */
  waiting = ({ kind, uniqueKey }: Pick<ModelJob, "kind" | "uniqueKey">): ModelJob | undefined =>
    uniqueKey === null
      ? undefined
      : this.jobs.find((job) =>
        job.kind === kind && job.uniqueKey === uniqueKey && waitingStatuses.includes(job.status)
      );

  /** False: one of its key waits; it was changed as `onClash` says. */
  enqueue(id: string | null, job: NewModelJob, onClash: "keep" | "sooner" | "replace"): boolean {
    const other = this.waiting(job);
    if (!other) {
      const fresh = { id: id!, attempt: 0, crashes: 0, token: null };
      this.jobs.push({ ...job, ...fresh, status: this.#statusAt(job.dueMs) });
      return true;
    }
    if (onClash === "sooner") {
      other.priority = Math.min(other.priority, job.priority);
      other.dueMs = Math.min(other.dueMs, job.dueMs);
      if (other.dueMs <= this.nowMs) other.status = "available";
    }
    if (onClash === "replace") {
      const { args, priority, dueMs } = job;
      const status = this.#statusAt(dueMs);
      Object.assign(other, { args, priority, dueMs, status, attempt: 0, crashes: 0 });
    }
    return false;
  }

  #statusAt = (dueMs: number): JobStatus => dueMs <= this.nowMs ? "available" : "scheduled";

  /** The jobs that must be claimed, in their order. */
  claim(max: number): ModelJob[] {
    for (const job of this.jobs) {
      if (waitingStatuses.includes(job.status) && job.dueMs <= this.nowMs) job.status = "available";
    }
    const claimed: ModelJob[] = [];
    const inOrder = this.jobs.filter((job) => job.status === "available")
      .sort((a, b) => orderOf(a) - orderOf(b) || Number(a.id) - Number(b.id));
    for (const job of inOrder) {
      if (claimed.length === max) break;
      if (!this.#mayExecute(job)) continue;
      job.status = "executing";
      job.attempt++;
      claimed.push(job);
    }
    return claimed;
  }

  #mayExecute(job: ModelJob): boolean {
    const { queues, perProject, total, crashes } = this.limits;
    const busy = this.executing();
    const ofQueue = busy.filter((other) => other.queue === job.queue);
    const ofProject = ofQueue.filter((other) => other.projectId === job.projectId);
    const isSuspect = (other: ModelJob) => other.crashes >= crashes - 1;
    return !this.paused.has(job.queue) &&
      busy.length < (total ?? Infinity) &&
      ofQueue.length < queues[job.queue] &&
      (job.projectId === null || ofProject.length < (perProject?.[job.queue] ?? Infinity)) &&
      (job.concurrencyKey === null ||
        !busy.some((other) => other.concurrencyKey === job.concurrencyKey)) &&
      !(isSuspect(job) && busy.some(isSuspect));
  }

  finish(job: ModelJob, ending: Ending, crashes = ending.type === "release" ? job.crashes : 0) {
    job.token = null;
    job.crashes = crashes;
    const ended = { done: "completed", cancel: "cancelled", discard: "discarded" } as const;
    if (ending.type in ended) {
      job.status = ended[ending.type as keyof typeof ended];
    } else if (this.waiting(job)) {
      job.status = "completed";
      job.crashes = 0;
    } else {
      const back = { retry: "retryable", snooze: "scheduled", release: "available" } as const;
      job.status = back[ending.type as keyof typeof back];
      if (ending.type !== "retry") job.attempt--;
      if ("runAtMs" in ending) job.dueMs = ending.runAtMs;
    }
  }

  /** The process dies and starts again; `told`: it was about to end anyway. */
  kill(told: boolean): void {
    for (const job of this.executing()) {
      const crashes = told ? job.crashes : job.crashes + 1;
      const given = crashes >= this.limits.crashes;
      const ending: Ending = given
        ? { type: "discard", reason: "", failure: "quarantined" }
        : { type: "release", reason: "" };
      this.finish(job, ending, crashes);
    }
  }

  /** False: it is in another state, or a newer one waits. */
  requeue(job: ModelJob): boolean {
    const discarded = job.status === "discarded";
    if (discarded ? this.waiting(job) : !["scheduled", "retryable"].includes(job.status)) {
      return false;
    }
    if (discarded) job.attempt = 0;
    Object.assign(job, { status: "available", dueMs: this.nowMs, crashes: 0 });
    return true;
  }
}
