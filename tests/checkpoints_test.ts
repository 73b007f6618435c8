/** What a checkpoint makes of a worktree is what git alone makes of it, whatever happened in there. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import { checkpoint } from "../agents/git/checkpoints.ts";
import { linkedTreeAt } from "../agents/git/repository.ts";
import { settleIndex } from "../agents/git/settling.ts";
import { createWorktree } from "../agents/git/worktrees.ts";
import { Random } from "./chaos/random.ts";
import { never, personGit, TestRepo } from "./git_support.ts";
import { whim } from "./worktree_whims.ts";

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

Deno.test("checkpoint() commits that a file is gone whose place an empty folder took after it was unstaged", async () => {
  await using repo = await TestRepo.make({ "a.txt": "a\n", "b.txt": "b\n" });
  const work = await worktreeOf(repo);
  await shell(work.worktree, "git rm -q a.txt; mkdir a.txt; echo more > b.txt");
  deepEqual((await checkpoint(work))?.files, ["a.txt", "b.txt"]);
  equal(await checkpoint(work), null);
});

Deno.test("checkpoint() commits what is changed where a person has something stashed, and has git say so", async () => {
  await using repo = await TestRepo.make({ "a.txt": "a\n" });
  for (const setting of ["showStash", "branch", "relativePaths"]) {
    await repo.git("config", `status.${setting}`, "true");
  }
  await repo.write("a.txt", "for later\n");
  await repo.git("stash", "--quiet");
  const work = await worktreeOf(repo);
  await repo.write("a.txt", "b\n", work.worktree);
  deepEqual((await checkpoint(work))?.files, ["a.txt"]);
  equal(await checkpoint(work), null);
});

/** The tree that git alone makes of all that is in the worktree, by an index that knows no file's time. */
async function treeByGit(repo: TestRepo, worktree: string): Promise<string> {
  const script = 'rm -f "$GIT_INDEX_FILE"; git read-tree HEAD; git add --all; git write-tree';
  const { success, stdout, stderr } = await new Deno.Command("sh", {
    ...{ args: ["-ec", script], cwd: worktree, clearEnv: true },
    env: {
      ...{ PATH: Deno.env.get("PATH") ?? "", HOME: "/nonexistent", GIT_CONFIG_NOSYSTEM: "1" },
      GIT_INDEX_FILE: repo.beside("index of git alone"),
    },
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim();
}

/** More of them, and others, to look for what nobody has thought of. */
const STEPS = Number(Deno.env.get("GAFFER_WHIMS") ?? 10);
const SEED = Deno.env.get("GAFFER_WHIMS_SEED") ?? "1";

for (
  const [setting, attributes] of [
    ["core.autocrlf=false", null],
    ["core.autocrlf=input", "a* ident\n*.b text eol=crlf\n"],
    ["core.fileMode=false", "* text=auto\n"],
  ] as const
) {
  Deno.test(`whatever happens in a worktree, checkpoint() makes the tree that git alone makes (${setting})`, async () => {
    const seed = `${SEED} ${setting}`;
    const random = new Random(seed);
    await using repo = await TestRepo.make({
      ...{ "a": "a\n", "a.b/a-b": "1\n", "a.b/a": "2\n" },
      ...attributes && { ".gitattributes": attributes },
    });
    await repo.git("config", ...setting.split("="));
    const work = await worktreeOf(repo);
    const { gitDir } = (await linkedTreeAt(repo.dir, work.worktree, never))!;
    let recorded = await repo.git("rev-parse", BRANCH);
    for (let step = 0; step < STEPS; step++) {
      const index = await Deno.readFile(`${gitDir}/index`);
      let paths: string[] | undefined = [];
      for (let left = 1 + random.below(4); left > 0; left--) {
        const touched: string[] | null = await whim(work.worktree, random);
        paths = touched === null ? undefined : paths?.concat(touched);
      }
      const before = await repo.git("rev-parse", BRANCH);
      const saved = await checkpoint({ ...work, recorded, ...paths && { paths } });
      const commit = await repo.git("rev-parse", BRANCH);
      const at = `seed ${seed}, step ${step}`;
      equal(saved?.commit ?? recorded, commit, at);
      equal(
        await treeByGit(repo, work.worktree),
        await repo.git("rev-parse", `${commit}^{tree}`),
        at,
      );
      equal(await personGit(work.worktree, "status", "--porcelain"), "", at);
      const files = await repo.git("diff-tree", "-r", "-z", "--name-only", recorded, commit);
      deepEqual(saved?.files ?? [], files.split("\0").filter(Boolean), at);
      recorded = commit;
      // A crash: the branch was moved and the index was not taken along, or the other way round.
      const crash = random.below(6);
      if (crash === 0) await Deno.writeFile(`${gitDir}/index`, index);
      if (crash === 1) await repo.git("update-ref", `refs/heads/${BRANCH}`, recorded = before);
    }
    equal(await repo.git("fsck", "--strict", "--no-dangling"), "");
  });
}

Deno.test("checkpoint() starts three processes of git, once it knows the folders", async () => {
  await using repo = await TestRepo.make({ "src/a.txt": "a\n", "src/lib/b.txt": "b\n" });
  const work = await worktreeOf(repo);
  const calls = repo.beside("calls");
  const real = `${await personGit(repo.dir, "--exec-path")}/git`;
  const script = `#!/bin/sh\necho "$*" >> "${calls}"\nexec "${real}" "$@"\n`;
  await repo.write("bin/git", script, repo.root);
  await Deno.chmod(repo.beside("bin/git"), 0o755);
  const { signal: _, ...spec } = work;
  // A process of its own: another PATH in this one would be that of all tests that run beside this.
  const program = `
    import { checkpoint } from ${
    JSON.stringify(import.meta.resolve("../agents/git/checkpoints.ts"))
  };
    const work = { ...${JSON.stringify(spec)}, signal: new AbortController().signal };
    const commands = ["cat-file", "config", "diff-tree", "rev-parse", "status", "update-index", "update-ref", "write-tree"];
    for (let turn = 1; turn < 4; turn++) {
      await Deno.remove(${JSON.stringify(calls)}).catch(() => {});
      Deno.writeTextFileSync(work.worktree + "/src/lib/b.txt", turn + "\\n");
      const paths = turn === 2 ? undefined : ["src/lib/b.txt"];
      const { files } = await checkpoint({ ...work, paths });
      const words = Deno.readTextFileSync(${JSON.stringify(calls)}).split(/\\s/);
      console.log(files.join(), commands.filter((command) => words.includes(command)).join());
    }
  `;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", program],
    cwd: `${import.meta.dirname}/..`,
    env: { PATH: `${repo.beside("bin")}:${Deno.env.get("PATH")}` },
  }).output();
  const told = new TextDecoder();
  deepEqual(told.decode(stdout).split("\n"), [
    "src/lib/b.txt cat-file,config,status,update-index,update-ref",
    "src/lib/b.txt status,update-index,update-ref",
    "src/lib/b.txt status,update-index,update-ref",
    "",
  ], told.decode(stderr));
});

