/** How the processors serve one thread of this process, as Linux tells it; other systems don't. */

export interface ThreadTime {
  /** Time that it has had a processor, in milliseconds. */
  ranMs: number;
  /** It waits for something to happen; otherwise it runs, or waits for its turn or for the disk. */
  asleep: boolean;
}

/** Null: not known here. `gone`: the thread has ended. */
export type ThreadClock = () => ThreadTime | "gone" | null;

/** Starts a worker, with the clock of its thread. */
export function startThread(start: () => Worker): { worker: Worker; clock: ThreadClock } {
  const before = threads();
  const worker = start();
  const born = [...threads()].filter((id) => !before.has(id) && isWorker(id));
  // More than one: another was started elsewhere at that very moment, and nobody knows which is whose.
  return { worker, clock: born.length === 1 ? () => readClock(born[0]!) : () => null };
}

const TASKS = "/proc/self/task";
const NS_PER_MS = 1_000_000;
/** A list leaves out some that live when others end while it is read. */
const LOOKS = 3;

function threads(): Set<string> {
  const found = new Set<string>();
  if (Deno.build.os !== "linux") return found;
  try {
    for (let look = 0; look < LOOKS; look++) {
      for (const { name } of Deno.readDirSync(TASKS)) found.add(name);
    }
  } catch {
    found.clear(); // without /proc, or out of files: then nothing is known
  }
  return found;
}

/** Deno names its workers' threads by their numbers. */
function isWorker(id: string): boolean {
  try {
    return Deno.readTextFileSync(`${TASKS}/${id}/comm`).startsWith("worker-");
  } catch {
    return false;
  }
}

function readClock(id: string): ReturnType<ThreadClock> {
  try {
    // The name, in parentheses, may hold anything; the state follows it.
    const [state] = Deno.readTextFileSync(`${TASKS}/${id}/stat`).split(") ").at(-1)!;
    if (state === "Z" || state === "X") return "gone";
    const ranNs = Number(Deno.readTextFileSync(`${TASKS}/${id}/schedstat`).split(" ")[0]);
    return Number.isFinite(ranNs) ? { ranMs: ranNs / NS_PER_MS, asleep: state === "S" } : null;
  } catch (error) {
    // A kernel may keep no such account; the thread's folder tells which of both it is.
    return error instanceof Deno.errors.NotFound && !threads().has(id) ? "gone" : null;
  }
}
