/** Checks that are at work right now, with the end of what they print: for whoever watches. Nothing of it is stored. */
import type { App } from "../app.ts";
import type { Hub } from "../hub.ts";
import type { CommandName } from "../records.ts";

/** Characters of the output's end that are kept for pages. */
const TAIL_CHARS = 8_000;

export interface RunningCheck {
  ticketId: string;
  name: CommandName;
  commit: string;
  baseline: boolean;
  command: string;
  /** UTC text. */
  startedAt: string;
  /** Where all of the output is, so far. */
  outputPath: string;
  /** The end of it. */
  tail: string;
}

/** By the hub of a server, which they are told by; a ticket has one at a time. */
const running = new WeakMap<Hub, Map<string, RunningCheck>>();

/** The one at work for a ticket; null: none is. */
export const runningCheck = ({ hub }: App, ticketId: string): RunningCheck | null =>
  running.get(hub)?.get(ticketId) ?? null;

/** Says that a check begins; what is returned says what it prints, and when it is over. */
export function beginCheck(
  { hub }: App,
  check: Omit<RunningCheck, "tail">,
): { print(text: string): void } & Disposable {
  const { ticketId } = check;
  const all = running.get(hub) ?? new Map<string, RunningCheck>();
  running.set(hub, all);
  const now: RunningCheck = { ...check, tail: "" };
  all.set(ticketId, now);
  hub.publish({ kind: "check", ticketId, at: "turn" });
  return {
    print(text) {
      now.tail = (now.tail + text).slice(-TAIL_CHARS);
      hub.publish({ kind: "check", ticketId, at: "output" });
    },
    [Symbol.dispose]() {
      if (all.get(ticketId) === now) all.delete(ticketId);
      hub.publish({ kind: "check", ticketId, at: "turn" });
    },
  };
}
