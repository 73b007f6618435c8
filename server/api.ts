/**
 * How a route of the API is declared: one value says its path, what it takes and what it gives. From it come
 * the check of every request, the types of its handler, and its part of the OpenAPI description.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { RouteConfig } from "@hono/zod-openapi";
import type { Context, Hono } from "hono";
import { z } from "zod";
import { transact, within } from "./db.ts";
import { AppError, httpStatus } from "./errors.ts";
import type { App } from "./app.ts";
import { keepAnswer, type RequestKey } from "./idempotency.ts";
import type { LateBindings, LateRoutes } from "./late_routes.ts";
import { once } from "./once.ts";
import { fieldErrors, wrongInput } from "./wrong_input.ts";

/** What the middleware puts into each request. */
export interface Env {
  Bindings: LateBindings;
  Variables: { app: App; requestId: string; requestKey?: RequestKey };
}
export type RequestContext = Context<Env>;

type Method = "get" | "post" | "put" | "patch" | "delete";

export interface Operation<Out extends z.ZodType, Body extends z.ZodType, Query extends z.ZodType> {
  summary: string;
  /** Heading in the description; the first part of the path by default. */
  tag?: string;
  /** Schemas are made when they are first needed: a start has no time for all of them. */
  body?: () => Body;
  query?: () => Query;
  out: () => Out;
  /** Of success; 200 by default. */
  status?: 200 | 201;
  /**
   * The answer has an ETag of its content; a PATCH or PUT then needs it back in If-Match, so that nobody overwrites
   * what they have not seen.
   */
  versioned?: boolean;
}

/** What a handler gets; everything has been validated. */
export interface Input<Body, Query> {
  app: App;
  params: Record<string, string>;
  body: Body;
  query: Query;
  c: RequestContext;
}

type Change<Out extends z.ZodType, Body extends z.ZodType> = Operation<Out, Body, never> & {
  /** The resource as it is now, in the form that GET gives. */
  current: (app: App, id: string) => z.input<Out> | Promise<z.input<Out>>;
};

type Handler<Out extends z.ZodType, Body extends z.ZodType, Query extends z.ZodType> = (
  input: Input<z.output<Body>, z.output<Query>>,
) => z.input<Out> | Promise<z.input<Out>>;

/** What every refusal looks like (RFC 9457). */
const problemSchema = once(() =>
  z.object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string(),
    errors: z.array(z.object({ field: z.string(), message: z.string() })),
    request_id: z.string(),
  }).meta({ id: "Problem" })
);

/** Declares routes on one router; paths are relative to /api/v1 and use `:name` for parameters. */
export class Api {
  readonly #descriptions: (() => RouteConfig)[] = [];

  constructor(readonly hono: Hono<Env>, readonly base: string, readonly lateRoutes: LateRoutes) {}

  /**
   * Declares routes that are loaded with the first request for one of them; `firsts` are the first parts of all their
   * paths. A test looks that none is missing.
   */
  late(firsts: readonly string[], load: () => Promise<(api: Api) => void>): void {
    this.lateRoutes.add(this.base, firsts, async () => {
      const mount = await load();
      return () => mount(this);
    });
  }

  /** All that is declared, for the OpenAPI description. */
  async routes(): Promise<RouteConfig[]> {
    await this.lateRoutes.all();
    return this.#descriptions.map((describe) => describe());
  }

  /** A route of another form than those below. */
  describe(route: RouteConfig): void {
    this.#descriptions.push(() => route);
  }

  get<O extends z.ZodType, Q extends z.ZodType>(
    path: string,
    operation: Operation<O, never, Q>,
    handler: Handler<O, z.ZodUndefined, Q>,
  ): this {
    return this.#add("get", path, operation as never, handler as never);
  }

