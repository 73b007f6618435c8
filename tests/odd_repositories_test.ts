/** Repositories that are not as usual: each goes through worktree, checkpoint and merge, or is refused with the reason. */
import { deepStrictEqual as deepEqual, match, rejects, strictEqual as equal } from "node:assert";
import { changedFiles } from "../agents/git/changes.ts";
import { checkpoint } from "../agents/git/checkpoints.ts";
import { landMerge } from "../agents/git/landing.ts";
import { prepareMerge } from "../agents/git/merging.ts";
import { restoreWorktree } from "../agents/git/restoring.ts";
import { fillSubmodules } from "../agents/git/submodules.ts";
import { createWorktree, removeWorktree } from "../agents/git/worktrees.ts";
import { inspectRepository } from "../agents/inspect/inspect.ts";
import { never, TestRepo } from "./git_support.ts";

const BRANCH = "gaffer/12-odd";

/** What a ticket writes, relative to its worktree; null removes. */
type Edits = Record<string, string | null>;

/**
 * Makes a ticket's worktree, edits it, saves, merges, and gives what the ticket has changed. Nothing else may have
 * changed, nor anything of the person's but the base branch.
 */
async function work(
  repo: TestRepo,
  edits: Edits,
  { base = "main", fill = async (_worktree: string) => {} } = {},
): Promise<string[]> {
  const before = await repo.snapshot();
  const baseCommit = await repo.git("rev-parse", `refs/heads/${base}`);
  const path = repo.beside("data/12");
  const place = { repo: repo.dir, path, branch: BRANCH, base: baseCommit, signal: never };
  const { path: worktree } = await createWorktree(place);
  await fill(worktree);
  const save = { repo: repo.dir, worktree, branch: BRANCH, message: "Turn 1", signal: never };
  equal(await checkpoint(save), null, "an untouched worktree has nothing to save");
  for (const [name, text] of Object.entries(edits)) {
    if (text === null) await Deno.remove(`${worktree}/${name}`);
    else await repo.write(name, text, worktree);
  }
  const saved = await checkpoint(save);
  const headCommit = saved!.commit;
  deepEqual(await repo.snapshot(), before);
  const merge = await prepareMerge({
    ...{ repo: repo.dir, base, branch: BRANCH, message: "feat: it", signal: never },
    ...{ headCommit, baseCommit, workDir: repo.beside("data/merge") },
  });
  if (merge.type !== "prepared") throw new Error(`not prepared: ${JSON.stringify(merge)}`);
  const { commit, baseTip } = merge;
  const landing = { repo: repo.dir, base, commit, expectedTip: baseTip, signal: never };
  equal((await landMerge(landing)).type, "landed");
  equal(await repo.git("rev-parse", `refs/heads/${base}`), commit);
  await removeWorktree({ repo: repo.dir, path, signal: never });
  const changed = await changedFiles({
    repo: repo.dir,
    from: baseCommit,
    to: commit,
    signal: never,
  });
  return changed.map(({ kind, path }) => `${kind} ${path}`).sort();
}

Deno.test("a repository with submodules: its own files change, and no submodule with them", async () => {
  await using deep = await TestRepo.make({ "deep.txt": "deep\n" });
  await using inner = await TestRepo.make({ "lib.txt": "lib\n" });
  await using repo = await TestRepo.make({ "a.txt": "a\n" });
  const add = (to: TestRepo, from: TestRepo, path: string) =>
    to.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", from.dir, path);
  await add(inner, deep, "deep");
  await inner.git("commit", "-q", "-m", "Add a submodule");
  await add(repo, inner, "vendor/lib");
  await repo.git(
    "-c",
    "protocol.file.allow=always",
    "submodule",
    "update",
    "-q",
    "--init",
    "--recursive",
  );
  await repo.git("commit", "-q", "-m", "Add the submodule");
  const fill = async (worktree: string) => {
    const commit = await repo.git("rev-parse", "main");
    const spec = { repo: repo.dir, worktree, commit, signal: never };
    deepEqual(await fillSubmodules(spec), {
      filled: ["vendor/lib", "vendor/lib/deep"],
      missing: [],
    });
    equal(await repo.read("vendor/lib/lib.txt", worktree), "lib\n");
    equal(await repo.read("vendor/lib/deep/deep.txt", worktree), "deep\n");
    deepEqual(await fillSubmodules(spec), { filled: [], missing: [] });
    // What an agent or a build writes there is no part of the work, and stays for the next build.
    await repo.write("vendor/lib/built.o", "o\n", worktree);
    await repo.write("vendor/lib/lib.txt", "changed\n", worktree);
    await restoreWorktree({ repo: repo.dir, worktree, signal: never });
    equal(await repo.read("vendor/lib/built.o", worktree), "o\n");
  };
  deepEqual(await work(repo, { "a.txt": "b\n" }, { fill }), ["modified a.txt"]);
  equal(await repo.git("submodule", "status").then((text) => text[0]), " ");
});

