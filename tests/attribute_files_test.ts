/** Whether files of attributes have a say is seen without git wherever there are none. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert";
import { dirname, join } from "node:path";
import { mayHaveAttributes } from "../agents/git/attribute_files.ts";
import { filteredAmong } from "../agents/git/filters.ts";
import { createWorktree } from "../agents/git/worktrees.ts";
import { never, TestRepo } from "./git_support.ts";

const PATHS = ["a/b/c.txt", "d.txt"];
const FILES = { "a/b/c.txt": "c\n", "d.txt": "d\n", "e/f.txt": "f\n" };
const CRYPT = "*.txt filter=crypt\n";

Deno.test("mayHaveAttributes() says no where the repository has none, and yes for each place where one can be", async () => {
  await using repo = await TestRepo.make(FILES);
  const may = (paths = PATHS) => mayHaveAttributes(repo.dir, paths);
  equal(may(), false);
  for (const path of [".gitattributes", "a/.gitattributes", "a/b/.gitattributes"]) {
    // Not committed, not even added: as a turn leaves one that it has made.
    await repo.write(path, CRYPT);
    equal(may(), true, path);
    await Deno.remove(join(repo.dir, path));
    equal(may(), false);
  }
  await repo.write("e/.gitattributes", CRYPT);
  equal(may(), false, "it is on the way to none of these");
  equal(may(["e/new/g.txt"]), true);
  await Deno.remove(join(repo.dir, "e/.gitattributes"));
  await Deno.mkdir(join(repo.dir, ".git/info"), { recursive: true });
  await repo.write(".git/info/attributes", CRYPT);
  equal(may(), true);
  await Deno.remove(join(repo.dir, ".git/info/attributes"));
  equal(may([...PATHS, "d.txt/is/a/file"]), true, "only git knows");
});

Deno.test("mayHaveAttributes() says yes for one that only the index has, in the folder and in a worktree", async () => {
  await using repo = await TestRepo.make({ ...FILES, "a/.gitattributes": CRYPT });
  await Deno.remove(join(repo.dir, "a/.gitattributes"));
  equal(mayHaveAttributes(repo.dir, PATHS), true);
  const base = await repo.git("rev-parse", "main");
  const { path } = await createWorktree({
    ...{ repo: repo.dir, path: repo.beside("work"), branch: "work", base, signal: never },
  });
  await Deno.remove(join(path, "a/.gitattributes"));
  const place = { path, gitDir: join(repo.dir, ".git/worktrees/work") };
  equal(mayHaveAttributes(place, PATHS), true);
  deepEqual(await filteredAmong(place, ["a/b/c.txt"], never), [
    { path: "a/b/c.txt", filter: "crypt" },
  ]);
  await repo.git("-C", path, "rm", "-q", "--cached", "a/.gitattributes");
  equal(mayHaveAttributes(place, PATHS), false);
});

Deno.test("mayHaveAttributes() says yes for an index that it can't look through, or that isn't there", async () => {
  await using repo = await TestRepo.make(FILES);
  await repo.git("update-index", "--index-version=4");
  equal(mayHaveAttributes(repo.dir, PATHS), true);
  await repo.git("update-index", "--index-version=2");
  equal(mayHaveAttributes(repo.dir, PATHS), false);
  await repo.git("update-index", "--split-index");
  equal(mayHaveAttributes(repo.dir, PATHS), true);
  await repo.git("update-index", "--no-split-index");
  await repo.git("sparse-checkout", "set", "--cone", "--sparse-index", "a");
  equal(mayHaveAttributes(repo.dir, PATHS), true);
  await repo.git("sparse-checkout", "disable");
  equal(mayHaveAttributes(repo.dir, PATHS), false);
  const index = join(repo.dir, ".git/index");
  const whole = await Deno.readFile(index);
  for (const end of [8, 40, 100, 200, whole.length - 21, whole.length - 1]) {
    await Deno.writeFile(index, whole.subarray(0, end));
    equal(mayHaveAttributes(repo.dir, PATHS), true, `cut at ${end}`);
  }
  await Deno.truncate(index);
  equal(mayHaveAttributes(repo.dir, PATHS), true);
  await Deno.remove(index);
  equal(mayHaveAttributes(repo.dir, PATHS), true);
  equal(mayHaveAttributes(repo.beside("nothing"), PATHS), true);
  // Object ids of another length.
  const other = repo.beside("sha256");
  await repo.git("init", "-q", "--object-format=sha256", other);
  for (const name of PATHS) {
    await Deno.mkdir(dirname(join(other, name)), { recursive: true });
    await Deno.writeTextFile(join(other, name), "text\n");
  }
  await repo.git("-C", other, "add", "-A");
  equal(mayHaveAttributes(other, PATHS), true);
});

Deno.test("git is asked where the configuration names a file of attributes", async () => {
  await using repo = await TestRepo.make(FILES);
  await repo.write("mine", CRYPT);
  equal((await filteredAmong(repo.dir, PATHS, never)).length, 0);
  await repo.git("config", "core.attributesFile", join(repo.dir, "mine"));
  equal(mayHaveAttributes(repo.dir, PATHS), false);
  equal((await filteredAmong(repo.dir, PATHS, never)).length, 2);
});
