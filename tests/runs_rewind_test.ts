import { deepStrictEqual as deepEqual, rejects, strictEqual as equal } from "node:assert";
import { join } from "node:path";
import { checkpoint } from "../agents/git/checkpoints.ts";
import { type Rewind, rewindWorktree } from "../agents/git/rewinding.ts";
import { createWorktree } from "../agents/git/worktrees.ts";
import { never, personGit, TestRepo } from "./git_support.ts";

const branch = "gaffer/1-greet";
const keep = "refs/gaffer/forks/run_1";

/** A ticket's worktree with two checkpoints on its branch. */
async function twoTurns(repo: TestRepo) {
  const base = await repo.git("rev-parse", "main");
  const { path } = await createWorktree({
    repo: repo.dir,
    path: repo.beside("worktree"),
    branch,
    base,
    signal: never,
  });
  const turn = async (text: string) => {
    await repo.write("README.md", text, path);
    await repo.write(`${text.trim()}.txt`, text, path);
    const saved = await checkpoint({
      repo: repo.dir,
      worktree: path,
      branch,
      message: text,
      signal: never,
    });
    return saved!.commit;
  };
  const [first, second] = [await turn("first\n"), await turn("second\n")];
  const rewind = (changes: Partial<Rewind> = {}) =>
    rewindWorktree({
      repo: repo.dir,
      worktree: path,
      branch,
      to: first,
      keep,
      message: "What was there",
      signal: never,
      ...changes,
    });
  const tip = () => repo.git("rev-parse", branch);
  const status = () => personGit(path, "status", "--porcelain");
  return { base, path, first, second, rewind, tip, status };
}

Deno.test("a rewound branch and its worktree are as they were; what was there is kept", async () => {
  await using repo = await TestRepo.make({ "README.md": "one\n", ".gitignore": "cache\n" });
  const before = await repo.snapshot();
  const { path, first, second, rewind, tip, status } = await twoTurns(repo);
  await repo.write("cache", "built\n", path);
  equal(await rewind(), true);
  equal(await tip(), first);
  equal(await repo.read("README.md", path), "first\n");
  await rejects(Deno.stat(join(path, "second.txt")), Deno.errors.NotFound);
  equal(await repo.read("cache", path), "built\n", "ignored files stay: builds need them");
  equal(await status(), "");
  equal(await repo.git("rev-parse", keep), second);
  deepEqual(await repo.snapshot(), before, "nothing of the person's was touched");
});

Deno.test("what was not committed yet is kept with the rest", async () => {
  await using repo = await TestRepo.make();
  const { path, first, second, rewind, tip } = await twoTurns(repo);
  await repo.write("README.md", "by hand\n", path);
  await repo.write("new.txt", "new\n", path);
  await rewind();
  equal(await tip(), first);
  equal(await repo.git("show", `${keep}:README.md`), "by hand");
  equal(await repo.git("show", `${keep}:new.txt`), "new");
  equal(await repo.git("rev-parse", `${keep}^`), second);
});

Deno.test("rewinding again after it was cut off ends the same, and never moves what was kept", async () => {
  await using repo = await TestRepo.make();
  const { path, first, second, rewind, tip, status } = await twoTurns(repo);
  // Cut off between keeping and moving, in the middle of writing files.
  await repo.git("update-ref", keep, second);
  await repo.write("README.md", "half", path);
  equal(await rewind(), true);
  equal(await rewind(), false);
  deepEqual([await tip(), await repo.git("rev-parse", keep)], [first, second]);
  equal(await status(), "");
});

Deno.test("a branch that is there already is left as it is", async () => {
  await using repo = await TestRepo.make();
  const { second, rewind, tip } = await twoTurns(repo);
  equal(await rewind({ to: second }), false);
  equal(await tip(), second);
  await rejects(repo.git("rev-parse", "--verify", keep));
});

Deno.test("a lock that a killed git left in the worktree does not stand in the way for ever", async () => {
  await using repo = await TestRepo.make();
  const { first, rewind, tip } = await twoTurns(repo);
  const lock = join(repo.dir, ".git/worktrees/worktree/index.lock");
  await Deno.writeTextFile(lock, "");
  await Deno.utime(lock, 1, 1);
  await rewind();
  equal(await tip(), first);
});

Deno.test("a commit that the repository has lost and a worktree on another branch are refused", async () => {
  await using repo = await TestRepo.make();
  const { path, second, rewind, tip } = await twoTurns(repo);
  await rejects(rewind({ to: "0".repeat(39) + "1" }), { code: "conflict", message: /has lost it/ });
  await personGit(path, "switch", "-q", "--detach");
  await rejects(rewind(), { code: "conflict" });
  equal(await tip(), second);
});