  /** The handler is one transaction with all that it does, and with the answer that its repetition gets. */
  post<O extends z.ZodType, B extends z.ZodType, Q extends z.ZodType, P = undefined>(
    path: string,
    operation: Operation<O, B, Q> & {
      /**
       * What takes time (git, files) comes before the transaction, and the handler gets what it gives. It is done
       * again for a request that was cut off: it may leave nothing that this would harm.
       */
      prepare?: (input: Input<z.output<B>, z.output<Q>>) => Promise<P>;
    },
    handler: (input: Input<z.output<B>, z.output<Q>> & { prepared: P }) => z.input<O>,
  ): this {
    const { prepare, status = 200, versioned } = operation;
    const answer = async (input: Input<z.output<B>, z.output<Q>>): Promise<Response> => {
      const { app, c } = input;
      const prepared = await prepare?.(input) as P;
      return transact(app, (tx) => {
        const value = handler({ ...input, app: within(tx, app), prepared });
        if (versioned) c.header("ETag", etagOf(value));
        const response = c.json(value as never, status);
        const { requestKey } = c.var;
        if (requestKey) keepAnswer(tx, requestKey, response, JSON.stringify(value));
        return response;
      });
    };
    return this.#add("post", path, operation as never, answer as never);
  }

  patch<O extends z.ZodType, B extends z.ZodType>(
    path: string,
    operation: Change<O, B>,
    handler: Handler<O, B, z.ZodUndefined>,
  ): this {
    return this.#change("patch", path, operation, handler);
  }

  /** As `patch`, and the body is all of the resource. */
  put<O extends z.ZodType, B extends z.ZodType>(
    path: string,
    operation: Change<O, B>,
    handler: Handler<O, B, z.ZodUndefined>,
  ): this {
    return this.#change("put", path, operation, handler);
  }

  #change<O extends z.ZodType, B extends z.ZodType>(
    method: "patch" | "put",
    path: string,
    operation: Change<O, B>,
    handler: Handler<O, B, z.ZodUndefined>,
  ): this {
    const checked: typeof handler = async (input) => {
      requireMatch(input.c, etagOf(await operation.current(input.app, input.params.id!)));
      return await handler(input);
    };
    return this.#add(method, path, { ...operation, versioned: true } as never, checked as never);
  }

  delete<O extends z.ZodType>(
    path: string,
    operation: Operation<O, never, never>,
    handler: Handler<O, z.ZodUndefined, z.ZodUndefined>,
  ): this {
    return this.#add("delete", path, operation as never, handler as never);
  }

  #add(
    method: Method,
    path: string,
    operation: Operation<z.ZodType, z.ZodType, z.ZodType>,
    handler: Handler<z.ZodType, z.ZodType, z.ZodType>,
  ): this {
    const { body, query, status = 200, versioned } = operation;
    this.#descriptions.push(() => describe(method, path, operation));
    this.hono.on(method.toUpperCase(), path, async (c: RequestContext) => {
      const value = await handler({
        app: c.var.app,
        params: c.req.param() as Record<string, string>,
        body: body && validate(body, await readJson(c), "body"),
        query: query && validate(query, queryOf(c), "query"),
        c,
      });
      if (value instanceof Response) return value;
      if (versioned) c.header("ETag", etagOf(value));
      return c.json(value as never, status);
    });
    return this;
  }
}

function describe(
  method: Method,
  path: string,
  { summary, tag, body, query, out, status = 200 }: Operation<
    z.ZodType,
    z.ZodType,
    z.ZodType
  >,
): RouteConfig {
  const names = [...path.matchAll(/:(\w+)/g)].map((match) => match[1]!);
  const params = z.object(Object.fromEntries(names.map((name) => [name, z.string()])));
  const json = (schema: z.ZodType) => ({ "application/json": { schema } });
  return {
    method,
    path: path.replace(/:(\w+)/g, "{$1}"),
    summary,
    tags: [tag ?? path.split("/")[1]!],
    request: {
      ...(names.length > 0 ? { params } : {}),
      ...(query ? { query: query() as z.ZodObject } : {}),
      ...(body ? { body: { content: json(body()), required: true } } : {}),
    },
    responses: {
      [status]: { description: "Done", content: json(out()) },
      default: {
        description: "Refused, with the reason",
        content: { "application/problem+json": { schema: problemSchema() } },
      },
    },
  };
}

const ETAG_CHARS = 24;

