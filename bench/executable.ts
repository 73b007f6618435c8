/** Start, memory at rest and size of dist/gaffer, beside a bare Hono server compiled the same way. */
import { join } from "node:path";
import type { Measured } from "./table.ts";

const root = join(import.meta.dirname!, "..");
const executable = join(root, "dist", "gaffer");
const STARTS = 9;
const SETTLE_MS = 3_000;
const START_TIMEOUT_MS = 20_000;

export async function measureExecutable(): Promise<Measured[]> {
  let bytes: number;
  try {
    bytes = (await Deno.stat(executable)).size;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log("dist/gaffer is not there: run `deno task compile` for the rows of the executable");
    return [];
  }
  const data = await Deno.makeTempDir({ prefix: "gaffer-bench-" });
  const bare = await compileBare(data);
  try {
    const ours = ["serve", "--data", join(data, "data"), "--port"];
    await firstAnswer(executable, ours); // makes the data folder
    const starts: number[] = [];
    const bareStarts: number[] = [];
    for (let i = 0; i < STARTS; i++) {
      starts.push((await firstAnswer(executable, ours)).ms);
      if (bare) bareStarts.push((await firstAnswer(bare, [])).ms);
    }
    const rest = await firstAnswer(executable, ours, SETTLE_MS);
    const bareRest = bare ? await firstAnswer(bare, [], SETTLE_MS) : null;
    const middle = bareStarts.toSorted((a, b) => a - b)[Math.floor(bareStarts.length / 2)];
    return [
      { name: "start to first answer", unit: "ms", values: starts, goal: 120, limit: middle },
      {
        name: "memory at rest",
        unit: "MB",
        values: [rest.mb],
        goal: 100,
        limit: bareRest?.mb,
      },
      { name: "size of the executable", unit: "MB", values: [bytes / 1e6], goal: 110 },
    ];
  } finally {
    await Deno.remove(data, { recursive: true });
  }
}

/** Milliseconds from the start of the process to its first answer, and its memory after `settleMs`. */
async function firstAnswer(
  program: string,
  args: string[],
  settleMs = 0,
): Promise<{ ms: number; mb: number }> {
  const port = freePort();
  const begin = performance.now();
  const child = new Deno.Command(program, {
    args: [...args, String(port)],
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin", HOME: Deno.env.get("HOME") ?? "/tmp" },
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await answered(port);
    const ms = performance.now() - begin;
    if (settleMs > 0) await new Promise((resolve) => setTimeout(resolve, settleMs));
    return { ms, mb: await residentMb(child.pid) };
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}

async function answered(port: number): Promise<void> {
  const end = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < end) {
    try {
      await (await fetch(`http://127.0.0.1:${port}/`)).body?.cancel();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1)); // not listening yet
    }
  }
  throw new Error("The program did not answer");
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

export async function residentMb(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_000;
}

/** Null where this Deno can't compile: then there is nothing to compare with. */
async function compileBare(dir: string): Promise<string | null> {
  const { build, stop } = await import("esbuild");
  await build({
    absWorkingDir: root,
    entryPoints: ["bench/bare.ts"],
    outfile: join(dir, "bare.js"),
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    logLevel: "warning",
  });
  await stop();
  const output = join(dir, "bare");
  const { code } = await new Deno.Command(Deno.execPath(), {
    cwd: dir,
    args: [
      ...["compile", "-A", "--no-check", "--no-config", "--node-modules-dir=none"],
      ...[`--output=${output}`, "bare.js"],
    ],
    stdout: "null",
    stderr: "null",
  }).output();
  return code === 0 ? output : null;
}
