import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { join } from "node:path";
import { BRANCH_NAME_CHARS, branchName } from "../agents/git/branches.ts";
import { checkpoint, STALE_LOCK_MS, uncommitted } from "../agents/git/checkpoints.ts";
import { changedFiles, diffOf } from "../agents/git/changes.ts";
import { checkBranch, linkedTreeAt, tipOf } from "../agents/git/repository.ts";
import { createView, createWorktree, removeWorktree } from "../agents/git/worktrees.ts";
import { exists, never, personGit, TestRepo } from "./git_support.ts";

const BRANCH = "gaffer/12-short-title";

/** Makes the worktree of ticket 12 from the tip of "main". */
async function ticketTree(
  repo: TestRepo,
  options: { branch?: string; path?: string; first?: boolean } = {},
) {
  const base = await repo.git("rev-parse", "main");
  const { branch = BRANCH, path = repo.beside("data/worktrees/12"), first } = options;
  return await createWorktree({ repo: repo.dir, path, branch, base, first, signal: never });
}

function commitAll(repo: TestRepo, worktree: string, options: { recorded?: string } = {}) {
  const spec = { repo: repo.dir, worktree, branch: BRANCH, message: "Turn 1", signal: never };
  return checkpoint({ ...spec, ...options });
}

Deno.test("branchName() makes a short ASCII slug of any title", () => {
  equal(branchName(12, "Short title"), "gaffer/12-short-title");
  equal(branchName(3, "Größe & Höhe: naïve façade"), "gaffer/3-gro-e-hohe-naive-facade");
  equal(branchName(7, "数据库"), "gaffer/7");
  equal(branchName(1, "--help"), "gaffer/1-help");
  equal(
    branchName(1234, "Make the importer accept files larger than two gigabytes"),
    "gaffer/1234-make-the-importer-accept-files-larger",
  );
  const odd = ["a.lock", "..", "@{u}", "x".repeat(300), "a/b\\c", "\u0000\n", "🙂", "-", ""];
  for (const title of odd) {
    const name = branchName(99, title);
    equal(checkBranch(name), name);
    ok(name.length <= BRANCH_NAME_CHARS && /^[a-z0-9/-]+$/.test(name), name);
  }
});

Deno.test("createWorktree() checks the branch out from its base and runs no hook", async () => {
  await using repo = await TestRepo.make();
  const marker = await repo.trapHooks("post-checkout", "reference-transaction");
  const made = await ticketTree(repo);
  deepEqual(made, {
    path: repo.beside("data/worktrees/12"),
    branch: BRANCH,
    commit: await repo.git("rev-parse", "main"),
    movedAside: null,
  });
  equal(await repo.read("README.md", made.path), "one\n");
  equal(await personGit(made.path, "symbolic-ref", "HEAD"), `refs/heads/${BRANCH}`);
  equal(await personGit(made.path, "status", "--porcelain"), "");
  equal(await exists(marker), false);
});

Deno.test("createWorktree() gives the worktree that is there with its edits and commits", async () => {
  await using repo = await TestRepo.make();
  const first = await ticketTree(repo);
  await repo.write("done.txt", "done\n", first.path);
  const saved = await commitAll(repo, first.path);
  await repo.write("begun.txt", "begun\n", first.path);
  await repo.commit("Base moves on", { "other.txt": "other\n" });
  const second = await ticketTree(repo);
  deepEqual(second, { ...first, commit: saved?.commit });
  equal(await repo.read("begun.txt", second.path), "begun\n");
});

Deno.test("createWorktree() leaves a person's branch of that name alone and takes the next", async () => {
  await using repo = await TestRepo.make();
  await repo.git("branch", BRANCH);
  const theirs = await repo.commitOn(BRANCH, { "theirs.txt": "theirs\n" });
  const made = await ticketTree(repo);
  equal(made.branch, `${BRANCH}-2`);
  equal(await repo.git("rev-parse", BRANCH), theirs);
  equal((await ticketTree(repo)).branch, `${BRANCH}-2`);
});