Deno.test("a submodule that the person's clone does not have is told of, and none leads out of its folder", async () => {
  await using repo = await TestRepo.make({ "a.txt": "a\n" });
  const head = await repo.git("rev-parse", "HEAD");
  await repo.write(
    ".gitmodules",
    '[submodule "lib"]\n\tpath = lib\n\turl = ./lib\n[submodule "../../.."]\n\tpath = out\n\turl = ./out\n',
  );
  for (const path of ["lib", "out"]) {
    await repo.git("update-index", "--add", "--cacheinfo", `160000,${head},${path}`);
  }
  await repo.git("add", ".gitmodules");
  await repo.git("commit", "-q", "-m", "Links");
  const commit = await repo.git("rev-parse", "main");
  const made = await createWorktree({
    ...{
      repo: repo.dir,
      path: repo.beside("data/12"),
      branch: BRANCH,
      base: commit,
      signal: never,
    },
  });
  const spec = { repo: repo.dir, worktree: made.path, commit, signal: never };
  deepEqual(await fillSubmodules(spec), { filled: [], missing: ["lib", "out"] });
});

Deno.test("files in large file storage stay pointers that nothing has touched", async () => {
  const pointer = "version https://git-lfs.github.com/spec/v1\n" +
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
  await using repo = await TestRepo.make({ "a.txt": "a\n", "big.bin": pointer });
  await repo.commit("Use large file storage", { ".gitattributes": "*.bin filter=lfs -text\n" });
  await repo.git("config", "filter.lfs.clean", "sh -c 'echo broken; exit 1'");
  await repo.git("config", "filter.lfs.smudge", "sh -c 'echo broken; exit 1'");
  await repo.git("config", "filter.lfs.required", "true");
  await repo.git("update-index", "--refresh").catch(() => {});
  const path = repo.beside("data/11");
  const base = await repo.git("rev-parse", "main");
  const { path: tree } = await createWorktree({
    ...{ repo: repo.dir, path, branch: "gaffer/11-look", base, signal: never },
  });
  equal(await repo.read("big.bin", tree), pointer);
  await removeWorktree({ repo: repo.dir, path, signal: never });
});

Deno.test("a sparse checkout of the person's hides nothing from the agents, and loses no file", async () => {
  await using repo = await TestRepo.make({
    "a.txt": "a\n",
    "far/b.txt": "b\n",
    "near/c.txt": "c\n",
  });
  await repo.git("sparse-checkout", "set", "near");
  deepEqual(await work(repo, { "a.txt": "a2\n", "far/b.txt": "b2\n" }), [
    "modified a.txt",
    "modified far/b.txt",
  ]);
  await rejects(Deno.lstat(`${repo.dir}/far`), Deno.errors.NotFound);
});

Deno.test("names with spaces, quotes, line ends, dashes and letters of all kinds", async () => {
  const names = [
    'say "hi".txt',
    "-rf",
    "two\nlines.txt",
    "größe/日本.txt",
    "tab\there",
    "back\\slash",
    " ",
  ];
  await using repo = await TestRepo.make(Object.fromEntries(names.map((name) => [name, "1\n"])));
  const edits = Object.fromEntries(names.map((name) => [name, "2\n"]));
  deepEqual(await work(repo, edits), names.map((name) => `modified ${name}`).sort());
});

Deno.test("line ends of another system: only what was edited changes", async () => {
  await using repo = await TestRepo.make({ "a.txt": "1\n2\n", "b.txt": "1\n2\n" });
  await repo.commit("CRLF", { ".gitattributes": "* text=auto eol=crlf\n" });
  deepEqual(await work(repo, { "a.txt": "1\r\nzwei\r\n" }), ["modified a.txt"]);
  equal(await repo.git("show", "main:a.txt"), "1\nzwei");
});

Deno.test("line ends that are stored as another system has them stay so", async () => {
  await using repo = await TestRepo.make({ "a.txt": "1\r\n2\r\n", "b.txt": "1\r\n2\r\n" });
  await repo.git("config", "core.autocrlf", "true");
  const before = await repo.git("show", "main:b.txt");
  deepEqual(await work(repo, { "a.txt": "1\r\nzwei\r\n" }), ["modified a.txt"]);
  equal(await repo.git("show", "main:b.txt"), before);
});

