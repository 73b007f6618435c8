/**
 * Requests to a forge's API: one at a time, each with an end, none to another address than the one that was set, and
 * no word of the token in what is thrown. No waiting and trying again here: that is the queue's.
 *
 * Plain fetch and not the forges' own client libraries: some twenty requests of three APIs are all that is needed, and
 * each of those would bring its own way to retry, page and fail, would follow redirects with the token, and would take
 * an answer for what its types say.
 */
import { z } from "zod";
import { DAY_MS, SECOND_MS } from "../../clock.ts";
import { VERSION } from "../../version.ts";
import { LABEL_CHARS, type Listed } from "./forge.ts";

/** For one whole answer. */
export const FORGE_TIMEOUT_MS = 15 * SECOND_MS;
const ANSWER_MAX_BYTES = 8 * 1024 * 1024;
const PER_PAGE = 100;
/** Pages of one list that are read. */
const PAGES_MAX = 10;

/** A request that came to nothing. Its message says what was attempted, what is wrong and how to mend it. */
export class ForgeError extends Error {
  override name = "ForgeError";
  constructor(
    message: string,
    /** Only a person can mend it. */
    readonly lasting: boolean,
    /** HTTP status; null: no answer, or none that can be read. */
    readonly status: number | null,
    /** What the forge asked for before the next request; null: nothing. */
    readonly afterMs: number | null = null,
  ) {
    super(message);
  }

  /** The forge has no such thing that the token may see: it may well be there. */
  get hides(): boolean {
    return this.lasting && (this.status === 403 || this.status === 404);
  }
}

export interface ForgeAccess {
  /** "GitHub". */
  name: string;
  apiUrl: string;
  repository: string;
  /** `$NAME`, for messages. */
  variable: string;
  token: string;
  headers: Record<string, string>;
  nowMs: () => number;
  timeoutMs?: number;
}

interface Ask<S extends z.ZodType> {
  /** Completes "Cannot …". */
  doing: string;
  /** Each part is encoded. */
  path: readonly (string | number)[];
  query?: Record<string, string | number>;
  schema: S;
  signal: AbortSignal;
}

export class ForgeClient {
  #restMs = 0;
  constructor(readonly access: ForgeAccess) {}

  get restMs(): number {
    return this.#restMs;
  }

  async get<S extends z.ZodType>(ask: Ask<S>): Promise<z.output<S>> {
    return (await this.#request("GET", ask)).value;
  }

  async post<S extends z.ZodType>(ask: Ask<S> & { body: unknown }): Promise<z.output<S>> {
    return (await this.#request("POST", ask)).value;
  }

  async patch<S extends z.ZodType>(ask: Ask<S> & { body: unknown }): Promise<z.output<S>> {
    return (await this.#request("PATCH", ask)).value;
  }

  async put<S extends z.ZodType>(ask: Ask<S> & { body: unknown }): Promise<z.output<S>> {
    return (await this.#request("PUT", ask)).value;
  }

  /** As `post`; null where it is refused because there is such a thing already, which `isThere` tells. */
  async postUnless<S extends z.ZodType>(
    ask: Ask<S> & { body: unknown },
    isThere: (refusal: ForgeError) => boolean,
  ): Promise<z.output<S> | null> {
    try {
      return await this.post(ask);
    } catch (error) {
      if (error instanceof ForgeError && isThere(error)) return null;
      throw error;
    }
  }

  /** All pages of a list, as far as they are read: `cut` where there are more. `items` of what a page holds. */
  async list<S extends z.ZodType, Item>(
    ask: Ask<S>,
    items: (page: z.output<S>) => readonly Item[],
    { size = "per_page", pages = PAGES_MAX } = {},
  ): Promise<Listed<Item>> {
    const all: Item[] = [];
    let cut = true;
    for (let page = 1; cut && page <= pages; page++) {
      const query = { ...ask.query, [size]: PER_PAGE, page };
      const { value, more } = await this.#request("GET", { ...ask, query });
      all.push(...items(value));
      cut = more;
    }
    return { items: all, cut };
  }

  async #request<S extends z.ZodType>(
    method: "GET" | "POST" | "PATCH" | "PUT",
    ask: Ask<S> & { body?: unknown },
  ): Promise<{ value: z.output<S>; more: boolean }> {
    const { signal, schema } = ask;
    const url = this.#addressOf(ask);
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, {
        method,
        headers: {
          "user-agent": `gaffer/${VERSION}`,
          accept: "application/json",
          ...this.access.headers,
          ...ask.body === undefined ? {} : { "content-type": "application/json" },
        },
        ...ask.body === undefined ? {} : { body: JSON.stringify(ask.body) },
        redirect: "manual",
        signal: AbortSignal.any([
          signal,
          AbortSignal.timeout(this.access.timeoutMs ?? FORGE_TIMEOUT_MS),
        ]),
      });
      text = await readText(response);
    } catch (error) {
      signal.throwIfAborted();
      const what = error instanceof DOMException && error.name === "TimeoutError"
        ? "it does not answer in time"
        : error instanceof RangeError
        ? "it answers with more than is read"
        : "it can't be reached";
      throw this.#error(ask, `${what} at ${url.host}. It is tried again by itself`, false, null);
    }
    this.#restMs = restOf(response, this.access.nowMs());
    if (!response.ok) throw this.#refusal(ask, response, text);
    const value = schema.safeParse(parse(text));
    if (!value.success) {
      const place = value.error.issues[0]?.path.join(".");
      const what = `its answer is none that this API gives${place ? ` (${place})` : ""}`;
      const mend = "See that the API's address is right; it is tried again by itself";
      throw this.#error(ask, `${what}. ${mend}`, false, response.status);
    }
    const more = /<[^>]*>\s*;[^,]*\brel="?next"?/.test(response.headers.get("link") ?? "");
    return { value: value.data, more };
  }

  #addressOf({ path, query = {} }: Ask<z.ZodType>): URL {
    const url = new URL(
      `${this.access.apiUrl}/${path.map((part) => encodeURIComponent(part)).join("/")}`,
    );
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    return url;
  }