Deno.test("createWorktree() finds a name beside branches that leave no room for it", async () => {
  await using repo = await TestRepo.make();
  await repo.git("branch", "gaffer");
  equal((await ticketTree(repo)).branch, "gaffer-12-short-title");
  await using other = await TestRepo.make();
  await other.git("branch", `${BRANCH}/sub`);
  equal((await ticketTree(other)).branch, `${BRANCH}-2`);
});

Deno.test("createWorktree() starts from the branch even when a tag has its name", async () => {
  await using repo = await TestRepo.make();
  await repo.git("tag", BRANCH);
  const tip = await repo.commit("Second", { "README.md": "two\n" });
  const made = await ticketTree(repo);
  equal(made.commit, tip);
  equal(await repo.read("README.md", made.path), "two\n");
  equal(await personGit(made.path, "status", "--porcelain"), "");
});

Deno.test("createWorktree() goes on after a crash between the mark and the branch", async () => {
  await using repo = await TestRepo.make();
  await repo.git("update-ref", `refs/gaffer/branches/${BRANCH}`, "main");
  const tip = await repo.commit("Second", { "README.md": "two\n" });
  const made = await ticketTree(repo);
  deepEqual([made.branch, made.commit], [BRANCH, tip]);
});

Deno.test("createWorktree() goes on after git was killed while it filled the folder", async () => {
  await using repo = await TestRepo.make({
    ".gitattributes": "*.slow filter=slow\n",
    "a.slow": "slow\n",
    "z.txt": "z\n",
  });
  const { path, branch } = await ticketTree(repo);
  await repo.write("done.txt", "done\n", path);
  const saved = await commitAll(repo, path);
  await removeWorktree({ repo: repo.dir, path, signal: never });

  await repo.git("config", "filter.slow.smudge", "echo reached >&2; sleep 60");
  const dying = new Deno.Command("git", {
    args: ["-C", repo.dir, "worktree", "add", path, branch],
    stderr: "piped",
    detached: true,
  }).spawn();
  await reads(dying.stderr, "reached");
  Deno.kill(-dying.pid, "SIGKILL");
  await dying.status;
  await repo.git("config", "--unset", "filter.slow.smudge");
  equal(await exists(join(path, "z.txt")), false);

  const made = await ticketTree(repo);
  deepEqual(made, { path, branch, commit: saved?.commit, movedAside: null });
  equal(await repo.read("z.txt", path), "z\n");
  equal(await personGit(path, "status", "--porcelain"), "");
  equal(await commitAll(repo, path), null); // nothing looks deleted
});

Deno.test("createWorktree() makes a folder anew that a person deleted, with the branch's commits", async () => {
  await using repo = await TestRepo.make();
  const first = await ticketTree(repo);
  await repo.write("done.txt", "done\n", first.path);
  const saved = await commitAll(repo, first.path);
  await Deno.remove(first.path, { recursive: true });
  equal((await ticketTree(repo)).commit, saved?.commit);
  equal(await repo.read("done.txt", first.path), "done\n");
});

Deno.test("createWorktree() goes on after a removal that was cut off", async () => {
  await using repo = await TestRepo.make();
  const { path } = await ticketTree(repo);
  await Deno.rename(path, `${path}.removing`);
  equal((await ticketTree(repo)).path, path);
  await removeWorktree({ repo: repo.dir, path, signal: never });
  deepEqual(await Array.fromAsync(Deno.readDir(repo.beside("data/worktrees"))), []);
});

Deno.test("createWorktree() moves aside what stands in its place and keeps it", async () => {
  await using repo = await TestRepo.make();
  const path = repo.beside("data/worktrees/12");
  await repo.write("precious.txt", "precious\n", path);
  const made = await ticketTree(repo);
  equal(made.movedAside, `${path}.kept-1`);
  equal(await repo.read("precious.txt", `${path}.kept-1`), "precious\n");
  equal(await repo.read("README.md", path), "one\n");
});

