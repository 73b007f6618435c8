/** Measuring on a machine that does other things at the same time. */

/** Tries before something counts as slow: a busy machine is not slow each time, an algorithm is. */
const TRIES = 5;

/**
 * The least time in milliseconds that the work took; it is done again, a few times at most, while it took longer
 * than `enoughMs`. Where the system tells (Linux) it is the time that this thread computed, not the time that passed:
 * what others do meanwhile does not count.
 */
export function leastMs(enoughMs: number, work: () => void): number {
  let least = Infinity;
  for (let tries = 0; tries < TRIES && least > enoughMs; tries++) {
    const before = clockMs();
    work();
    least = Math.min(least, clockMs() - before);
  }
  return least;
}

/** Nanoseconds that a thread has computed, nanoseconds that it has waited to, and how often. */
const SCHEDULING = "/proc/thread-self/schedstat";
/** Some kernels have the file and count nothing. */
const isTold = Deno.build.os === "linux" && isThere(SCHEDULING) && computedMs() > 0;

const clockMs = (): number => isTold ? computedMs() : performance.now();

function computedMs(): number {
  return Number(Deno.readTextFileSync(SCHEDULING).split(" ")[0]) / 1e6;
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