/** As if all of a new worktree, and its index, had been written ten seconds ago. */
async function aged(repo: TestRepo, names: string[]) {
  const work = await worktreeOf(repo);
  const { gitDir } = (await linkedTreeAt(repo.dir, work.worktree, never))!;
  const before = Math.floor(Date.now() / 1_000) - 10;
  for (const path of [...names.map((name) => `${work.worktree}/${name}`), `${gitDir}/index`]) {
    Deno.utimeSync(path, before, before);
  }
  const written = () => Deno.statSync(`${gitDir}/index`).mtime!.getTime();
  return { ...work, gitDir, written };
}

Deno.test("settleIndex() writes the index of a new worktree once more, when its second is over, and once", async () => {
  await using repo = await TestRepo.make({ "a.txt": "a\n", "b.txt": "b\n" });
  const { written, ...work } = await aged(repo, ["a.txt", "b.txt"]);
  const first = written();
  Deno.utimeSync(`${work.gitDir}/index`, Date.now() / 1_000 + 60, Date.now() / 1_000 + 60);
  const early = written();
  await settleIndex(work);
  equal(written(), early, "its second is not over");
  Deno.utimeSync(`${work.gitDir}/index`, first / 1_000, first / 1_000);
  await settleIndex(work);
  ok(written() > first);
  Deno.utimeSync(`${work.gitDir}/index`, first / 1_000, first / 1_000);
  await settleIndex(work);
  equal(written(), first);
});

Deno.test("settleIndex() hides no change from the checkpoint: edited, staged, with the same size and time", async () => {
  await using repo = await TestRepo.make({ "a.txt": "a\n", "b.txt": "b\n", "c.txt": "c\n" });
  const { gitDir: _, written: __, ...work } = await aged(repo, ["a.txt", "b.txt", "c.txt"]);
  const { atime, mtime } = Deno.statSync(`${work.worktree}/a.txt`);
  await repo.write("a.txt", "A\n", work.worktree);
  Deno.utimeSync(`${work.worktree}/a.txt`, atime!, mtime!);
  await settleIndex(work);
  await repo.write("b.txt", "B\n", work.worktree);
  await shell(work.worktree, "echo C > c.txt; git add c.txt");
  await checkpoint({ ...work, paths: ["b.txt"] });
  equal(await repo.git("diff", "--name-only", "main", BRANCH), "a.txt\nb.txt\nc.txt");
});

Deno.test("settleIndex() does nothing after a checkpoint, without a worktree, and while another git is at work", async () => {
  await using repo = await TestRepo.make({ "a.txt": "a\n" });
  const { written, gitDir, ...work } = await aged(repo, ["a.txt"]);
  await Deno.writeTextFile(`${gitDir}/index.lock`, "");
  const first = written();
  await settleIndex(work);
  equal(written(), first);
  await Deno.remove(`${gitDir}/index.lock`);
  await repo.write("a.txt", "b\n", work.worktree);
  await checkpoint(work);
  Deno.utimeSync(`${gitDir}/index`, first / 1_000, first / 1_000);
  await settleIndex(work);
  equal(written(), first);
  await settleIndex({ ...work, worktree: repo.beside("nowhere") });
});