/** Of a resource as JSON; two writes in the same millisecond differ in it too. */
export const etagOf = (resource: unknown): string =>
  `"${
    createHash("sha256").update(JSON.stringify(resource)).digest("base64url").slice(0, ETAG_CHARS)
  }"`;

/** Throws 428 without If-Match and 412 when the resource has changed since. */
function requireMatch(c: RequestContext, etag: string): void {
  const given = c.req.header("if-match");
  if (given === undefined) {
    throw new AppError(
      "conflict",
      "Cannot change it without If-Match: send the ETag that you got it with",
      [],
      { status: 428 },
    );
  }
  // A server that compresses weakens the tag of the same content.
  const tags = given.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  if (!tags.includes("*") && !tags.includes(etag)) {
    throw new AppError(
      "conflict",
      "Cannot change it: it has changed since you got it. Get it again, then decide",
      [],
      { status: 412 },
    );
  }
}

async function readJson(c: RequestContext): Promise<unknown> {
  const text = await c.req.text();
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AppError(
      "invalid",
      `Cannot read the body: it is not JSON (${(error as Error).message})`,
    );
  }
}

const queryOf = (c: RequestContext): Record<string, string> =>
  Object.fromEntries(new URL(c.req.url).searchParams);

/** Throws `invalid` with each field that is wrong. */
export function validate<S extends z.ZodType>(
  schema: () => S,
  value: unknown,
  what: string,
): z.output<S> {
  const result = schema().safeParse(value, { error: wrongInput });
  if (result.success) return result.data;
  const fields = fieldErrors(result.error.issues);
  const first = fields[0]!;
  throw new AppError(
    "invalid",
    `Cannot read the ${what}: ${first.field ? `"${first.field}": ` : ""}${first.message}`,
    fields,
  );
}

/** Longest time that a request may wait for git. */
const REQUEST_TIMEOUT_MS = 60_000;

/**
 * Ends the work of a request that takes too long. Not when the person leaves: what was asked of git, and a change above
 * all, is carried to its end. What costs much and is only for who asked is `whileAwaited`.
 */
export const requestSignal = (): AbortSignal => AbortSignal.timeout(REQUEST_TIMEOUT_MS);

/** The status that an error is answered with. */
export const statusOf = (error: AppError): number => error.status ?? httpStatus[error.code];

// ------------------------------------------------------------------ lists

export const LIST_DEFAULT = 50;
export const LIST_MAX = 200;

/** Query of every list. */
export const pageQuery = once(() =>
  z.object({
    limit: z.coerce.number().int().min(1).max(LIST_MAX).default(LIST_DEFAULT),
    cursor: z.string().max(500).optional().describe("`next` of the page before"),
  })
);

/** `{items, next}`: `next` is null on the last page. */
export const pageOf = <S extends z.ZodType>(item: () => S) => () =>
  z.object({ items: z.array(item()), next: z.string().nullable() });

export interface Cursor {
  key: string;
  id: string;
}

const cursorSchema = once(() => z.tuple([z.string(), z.string()]));

/** Throws `invalid` for a cursor that this server did not make. */
export function readCursor(text: string | undefined): Cursor | undefined {
  if (text === undefined) return undefined;
  try {
    const [key, id] = cursorSchema().parse(JSON.parse(Buffer.from(text, "base64url").toString()));
    return { key, id };
  } catch (error) {
    const message = "Use the `next` of the page before, unchanged";
    throw new AppError("invalid", "Cannot read the cursor: it is not one of this list", [
      { field: "cursor", message },
    ], { cause: error });
  }
}

const toCursor = (key: string, id: string): string =>
  Buffer.from(JSON.stringify([key, id])).toString("base64url");

/** One page out of `limit + 1` rows: the one too many only tells that there is more. */
export function toPage<T extends { id: string }, J>(
  rows: T[],
  limit: number,
  keyOf: (row: T) => string,
  toJson: (row: T) => J,
): { items: J[]; next: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const next = rows.length > limit && last ? toCursor(keyOf(last), last.id) : null;
  return { items: page.map(toJson), next };
}
