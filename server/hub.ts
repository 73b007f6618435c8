import type { CommittedEvent } from "./db.ts";

/** What is told to listeners. The database is the truth, the hub only a bell. */
export type HubMessage =
  /** Something was committed. */
  | { kind: "event"; event: CommittedEvent }
  /** Text that streams in a run right now; never stored, replaced by the turn's event when it is whole. */
  | {
    kind: "delta";
    runId: string;
    ideaId: string | null;
    ticketId: string | null;
    turn: number;
    part: "text" | "thinking" | "tool";
    text: string;
  }
  /** A check of a ticket began or ended ("turn"), or printed something. */
  | { kind: "check"; ticketId: string; at: "turn" | "output" }
  /** A job may be ready to run. */
  | { kind: "jobs" }
  /** Something about the agents as a whole changed (held, confined, model). */
  | { kind: "agents" }
  /** Files of a project's documents were found to be others than before. */
  | { kind: "documents"; projectId: string }
  /** The disk has begun or ceased to take what is written. */
  | { kind: "storage" }
  /** A job was put off because of something that the machine lacks. */
  | { kind: "waits" };

export type Listener = (message: HubMessage) => void;

/** In-memory publish and subscribe within this process. */
export interface Hub {
  publish(message: HubMessage): void;
  /** Returns the function that ends the subscription. A listener must not throw and must not block. */
  subscribe(listener: Listener): () => void;
  readonly listeners: number;
}

export function createHub(onListenerError: (error: unknown) => void): Hub {
  const listeners = new Set<Listener>();
  return {
    publish(message) {
      for (const listener of listeners) {
        try {
          listener(message);
        } catch (error) {
          // One page's fault must not keep the news from the others, nor fail the write that is already done.
          onListenerError(error);
        }
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    get listeners() {
      return listeners.size;
    },
  };
}
