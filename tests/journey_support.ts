/** What the journeys share: the stream of events, the database as it is on disk, processes, scripted agents. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import {
  answer,
  type ClaudeRequest,
  costMicroUsd,
  failure,
  type FakeClaude,
  type MessageReply,
  type Reply,
  toolUse,
} from "./fake_claude/mod.ts";
import type { Client, Json } from "./gaffer.ts";
import type { TestRepo } from "./git_support.ts";

/** Longest wait for anything; a journey that hangs says so instead of hanging on. */
export const WAIT_MS = 60_000;

// ------------------------------------------------------------------ over the API

/** Answers every open question of an idea: with `text`, else with its first option. Gives how many. */
export async function answerAll(client: Client, ideaId: string, text?: string): Promise<number> {
  const { items } = await client.get(`/ideas/${ideaId}/questions`);
  const open = items.filter((question: Json) => question.status === "pending");
  for (const { id, options } of open) {
    await client.post(`/questions/${id}/answer`, { answer: text ?? options[0] ?? "As you like" });
  }
  return open.length;
}

/** Nothing more happens to the ticket until a person acts. */
export const settled = (ticket: Json): boolean =>
  ["review", "blocked", "done", "cancelled"].includes(ticket.status) && ticket.step !== "merge";

/** How often a change is tried that others come before: journeys make projects side by side. */
const PATCHES_MAX = 20;

/** Changes something as a client does that has just read it, and reads again where somebody was quicker. */
export async function patch(
  client: Client,
  path: string,
  changes: Json,
  left = PATCHES_MAX,
): Promise<Json> {
  const response = await client.request("GET", path);
  const etag = response.headers.get("etag")!;
  await response.body?.cancel();
  const changed = await client.request("PATCH", path, changes, { "if-match": etag });
  if (changed.status === 412 && left > 1) {
    await changed.body?.cancel();
    return await patch(client, path, changes, left - 1);
  }
  if (!changed.ok) throw new Error(`${changed.status} ${path}: ${await changed.text()}`);
  return await changed.json();
}

/**
 * Makes a project of the repository whose commands may run, also where there is no sandbox, and whose runs may have
 * all tags together, as the researcher has with the web: journeys that are about that take it back.
 */
export async function addProject(
  client: Client,
  repo: TestRepo,
  commands: { setup?: string; build?: string; test?: string },
): Promise<Json> {
  const { id } = await client.post("/projects", { path: repo.dir, commands });
  return await patch(client, `/projects/${id}`, { commands_allowed: true, tags_allowed: true });
}

