/** What a program asked of the system, in order, as strace wrote it down. */
import { join } from "node:path";

/** One call; `begun` and `ended` are positions in the order of all beginnings and ends. */
export interface Call {
  pid: string;
  name: string;
  /** Arguments as strace shows them, each descriptor with its path or socket: `24</data/gaffer.db-wal>`. */
  args: string;
  result: string;
  begun: number;
  ended: number;
}

/** The calls that say what was received, written, made durable and sent. */
const calls = [
  ...["read", "readv", "recvfrom", "recvmsg"],
  ...["write", "writev", "pwrite64", "pwritev", "pwritev2", "sendto", "sendmsg"],
  ...["fsync", "fdatasync", "link", "linkat", "rename", "renameat", "renameat2"],
];

/** Of a text that was sent or received; enough for its first line. */
const SHOWN_CHARS = 64;

/** Runs a program so that its calls, and those of all that it starts, are written to `file`. */
export const straced = (file: string): string[] => [
  ...["strace", "-f", "--seccomp-bpf", "-yy", "-s", String(SHOWN_CHARS)],
  ...["-e", `trace=${calls.join(",")}`, "-e", "signal=none", "-o", file],
];

/** False where strace is missing or may not look into other processes. */
export async function canTrace(): Promise<boolean> {
  const dir = await Deno.makeTempDir();
  try {
    const [program, ...args] = [...straced(join(dir, "trace")), "true"];
    return (await new Deno.Command(program!, { args, stderr: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const begin = /^(\d+) +(\w+)\((.*?)(?:\) += (.*)| <unfinished \.\.\.>)$/;
const resume = /^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (.*)$/;

export async function readTrace(file: string): Promise<Call[]> {
  const lines = (await Deno.readTextFile(file)).split("\n");
  const all: Call[] = [];
  const open = new Map<string, Call>();
  lines.forEach((line, index) => {
    const resumed = resume.exec(line);
    if (resumed) {
      const [, pid, , rest, result] = resumed;
      const call = open.get(pid!);
      if (call) Object.assign(call, { args: call.args + rest, result, ended: index });
      open.delete(pid!);
      return;
    }
    const [, pid, name, args, result] = begin.exec(line) ?? [];
    if (pid === undefined) return; // an exit, or a call that was cut off with its process
    const call: Call = {
      pid,
      name: name!,
      args: args!,
      result: result ?? "",
      begun: index,
      ended: result === undefined ? Infinity : index,
    };
    if (result === undefined) open.set(pid, call);
    all.push(call);
  });
  return all;
}

/** Whether a call made `path`, or a file whose path ends so, durable. */
export const isSyncOf = ({ name, args, result }: Call, path: string): boolean =>
  (name === "fsync" || name === "fdatasync") && args.endsWith(`${path}>`) && result === "0";

export interface Verdict {
  /** POSTs that were answered with success. */
  answers: number;
  /** Those answered before the log was made durable after the request had been read. */
  early: string[];
}

/** Looks at each answer to a POST: had all that was written to the log by then reached the disk? */
export function judgeAnswers(trace: Call[], log: string): Verdict {
  const writes = trace.filter(({ name, args }) =>
    name.startsWith("pwrite") && args.includes(`${log}>`)
  );
  const syncs = trace.filter((call) => isSyncOf(call, log));
  const asked = new Map<string, Call>();
  const verdict: Verdict = { answers: 0, early: [] };
  for (const call of trace) {
    const socket = /<(TCP[^>]*->[^>]*)>/.exec(call.args)?.[1];
    if (!socket) continue;
    if (/^(read|recv)/.test(call.name) && call.args.includes('"POST /')) asked.set(socket, call);
    const request = asked.get(socket);
    if (!request || !/^(write|send)/.test(call.name) || !/"HTTP\/1\.1 2/.test(call.args)) continue;
    asked.delete(socket);
    verdict.answers++;
    // A sync counts for what was written before it began, and once it has ended.
    const isDurable = (since: number) =>
      syncs.some(({ begun, ended }) => begun > since && ended < call.begun);
    const pending = writes.findLast(({ ended }) => ended < call.begun && ended > request.begun);
    if (!pending || !isDurable(pending.ended)) verdict.early.push(call.args.slice(0, 120));
  }
  return verdict;
}
