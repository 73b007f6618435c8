/** plainjob (npm), the queue on SQLite to compare with: installed for the bench and run by Node. */
import { join } from "node:path";
import { tempDir } from "../tests/gaffer.ts";

export interface PlainjobFigures {
  version: string;
  enqueueUs: number[];
  drain1Us: number[];
  drain10Us: number[];
  idleToStartMs: number[];
  claimMs: number[];
}

/** Newer versions of better-sqlite3 want a newer Node than many have; none is compiled that is there. */
const PACKAGES = ["plainjob@0.0.14", "better-sqlite3@11.10.0"];
/** Compiling better-sqlite3 takes minutes. */
const INSTALL_TIMEOUT_MS = 10 * 60_000;
const RUN_TIMEOUT_MS = 5 * 60_000;
const FOLDER = "gaffer-bench-plainjob";

/** Its figures; or why there are none. */
export async function measurePlainjob(
  jobs: number,
  waiting: number,
): Promise<PlainjobFigures | string> {
  // Stays between runs: what is in it is always the same, and takes long.
  const folder = join(Deno.env.get("TMPDIR") ?? "/tmp", FOLDER);
  try {
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(join(folder, "package.json"), `{"private": true, "type": "module"}\n`);
    await Deno.copyFile(join(import.meta.dirname!, "plainjob.mjs"), join(folder, "bench.mjs"));
    const install = ["install", "--no-audit", "--no-fund", "--silent", ...PACKAGES];
    await run("npm", install, folder, INSTALL_TIMEOUT_MS);
    await using data = await tempDir("gaffer-bench-");
    const args = ["bench.mjs", data.path, String(jobs), String(waiting)];
    return JSON.parse(await run("node", args, folder, RUN_TIMEOUT_MS));
  } catch (error) {
    return `plainjob can't be had: ${(error as Error).message.split("\n")[0]}`;
  }
}

async function run(
  program: string,
  args: string[],
  cwd: string,
  timeoutMs: number,
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd,
    stdin: "null",
    signal: AbortSignal.timeout(timeoutMs),
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${text(stderr).slice(-300)}`);
  return text(stdout);
}
