/** Checks what a brain says: a brain that talks nonsense is not to be believed in anything else. */
import { z } from "zod";
import { type FailureReason, failureReasons } from "../server/states.ts";
import { quirks } from "./loop/quirks.ts";
import { type FromBrain, rateBuckets } from "./protocol.ts";

const count = z.number().int().min(0);
const reason = z.enum(Object.keys(failureReasons) as [FailureReason, ...FailureReason[]]);
const usage = z.strictObject({
  inputTokens: count,
  outputTokens: count,
  cacheWrite5mTokens: count,
  cacheWrite1hTokens: count,
  cacheReadTokens: count,
  webSearches: count.optional(),
});
const rate = z.number().min(0);
const price = z.strictObject({
  input: rate,
  output: rate,
  cacheWrite5m: rate,
  cacheWrite1h: rate,
  cacheRead: rate,
  webSearch: rate.optional(),
});

const blocks = z.array(z.looseObject({ type: z.string() }));
const paid = {
  usage,
  costMicroUsd: count,
  price,
  requestId: z.string().nullable(),
  durationMs: count,
};

/** The facts that a loop may append; all others are the server's to state. */
const loopEvent = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("turn_started"),
    turn: count,
    maxOutputTokens: count,
    elapsedMs: count.optional(),
    // Not optional here: without them no room could be reserved.
    worstTokens: count,
    worstCostMicroUsd: count,
    compacts: z.literal(true).optional(),
    webTools: z.array(z.string()).optional(),
  }),
  z.strictObject({
    type: z.literal("turn_finished"),
    turn: count,
    content: blocks,
    stopReason: z.string(),
    ...paid,
    withoutTools: z.array(z.string()).optional(),
  }),
  z.strictObject({ type: z.literal("compacted"), turn: count, content: blocks, ...paid }),
  z.strictObject({
    type: z.literal("turn_failed"),
    turn: count,
    reason,
    message: z.string(),
    usage,
    costMicroUsd: count,
    retryInMs: count.nullable(),
    durationMs: count.optional(),
    mostTokens: count.optional(),
    mostCostMicroUsd: count.optional(),
  }),
  z.strictObject({ type: z.literal("note"), text: z.string(), elapsedMs: count.optional() }),
  z.strictObject({ type: z.literal("nudge"), text: z.string() }),
]);

const outcome = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("succeeded"), result: z.unknown() }),
  z.strictObject({ type: z.literal("failed"), reason, message: z.string() }),
  z.strictObject({ type: z.literal("suspended") }),
  z.strictObject({
    type: z.literal("retry"),
    reason,
    message: z.string(),
    afterMs: count.nullable(),
  }),
  z.strictObject({ type: z.literal("hold"), reason, message: z.string() }),
  z.strictObject({
    type: z.literal("in_doubt"),
    reason: z.enum(["max_cost", "max_tokens"]),
    message: z.string(),
  }),
  z.strictObject({ type: z.literal("stopped") }),
]);

const bucket = z.strictObject({ limit: count, remaining: count, resetInMs: count });
const rateLimits = z.partialRecord(z.enum(rateBuckets), bucket);

const fromBrain = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("ready") }),
  z.strictObject({
    type: z.literal("append"),
    loop: count,
    requestId: count,
    event: loopEvent,
  }),
  z.strictObject({
    type: z.literal("tools"),
    loop: count,
    requestId: count,
    turn: count,
    calls: z.array(z.strictObject({
      id: z.string(),
      name: z.string(),
      input: z.record(z.string(), z.unknown()),
    })),
  }),
  z.strictObject({
    type: z.literal("delta"),
    loop: count,
    turn: count,
    kind: z.enum(["text", "thinking", "tool"]),
    text: z.string(),
  }),
  z.strictObject({ type: z.literal("answering"), loop: count }),
  z.strictObject({ type: z.literal("rate"), loop: count, limits: rateLimits }),
  z.strictObject({ type: z.literal("quirk"), quirk: z.enum(quirks) }),
  z.strictObject({ type: z.literal("outcome"), loop: count, outcome }),
  z.strictObject({ type: z.literal("pong"), id: count }),
  z.strictObject({ type: z.literal("fault"), message: z.string() }),
  z.strictObject({ type: z.literal("probed"), holes: z.array(z.string()) }),
]);

/** Null: no message that the protocol knows. The value itself is given back, not a copy. */
export function readFromBrain(value: unknown): FromBrain | null {
  return fromBrain.safeParse(value).success ? value as FromBrain : null;
}
