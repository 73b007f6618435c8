/** Random numbers that can be repeated, and the smallest part of a random list that still goes wrong. */

/** Numbers from 0 to just below 1 that a seed repeats (mulberry32). */
export function randomFrom(seed: number): () => number {
  return () => {
    seed = seed + 0x6D2B79F5 | 0;
    let t = Math.imul(seed ^ seed >>> 15, 1 | seed);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
}

/**
 * Leaves out ever smaller pieces of `steps` as long as `play` still throws without them. `cause` is what the
 * smallest part throws.
 */
export function shrink<S>(
  steps: readonly S[],
  play: (steps: readonly S[]) => void,
): { smallest: readonly S[]; cause: unknown } {
  let smallest = steps;
  let cause = faultOf(play, steps);
  for (let size = Math.ceil(steps.length / 2); size >= 1;) {
    let shorter = false;
    for (let from = 0; from < smallest.length;) {
      const without = smallest.toSpliced(from, size);
      const fault = faultOf(play, without);
      if (fault === null) from += size;
      else {
        smallest = without;
        cause = fault;
        shorter = true;
      }
    }
    if (!shorter || size > 1) size = size === 1 ? 0 : Math.ceil(size / 2);
  }
  return { smallest, cause };
}

function faultOf<S>(play: (steps: readonly S[]) => void, steps: readonly S[]): unknown {
  try {
    play(steps);
    return null;
  } catch (error) {
    return error ?? new Error("thrown without a word");
  }
}