Deno.test("a person whose HEAD is detached stays where they are", async () => {
  await using repo = await TestRepo.make({ "a.txt": "a\n" });
  await repo.git("checkout", "-q", "--detach");
  const head = await repo.git("rev-parse", "HEAD");
  deepEqual(await work(repo, { "a.txt": "b\n" }), ["modified a.txt"]);
  equal(await repo.git("rev-parse", "HEAD"), head);
  equal(await repo.read("a.txt"), "a\n");
});

Deno.test("a base branch without a single file", async () => {
  await using repo = await TestRepo.make({});
  await repo.git("commit", "-q", "--allow-empty", "-m", "Begin");
  deepEqual(await work(repo, { "a.txt": "a\n" }), ["added a.txt"]);
});

Deno.test("links, modes and a nested repository that no .gitmodules names", async () => {
  await using repo = await TestRepo.make({ "run.sh": "exit 0\n", "a.txt": "a\n" });
  await Deno.chmod(`${repo.dir}/run.sh`, 0o755);
  await Deno.symlink("a.txt", `${repo.dir}/link`);
  await repo.commit("Modes and links");
  const head = await repo.git("rev-parse", "HEAD");
  await repo.git("update-index", "--add", "--cacheinfo", `160000,${head},nested`);
  await repo.git("commit", "-q", "-m", "A link to a commit");
  deepEqual(await work(repo, { "a.txt": "b\n" }), ["modified a.txt"]);
  match(await repo.git("ls-tree", "main"), /^100755 .*run\.sh$/m);
  match(await repo.git("ls-tree", "main"), /^120000 .*link$/m);
  match(await repo.git("ls-tree", "main"), /^160000 .*nested$/m);
});

Deno.test("a clone that has only the newest commit", async () => {
  await using origin = await TestRepo.make({ "a.txt": "a\n" });
  await origin.commit("Second", { "b.txt": "b\n" });
  await using repo = await TestRepo.clone(origin, "--depth=1");
  deepEqual(await work(repo, { "a.txt": "b\n" }), ["modified a.txt"]);
  match(await repo.git("rev-parse", "--is-shallow-repository"), /true/);
});

Deno.test("a clone that fetches contents only when they are needed is told to fetch them", async () => {
  await using origin = await TestRepo.make({ "a.txt": "a\n", "far/b.txt": "b\n" });
  await origin.git("config", "uploadpack.allowFilter", "true");
  await using repo = await TestRepo.clone(origin, "--filter=blob:none", "--no-checkout");
  const base = await repo.git("rev-parse", "main");
  const path = repo.beside("data/12");
  const made = createWorktree({ repo: repo.dir, path, branch: BRANCH, base, signal: never });
  await rejects(made, {
    message: /could not fetch .* from promisor remote.*git -C .* fetch --refetch/,
  });
});

Deno.test("commits with long names (SHA-256)", async () => {
  await using repo = await TestRepo.make({}, ["--object-format=sha256"]);
  await repo.commit("Begin", { "a.txt": "a\n" });
  deepEqual(await work(repo, { "a.txt": "b\n" }), ["modified a.txt"]);
});

Deno.test("a very long history takes no longer than a short one", async () => {
  await using repo = await TestRepo.make({});
  await fillHistory(repo, 10_000);
  await repo.git("reset", "-q", "--hard", "main");
  equal(await repo.git("rev-list", "--count", "main"), "10000");
  equal((await inspectRepository(repo.dir, { dataDir: null, signal: never })).baseBranch, "main");
  deepEqual(await work(repo, { "a.txt": "the end\n" }), ["modified a.txt"]);
});

/** So many commits of one file, each a line, at once. */
async function fillHistory(repo: TestRepo, commits: number): Promise<void> {
  const lines: string[] = [];
  for (let n = 1; n <= commits; n++) {
    const text = `line ${n}\n`;
    lines.push(
      "commit refs/heads/main",
      `committer Pat <pat@example.org> ${1_700_000_000 + n} +0000`,
      `data 4\nturn`,
      `M 644 inline a.txt\ndata ${text.length}\n${text}`,
    );
  }
  const child = new Deno.Command("git", {
    args: ["-C", repo.dir, "fast-import", "--quiet", "--force"],
    stdin: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(lines.join("\n") + "\n"));
  await writer.close();
  const { success } = await child.status;
  equal(success, true);
}
