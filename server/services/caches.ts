/**
 * What setup fetched for one ticket is there for the next: each project keeps a copy of a home folder as setup left
 * it, and new homes begin as copies of that. It is only ever taken from a home in which nothing but setup has run, on
 * files of the base branch: what an agent of one ticket writes into its home is never seen by another ticket's setup.
 */
import { join } from "node:path";
import type { App } from "../app.ts";
import { MINUTE_MS, systemClock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { Project } from "../records.ts";
import { FILLING, removeFolder } from "./homes.ts";

/** A home that is larger is not kept: it would be copied for each ticket. */
const MAX_KILOBYTES = 2 * 1024 * 1024;
const COPY_TIMEOUT_MS = 5 * MINUTE_MS;
/** Another ticket may be copying the one before. */
const KEPT_COPIES = 2;
const UNFINISHED = ".unfinished";

/** Fills a home that is empty. Without a copy, or when it can't be copied, it stays empty: setup fetches anew. */
export async function fillHome(
  app: App,
  project: Project,
  home: string,
  signal: AbortSignal,
): Promise<void> {
  const newest = (await copiesOf(app, project)).at(-1);
  if (newest === undefined || !await isEmpty(home)) return;
  // Beside it first: half a copy would be taken for all that setup had fetched.
  const unfinished = `${home}${FILLING}`;
  await removeFolder(unfinished);
  try {
    await Deno.mkdir(unfinished, { mode: 0o700 });
    if (await copy(app, newest, unfinished, signal)) await Deno.rename(unfinished, home);
  } finally {
    await removeFolder(unfinished);
  }
}

/** Keeps a home as setup has just left it. The caller answers for it that nothing else has ever run in there. */
export async function keepHome(
  app: App,
  project: Project,
  home: string,
  signal: AbortSignal,
): Promise<void> {
  if (await isEmpty(home)) return;
  const copies = await copiesOf(app, project);
  const kilobytes = await sizeOf(home, signal);
  if (kilobytes === null || kilobytes > MAX_KILOBYTES) return;
  const newest = copies.at(-1);
  // Setup found everything in what it was given.
  if (newest !== undefined && await sizeOf(newest, signal) === kilobytes) return;
  const folder = folderOf(app, project);
  await removeLeft(folder);
  const unfinished = join(folder, `${systemClock.nowMs()}-${crypto.randomUUID()}${UNFINISHED}`);
  await Deno.mkdir(unfinished, { recursive: true, mode: 0o700 });
  const number = Number(newest?.slice(newest.lastIndexOf("/") + 1) ?? 0) + 1;
  try {
    if (!await copy(app, home, unfinished, signal)) return;
    await Deno.rename(unfinished, join(folder, String(number).padStart(6, "0")));
  } catch (error) {
    // Another ticket was as fast: its copy is as good.
    app.log.info("a home was not kept", { project: project.slug, error: messageOf(error) });
  } finally {
    await removeFolder(unfinished);
  }
  for (const old of (await copiesOf(app, project)).slice(0, -KEPT_COPIES)) await removeFolder(old);
}

/** Copies that were cut off by the end of the server. */
async function removeLeft(folder: string): Promise<void> {
  for (const name of await namesIn(folder)) {
    const ageMs = systemClock.nowMs() - Number.parseInt(name);
    if (name.endsWith(UNFINISHED) && ageMs > 2 * COPY_TIMEOUT_MS) {
      await removeFolder(join(folder, name));
    }
  }
}

const folderOf = (app: App, project: Project): string =>
  join(app.config.dataDir, "projects", project.slug, "cache");

/** Absolute paths, the newest last. */
async function copiesOf(app: App, project: Project): Promise<string[]> {
  const folder = folderOf(app, project);
  const names = (await namesIn(folder)).filter((name) => /^\d{6}$/.test(name));
  return names.sort().map((name) => join(folder, name));
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function isEmpty(folder: string): Promise<boolean> {
  for await (const _ of Deno.readDir(folder)) return false;
  return true;
}

/** Links are copied as links. False: not all of it could be copied. */
async function copy(app: App, from: string, to: string, signal: AbortSignal): Promise<boolean> {
  const { success, stderr } = await run("cp", ["-a", `${from}/.`, to], signal);
  if (!success) app.log.warn("a home could not be copied", { from, to, error: stderr });
  return success;
}

/** In kilobytes; null: it can't be told. */
async function sizeOf(folder: string, signal: AbortSignal): Promise<number | null> {
  const { success, stdout } = await run("du", ["-sk", folder], signal);
  return success ? Number.parseInt(stdout) : null;
}

async function run(program: string, args: string[], signal: AbortSignal) {
  const output = await new Deno.Command(program, {
    args,
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin", LC_ALL: "C" },
    stdin: "null",
    signal: AbortSignal.any([signal, AbortSignal.timeout(COPY_TIMEOUT_MS)]),
  }).output();
  signal.throwIfAborted();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes.subarray(0, 1_000));
  return { success: output.success, stdout: text(output.stdout), stderr: text(output.stderr) };
}
