/**
 * Whoever uses Gaffer in a chaos run: has ideas, answers, decides, over and over, whatever became of the server
 * meanwhile. Every request carries a key and is sent again with it until its answer is known; what was answered
 * with success is remembered, since from then on it must be true.
 */
import { deepStrictEqual as deepEqual, ok } from "node:assert";
import { Client, type Json } from "../gaffer.ts";
import { fateOf } from "./random.ts";
import { changeWish, fateOfIdea, titleOf } from "./story.ts";
import type { Victim } from "./victim.ts";
import { Whims } from "./whims.ts";

/** Looks no more often than this, however much happens. */
const PAUSE_MS = 50;
/** Pause before a request is sent again that the server would not take. */
const AGAIN_MS = 500;
/** Share of the requests that are sent twice at once, as by a double click. */
const TWICE = 0.2;
/** How often the person gets one idea or ticket going again before it counts as stuck. */
const MOST_RETRIES = 25;

export type ActKind =
  | "submit"
  | "answer"
  | "skip"
  | "approve_idea"
  | "change_idea"
  | "reject_idea"
  | "refine"
  | "comment"
  | "change_ticket"
  | "approve_ticket"
  | "retry"
  // Whims: see there.
  | "pause_run"
  | "resume_run"
  | "message"
  | "cancel_run"
  | "pause_ticket"
  | "resume_ticket"
  | "cancel_ticket"
  | "cancel_job"
  | "retry_job"
  | "pause_queue"
  | "resume_queue"
  | "grant"
  | "deny";

/** One request that is to be done once. */
export interface Act {
  key: string;
  kind: ActKind;
  /** What it is about: a title, or the id of a question, an idea or a ticket. */
  subject: string;
  path: string;
  body: Json;
}

/** An act that was answered with success. */
export interface Accepted extends Act {
  answer: Json;
}

export interface PersonOptions {
  victim: Victim;
  seed: number;
  projectIds: string[];
  /** Ideas that are under way at the same time. */
  ideas: number;
}

export class Person {
  readonly accepted: Accepted[] = [];
  /** Acts that came too late: the server had another state by then. */
  refused = 0;
  /** Answers that said to come again later. */
  putOff = 0;
  /** Requests that got no answer and were sent again. */
  repeated = 0;
  /** Answers that were kept from an earlier try, or from the other click of two. */
  replayed = 0;
  /** Why the person had to get something going again, and how often. */
  readonly retried = new Map<string, number>();
  readonly #options: PersonOptions;
  readonly #whims: Whims;
  readonly #unanswered = new Map<string, Act>();
  readonly #tries = new Map<string, number>();
  readonly #retriesOf = new Map<string, number>();
  #hasIdeas = true;
  #submitted = 0;
  #extra = 0;

  constructor(options: PersonOptions) {
    this.#options = options;
    this.#whims = new Whims(options.seed, options.victim);
  }