Deno.test("createWorktree() keeps what a ticket that nobody knows any more left in a new one's place", async () => {
  for (const branch of [BRANCH, "gaffer/12-another-title"]) {
    await using repo = await TestRepo.make();
    const left = await ticketTree(repo, { first: true });
    await repo.write("done.txt", "done\n", left.path);
    const saved = await commitAll(repo, left.path);
    await repo.write("begun.txt", "begun\n", left.path);
    const made = await ticketTree(repo, { branch, first: true });
    const kept = `${left.path}.kept-1`;
    deepEqual(made, {
      path: left.path,
      branch: branch === BRANCH ? `${BRANCH}-2` : branch,
      commit: await repo.git("rev-parse", "main"),
      movedAside: kept,
    });
    equal(await exists(join(made.path, "done.txt")), false);
    equal(await repo.git("rev-parse", BRANCH), saved?.commit);
    equal(await personGit(kept, "symbolic-ref", "HEAD"), `refs/heads/${BRANCH}`);
    equal(await repo.read("begun.txt", kept), "begun\n");
    // Cut off before that was noted, it is done again, and comes to the same.
    deepEqual(await ticketTree(repo, { branch, first: true }), { ...made, movedAside: null });
  }
});

Deno.test("createWorktree() refuses a folder in which someone switched branches, also a new ticket's", async () => {
  await using repo = await TestRepo.make();
  const { path } = await ticketTree(repo);
  await personGit(path, "switch", "-q", "-c", "elsewhere");
  await rejects(ticketTree(repo, { first: true }), { code: "conflict", message: /has elsewhere/ });
});

Deno.test("createWorktree() refuses while the branch is checked out in another folder", async () => {
  await using repo = await TestRepo.make();
  const { path } = await ticketTree(repo);
  await removeWorktree({ repo: repo.dir, path, signal: never });
  await repo.git("switch", "-q", BRANCH);
  await rejects(ticketTree(repo), {
    code: "conflict",
    message: `Cannot work on branch "${BRANCH}": it is checked out in "${repo.dir}". ` +
      "Switch that folder to another branch, then retry",
  });
});

Deno.test("createWorktree() refuses a worktree in which someone switched branches", async () => {
  await using repo = await TestRepo.make();
  const { path } = await ticketTree(repo);
  await personGit(path, "switch", "-q", "-c", "elsewhere");
  await rejects(ticketTree(repo), { code: "conflict", message: /has elsewhere checked out/ });
  equal(await personGit(path, "branch", "--show-current"), "elsewhere");
});

Deno.test("createWorktree() refuses a commit that is not there and names git forbids", async () => {
  await using repo = await TestRepo.make();
  const spec = { repo: repo.dir, path: repo.beside("x"), branch: BRANCH, signal: never };
  await rejects(createWorktree({ ...spec, base: "1".repeat(40) }), {
    code: "conflict",
    message: /the repository does not have it/,
  });
  await rejects(createWorktree({ ...spec, base: "--force" }), { code: "invalid" });
  const base = await repo.git("rev-parse", "HEAD");
  await rejects(createWorktree({ ...spec, base, branch: "--orphan" }), { code: "invalid" });
  equal(await repo.git("for-each-ref", "--format=%(refname)"), "refs/heads/main");
});

Deno.test("createWorktree() serves several tickets of one repository side by side", async () => {
  await using repo = await TestRepo.make();
  const made = await Promise.all([1, 2, 3, 4, 5].map((number) =>
    ticketTree(repo, {
      branch: `gaffer/${number}-x`,
      path: repo.beside(`data/${number}/tree`),
    })
  ));
  for (const { path, branch } of made) {
    equal(await personGit(path, "branch", "--show-current"), branch);
  }
});