/** Grants whatever a run asks for, as a person does where there is no sandbox; until it is disposed of. */
export async function grantAll(client: Client): Promise<AsyncDisposable> {
  const events = await Events.open(client.url);
  const granting = (async () => {
    for await (const event of events) {
      if (event.type !== "approval_requested") continue;
      await client.post(`/approvals/${event.data.approvalId}`, { decision: "grant" });
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      await events[Symbol.asyncDispose]();
      await granting;
    },
  };
}

/** The runs of an idea or ticket, oldest first. */
export async function runsOf(client: Client, of: { idea_id?: string; ticket_id?: string }) {
  const { items } = await client.get("/runs?limit=200");
  return items.reverse().filter((run: Json) =>
    of.idea_id ? run.idea_id === of.idea_id : run.ticket_id === of.ticket_id
  ) as Json[];
}

/** A run's log. */
export async function logOf(client: Client, runId: string): Promise<Json[]> {
  return (await client.get(`/runs/${runId}/events`)).items;
}

/** The server's stream of events, read in order: waits for what comes, or came since it was opened. */
export class Events implements AsyncDisposable {
  readonly #abort = new AbortController();
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  private constructor(body: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = body.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** With `after`, what came after that number is told too. */
  static async open(url: string, after?: number): Promise<Events> {
    const query = after === undefined ? "" : `?after=${after}`;
    const response = await fetch(`${url}/api/v1/events${query}`);
    return new Events(response.body!);
  }

  /** The first event from here on that matches. Rejects when there is none in time or the server ends. */
  async next(what: string, matches: (event: Json) => boolean): Promise<Json> {
    const seen: string[] = [];
    const timer = setTimeout(() => this.#abort.abort(), WAIT_MS);
    const late = new Promise<never>((_, reject) => {
      this.#abort.signal.addEventListener("abort", () => reject(new Error("too late")));
    });
    try {
      while (true) {
        const event = await Promise.race([this.#read(), late]);
        if (event === null) throw new Error("the stream ended");
        seen.push(event.type);
        if (matches(event)) return event;
      }
    } catch (cause) {
      throw new Error(`Waited in vain for ${what} after ${seen.slice(-20).join(", ")}`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  /** All that comes, until the stream ends or is disposed of. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Json> {
    for (let event; (event = await this.#read());) yield event;
  }

  /** Null: the stream has ended. */
  async #read(): Promise<Json> {
    while (true) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const data = /^data: (.*)$/m.exec(this.#text.slice(0, end))?.[1];
        this.#text = this.#text.slice(end + 2);
        if (data) return JSON.parse(data);
        continue;
      }
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#text += value;
    }
  }

  async [Symbol.asyncDispose]() {
    await this.#reader.cancel().catch(() => {}); // the server may be gone
  }
}

// ------------------------------------------------------------------ behind the API

/** The database of a data folder, to read; works beside a server and after it. */
export class Rows implements Disposable {
  readonly #db: DatabaseSync;

  constructor(dataDir: string) {
    this.#db = new DatabaseSync(join(dataDir, "gaffer.db"), { readOnly: true });
  }

  all(sql: string, ...values: (string | number)[]): Json[] {
    return this.#db.prepare(sql).all(...values);
  }

  /** The one value of the first row. */
  one(sql: string, ...values: (string | number)[]): Json {
    return Object.values(this.all(sql, ...values)[0] ?? {})[0];
  }

  [Symbol.dispose]() {
    this.#db.close();
  }
}

// ------------------------------------------------------------------ scripted agents

/** One answer of an agent: fixed, or made from what was asked. A throw is a refusal that ends the run. */
export type Turn = Reply | ((request: ClaudeRequest) => Reply | Promise<Reply>);

/**
 * What each agent answers, by the purpose of its task; a subtask is named by its position ("develop 2") where
 * there is a script for it. A list holds its turns; a single value answers them all.
 */
export type Scripts = Record<string, Turn[] | Turn>;

/** What a test expects of a request. Not `assert`: its message goes to the run, which fails with it. */
export function expect(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

export const attribute = (request: ClaudeRequest, tag: string, name: string): string | undefined =>
  new RegExp(`<${tag}[^>]* ${name}="([^"]*)"`).exec(request.prompt)?.[1];

export const purposeOf = (request: ClaudeRequest): string => attribute(request, "task", "purpose")!;

/** Answers each request with the turn that its agent's script has for it. */
export function play(scripts: Scripts): (request: ClaudeRequest) => Promise<Reply> {
  return async (request) => {
    const purpose = purposeOf(request);
    const position = attribute(request, "subtask", "position");
    const script = scripts[`${purpose} ${position}`] ?? scripts[purpose];
    const turn = Array.isArray(script) ? script[request.turn - 1] : script;
    try {
      expect(turn, `the test has no turn ${request.turn} for "${purpose}" of ${request.agent}`);
      return typeof turn === "function" ? await turn(request) : turn;
    } catch (error) {
      return failure("invalid_request_error", `The script says: ${(error as Error).message}`);
    }
  };
}

/** An answer that calls tools: pairs of name and input. */
export const calls = (...uses: [name: string, input: Record<string, unknown>][]): MessageReply =>
  answer(...uses.map(([name, input]) => toolUse(name, input)));

export const submit = (result: Record<string, unknown>): MessageReply =>
  calls(["submit_result", result]);

/** Makes sure that all results that came back are good, then answers. */
export const ifGood = (reply: MessageReply): Turn => (request) => {
  for (const { name, content, isError } of request.results) {
    expect(!isError, `${name} failed: ${content}`);
  }
  return reply;
};

// ------------------------------------------------------------------ accounts

/** What the fake has charged, rounded up per request as Gaffer does, in micro-USD. */
export const chargedBy = (fake: FakeClaude): number =>
  fake.requests.reduce(
    (sum, { request, billed }) =>
      sum + (billed ? Math.ceil(round(costMicroUsd(request!.body.model, billed))) : 0),
    0,
  );

/** Without the dust of binary fractions, which would round up to a whole micro-dollar. */
const round = (microUsd: number): number => Math.round(microUsd * 1e6) / 1e6;
