/** Who made a ticket's commits, but for Gaffer. */
import { git } from "./git.ts";
import { GitError } from "./git_error.ts";
import { checkCommit, gaffer } from "./repository.ts";

/** Most commits that are looked through, the newest first, and most people that are named. */
const COMMITS_MAX = 1_000;
const PEOPLE_MAX = 20;

/**
 * The authors of the commits that `head` has and none of `without` has, merges aside, as "Name <address>", each once,
 * the first one first. Throws `GitError`.
 */
export async function peopleIn(
  { repo, head, without, signal }: {
    repo: string;
    head: string;
    without: readonly string[];
    signal: AbortSignal;
  },
): Promise<string[]> {
  const args = [
    ...["log", "--no-merges", `--max-count=${COMMITS_MAX}`, "--format=%an%x00%ae", "-z"],
    ...[checkCommit(head), ...without.map((commit) => `^${checkCommit(commit)}`)],
  ];
  const result = await git(repo, args, { signal });
  if (result.code !== 0) throw GitError.of("see who worked on the branch", repo, result);
  const fields = result.stdout.split("\0");
  const people = new Set<string>();
  for (let at = fields.length - 2; at >= 0; at -= 2) {
    const [name, address] = [fields[at - 1], fields[at]];
    if (name && address && address !== gaffer.email) people.add(`${name} <${address}>`);
  }
  return [...people].slice(0, PEOPLE_MAX);
}
