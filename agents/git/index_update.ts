/** Takes what has changed in a ticket's worktree into its index. */
import { join } from "node:path";
import { baseName, folderOf, UNFINISHED_FILE } from "../paths.ts";
import { gitOk } from "./git.ts";
import type { TreePlace } from "./repository.ts";
import type { Change } from "./worktree_changes.ts";

/**
 * But for repositories inside the worktree (a test may make one), which git would record as a bare link to a commit
 * that nobody else has, and for files that were never finished.
 */
export const isWork = ({ path }: Change): boolean =>
  !path.endsWith("/") && baseName(path) !== UNFINISHED_FILE;

/**
 * Of changes that are work (`isWork`). Not by `git add`, which asks the git of a submodule what is changed in it: that
 * would run whatever programs its configuration names, and commands of an agent may have written that.
 */
export async function addAll(
  place: Pick<TreePlace, "path" | "gitDir">,
  changes: readonly Change[],
  signal: AbortSignal,
): Promise<void> {
  // Nothing is to be done for what the index has as it is, and git would stumble over a folder in its place.
  const due = changes.filter(({ file }) => file !== "same");
  // Git refuses to look for what is beyond a link, even to see that it is gone.
  const beyond = due.filter(({ path, file }) => file === "gone" && isBeyondLink(place, path));
  await update(place, ["--force-remove"], beyond, signal);
  const rest = beyond.length === 0 ? due : due.filter((change) => !beyond.includes(change));
  await update(place, ["--add", "--remove", "--replace"], rest, signal);
}

async function update(
  place: Pick<TreePlace, "path" | "gitDir">,
  how: readonly string[],
  changes: readonly Change[],
  signal: AbortSignal,
): Promise<void> {
  if (changes.length === 0) return;
  const input = new Blob(changes.flatMap(({ name }) => [name, "\0"]));
  await gitOk(place, ["update-index", ...how, "-z", "--stdin"], {
    signal,
    input: await input.bytes(),
    doing: "add the changes",
  });
}

/** A folder became a link. */
function isBeyondLink({ path: root }: { path: string }, path: string): boolean {
  for (let at = folderOf(path); at !== ""; at = folderOf(at)) {
    try {
      if (Deno.lstatSync(join(root, at)).isSymlink) return true;
    } catch (error) {
      const gone = error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.NotADirectory;
      if (!gone) throw error;
    }
  }
  return false;
}
