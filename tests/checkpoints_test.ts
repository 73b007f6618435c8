/** What a checkpoint makes of a worktree is what git alone makes of it, whatever happened in there. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert";
import { checkpoint } from "../agents/git/checkpoints.ts";
import { createWorktree } from "../agents/git/worktrees.ts";
import { never, personGit, TestRepo } from "./git_support.ts";

const BRANCH = "gaffer/12-work";

/** Makes the ticket's worktree from the newest commit of "main". */
async function worktreeOf(repo: TestRepo) {
  const base = await repo.git("rev-parse", "main");
  const place = { repo: repo.dir, path: repo.beside("data/12"), branch: BRANCH, signal: never };
  const { path } = await createWorktree({ ...place, base });
  return { repo: repo.dir, worktree: path, branch: BRANCH, message: "Turn", signal: never };
}

async function shell(dir: string, script: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("sh", { args: ["-ec", script], cwd: dir })
    .output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

Deno.test("checkpoint() commits files whose names are not UTF-8, and that they are gone", async () => {
  await using repo = await TestRepo.make();
  const work = await worktreeOf(repo);
  await shell(work.worktree, "echo new > \"$(printf 'b\\377.txt')\"");
  deepEqual((await checkpoint(work))?.files, ["b\ufffd.txt"]);
  equal(await personGit(work.worktree, "status", "--porcelain"), "");
  equal(
    await repo.git("ls-tree", "-r", "--name-only", BRANCH),
    'README.md\n"b\\377.txt"',
  );
  await shell(work.worktree, 'rm b*.txt; echo two > "README.md"');
  deepEqual((await checkpoint(work))?.files, ["README.md", "b\ufffd.txt"]);
  equal(await repo.git("ls-tree", "-r", "--name-only", BRANCH), "README.md");
});

Deno.test("checkpoint() commits a folder that became a link to another, also where git ignores the link", async () => {
  for (const ignored of ["nothing", "lib"]) {
    await using repo = await TestRepo.make({ "lib/a.txt": "a\n", "other/a.txt": "b\n" });
    await repo.write(".gitignore", ignored);
    await repo.commit("Ignore");
    const work = await worktreeOf(repo);
    await shell(work.worktree, "rm -r lib; ln -s other lib; echo more > new.txt");
    const link = ignored === "lib" ? [] : ["lib"];
    deepEqual((await checkpoint(work))?.files, [...link, "lib/a.txt", "new.txt"]);
    equal(await personGit(work.worktree, "status", "--porcelain"), "");
  }
});
