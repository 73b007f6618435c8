/** The command line: what to do, and the exit code it ends with (0 done, 1 failed, 2 wrong usage). */
import { parseArgs } from "node:util";
import { join, resolve } from "node:path";
import { createBackups, writeBackup } from "./backup.ts";
import { copyHere } from "./backup_copy.ts";
import { systemClock, timeText } from "./clock.ts";
import { type Config, loadConfig } from "./config.ts";
import { DATABASE, openDataFolder } from "./data_folder.ts";
import { AppError, messageOf } from "./errors.ts";
import { restoreBackup } from "./restore.ts";
import { serve } from "./serve.ts";
import { VERSION } from "./version.ts";

const usage = `gaffer ${VERSION}: a self-hosted foreman for software agents

  gaffer [serve]     serve the pages and run the agents
    --port N         port to listen on, 0 for any free one   (GAFFER_PORT, 4242)
    --host ADDRESS   address to listen on                    (GAFFER_HOST, 127.0.0.1)
    --data FOLDER    where everything is kept                (GAFFER_DATA)
    --log FORMAT     human or json                           (GAFFER_LOG, human)
    --sandbox MODE   auto, or off to do without bubblewrap   (GAFFER_SANDBOX, auto)
  gaffer backup [FILE]
                     copy the database, also while it is served, and check the copy;
                     without FILE into the data folder's backups/
  gaffer restore FILE
                     put a backup in the place of the database, which is kept;
                     not while it is served
    --data FOLDER    which data folder, for both             (GAFFER_DATA)
  gaffer version     print the version
  gaffer help        print this

ANTHROPIC_API_KEY makes the agents use the Claude API (at ANTHROPIC_BASE_URL, if set);
without it the built-in demo model answers.`;

/** Runs one command. `root` is the folder of main.ts, or of the bundle inside the executable. */
export async function runCommand(args: string[], root: URL): Promise<number> {
  const [name = "serve", ...rest] = args;
  try {
    if (rest.some((arg) => arg === "--help" || arg === "-h")) {
      console.log(usage);
      return 0;
    }
    switch (name) {
      case "version":
      case "--version":
        console.log(`gaffer ${VERSION}`);
        return 0;
      case "help":
      case "--help":
      case "-h":
        console.log(usage);
        return 0;
    }
    if (name === "backup") return await backUp(rest);
    if (name === "restore") return restore(rest);
    if (name !== "serve" && !name.startsWith("-")) {
      throw new AppError(
        "invalid",
        `Cannot run "${name}": there is no such command. See gaffer help`,
      );
    }
    return await serve(configOf(name === "serve" ? rest : args), root);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    console.error(`gaffer: ${messageOf(error)}`);
    return error.code === "invalid" ? 2 : 1;
  }
}

const configOf = (args: string[]): Config =>
  loadConfig({
    args,
    env: Deno.env.toObject(),
    readFile,
    cwd: Deno.cwd(),
    checkout: !Deno.build.standalone,
  });

/** Beside a server or without one: it only reads, and the copy is one moment's state either way. */
async function backUp(args: string[]): Promise<number> {
  const { dataDir, files: [file, ...more] } = readFileArgs("back up", args);
  if (more.length > 0) throw new AppError("invalid", "Cannot back up: name one file, or none");
  const database = join(dataDir, DATABASE);
  if (!isThere(database)) {
    throw new AppError(
      "invalid",
      `Cannot back up: there is no database in ${dataDir}. Choose the data folder with --data`,
    );
  }
  const { signal } = new AbortController();
  let path = file;
  if (path !== undefined) await writeBackup(database, path, copyHere, signal);
  else {
    const backups = createBackups({ dataDir, nowMs: systemClock.nowMs });
    path = (await backups.make("manual", signal)).path;
  }
  console.log(`Backed up to ${path}`);
  return 0;
}

function restore(args: string[]): number {
  const { dataDir, files: [file, ...more] } = readFileArgs("restore", args);
  if (file === undefined || more.length > 0) {
    throw new AppError("invalid", "Cannot restore: name one file, as gaffer restore FILE");
  }
  const nowMs = systemClock.nowMs();
  const folder = openDataFolder(dataDir, timeText(nowMs), "restore");
  let done = false;
  try {
    folder.announce("restoring a backup");
    const aside = restoreBackup(dataDir, file, nowMs);
    done = true;
    console.log(`Restored ${file} to ${dataDir}`);
    if (aside !== null) console.log(`What was there before is in ${aside}`);
    return 0;
  } finally {
    // A database that was not replaced is as doubtful as it was.
    if (!done && folder.unclean) folder.abandon();
    else folder.release();
  }
}

function readFileArgs(doing: string, args: string[]): { dataDir: string; files: string[] } {
  let parsed;
  try {
    const options = { data: { type: "string" } } as const;
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    const why = messageOf(error);
    throw new AppError("invalid", `Cannot ${doing}: ${why}. See gaffer help`, [], { cause: error });
  }
  const { values: { data }, positionals } = parsed;
  const { dataDir } = configOf(data === undefined ? [] : ["--data", data]);
  return { dataDir, files: positionals.map((file) => resolve(Deno.cwd(), file)) };
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function readFile(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    // A folder that can't be made is told of when it is made.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return null;
    }
    throw new AppError("invalid", `Cannot read ${path}: ${messageOf(error)}`, [], { cause: error });
  }
}
