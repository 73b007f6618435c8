/** The files of the repository that an agent's definition names, as they are at its run's commit. */
import { pathRules } from "../policy.ts";
import type { PathPolicy } from "../protocol.ts";
import { readTracked } from "./inspect.ts";

export interface ContextFile {
  path: string;
  /** What stands in for a file that is missing or closed is in round brackets. */
  text: string;
}

/** In the order in which they are named. One that is missing, or closed to the agent, says so. */
export async function readContextFiles(
  repo: string,
  commit: string,
  { paths, policy, signal }: { paths: readonly string[]; policy: PathPolicy; signal: AbortSignal },
): Promise<ContextFile[]> {
  const rules = await pathRules(policy);
  const read = async (path: string): Promise<ContextFile> => {
    const closed = (name: string) => rules.blocked(name) ?? rules.notAllowed(name);
    if (closed(path)) return { path, text: `(not shown: ${closed(path)})` };
    const file = await readTracked(repo, commit, path, signal);
    if (file === null) return { path, text: "(there is no such text file)" };
    // A tracked link may name a closed file.
    const why = closed(file.path);
    return { path, text: why ? `(not shown: ${why})` : file.text };
  };
  const files: ContextFile[] = [];
  for (const path of paths) files.push(await read(path));
  return files;
}
