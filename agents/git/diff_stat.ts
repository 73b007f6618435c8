/** How much of each file differs between two commits. */
import type { CommitRange } from "./changes.ts";
import { gitOk } from "./git.ts";
import { checkCommit } from "./repository.ts";

/** Most files that are named. */
export const STAT_FILES = 100;

/** "greet.sh +3 −1", a line for each file in path order; of a binary file only its name. */
export async function diffStat({ repo, from, to, signal }: CommitRange): Promise<string[]> {
  const args = ["diff-tree", "-r", "-z", "--no-renames", "--numstat"];
  const text = await gitOk(repo, [...args, checkCommit(from), checkCommit(to)], {
    signal,
    doing: "count the changed lines",
  });
  const files = text.split("\0").filter(Boolean);
  const lines = files.slice(0, STAT_FILES).map((line) => {
    const [added, removed, ...path] = line.split("\t");
    const name = path.join("\t");
    return added === "-" ? `${name} (binary)` : `${name} +${added} −${removed}`;
  });
  return files.length > STAT_FILES ? [...lines, `and ${files.length - STAT_FILES} more`] : lines;
}
