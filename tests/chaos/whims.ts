/**
 * What a person does with work under way besides what it asks for: pauses it and lets it go on, tells its agent
 * something, cancels it, hurries a job, pauses a queue, decides what a command waits for. Each has its fate by
 * what it is about.
 */
import type { Client, Json } from "../gaffer.ts";
import type { ActKind } from "./person.ts";
import { fateOf } from "./random.ts";
import type { Victim } from "./victim.ts";

/** An act that somebody wants done. */
export interface Wish {
  kind: ActKind;
  subject: string;
  path: string;
  body?: Json;
}

/** What a run meets, once; of a ticket's run the ticket is paused. */
const whims = { none: 60, pause: 16, message: 10, cancel: 5, cancel_job: 5, cancel_ticket: 4 };
const DENIED = 0.3;
const HURRIED = 0.3;
const PAUSES_QUEUE = 0.15;
/** Share of the pauses that are meant to outlast a server. */
const LONG_PAUSES = 0.4;
const queues = ["agents", "steps", "merges", "forges"] as const;
/** Nobody waits for jobs of other kinds. */
const kinds = ["run_agent", "advance_idea", "advance_ticket", "merge_ticket"];

export class Whims {
  /** Titles of ideas and tickets whose work the person called off. */
  readonly calledOff = new Set<string>();
  readonly #had = new Set<string>();
  /** How many servers had been killed when a pause was first seen, by what is paused. */
  readonly #pausedAt = new Map<string, number>();

  constructor(readonly seed: number, readonly victim: Victim) {}

  /** `isCalm`: nothing stays paused. */
  async wishes(
    client: Client,
    { ideas, tickets }: { ideas: Json[]; tickets: Json[] },
    isCalm: boolean,
  ): Promise<Wish[]> {
    const titles = new Map<string, string>(
      [...ideas, ...tickets].map(({ id, title }) => [id, title]),
    );
    const { items: runs } = await client.get("/runs?limit=200");
    const wishes: Wish[] = [];
    for (const run of runs) {
      const title = titles.get(run.ticket_id ?? run.idea_id);
      if (title === undefined || !["queued", "running", "waiting"].includes(run.status)) continue;
      wishes.push(...await this.#ofRun(client, run, title, isCalm));
    }
    for (const { id, paused_by } of tickets) {
      if (paused_by !== null && this.#goesOn(id, isCalm)) {
        wishes.push({ kind: "resume_ticket", subject: id, path: `/tickets/${id}/resume` });
      }
    }
    wishes.push(...await this.#ofQueues(client, ideas, isCalm));
    wishes.push(...await this.#ofJobs(client));
    return wishes;
  }

  async #ofRun(client: Client, run: Json, title: string, isCalm: boolean): Promise<Wish[]> {
    const { id, ticket_id: ticketId } = run;
    if (run.paused_by !== null) {
      if (ticketId !== null || !this.#goesOn(id, isCalm)) return [];
      return [{ kind: "resume_run", subject: id, path: `/runs/${id}/resume` }];
    }
    const about = `${title} ${run.purpose} ${run.round}`;
    if (run.status === "waiting") return await this.#decide(client, id, about);
    if (!this.#isFirst(`run ${about}`)) return [];
    const fate = fateOf(this.seed, "whim", about);
    const body = { kill_tools: fate.next() < 0.5 };
    switch (fate.weighted(whims)) {
      case "none":
        return [];
      case "pause":
        return ticketId !== null
          ? [{ kind: "pause_ticket", subject: ticketId, path: `/tickets/${ticketId}/pause`, body }]
          : [{ kind: "pause_run", subject: id, path: `/runs/${id}/pause`, body }];
      case "message": {
        const message = `Mind the words of ${about}`;
        return [{ kind: "message", subject: id, path: `/runs/${id}/message`, body: { message } }];
      }
      case "cancel":
        this.calledOff.add(title);
        return [{ kind: "cancel_run", subject: id, path: `/runs/${id}/cancel` }];
      case "cancel_job":
        this.calledOff.add(title);
        return (await jobsOf(client, "executing")).filter(({ args }) => args.runId === id)
          .map((job) => ({ kind: "cancel_job", subject: job.id, path: `/jobs/${job.id}/cancel` }));
      case "cancel_ticket":
        if (ticketId === null) return [];
        return [{ kind: "cancel_ticket", subject: ticketId, path: `/tickets/${ticketId}/cancel` }];
    }
  }

  /** A run's first command may be denied; what it asks for after that is granted. */
  async #decide(client: Client, runId: string, about: string): Promise<Wish[]> {
    const { items } = await client.get(`/runs/${runId}/events`);
    const asked = items.filter(({ type }: Json) => type === "approval_requested");
    const decided = new Set(
      items.filter(({ type }: Json) => type === "approval_decided").map(({ body }: Json) =>
        body.callId
      ),
    );
    return asked.flatMap(({ body: call }: Json, index: number): Wish[] => {
      if (decided.has(call.callId)) return [];
      const isDenied = index === 0 && fateOf(this.seed, "deny", about).next() < DENIED;
      return [{
        kind: isDenied ? "deny" : "grant",
        subject: call.approvalId,
        path: `/approvals/${call.approvalId}`,
        body: isDenied ? { decision: "deny", reason: "Not like this" } : { decision: "grant" },
      }];
    });
  }

  async #ofQueues(client: Client, ideas: Json[], isCalm: boolean): Promise<Wish[]> {
    const { items } = await client.get("/queues");
    const wishes: Wish[] = items
      .filter(({ queue, paused }: Json) => paused !== null && this.#goesOn(queue, isCalm))
      .map(({ queue }: Json) => ({
        kind: "resume_queue",
        subject: queue,
        path: `/queues/${queue}/resume`,
      }));
    for (const { title } of ideas) {
      if (!this.#isFirst(`queue ${title}`)) continue;
      const fate = fateOf(this.seed, "queue", title);
      if (fate.next() >= PAUSES_QUEUE) continue;
      const queue = fate.pick(queues);
      wishes.push({ kind: "pause_queue", subject: queue, path: `/queues/${queue}/pause` });
    }
    return wishes;
  }

  /** Jobs that wait for their next attempt are hurried; a step that is at work may be called off. */
  async #ofJobs(client: Client): Promise<Wish[]> {
    const waiting = [...await jobsOf(client, "retryable"), ...await jobsOf(client, "scheduled")];
    return waiting
      .filter(({ id, kind }) => kinds.includes(kind) && this.#isFirst(`job ${id}`))
      .filter(({ id, kind }) => fateOf(this.seed, "hurry", kind, id).next() < HURRIED)
      .map(({ id }) => ({ kind: "retry_job", subject: id, path: `/jobs/${id}/retry` }));
  }

  #isFirst(about: string): boolean {
    if (this.#had.has(about)) return false;
    this.#had.add(about);
    return true;
  }

  /** Whether a pause that is there has been long enough. */
  #goesOn(paused: string, isCalm: boolean): boolean {
    const { kills } = this.victim;
    const since = this.#pausedAt.get(paused) ?? kills;
    this.#pausedAt.set(paused, since);
    const isLong = fateOf(this.seed, "long", since).next() < LONG_PAUSES;
    const isOver = isCalm || !isLong || kills > since;
    if (isOver) this.#pausedAt.delete(paused);
    return isOver;
  }
}

const jobsOf = async (client: Client, status: string): Promise<Json[]> =>
  (await client.get(`/jobs?status=${status}&limit=200`)).items;
