/** What agents and their commands do to a worktree, at random: names that collide, and all that a path can be. */
import { dirname, join } from "node:path";
import type { Random } from "./chaos/random.ts";
import { personGit } from "./git_support.ts";

/** Sorted by git with and without a slash at their end, they come in other orders. */
const parts = ["a", "a.b", "a-b", "a0", "B", "é ü", ".gaffer"];
const contents = [
  "one\n",
  "two\n",
  "",
  "no end",
  "with\r\nreturns\r\n",
  "$Id$ of it\n",
  "nul \0 and \x1b\n",
  "long\n".repeat(60_000),
];

const kinds = {
  ...{ write: 12, remove: 4, mode: 3, link: 3, move: 3, stage: 3, unstage: 2, intend: 1 },
  ...{ ignore: 1, odd: 1 },
};

/** Does one thing. Gives the paths that it touched; null: it can be any. */
export async function whim(root: string, random: Random): Promise<string[] | null> {
  const path = pathOf(random);
  const full = join(root, path);
  switch (random.weighted(kinds)) {
    case "write": {
      const isAlone = await makeRoom(full);
      await Deno.writeTextFile(full, random.pick(contents));
      return isAlone ? [path] : null;
    }
    case "remove":
      await Deno.remove(full, { recursive: true }).catch(() => {});
      return null;
    case "mode": {
      const mode = random.pick([0o644, 0o755]);
      const isFile = (await Deno.lstat(full).catch(() => null))?.isFile;
      if (isFile) await Deno.chmod(full, mode);
      return null;
    }
    case "link": {
      const isAlone = await makeRoom(full);
      await Deno.symlink(random.pick(["a", "..", "gone/é"]), full);
      return isAlone ? [path] : null;
    }
    case "move": {
      const to = join(root, pathOf(random));
      if (!`${to}/`.startsWith(`${full}/`) && !`${full}/`.startsWith(`${to}/`)) {
        await makeRoom(to);
        await Deno.rename(full, to).catch(() => {});
      }
      return null;
    }
    case "stage":
      await personGit(root, "add", "--force", "--", path).catch(() => {});
      return null;
    case "unstage":
      await personGit(root, "rm", "-r", "-q", "--cached", "--", path).catch(() => {});
      return null;
    case "intend":
      await personGit(root, "add", "--intent-to-add", "--", path).catch(() => {});
      return null;
    case "ignore":
      await Deno.writeTextFile(join(root, ".gitignore"), random.pick(["a0\n", "*.b\n", "\n"]));
      return null;
    case "odd":
      await oddNames(root);
      return null;
  }
}

const pathOf = (random: Random): string =>
  Array.from({ length: 1 + random.below(3) }, () => random.pick(parts)).join("/");

/** Whatever is in the way goes; gives whether nothing was. */
async function makeRoom(full: string): Promise<boolean> {
  let isAlone = true;
  for (let at = dirname(full);; at = dirname(at)) {
    const info = await Deno.lstat(at).catch(() => null);
    if (info?.isDirectory) break;
    if (!info) continue;
    await Deno.remove(at);
    isAlone = false;
  }
  if ((await Deno.lstat(full).catch(() => null))?.isDirectory) isAlone = false;
  await Deno.remove(full, { recursive: true }).catch(() => {});
  await Deno.mkdir(dirname(full), { recursive: true });
  return isAlone;
}

/** Bytes that are not UTF-8, and a line end. */
async function oddNames(root: string): Promise<void> {
  const script =
    'mkdir -p odd; echo more >> "odd/$(printf "b\\\\377")"; echo more >> "odd/$(printf "c\\\\nd")"';
  await new Deno.Command("sh", { args: ["-c", script], cwd: root }).output();
}
