/**
 * Lets one of several runs with the same beginning (model, tools, system) ask first: once its answer begins, the
 * provider has the beginning in its cache, and the others read what it wrote instead of paying for it again.
 */
import { createHash } from "node:crypto";
import { MINUTE_MS, SECOND_MS } from "../../server/clock.ts";
import type { RunSpec } from "../protocol.ts";
import { type Gate, pause } from "./gate.ts";

/** A run waits no longer than this for others. */
export const LEADER_WAIT_MS = 20 * SECOND_MS;
/** How long the provider keeps what it cached, counted from the request's start; a little less, to be sure. */
const WARM_MS = 5 * MINUTE_MS - 15 * SECOND_MS;
/** Beginnings that are remembered. */
const MAX_PREFIXES = 1_000;

interface Prefix {
  /** Until then it is in the provider's cache. */
  warmUntilMs: number;
  /** The run that asks first. */
  leader: { runId: string; sentMs: number; begun: PromiseWithResolvers<void> } | null;
}

export class LeaderGate implements Gate {
  readonly #prefixes = new Map<string, Prefix>();
  /** By run: the beginning of its request, and when that went out. */
  readonly #sent = new Map<string, { key: string; atMs: number }>();
  readonly #keys = new WeakMap<RunSpec, string>();

  constructor(readonly nowMs: () => number, readonly waitMs: number = LEADER_WAIT_MS) {}

  async before(spec: RunSpec, signal: AbortSignal): Promise<void> {
    const key = this.#keyOf(spec);
    const prefix = this.#prefixOf(key);
    const latestMs = this.nowMs() + this.waitMs;
    // Whoever leads may fail: then the next one in line leads.
    while (
      prefix.leader && prefix.leader.runId !== spec.runId && prefix.warmUntilMs <= this.nowMs()
    ) {
      const leftMs = latestMs - this.nowMs();
      if (leftMs <= 0) break;
      await pause(leftMs, signal, prefix.leader.begun.promise);
    }
    signal.throwIfAborted();
    const sentMs = this.nowMs();
    if (!prefix.leader && prefix.warmUntilMs <= sentMs) {
      prefix.leader = { runId: spec.runId, sentMs, begun: Promise.withResolvers() };
    }
    this.#sent.set(spec.runId, { key, atMs: sentMs });
  }

  answering(runId: string): void {
    const sent = this.#sent.get(runId);
    if (!sent) return;
    const prefix = this.#prefixOf(sent.key);
    prefix.warmUntilMs = Math.max(prefix.warmUntilMs, sent.atMs + WARM_MS);
    this.#letGo(runId);
  }

  recorded(runId: string, { type }: { type: string }): void {
    if (type === "turn_finished" || type === "compacted") this.answering(runId);
    else if (type === "turn_failed") this.#letGo(runId);
  }

  over(runId: string): void {
    this.#letGo(runId);
  }

  /** The others need not wait for this one any more. */
  #letGo(runId: string): void {
    const sent = this.#sent.get(runId);
    this.#sent.delete(runId);
    const prefix = sent && this.#prefixes.get(sent.key);
    if (prefix?.leader?.runId !== runId) return;
    const { begun } = prefix.leader;
    prefix.leader = null;
    begun.resolve();
  }

  #prefixOf(key: string): Prefix {
    const known = this.#prefixes.get(key);
    if (known) return known;
    for (const [old, { leader, warmUntilMs }] of this.#prefixes) {
      if (this.#prefixes.size < MAX_PREFIXES) break;
      if (!leader && warmUntilMs <= this.nowMs()) this.#prefixes.delete(old);
    }
    const prefix: Prefix = { warmUntilMs: 0, leader: null };
    this.#prefixes.set(key, prefix);
    return prefix;
  }

  #keyOf(spec: RunSpec): string {
    const known = this.#keys.get(spec);
    if (known) return known;
    const { model: { id, thinking, effort }, tools, system } = spec;
    const text = JSON.stringify([id, thinking, effort, tools, system]);
    const key = createHash("sha256").update(text).digest("base64url");
    this.#keys.set(spec, key);
    return key;
  }
}