Deno.test("checkpoint() commits all that changed, as Gaffer, and nothing twice", async () => {
  await using repo = await TestRepo.make({ "old.txt": "1\n2\n3\n", "gone.txt": "x\n" });
  const marker = await repo.trapHooks("pre-commit", "commit-msg", "post-commit");
  const { path } = await ticketTree(repo);
  await repo.write('dir with space/ünï — "q".txt', "new\n", path);
  await repo.write("-leading", "dash\n", path);
  await repo.write("old.txt", "1\n2\n4\n", path);
  await Deno.remove(join(path, "gone.txt"));
  const saved = await commitAll(repo, path);
  deepEqual(saved?.files.sort(), [
    "-leading",
    'dir with space/ünï — "q".txt',
    "gone.txt",
    "old.txt",
  ]);
  equal(saved?.commit, await repo.git("rev-parse", BRANCH));
  const facts = await repo.git("log", "-1", "--format=%an <%ae>|%cn <%ce>|%s", BRANCH);
  equal(facts, "Gaffer <gaffer@localhost>|Gaffer <gaffer@localhost>|Turn 1");
  equal(await repo.git("rev-parse", `${BRANCH}^`), await repo.git("rev-parse", "main"));
  equal(await personGit(path, "status", "--porcelain"), "");
  equal(await commitAll(repo, path), null);
  equal(await exists(marker), false);
});

Deno.test("checkpoint() leaves ignored files out, and repositories made inside", async () => {
  await using repo = await TestRepo.make({ ".gitignore": "*.log\nnode_modules/\n" });
  await repo.write(".git/info/exclude", "private\n");
  const { path } = await ticketTree(repo);
  await repo.write("a.log", "x", path);
  await repo.write("node_modules/x.js", "x", path);
  await repo.write("private", "x", path);
  equal(await commitAll(repo, path), null);
  await repo.write("tests/tmp repo/file", "x", path);
  await repo.write("tests/real.txt", "x", path);
  await personGit(join(path, "tests/tmp repo"), "init", "-q");
  deepEqual((await commitAll(repo, path))?.files, ["tests/real.txt"]);
  equal(await repo.read("tests/tmp repo/file", path), "x");
});

Deno.test("new files that the person's settings hide are committed, and never removed", async () => {
  await using repo = await TestRepo.make();
  await repo.git("config", "status.showUntrackedFiles", "no");
  const { path } = await ticketTree(repo);
  await repo.write("new.txt", "new\n", path);
  await rejects(removeWorktree({ repo: repo.dir, path, signal: never }), { code: "conflict" });
  deepEqual((await commitAll(repo, path))?.files, ["new.txt"]);
});

Deno.test("a file that a killed Write left unfinished is not committed", async () => {
  await using repo = await TestRepo.make();
  const { path } = await ticketTree(repo);
  await repo.write("src/.gaffer-unfinished", "ha", path);
  await repo.write("src/new.txt", "new\n", path);
  deepEqual((await commitAll(repo, path))?.files, ["src/new.txt"]);
});

Deno.test("checkpoint() looks only at the paths that can have been changed, and misses nothing the next time", async () => {
  await using repo = await TestRepo.make({
    "a.txt": "a\n",
    "*.txt": "star\n",
    ".gitignore": "*.log\n",
  });
  const { path } = await ticketTree(repo);
  const spec = { repo: repo.dir, worktree: path, branch: BRANCH, message: "Turn", signal: never };
  for (const name of ["a.txt", "*.txt", "new/one.txt", "new/two.txt", "out.log"]) {
    await repo.write(name, "changed\n", path);
  }
  await personGit(path, "init", "-q", "inner");
  await repo.write("inner/file.txt", "not the ticket's\n", path);
  const paths = ["*.txt", "new/one.txt", "out.log", "inner/file.txt", "gone.txt"];
  deepEqual((await checkpoint({ ...spec, paths }))?.files, ["*.txt", "new/one.txt"]);
  equal(await checkpoint({ ...spec, paths }), null);
  await Deno.remove(join(path, "new/one.txt"));
  deepEqual((await checkpoint({ ...spec, paths: ["new/one.txt"] }))?.files, ["new/one.txt"]);
  deepEqual((await checkpoint(spec))?.files, ["a.txt", "new/two.txt"]);
  // What a person has staged there meanwhile is told, too.
  await repo.write("staged.txt", "staged\n", path);
  await personGit(path, "add", "staged.txt");
  await repo.write("a.txt", "again\n", path);
  deepEqual((await checkpoint({ ...spec, paths: ["a.txt"] }))?.files, ["a.txt", "staged.txt"]);
  equal(await personGit(path, "status", "--porcelain"), "?? inner/");
});

