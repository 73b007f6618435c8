/** The programs that are measured: which they are, how they are started, how much memory they take. */
import { join } from "node:path";

const root = join(import.meta.dirname!, "..");
const BARE = join(root, "dist", "bare");
const START_TIMEOUT_MS = 20_000;
const EXECUTABLE = "GAFFER_EXECUTABLE";

/** Gaffer, as this bench starts it: `dist/gaffer` where it was compiled, else the sources. */
export async function useExecutable(): Promise<void> {
  const compiled = join(root, "dist", "gaffer");
  if (!Deno.env.get(EXECUTABLE) && await isFile(compiled)) Deno.env.set(EXECUTABLE, compiled);
}

/** Path of the executable; null when the sources are measured. */
export const executable = (): string | null => Deno.env.get(EXECUTABLE) ?? null;

export const describeProgram = (): string =>
  executable() ??
    `the sources, with Deno ${Deno.version.deno} (\`deno task compile\` makes dist/gaffer)`;

/** How a program is started that serves on the port which comes last. */
export type Program = readonly [program: string, ...args: string[]];

export function gafferOn(dataDir: string): Program {
  const program = executable();
  const args = ["serve", "--data", dataDir, "--port"] as const;
  return program
    ? [program, ...args]
    : [Deno.execPath(), "run", "-A", "--no-prompt", join(root, "main.ts"), ...args];
}

/** A bare Hono server in the same form; null where `deno task compile --bare` has not made it. */
export async function bareHono(): Promise<Program | null> {
  if (!executable()) return [Deno.execPath(), "run", "-A", join(root, "bench", "bare.ts")];
  if (await isFile(BARE)) return [BARE];
  console.log("dist/bare is not there: `deno task compile --bare` makes it, to compare with");
  return null;
}

/** A server at work, and how long it took to its first answer. */
export interface Served extends AsyncDisposable {
  pid: number;
  firstAnswerMs: number;
}

/** Starts a server and asks for its first page. What it caches goes to `tempDir`. */
export async function serve([program, ...args]: Program, tempDir: string): Promise<Served> {
  const port = freePort();
  const { PATH = "/usr/bin:/bin", HOME = tempDir } = Deno.env.toObject();
  const begin = performance.now();
  const child = new Deno.Command(program, {
    args: [...args, String(port)],
    clearEnv: true,
    env: { PATH, HOME, TMPDIR: tempDir },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const end = async () => {
    child.kill("SIGKILL");
    await child.status;
  };
  try {
    await answered(port, begin + START_TIMEOUT_MS);
  } catch (error) {
    await end();
    throw new Error(`${program} did not answer`, { cause: error });
  }
  return {
    pid: child.pid,
    firstAnswerMs: performance.now() - begin,
    [Symbol.asyncDispose]: end,
  };
}

const request = (port: number) =>
  new TextEncoder().encode(
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`,
  );

/** Asks until the port listens; the whole page counts, read to its end. */
async function answered(port: number, endMs: number): Promise<void> {
  while (true) {
    try {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.write(request(port));
      const page = await new Response(connection.readable).text();
      if (!/^HTTP\/1.1 200/.test(page)) throw new Error(`it answered ${page.slice(0, 200)}`);
      return;
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      if (performance.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

export const isFile = (path: string): Promise<boolean> =>
  Deno.stat(path).then((info) => info.isFile, () => false);

// ------------------------------------------------------------------ memory

/**
 * Memory of a process in MB; `pssMb` shares what several processes use among them, and of that `privateMb` is
 * what no other process has.
 */
export interface Memory {
  rssMb: number;
  pssMb: number;
  privateMb: number;
}

/** Null: the process is gone. */
export async function memoryOf(pid: number): Promise<Memory | null> {
  const text = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`).catch(() => null);
  if (text === null) return null;
  const field = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
  const mb = (...names: string[]) =>
    names.reduce((sum, name) => sum + field(name), 0) * 1_024 / 1e6;
  return {
    rssMb: mb("Rss"),
    pssMb: mb("Pss"),
    privateMb: mb("Private_Clean", "Private_Dirty"),
  };
}

/**
 * PSS of a process and all that it has started, in MB. Between its birth and the program that it becomes, a child
 * lives in the memory of the process that starts it (`vfork`), and the kernel tells the whole of that once more, as
 * its own: a hundred megabytes that are not there. A child that was forked, and shares page by page, counts.
 */
export async function familyPssMb(pid: number): Promise<number> {
  const own = await commandLineOf(pid);
  const parents = new Map<number, number>();
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await Deno.readTextFile(`/proc/${name}/stat`).catch(() => "");
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
  }
  const family = new Set([pid]);
  for (let before = 0; before < family.size;) {
    before = family.size;
    for (const [child, parent] of parents) if (family.has(parent)) family.add(child);
  }
  const all = await Promise.all([...family].map(async (id) => {
    const memory = await memoryOf(id);
    const isBorn = id === pid || await commandLineOf(id) !== own;
    return !memory || !isBorn && memory.privateMb > memory.pssMb / 2 ? 0 : memory.pssMb;
  }));
  return all.reduce((sum, mb) => sum + mb, 0);
}

const commandLineOf = (pid: number): Promise<string> =>
  Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");

/** Kernel ticks per second: 100 on every Linux. */
const TICK_MS = 10;

/** CPU time that a process has used so far, with all its threads, in milliseconds. */
export async function cpuMs(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
