/**
 * Counts what processes and all that they started take. It is the kernel that tells, to a process outside:
 * nothing that a command does hides it or stops the count. Linux only; elsewhere nothing is found.
 */
import { once } from "../server/once.ts";

export interface Taken {
  /** Processes and threads. */
  tasks: number;
  /** At most so much memory: what several share counts for each, and mapped files count, too. */
  memoryBytes: number;
  pids: number[];
  /** Process groups of theirs alone in which somebody lives. */
  groups: number[];
}

interface Process {
  /** It waits for its parent to hear of its end. */
  isDead: boolean;
  parent: number;
  group: number;
  threads: number;
  /** Tells it from another that had its number before. */
  startedAt: string;
  memoryBytes: number;
}

/** Of the kernel's list of facts for a program. */
const AT_PAGESZ = 6n;
/** Numbers are used again: after so many counts, those known as other people's are looked at again. */
const FORGET_AFTER = 32;

export class Census {
  /** Processes that are none of ours, as most are; they are not read again. */
  #others = new Set<number>();
  /** What was ours at the last count: a process that lost its parent still is. */
  #ours = new Map<number, { root: number; startedAt: string }>();
  #counts = 0;
  /** That of this very process, in which its children are, too, unless they make their own. */
  readonly #ownGroup = readProcess(Deno.pid)?.group;

  /** What each of these processes and all that they started take. */
  count(roots: readonly number[]): Map<number, Taken> {
    if (this.#counts++ % FORGET_AFTER === 0) this.#others.clear();
    const there = processIds();
    const processes = new Map<number, Process>();
    for (const pid of there) {
      const process = this.#others.has(pid) ? null : readProcess(pid);
      if (process) processes.set(pid, process);
    }
    const owners = this.#owners(processes, roots);
    this.#others = new Set(there.filter((pid) => !owners.has(pid)));
    this.#ours = new Map(
      [...owners].map(([pid, root]) => [pid, { root, startedAt: processes.get(pid)!.startedAt }]),
    );
    return new Map(roots.map((root) => {
      const pids = [...owners].flatMap(([pid, owner]) => owner === root ? [pid] : []);
      return [root, this.#sum(pids, processes)];
    }));
  }

  /** Root by process: its parent's, the one it had before, or that of others in its group. */
  #owners(processes: Map<number, Process>, roots: readonly number[]): Map<number, number> {
    const owners = new Map<number, number>();
    const children = Map.groupBy(processes.keys(), (pid) => processes.get(pid)!.parent);
    const give = (pid: number, root: number) => {
      const queue = processes.has(pid) ? [pid] : [];
      for (const next of queue) {
        if (owners.has(next)) continue;
        owners.set(next, root);
        queue.push(...children.get(next) ?? []);
      }
    };
    for (const root of roots) give(root, root);
    for (const [pid, { root, startedAt }] of this.#ours) {
      const same = processes.get(pid)?.startedAt === startedAt;
      if (same && roots.includes(root)) give(pid, root);
    }
    const groups = new Map(
      [...owners].map(([pid, root]) => [processes.get(pid)!.group, root] as const)
        .filter(([group]) => group !== this.#ownGroup),
    );
    for (const [pid, { group }] of processes) {
      const root = groups.get(group);
      if (root !== undefined) give(pid, root);
    }
    return owners;
  }

  #sum(pids: number[], all: Map<number, Process>): Taken {
    const processes = pids.map((pid) => all.get(pid)!);
    const groups = new Set(processes.filter(({ isDead }) => !isDead).map(({ group }) => group));
    groups.delete(this.#ownGroup ?? 0);
    return {
      tasks: processes.reduce((sum, { threads }) => sum + threads, 0),
      memoryBytes: processes.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
      pids,
      groups: [...groups],
    };
  }
}

/** As `memoryBytes`, but of shared memory each one's part, with what was swapped out, and without files. */
export function exactMemoryBytes({ pids }: Taken): number {
  const parts = /^(?:Pss_Anon|Pss_Shmem|SwapPss): +(\d+) kB/gm;
  return pids.reduce((sum, pid) => {
    const found = read(`/proc/${pid}/smaps_rollup`).matchAll(parts);
    return found.reduce((sum, [, kilobytes]) => sum + Number(kilobytes) * 1024, sum);
  }, 0);
}

function processIds(): number[] {
  if (Deno.build.os !== "linux") return [];
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter(Number.isInteger);
}

/** Null: it has ended. The second field is a name that the process chose, in brackets. */
function readProcess(pid: number): Process | null {
  const text = read(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, parent, group] = fields;
  const [threads, , startedAt, , pages] = fields.slice(17);
  if (!startedAt) return null;
  return {
    isDead: state === "Z" || state === "X",
    parent: Number(parent),
    group: Number(group),
    threads: Number(threads),
    startedAt,
    memoryBytes: Number(pages) * pageBytes(),
  };
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return ""; // it has ended, or it is somebody else's
  }
}

/** Not the same on every processor. */
const pageBytes = once(() => {
  const facts = new BigUint64Array(Deno.readFileSync("/proc/self/auxv").buffer);
  const at = facts.findIndex((fact, i) => i % 2 === 0 && fact === AT_PAGESZ);
  return Number(facts[at + 1]);
});
