/**
 * `Idempotency-Key` on the API's POSTs: a request that is repeated because its answer got lost is answered
 * and not done again. The key is taken before the work begins, so that even a kill in the middle can't lead to
 * doing it twice: then nobody knows how far it came, and the repeated request is told so.
 */
import { createHash } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import type { Env, RequestContext } from "./api.ts";
import { SECOND_MS } from "./clock.ts";
import { transact } from "./db.ts";
import { AppError } from "./errors.ts";
import { Unavailable } from "./machine_fault.ts";
import {
  findAnswer,
  freeKey,
  storeAnswer,
  type StoredAnswer,
  takeKey,
} from "./store/idempotency_keys.ts";
import { systemTimers, type Timers } from "./timers.ts";

/** How long a repeated request waits for the first one that is still being worked on. */
export const WAIT_MS = 30 * SECOND_MS;
/** Longer answers are not kept; no POST of the API has one. */
const MAX_ANSWER_CHARS = 1_000_000;
const KEPT_HEADERS = ["content-type", "etag", "location"];

/** What is kept of an answer, as JSON in the `body` column. */
interface Answer {
  headers: Record<string, string>;
  text: string;
}

/**
 * Answers of 2xx and 3xx are kept and given again, with `Idempotency-Replayed: true`. So are those of 5xx: how
 * far such a request came is not known. A refusal (4xx, and 503: nothing could be saved) changed nothing and
 * frees its key.
 */
export function idempotency(timers: Timers = systemTimers): MiddlewareHandler<Env> {
  const inFlight = new Map<string, Promise<void>>();
  /** Keys of refused requests that the full disk kept from being freed. */
  const unfreed = new Set<string>();
  return async (c, next) => {
    const given = c.req.header("idempotency-key");
    if (c.req.method !== "POST" || given === undefined) return await next();
    const { app } = c.var;
    const key = scoped(app.actor, given);
    const hash = await hashOf(c);
    if (unfreed.has(key)) {
      transact(app, (tx) => freeKey(tx, key));
      unfreed.delete(key);
    }
    let stored = findAnswer(app.db, key);
    const first = inFlight.get(key);
    if (first && stored?.requestHash === hash) {
      await settled(first, timers);
      stored = findAnswer(app.db, key);
    }
    if (stored) return replay(stored, hash, inFlight.has(key));
    const { promise, resolve } = Promise.withResolvers<void>();
    inFlight.set(key, promise);
    try {
      if (!transact(app, (tx) => takeKey(tx, key, hash))) throw stillWorkedOn();
      await next();
      if (c.res.status !== 503) {
        // It was done and is answered so; where the answer can't be kept, a repeated request is told to look.
        await whereStorable(() => keep(c, key));
      } else if (!await whereStorable(() => transact(app, (tx) => freeKey(tx, key)))) {
        unfreed.add(key);
      }
    } finally {
      if (inFlight.get(key) === promise) inFlight.delete(key);
      resolve();
    }
  };
}

function scoped(actor: string, given: string): string {
  if (/^[\x21-\x7e]{1,255}$/.test(given)) return `${actor} ${given}`;
  const message = "Send 1 to 255 visible ASCII characters";
  throw new AppError("invalid", `Cannot use the Idempotency-Key: it is not valid. ${message}`, [
    { field: "Idempotency-Key", message },
  ]);
}

/** Of everything that makes it the same request. */
async function hashOf(c: RequestContext): Promise<string> {
  const { pathname, search } = new URL(c.req.url);
  const text = `${c.req.method} ${pathname}${search}\n${await c.req.text()}`;
  return createHash("sha256").update(text).digest("hex");
}

async function settled(first: Promise<void>, timers: Timers): Promise<void> {
  const late = Promise.withResolvers<void>();
  const cancel = timers.after(WAIT_MS, () => late.reject(stillWorkedOn()));
  try {
    await Promise.race([first, late.promise]);
  } finally {
    cancel();
  }
}

const stillWorkedOn = () =>
  new AppError(
    "conflict",
    "Cannot answer yet: the first request with this Idempotency-Key is still being worked on. " +
      "Repeat it later with the same key",
  );

function replay(stored: StoredAnswer, hash: string, working: boolean): Response {
  if (stored.requestHash !== hash) {
    throw new AppError(
      "invalid",
      "Cannot use the Idempotency-Key: it came with a different request before. Use a new key",
      [{ field: "Idempotency-Key", message: "Use a new key for a new request" }],
    );
  }
  if (stored.status === 0) {
    if (working) throw stillWorkedOn();
    throw new AppError(
      "conflict",
      "Cannot tell whether it was done: the first request with this Idempotency-Key was cut off. " +
        "Look, and if it was not done, send it with a new key",
    );
  }
  const { headers, text } = JSON.parse(stored.body) as Answer;
  return new Response(text === "" ? null : text, {
    status: stored.status,
    headers: { ...headers, "idempotency-replayed": "true" },
  });
}

/** False: the disk did not take it. */
async function whereStorable(write: () => void | Promise<void>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (error instanceof Unavailable) return false;
    throw error;
  }
}

async function keep(c: RequestContext, key: string): Promise<void> {
  const { app } = c.var;
  const { status, headers } = c.res;
  if (status >= 400 && status < 500) return transact(app, (tx) => freeKey(tx, key));
  const text = await c.res.clone().text();
  if (text.length > MAX_ANSWER_CHARS) {
    app.log.warn("an answer is too long to be kept", { path: c.req.path, chars: text.length });
    return;
  }
  const kept = KEPT_HEADERS.flatMap((name) => {
    const value = headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  const answer: Answer = { headers: Object.fromEntries(kept), text };
  transact(app, (tx) => storeAnswer(tx, key, status, JSON.stringify(answer)));
}