Deno.test("checkpoint() of more paths than are asked about one by one looks at everything", async () => {
  await using repo = await TestRepo.make({ "a.txt": "a\n" });
  const { path } = await ticketTree(repo);
  await repo.write("a.txt", "changed\n", path);
  const paths = Array.from({ length: 101 }, (_, n) => `${n}.txt`);
  const spec = { repo: repo.dir, worktree: path, branch: BRANCH, message: "Turn", signal: never };
  deepEqual((await checkpoint({ ...spec, paths }))?.files, ["a.txt"]);
});

Deno.test("checkpoint() reports a commit that was made just before a crash", async () => {
  await using repo = await TestRepo.make();
  const { path, commit: recorded } = await ticketTree(repo);
  await repo.write("new.txt", "new\n", path);
  const lost = await commitAll(repo, path, { recorded });
  deepEqual(await commitAll(repo, path, { recorded }), lost);
  equal(await commitAll(repo, path, { recorded: lost?.commit ?? "" }), null);
});

Deno.test("checkpoint() removes a lock that a killed git left, once it is old enough", async () => {
  await using repo = await TestRepo.make();
  const { path } = await ticketTree(repo);
  const lock = join((await linkedTreeAt(repo.dir, path, never))?.gitDir ?? "", "index.lock");
  const branchLock = join(repo.dir, ".git/refs/heads", `${BRANCH}.lock`);
  await Deno.writeTextFile(lock, "half an index");
  await Deno.utime(lock, 1, 1);
  await Deno.writeTextFile(branchLock, "");
  await Deno.utime(branchLock, 1, 1);
  await repo.write("new.txt", "new\n", path);
  deepEqual((await commitAll(repo, path))?.files, ["new.txt"]);
  deepEqual([await exists(lock), await exists(branchLock)], [false, false]);

  await Deno.writeTextFile(lock, "");
  const almostStale = new Date(Date.now() - STALE_LOCK_MS + 500);
  await Deno.utime(lock, almostStale, almostStale);
  await repo.write("more.txt", "more\n", path);
  deepEqual((await commitAll(repo, path))?.files, ["more.txt"]);
});

Deno.test("checkpoint() never removes a lock of the person's", async () => {
  await using repo = await TestRepo.make();
  const { path } = await ticketTree(repo);
  const lock = join(repo.dir, ".git/index.lock");
  await Deno.writeTextFile(lock, "");
  await Deno.utime(lock, 1, 1);
  await repo.write("new.txt", "new\n", path);
  deepEqual((await commitAll(repo, path))?.files, ["new.txt"]);
  equal(await exists(lock), true);
});