  /** What an answer that is no success means. */
  #refusal(ask: Ask<z.ZodType>, response: Response, text: string): ForgeError {
    const { variable, repository } = this.access;
    const { status } = response;
    const said = this.#clean(wordsOf(text));
    const words = said && ` ("${said}")`;
    const limited = status === 429 ||
      status === 403 && (this.#restMs > 0 || /rate limit/i.test(said));
    if (limited) {
      const what = `it takes no more requests for now${words}. It goes on by itself`;
      return this.#error(ask, what, false, status, this.#restMs || null);
    }
    if (status === 401) {
      const mend = "Put a valid one into that variable, and start Gaffer again";
      return this.#error(ask, `it refuses the token in ${variable}${words}. ${mend}`, true, status);
    }
    if (status === 403) {
      const what = `the token in ${variable} may not do that${words}`;
      const mend = "Give it the right to read checks and to write code and pull requests";
      return this.#error(ask, `${what}. ${mend}`, true, status);
    }
    if (status === 404) {
      const what = `it has no such thing in "${repository}" that the token in ${variable} may see`;
      const mend = "See the repository's name, the API's address and the token's rights";
      return this.#error(ask, `${what}${words}. ${mend}`, true, status);
    }
    if (status >= 300 && status < 400) {
      const what = `"${repository}" answers from another address: it was moved or renamed`;
      return this.#error(ask, `${what}. Set its new name in the project`, true, status);
    }
    if (status >= 500 || status === 408) {
      const what = `it has a fault (${status})${words}. It is tried again by itself`;
      return this.#error(ask, what, false, status, this.#restMs || null);
    }
    return this.#error(ask, `it answers ${status}${words}`, true, status);
  }

  #error(
    { doing }: Ask<z.ZodType>,
    what: string,
    lasting: boolean,
    status: number | null,
    afterMs: number | null = null,
  ): ForgeError {
    const message = `Cannot ${doing} at ${this.access.name}: ${what}`;
    return new ForgeError(message, lasting, status, afterMs);
  }

  #clean = (text: string): string => text.replaceAll(this.access.token, "[token]");
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > ANSWER_MAX_BYTES) throw new RangeError("too long");
    chunks.push(chunk);
  }
  return await new Blob(chunks as BlobPart[]).text();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema says that it is none
  }
}

/** What a forge says of a refusal: `message`, which GitLab may make a list or a table, and GitHub's `errors`. */
function wordsOf(text: string): string {
  const body = parse(text) as Record<string, unknown> | null | undefined;
  if (typeof body !== "object" || body === null) return "";
  const details = Array.isArray(body.errors)
    ? body.errors.map((error) =>
      typeof error === "string"
        ? error
        : String(error?.message ?? `${error?.field ?? ""} ${error?.code ?? ""}`)
    )
    : [];
  const words = [textIn(body.message), textIn(body.error), ...details].filter(Boolean);
  // deno-lint-ignore no-control-regex -- what a terminal or a page would obey
  return [...new Set(words)].join("; ").replace(/[\u0000-\u001f\u007f]+/g, " ")
    .slice(0, LABEL_CHARS);
}

const textIn = (value: unknown): string =>
  typeof value === "string"
    ? value
    : Array.isArray(value)
    ? value.filter((one) => typeof one === "string").join("; ")
    : value && typeof value === "object"
    ? Object.entries(value).map(([name, why]) => `${name} ${textIn(why)}`).join("; ")
    : "";

/** By `retry-after`, else until a limit that is used up is filled again; 0: neither. A day at most. */
export function restOf({ headers }: Pick<Response, "headers">, nowMs: number): number {
  const after = headers.get("retry-after");
  const asked = after === null
    ? NaN
    : /^\d+$/.test(after.trim())
    ? Number(after) * SECOND_MS
    : Date.parse(after) - nowMs;
  const resets = ["x-ratelimit", "ratelimit"]
    .filter((prefix) => headers.get(`${prefix}-remaining`)?.trim() === "0")
    .map((prefix) => Number(headers.get(`${prefix}-reset`) ?? NaN) * SECOND_MS - nowMs);
  const wait = [asked, ...resets].find((ms) => Number.isFinite(ms)) ?? 0;
  return Math.min(Math.max(Math.ceil(wait), 0), DAY_MS);
}
