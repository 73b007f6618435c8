/** Many documents are worked on in portions, so that nobody else waits for all of them. */
import { setImmediate } from "node:timers";

/** Most things of a portion, and most bytes; one that is larger is a portion by itself. */
const COUNT = 25;
const BYTES = 512 * 1024;

/** Lets everything else that is due happen between one portion and the next. Throws the signal's reason. */
export async function* portionsOf<T extends string | { bytes: number }>(
  all: readonly T[],
  signal: AbortSignal,
): AsyncGenerator<T[]> {
  let portion: T[] = [];
  let bytes = 0;
  for (const one of all) {
    const more = typeof one === "string" ? 0 : one.bytes;
    if (portion.length >= COUNT || portion.length > 0 && bytes + more > BYTES) {
      yield portion;
      await new Promise<void>((resolve) => void setImmediate(resolve));
      signal.throwIfAborted();
      [portion, bytes] = [[], 0];
    }
    portion.push(one);
    bytes += more;
  }
  if (portion.length > 0) yield portion;
}
