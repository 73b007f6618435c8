/** Which program a chaos run kills: the one that people run, dist/gaffer, where it is or can be made. */
import { join } from "node:path";

const root = join(import.meta.dirname!, "../..");
const COMPILED = join(root, "dist/gaffer");
const COMPILE_MS = 5 * 60_000;
/** What of the repository is in the executable. */
const sources = ["main.ts", "deno.json", "server", "queue", "agents", "views", "static"];

export interface Program {
  /** Null: the sources, with this Deno. */
  executable: string | null;
  /** For whoever reads what the run came to. */
  what: string;
}

/** GAFFER_EXECUTABLE has the first word. Only a long run takes the time to compile. */
export async function findProgram(isLong: boolean): Promise<Program> {
  const named = Deno.env.get("GAFFER_EXECUTABLE");
  if (named) return { executable: named, what: named };
  const fromSources = { executable: null, what: "main.ts, from its sources" };
  if (!isLong) return fromSources;
  if (await isUpToDate()) return { executable: COMPILED, what: COMPILED };
  console.log("dist/gaffer is missing or older than the sources: compiling it");
  const failure = await compile();
  if (failure === null) return { executable: COMPILED, what: COMPILED };
  console.log(
    `Cannot compile it here, so the server is killed from its sources: ${failure}\n` +
      "GAFFER_EXECUTABLE=FILE names one that was compiled elsewhere",
  );
  return fromSources;
}

async function isUpToDate(): Promise<boolean> {
  try {
    const made = await Deno.stat(COMPILED);
    return made.mtime!.getTime() > await newestMs(sources.map((name) => join(root, name)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** When the newest file under these paths was last changed. */
async function newestMs(paths: string[]): Promise<number> {
  let newest = 0;
  for (const path of paths) {
    const { isDirectory, mtime } = await Deno.stat(path);
    const inside = isDirectory
      ? await newestMs(await Array.fromAsync(Deno.readDir(path), ({ name }) => join(path, name)))
      : mtime!.getTime();
    newest = Math.max(newest, inside);
  }
  return newest;
}

/** Null when it went well, else why not. What dist/ has of an older compilation is gone either way. */
async function compile(): Promise<string | null> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "compile"],
    cwd: root,
    signal: AbortSignal.timeout(COMPILE_MS),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return null;
  const lines = new TextDecoder().decode(stderr).trim().split("\n");
  return lines.find((line) => /^error\b/i.test(line)) ?? lines.at(-1)!;
}
