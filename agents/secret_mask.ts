/**
 * Files of secrets that lie in a place without being committed: a person's or a setup's `.env`, a key. The file tools
 * refuse them by name; commands that a model wrote get an empty file in their stead. The project's own commands see
 * them, since builds need them. What is committed is no secret from whoever can ask git, so it is not hidden.
 */
import { git } from "./git/git.ts";
import { joinRelative } from "./paths.ts";
import { pathRules } from "./policy.ts";
import type { Place } from "./protocol.ts";

/** Most files that are hidden, and most entries of untracked folders that are looked at. */
const MAX_FILES = 500;
const MAX_ENTRIES = 5_000;
const MAX_DEPTH = 6;
/** What is fetched or built is large, and nobody's secret. */
const passedOver = new Set([".git", "node_modules", "target", "vendor", ".venv", "venv"]);

/** Absolute paths of files and folders; empty where git can't say what is committed. */
export async function secretsIn(place: Place, signal: AbortSignal): Promise<string[]> {
  if (place.gitDir === null) return [];
  const { blocked } = await pathRules({ allow: [], block: [] });
  const { code, stdout } = await git(place.dir, ["ls-files", "-z", "--others", "--directory"], {
    signal,
  });
  if (code !== 0) return [];
  const found: string[] = [];
  let left = MAX_ENTRIES;
  const look = async (path: string, isFolder: boolean, depth: number): Promise<void> => {
    if (found.length === MAX_FILES || passedOver.has(path.slice(path.lastIndexOf("/") + 1))) return;
    if (blocked(path) !== null) {
      found.push(`${place.dir}/${path}`);
      return;
    }
    if (!isFolder || depth === MAX_DEPTH) return;
    for (const entry of await entriesOf(`${place.dir}/${path}`)) {
      if (left-- <= 0) return;
      await look(joinRelative(path, entry.name), entry.isDirectory, depth + 1);
    }
  };
  for (const path of stdout.split("\0").filter(Boolean)) {
    await look(path.replace(/\/$/, ""), path.endsWith("/"), 0);
  }
  return found;
}

async function entriesOf(folder: string): Promise<Deno.DirEntry[]> {
  try {
    return await Array.fromAsync(Deno.readDir(folder));
  } catch {
    return []; // gone, or closed to us: then to commands as well
  }
}

/** What was found in each place, until one of the project's own commands has run there. */
export class KnownSecrets {
  readonly #found = new Map<string, Promise<string[]>>();

  async in(place: Place, signal: AbortSignal): Promise<string[]> {
    const known = this.#found.get(place.dir);
    if (known) return await known;
    const looking = secretsIn(place, signal);
    this.#found.set(place.dir, looking);
    // The next one looks again.
    looking.catch(() => this.#found.get(place.dir) === looking && this.#found.delete(place.dir));
    return await looking;
  }

  forget(dir: string): void {
    this.#found.delete(dir);
  }
}
