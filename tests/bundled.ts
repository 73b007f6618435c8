/**
 * The program as the servers of tests run it: a bundle, as the executable has it inside. Made of the sources once, and
 * kept beside the packages for as long as they stay as they are: a start of it takes two thirds of the time.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";

const root = join(import.meta.dirname!, "..");
const parent = join(root, "node_modules", ".gaffer-bundles");
/** All that a bundle is made of; packages by the lock file. */
const madeOf = [
  ...["main.ts", "deno.lock", ".ci/bundle.ts"],
  ...["agents", "queue", "server", "static", "views"],
];
/** Tests that run with older sources may still use theirs. */
const KEPT_MS = 24 * 60 * 60_000;

/** Path of its `main.js`. */
export async function bundledProgram(): Promise<string> {
  const folder = join(parent, keyOfSources());
  const program = join(folder, "main.js");
  if (!isThere(program)) await make(folder);
  return program;
}

/** Files of tests run side by side, and several may make it at once: the first one's is kept. */
async function make(folder: string): Promise<void> {
  const own = `${folder}.${crypto.randomUUID()}`;
  // Loading them takes as long as a test, and the bundle is there already for all files of tests but the first.
  const [{ bundleGaffer }, { stop }] = await Promise.all([
    import("../.ci/bundle.ts"),
    import("esbuild"),
  ]);
  await bundleGaffer(own);
  await stop();
  try {
    await Deno.rename(own, folder);
  } catch (error) {
    await Deno.remove(own, { recursive: true });
    if (!isThere(folder)) throw error;
  }
  await removeOld();
}

async function removeOld(): Promise<void> {
  for await (const { name } of Deno.readDir(parent)) {
    const path = join(parent, name);
    const { mtime } = await Deno.stat(path).catch(() => ({ mtime: null }));
    if (mtime === null || Date.now() - mtime.getTime() < KEPT_MS) continue;
    await Deno.remove(path, { recursive: true }).catch(() => {}); // another removes it, too
  }
}

function keyOfSources(): string {
  const hash = createHash("sha256");
  for (const name of madeOf) addTo(name, (text) => hash.update(text));
  return hash.digest("hex").slice(0, 16);
}

function addTo(name: string, add: (text: string) => void): void {
  const { isDirectory, mtime, size } = Deno.statSync(join(root, name));
  if (!isDirectory) return add(`${name} ${mtime?.getTime()} ${size}\n`);
  const names = [...Deno.readDirSync(join(root, name))].map((entry) => entry.name);
  for (const entry of names.sort()) addTo(join(name, entry), add);
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
