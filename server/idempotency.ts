/**
 * `Idempotency-Key` on the API's POSTs: a request that is repeated because its answer got lost is answered and
 * not done again. What it does, its key and its answer are one transaction, so that there is nothing in between
 * for a kill or a full disk: either all was done and the answer is there to be given again, or nothing was.
 */
import { createHash } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import type { Env, RequestContext } from "./api.ts";
import { SECOND_MS } from "./clock.ts";
import type { Tx } from "./db.ts";
import { AppError } from "./errors.ts";
import { findAnswer, storeAnswer, type StoredAnswer } from "./store/idempotency_keys.ts";
import { systemTimers, type Timers } from "./timers.ts";

/** How long a repeated request waits for the first one that is still being worked on. */
export const WAIT_MS = 30 * SECOND_MS;
/** A POST answers with the one thing that it made or changed, which is far smaller. */
const MAX_ANSWER_CHARS = 1_000_000;
const KEPT_HEADERS = ["content-type", "etag", "location"];

/** The key of a request, and what tells its repetition from another request with the same key. */
export interface RequestKey {
  /** With its actor, so that nobody meets somebody else's. */
  key: string;
  hash: string;
}

/** What is kept of an answer, as JSON in the `body` column. */
interface Answer {
  headers: Record<string, string>;
  text: string;
}

/** A request that is being worked on. */
interface InFlight {
  hash: string;
  ended: Promise<void>;
}

/**
 * Answers of success are kept and given again, with `Idempotency-Replayed: true`. Whatever else a request is
 * answered with, it has changed nothing and its key is free.
 */
export function idempotency(timers: Timers = systemTimers): MiddlewareHandler<Env> {
  const inFlight = new Map<string, InFlight>();
  return async (c, next) => {
    const given = c.req.header("idempotency-key");
    if (c.req.method !== "POST" || given === undefined) return await next();
    const { app } = c.var;
    const request: RequestKey = { key: scoped(app.actor, given), hash: await hashOf(c) };
    const end = await takeTurn(inFlight, request, timers);
    try {
      const stored = findAnswer(app.db, request.key);
      if (stored) return replay(stored, request);
      c.set("requestKey", request);
      await next();
    } finally {
      end();
    }
  };
}

/** Keeps an answer for its repetition, in the transaction that does what was asked for. `text`: its body. */
export function keepAnswer(
  tx: Tx,
  { key, hash }: RequestKey,
  answer: Response,
  text: string,
): void {
  if (text.length > MAX_ANSWER_CHARS) {
    throw new Error(`Cannot keep an answer for its Idempotency-Key: ${text.length} characters`);
  }
  const headers = KEPT_HEADERS.flatMap((name) => {
    const value = answer.headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  const kept: Answer = { headers: Object.fromEntries(headers), text };
  storeAnswer(tx, key, { requestHash: hash, status: answer.status, body: JSON.stringify(kept) });
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

/** Of requests with the same key, one at a time gets its turn, and what ends it. */
async function takeTurn(
  inFlight: Map<string, InFlight>,
  { key, hash }: RequestKey,
  timers: Timers,
): Promise<() => void> {
  const late = Promise.withResolvers<never>();
  const cancel = inFlight.has(key)
    ? timers.after(WAIT_MS, () => late.reject(stillWorkedOn()))
    : () => {};
  try {
    for (let other = inFlight.get(key); other; other = inFlight.get(key)) {
      if (other.hash !== hash) throw differentRequest();
      await Promise.race([other.ended, late.promise]);
    }
  } finally {
    cancel();
  }
  // Nothing is awaited since it was free, so that nobody else can have taken it.
  const { promise, resolve } = Promise.withResolvers<void>();
  inFlight.set(key, { hash, ended: promise });
  return () => {
    inFlight.delete(key);
    resolve();
  };
}

const stillWorkedOn = () =>
  new AppError(
    "conflict",
    "Cannot answer yet: the first request with this Idempotency-Key is still being worked on. " +
      "Repeat it later with the same key",
  );

const differentRequest = () =>
  new AppError(
    "invalid",
    "Cannot use the Idempotency-Key: it came with a different request before. Use a new key",
    [{ field: "Idempotency-Key", message: "Use a new key for a new request" }],
  );

function replay(stored: StoredAnswer, { hash }: RequestKey): Response {
  if (stored.requestHash !== hash) throw differentRequest();
  const { headers, text } = JSON.parse(stored.body) as Answer;
  return new Response(text, {
    status: stored.status,
    headers: { ...headers, "idempotency-replayed": "true" },
  });
}