Deno.test("checkpoint() follows no .git that was put into the worktree", async () => {
  await using repo = await TestRepo.make();
  const { path } = await ticketTree(repo);
  const marker = repo.beside("filter-ran");
  await Deno.remove(join(path, ".git"));
  await personGit(path, "init", "-q");
  await personGit(
    path,
    "config",
    "filter.evil.clean",
    `touch '${marker.replaceAll("'", `'\\''`)}'`,
  );
  await repo.write(".gitattributes", "README.md filter=evil\n", path);
  await repo.write("README.md", "one\n", path); // to be looked into
  await repo.write("new.txt", "new\n", path);
  deepEqual((await commitAll(repo, path))?.files, [".gitattributes", "new.txt"]);
  equal(await repo.git("show", `${BRANCH}:new.txt`), "new");
  equal(await exists(marker), false);
  await removeWorktree({ repo: repo.dir, path, signal: never });
  equal(await exists(path), false);
});

Deno.test("checkpoint() refuses a folder that is no worktree, or is on another branch", async () => {
  await using repo = await TestRepo.make();
  await rejects(commitAll(repo, repo.dir), { code: "not_found" });
  await rejects(commitAll(repo, repo.beside("nowhere")), { code: "not_found" });
  const { path } = await ticketTree(repo);
  await personGit(path, "switch", "-q", "--detach");
  await repo.write("new.txt", "new\n", path);
  await rejects(commitAll(repo, path), {
    code: "conflict",
    message: /has no branch checked out instead of "gaffer\/12-short-title". Run: git -C .* switch/,
  });
});

Deno.test("diffOf() is the same whatever the person's diff settings are, and runs none of them", async () => {
  await using repo = await TestRepo.make({
    "a.txt": "1\n2\n3\n",
    ".gitattributes": "*.x diff=x\n",
  });
  const from = await repo.git("rev-parse", "HEAD");
  await repo.git("mv", "a.txt", "b.txt");
  await repo.write("bin", new Uint8Array([0, 1, 2, 255]));
  const to = await repo.commit("Change", { "b.txt": "1\n2\n4\n", "n.x": "x\n" });
  const plain = await diffOf({ repo: repo.dir, from, to, signal: never });
  match(plain.text, /^rename from a\.txt\nrename to b\.txt$/m);
  match(plain.text, /^Binary files \/dev\/null and b\/bin differ$/m);
  equal(plain.truncated, false);
  const marker = repo.beside("ran").replaceAll("'", `'\\''`);
  const settings = {
    "diff.external": `touch '${marker}'`,
    "diff.x.textconv": `touch '${marker}'; cat`,
    "diff.x.command": `touch '${marker}'`,
    "diff.noprefix": "true",
    "diff.mnemonicPrefix": "true",
    "diff.renames": "false",
    "diff.context": "0",
    "color.ui": "always",
  };
  for (const [key, value] of Object.entries(settings)) await repo.git("config", key, value);
  deepEqual(await diffOf({ repo: repo.dir, from, to, signal: never }), plain);
  equal(await exists(repo.beside("ran")), false);
});

Deno.test("diffOf() cuts at the cap after a whole line, while changedFiles() names every file", async () => {
  await using repo = await TestRepo.make();
  const from = await repo.git("rev-parse", "HEAD");
  const to = await repo.commit("Big", { "big.txt": "line\n".repeat(1_000), "later.txt": "x\n" });
  const { text, truncated } = await diffOf({
    ...{ repo: repo.dir, from, to, signal: never },
    maxBytes: 1_000,
  });
  equal(truncated, true);
  ok(text.length <= 1_000 && text.endsWith("+line\n"));
  deepEqual(await changedFiles({ repo: repo.dir, from, to, signal: never }), [
    { path: "big.txt", oldPath: null, kind: "added" },
    { path: "later.txt", oldPath: null, kind: "added" },
  ]);
});

Deno.test("changedFiles() tells added, modified, deleted and renamed apart", async () => {
  await using repo = await TestRepo.make({ "a": "1\n2\n3\n", "b": "b\n", "c": "c\n" });
  const from = await repo.git("rev-parse", "HEAD");
  await repo.git("mv", "a", "ä ö");
  await repo.git("rm", "-q", "b");
  const to = await repo.commit("Change", { c: "cc\n", d: "d\n" });
  deepEqual(await changedFiles({ repo: repo.dir, from, to, signal: never }), [
    { path: "b", oldPath: null, kind: "deleted" },
    { path: "c", oldPath: null, kind: "modified" },
    { path: "d", oldPath: null, kind: "added" },
    { path: "ä ö", oldPath: "a", kind: "renamed" },
  ]);
});

Deno.test("createView() checks a commit out detached, once", async () => {
  await using repo = await TestRepo.make({ ".gitignore": "cache\n", "a.txt": "a\n" });
  const commit = await repo.git("rev-parse", "HEAD");
  const view = { repo: repo.dir, path: repo.beside("views/x"), commit, signal: never };
  equal(await createView(view), view.path);
  equal(await personGit(view.path, "rev-parse", "--abbrev-ref", "HEAD"), "HEAD");
  await repo.write("cache", "kept while the view is as it was", view.path);
  await createView(view);
  equal(await exists(join(view.path, "cache")), true);

  await repo.write("a.txt", "changed\n", view.path);
  await createView(view);
  equal(await repo.read("a.txt", view.path), "a\n");
  const next = await repo.commit("Next", { "a.txt": "next\n" });
  await createView({ ...view, commit: next });
  equal(await repo.read("a.txt", view.path), "next\n");
  equal(await exists(join(view.path, "cache")), false);
});

Deno.test("removeWorktree() refuses while anything is not committed, and names it", async () => {
  await using repo = await TestRepo.make();
  const { path } = await ticketTree(repo);
  await repo.write("begun.txt", "begun\n", path);
  const removal = { repo: repo.dir, path, signal: never };
  await rejects(removeWorktree(removal), {
    code: "conflict",
    message: `Cannot remove the worktree "${path}": "begun.txt" not committed. ` +
      "Commit or discard first",
  });
  equal(await repo.read("begun.txt", path), "begun\n");
  const saved = await commitAll(repo, path);
  await removeWorktree(removal);
  equal(await exists(path), false);
  equal(await tipOf(repo.dir, BRANCH, never), saved?.commit);
  await removeWorktree(removal); // nothing left to do
  equal(
    await repo.git("worktree", "list", "--porcelain").then((text) =>
      text.match(/worktree /g)?.length
    ),
    1,
  );
});

Deno.test("removeWorktree() discards when told to, also a locked worktree", async () => {
  await using repo = await TestRepo.make();
  const { path } = await ticketTree(repo);
  await repo.write("begun.txt", "begun\n", path);
  await repo.git("worktree", "lock", path);
  await removeWorktree({ repo: repo.dir, path, discard: true, signal: never });
  equal(await exists(path), false);
});

Deno.test("removeWorktree() refuses commits that are on no branch, and the person's own folder", async () => {
  await using repo = await TestRepo.make();
  const { path } = await ticketTree(repo);
  await personGit(path, "switch", "-q", "--detach");
  await personGit(
    path,
    "-c",
    "user.name=x",
    "-c",
    "user.email=x",
    "commit",
    "-q",
    "--allow-empty",
    "-m",
    "x",
  );
  const removal = { repo: repo.dir, signal: never };
  await rejects(removeWorktree({ ...removal, path }), { message: /its commit is on no branch/ });
  await rejects(removeWorktree({ ...removal, path: repo.dir, discard: true }), {
    message: /it is the repository's own folder/,
  });
  equal(await exists(join(repo.dir, "README.md")), true);
});

Deno.test("the whole life of a worktree changes nothing of the person's, byte by byte", async () => {
  await using repo = await TestRepo.make({
    "a.txt": "a\n",
    "b.txt": "b\n",
    ".gitignore": "*.log\n",
  });
  await repo.git("config", "branch.autoSetupMerge", "always");
  await repo.git("config", "extensions.worktreeConfig", "true");
  await repo.trapHooks("post-checkout", "pre-commit", "reference-transaction");
  await Deno.rename(join(repo.dir, ".git/hooks"), repo.beside("hooks"));
  await repo.write("a.txt", "stashed\n");
  await repo.git("stash", "-q");
  await Deno.rename(repo.beside("hooks"), join(repo.dir, ".git/hooks"));
  await repo.write("a.txt", "staged\n");
  await repo.git("add", "a.txt");
  await repo.write("b.txt", "edited\n");
  await repo.write("c.txt", "untracked\n");
  await repo.write("d.log", "ignored\n");
  const before = await repo.snapshot();

  const { path } = await ticketTree(repo);
  await repo.write("new.txt", "new\n", path);
  await commitAll(repo, path);
  const commit = await repo.git("rev-parse", "main");
  await createView({ repo: repo.dir, path: repo.beside("view"), commit, signal: never });
  await diffOf({ repo: repo.dir, from: commit, to: commit, signal: never });
  equal((await uncommitted(repo.dir, never)).length, 3);
  await removeWorktree({ repo: repo.dir, path: repo.beside("view"), signal: never });
  await removeWorktree({ repo: repo.dir, path, signal: never });

  deepEqual(await repo.snapshot(), before);
});

/** Reads a stream until it has said `word`. */
async function reads(stream: ReadableStream<Uint8Array>, word: string): Promise<void> {
  let text = "";
  for await (const chunk of stream.values({ preventCancel: true })) {
    text += new TextDecoder().decode(chunk);
    if (text.includes(word)) break;
  }
  await stream.cancel();
}