  /** Acts whose answer is not known yet. */
  get unanswered(): Act[] {
    return [...this.#unanswered.values()];
  }

  /** Acts of this kind about this: at least so often it happened, at most so often. */
  bounds(kind: ActKind, subject: string): { least: number; most: number } {
    const count = (acts: Act[]) =>
      acts.filter((act) => act.kind === kind && act.subject === subject).length;
    const least = count(this.accepted);
    return { least, most: least + count(this.unanswered) };
  }

  /** Has one more idea, right now. */
  thinkUp(): void {
    this.#extra++;
    this.#options.victim.bell.ring("event");
  }

  /** No more ideas from now on. */
  finish(): void {
    this.#hasIdeas = false;
  }

  /** Works until all ideas are merged; call `finish` for that to come. */
  async work(): Promise<void> {
    const { victim } = this.#options;
    while (true) {
      const url = await victim.up();
      const seen = victim.bell.count("event");
      const down = new AbortController();
      void victim.down().then(() => down.abort());
      try {
        if (await this.#look(new Client(url))) return;
        const signal = this.#unanswered.size > 0
          ? AbortSignal.any([down.signal, AbortSignal.timeout(AGAIN_MS)])
          : down.signal;
        await victim.bell.counted("event", seen + 1, signal);
      } catch (error) {
        // What broke off with the server goes on with the next one.
        if (victim.url === url) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  /** Does what there is to do. True: everything is done. */
  async #look(client: Client): Promise<boolean> {
    for (const act of [...this.#unanswered.values()]) {
      this.repeated++;
      await this.#send(client, act);
    }
    let open = 0;
    const acts: Act[] = [];
    const world: { ideas: Json[]; tickets: Json[] } = { ideas: [], tickets: [] };
    for (const projectId of this.#options.projectIds) {
      const ideas = await listAll(client, `/projects/${projectId}/ideas`);
      const tickets = await listAll(client, `/projects/${projectId}/tickets`);
      open += ideas.filter(({ status }) => status !== "converted" && status !== "rejected").length +
        tickets.filter((ticket) => ticket.status !== "done").length;
      world.ideas.push(...ideas);
      world.tickets.push(...tickets);
      for (const idea of ideas) acts.push(...await this.#decideIdea(client, idea));
      for (const ticket of tickets) acts.push(...await this.#decideTicket(client, ticket));
    }
    if (this.#hasIdeas) {
      const wanted = Math.max(this.#options.ideas - open, this.#extra);
      this.#extra = 0;
      for (let n = 0; n < wanted; n++) acts.push(this.#newIdea());
      open += wanted;
    }
    for (const wish of await this.#whims.wishes(client, world, !this.#hasIdeas)) {
      acts.push(this.#act(wish.kind, wish.subject, wish.path, wish.body));
    }
    await Promise.all(acts.map((act) => this.#send(client, act)));
    return !this.#hasIdeas && open === 0 && this.#unanswered.size === 0;
  }

  #newIdea(): Act {
    const { seed, projectIds } = this.#options;
    const title = titleOf(++this.#submitted);
    const projectId = fateOf(seed, "project", title).pick(projectIds);
    return this.#act("submit", title, `/projects/${projectId}/ideas`, { title });
  }

  async #decideIdea(client: Client, idea: Json): Promise<Act[]> {
    const { seed } = this.#options;
    const path = `/ideas/${idea.id}`;
    const { rejected, ideaRounds } = fateOfIdea(seed, idea.title);
    if (rejected && idea.status !== "rejected") {
      const reason = `${idea.title} is not wanted`;
      return [this.#act("reject_idea", idea.id, `${path}/reject`, { reason })];
    }
    switch (idea.status) {
      case "questions": {
        const { items } = await client.get(`${path}/questions`);
        return items.filter((question: Json) => question.status === "pending")
          .map(({ id, text }: Json) =>
            fateOf(seed, "skip", idea.title, text).next() < 0.25
              ? this.#act("skip", id, `/questions/${id}/skip`)
              : this.#act("answer", id, `/questions/${id}/answer`, { answer: `This for ${id}` })
          );
      }
      case "ready": {
        if (idea.round > ideaRounds) {
          return [this.#act("approve_idea", idea.id, `${path}/approve`)];
        }
        const feedback = `Refine ${idea.title} again, round ${idea.round + 1}`;
        return [this.#act("change_idea", idea.id, `${path}/request-changes`, { feedback })];
      }
      case "stuck":
        this.#note(idea);
        return [this.#act("refine", idea.id, `${path}/refine`)];
      default:
        return [];
    }
  }

  async #decideTicket(client: Client, ticket: Json): Promise<Act[]> {
    const path = `/tickets/${ticket.id}`;
    if (ticket.status === "blocked") {
      this.#note(ticket);
      return [this.#act("retry", ticket.id, `${path}/retry`)];
    }
    if (ticket.status === "cancelled") {
      return [this.#act("retry", ticket.id, `${path}/retry`)];
    }
    if (ticket.status !== "review" || ticket.step === "merge") return [];
    const wanted = fateOfIdea(this.#options.seed, ticket.title).ticketRounds;
    const { items: comments } = await client.get(`${path}/comments`);
    const sent = comments.filter((comment: Json) => comment.sent).length;
    if (sent >= wanted) {
      return [this.#act("approve_ticket", ticket.id, `${path}/approve`)];
    }
    if (comments.length === sent) {
      return [this.#act("comment", ticket.id, `${path}/comments`, { body: changeWish(sent + 1) })];
    }
    return [this.#act("change_ticket", ticket.id, `${path}/request-changes`)];
  }

  #note({ title, status, failure, reason }: Json): void {
    const what = `${status}: ${failure}`;
    const times = (this.#retriesOf.get(title) ?? 0) + 1;
    const isExpected = expectedFailures.has(failure) ||
      failure === "cancelled" && this.#whims.calledOff.has(title);
    ok(isExpected && times <= MOST_RETRIES, `${title} is ${what}: ${reason}`);
    this.#retriesOf.set(title, times);
    this.retried.set(what, (this.retried.get(what) ?? 0) + 1);
  }

  #act(kind: ActKind, subject: string, path: string, body: Json = {}): Act {
    const about = `${kind}:${subject}`;
    return { key: `${about}:${this.#tries.get(about) ?? 0}`, kind, subject, path, body };
  }

  /** The next act about this has another key. */
  #settle({ kind, subject, key }: Act): void {
    this.#unanswered.delete(key);
    const about = `${kind}:${subject}`;
    this.#tries.set(about, (this.#tries.get(about) ?? 0) + 1);
  }

  async #send(client: Client, act: Act): Promise<void> {
    const { victim, seed } = this.#options;
    this.#unanswered.set(act.key, act);
    const post = async () => {
      const { path, body, key } = act;
      const sent = client.request("POST", path, body, { "idempotency-key": key });
      victim.bell.ring("post");
      const response = await sent;
      return { response, answer: await response.json() };
    };
    const clicks = fateOf(seed, "click", act.key).next() < TWICE ? 2 : 1;
    const answers = await Promise.all(Array.from({ length: clicks }, post));
    for (const { response, answer } of answers) this.#take(act, response, answer);
    const bodies = answers.filter(({ response }) => response.ok).map(({ answer }) => answer);
    if (bodies.length === 2) deepEqual(bodies[0], bodies[1], "the same key, the same answer");
  }

  #take(act: Act, response: Response, answer: Json): void {
    if (response.headers.has("idempotency-replayed")) this.replayed++;
    if (!this.#unanswered.has(act.key)) return; // the other click was answered
    const text = String(answer?.detail ?? answer?.title ?? "");
    if (response.ok) {
      this.accepted.push({ ...act, answer });
      this.#settle(act);
    } else if (response.status === 503 || /still being worked on/.test(text)) {
      this.putOff++; // it is sent again with the next look
    } else if (response.status === 409) {
      this.refused++;
      this.#settle(act);
    } else {
      throw new Error(`${response.status} for ${act.kind} ${act.path}: ${JSON.stringify(answer)}`);
    }
  }
}

/** What work may end with here: its requests were cut off too often for its budget. */
const expectedFailures: ReadonlySet<string> = new Set(["max_cost", "max_tokens"]);

async function listAll(client: Client, path: string): Promise<Json[]> {
  const all: Json[] = [];
  let cursor = "";
  do {
    const { items, next } = await client.get(`${path}?limit=200${cursor}`);
    all.push(...items);
    cursor = next ? `&cursor=${encodeURIComponent(next)}` : "";
  } while (cursor !== "");
  return all;
}
