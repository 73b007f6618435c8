/** When each server of a chaos run is killed: decided before it begins, from the seed alone. */
import { Random } from "./random.ts";

/** Events that stand between what was done and what is known of it; calls are told apart by their tool. */
const edges = [
  ...["turn_started", "turn_finished", "tool_finished", "checkpoint", "succeeded"],
  ...["tool_started Bash", "tool_started Edit", "tool_started Write", "tool_started run_checks"],
  ...["check_finished", "ticket_created", "ticket_moved", "ticket_changed", "idea_moved"],
] as const;

/** What somebody saw happen, told to whoever waits for it. */
export type Sight = "event" | typeof edges[number] | "request" | "post";

export interface Kill {
  /** From 1. */
  number: number;
  /**
   * `start` counts from the start of the process, so that a start is cut off too; `ready` from its first
   * answer; the others from the `count`th sight after that: an event that was told, one of a certain type, a
   * request to Claude, a POST on its way.
   */
  after: "start" | "ready" | Sight;
  count: number;
  /** Waits this much longer. */
  ms: number;
}

/** A server that has seen too little by then is killed all the same. */
export const LATEST_MS = 1_500;

const weights = { start: 8, ready: 15, event: 20, edge: 37, request: 12, post: 8 };

export function killPlan(seed: number, kills: number): Kill[] {
  const random = new Random(`kills ${seed}`);
  return Array.from({ length: kills }, (_, index) => {
    const after = random.weighted(weights);
    const number = index + 1;
    switch (after) {
      case "edge":
        return {
          number,
          after: random.pick(edges),
          count: 1 + random.below(2),
          ms: edgeMs(random),
        };
      case "start":
        return { number, after, count: 0, ms: random.below(600) };
      case "ready":
        return { number, after, count: 0, ms: random.below(900) };
      case "event":
        return { number, after, count: 1 + random.below(25), ms: random.below(15) };
      case "request":
        return { number, after, count: 1 + random.below(6), ms: random.below(60) };
      case "post":
        return { number, after, count: 1 + random.below(2), ms: random.below(6) };
    }
  });
}

/** Most of what follows an event happens in a few milliseconds, a command takes longer. */
const edgeMs = (random: Random): number => random.pick([0, random.below(5), random.below(120)]);

export const describeKill = ({ number, after, count, ms }: Kill): string =>
  `${number}: ${ms} ms after ${
    count > 0 ? `${after} ${count}` : after === "start" ? "its start" : "its first answer"
  }`;
