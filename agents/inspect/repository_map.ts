/** What an agent is told of a repository in its first turn. A commit never changes, so each is read once. */
import { type PackageScript, packageScripts } from "./package_scripts.ts";
import { type InstructionFile, readInstructions, trackedFiles } from "./inspect.ts";

export interface RepositoryMap {
  /** Paths of the files, at most `TRACKED_FILES`. */
  files: string[];
  instructions: InstructionFile[];
  scripts: PackageScript[];
}

/** Newest commits that are remembered, of all repositories together: some have a megabyte of paths. */
const MAX_MAPS = 8;

export class RepositoryMaps {
  readonly #maps = new Map<string, RepositoryMap>();

  async of(repo: string, commit: string, signal: AbortSignal): Promise<RepositoryMap> {
    const key = `${repo}\0${commit}`;
    const known = this.#maps.get(key);
    this.#maps.delete(key);
    const map = known ?? await read(repo, commit, signal);
    this.#maps.set(key, map);
    for (const oldest of this.#maps.keys()) {
      if (this.#maps.size <= MAX_MAPS) break;
      this.#maps.delete(oldest);
    }
    return map;
  }
}

async function read(repo: string, commit: string, signal: AbortSignal): Promise<RepositoryMap> {
  const files = await trackedFiles(repo, commit, signal);
  return {
    files,
    instructions: await readInstructions(repo, commit, signal),
    scripts: await packageScripts(repo, commit, files, signal),
  };
}
