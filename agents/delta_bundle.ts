/** Gathers what streams, so that a page gets a few messages a second and not one for each token. */
import type { DeltaKind } from "./loop/turn.ts";

/** How long a piece may wait for more: not noticed by a reader, and ten times fewer messages. */
export const BUNDLE_MS = 90;
/** A bundle this long goes out at once. */
const BUNDLE_CHARS = 8_000;

export interface DeltaBundle {
  add(turn: number, kind: DeltaKind, text: string): void;
  /** Sends what is waiting; to be called before anything that must come after it. */
  flush(): void;
}

/** `later` calls back after `BUNDLE_MS`; the function it returns calls that off. */
export function bundleDeltas(
  send: (turn: number, kind: DeltaKind, text: string) => void,
  later: (callback: () => void) => () => void,
): DeltaBundle {
  let waiting: { turn: number; kind: DeltaKind; text: string } | null = null;
  let callOff = () => {};
  function flush() {
    callOff();
    const bundle = waiting;
    waiting = null;
    if (bundle) send(bundle.turn, bundle.kind, bundle.text);
  }
  return {
    add(turn, kind, text) {
      if (text === "") return;
      // One bundle holds one kind, so pieces keep their order across kinds.
      if (waiting && (waiting.kind !== kind || waiting.turn !== turn)) flush();
      if (waiting) {
        waiting.text += text;
      } else {
        waiting = { turn, kind, text };
        callOff = later(flush);
      }
      if (waiting.text.length >= BUNDLE_CHARS) flush();
    },
    flush,
  };
}
