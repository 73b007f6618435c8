/** A repository whose configuration names programs: none of them runs, whatever Gaffer does with it. */
import { join } from "node:path";
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { diffOf } from "../agents/git/changes.ts";
import { checkpoint } from "../agents/git/checkpoints.ts";
import { git, gitOk } from "../agents/git/git.ts";
import { landMerge } from "../agents/git/landing.ts";
import { prepareMerge } from "../agents/git/merging.ts";
import { restoreWorktree } from "../agents/git/restoring.ts";
import { createView, createWorktree } from "../agents/git/worktrees.ts";
import { exists, never, personGit, TestRepo } from "./git_support.ts";
import { moveHome } from "./home.ts";

interface Trap {
  name: string;
  /** Settings of the repository; `program` leaves a mark, and passes on what it is given. */
  config?: (program: string) => [key: string, value: string][];
  attributes?: string;
  /** Sets more of it, with the worktree there. */
  more?: (repo: TestRepo, program: string, worktree: string) => Promise<void>;
}

const traps: Trap[] = [
  {
    name: "a filter of the usual kind",
    attributes: "kept.txt filter=evil\n",
    config: (program) => [
      ["filter.evil.clean", program],
      ["filter.evil.smudge", program],
      ["filter.evil.required", "true"],
    ],
  },
  {
    name: "a filter that stays at work",
    attributes: "kept.txt filter=evil\n",
    config: (program) => [["filter.evil.process", program], ["filter.evil.required", "true"]],
  },
  {
    name: "a filter whose name has an equals sign and more",
    attributes: "kept.txt filter=Evil=x.y\n",
    config: (program) => [["filter.Evil=x.y.clean", program], ["filter.Evil=x.y.smudge", program]],
  },
  {
    name: "a filter in a file that is included",
    attributes: "kept.txt filter=evil\n",
    config: () => [["include.path", "../../more.config"]],
    more: (repo, program) =>
      repo.write(
        "more.config",
        `[filter "evil"]\n\tclean = ${program}\n\tsmudge = ${program}\n`,
        repo.root,
      ),
  },
  {
    name: "a filter of a worktree's own configuration",
    attributes: "kept.txt filter=evil\n",
    config: () => [["extensions.worktreeConfig", "true"]],
    async more(_repo, program, worktree) {
      await personGit(worktree, "config", "--worktree", "filter.evil.clean", program);
      await personGit(worktree, "config", "--worktree", "filter.evil.smudge", program);
    },
  },
  {
    name: "attributes from elsewhere",
    config: (program) => [
      ["core.attributesFile", "/dev/fd/none"],
      ["filter.evil.clean", program],
    ],
    async more(repo) {
      await repo.write("attributes", "* merge=evil\nkept.txt filter=evil\n", repo.root);
      await repo.git("config", "core.attributesFile", repo.beside("attributes"));
    },
  },
  {
    name: "a merge driver, also as the default",
    attributes: "* merge=evil\n",
    config: (program) => [["merge.evil.driver", `${program} %A`], ["merge.default", "evil"]],
  },
  {
    name: "programs for comparing",
    attributes: "* diff=evil\n",
    config: (program) => [
      ["diff.external", program],
      ["diff.evil.command", program],
      ["diff.evil.textconv", program],
    ],
  },
  {
    name: "what checks signatures",
    config: (program) => [
      ["log.showSignature", "true"],
      ["merge.verifySignatures", "true"],
      ["commit.gpgSign", "true"],
      ["gpg.program", program],
      ["gpg.ssh.program", program],
    ],
  },
  {
    name: "monitors, hooks, editors, pagers, transports and askers",
    config: (program) => [
      ["core.fsmonitor", program],
      ["core.hooksPath", "."],
      ["core.editor", program],
      ["sequence.editor", program],
      ["core.pager", program],
      ["core.sshCommand", program],
      ["core.gitProxy", program],
      ["core.askPass", program],
      ["core.alternateRefsCommand", program],
      ["credential.helper", program],
      ["protocol.ext.allow", "always"],
      ["remote.origin.url", `ext::${program}`],
      ["remote.origin.promisor", "true"],
      ["status.submoduleSummary", "true"],
    ],
    async more(repo) {
      await repo.trapHooks(
        "post-checkout",
        "post-index-change",
        "reference-transaction",
        "post-merge",
      );
    },
  },
];

for (const trap of traps) {
  Deno.test(`no work of git runs ${trap.name}`, async () => {
    await using repo = await TestRepo.make({ "a.txt": "one\ntwo\nthree\n", "kept.txt": "kept\n" });
    const mark = repo.beside("ran");
    const program = repo.beside("program");
    await Deno.writeTextFile(
      program,
      `#!/bin/sh\necho "$0 $*" >> '${mark.replaceAll("'", `'\\''`)}'\ncat\n`,
    );
    await Deno.chmod(program, 0o755);
    const quoted = `'${program.replaceAll("'", `'\\''`)}'`;
    if (trap.attributes) await repo.commit("Attributes", { ".gitattributes": trap.attributes });
    const base = await repo.git("rev-parse", "HEAD");
    // In two steps, since a change of the configuration must be noticed.
    const view = await createView({
      repo: repo.dir,
      path: repo.beside("view"),
      commit: base,
      signal: never,
    });
    for (const [key, value] of trap.config?.(quoted) ?? []) await repo.git("config", key, value);
    const made = await createWorktree({
      repo: repo.dir,
      path: repo.beside("work"),
      branch: "gaffer/1-work",
      base,
      signal: never,
    });
    await trap.more?.(repo, quoted, made.path);
    await Deno.remove(mark).catch(() => {}); // what the person's own git has run

    await repo.write("a.txt", "one\ntwo\nthree, changed\n", made.path);
    await repo.write("new.txt", "new\n", made.path);
    await repo.write("kept.txt", "kept\n", made.path); // to be looked into
    const worktree = { repo: repo.dir, worktree: made.path, branch: made.branch, signal: never };
    const done = await checkpoint({ ...worktree, message: "work" });
    deepEqual(done?.files, ["a.txt", "new.txt"]);
    await repo.write("a.txt", "spoiled\n", made.path);
    await repo.write("more.txt", "spoiled\n", made.path);
    await repo.write("kept.txt", "spoiled\n", made.path);
    await restoreWorktree(worktree);
    equal(await repo.read("a.txt", made.path), "one\ntwo\nthree, changed\n");
    await repo.write("a.txt", "spoiled\n", view);
    await createView({ repo: repo.dir, path: view, commit: done!.commit, signal: never });
    equal(await repo.read("a.txt", view), "one\ntwo\nthree, changed\n");
    const diff = await diffOf({ repo: repo.dir, from: base, to: done!.commit, signal: never });
    match(diff.text, /^\+three, changed$/m);
    await gitOk(repo.dir, ["log", "-p", "-1", done!.commit], { signal: never, doing: "look" });

    // The base moves on in the same file: combined as text.
    equal(await exists(mark), false, "before the merge");
    const tip = await moveBase(repo);
    await Deno.remove(mark).catch(() => {});
    const merge = await prepareMerge({
      repo: repo.dir,
      base: "main",
      branch: made.branch,
      headCommit: done!.commit,
      baseCommit: base,
      workDir: repo.beside("merge"),
      message: "Merge it",
      signal: never,
    });
    ok(merge.type === "prepared", JSON.stringify(merge));
    const landing = {
      repo: repo.dir,
      base: "main",
      commit: merge.commit,
      expectedTip: tip,
      signal: never,
    };
    deepEqual(await landMerge(landing), { type: "landed" });
    equal(await repo.read("a.txt"), "zero\none\ntwo\nthree, changed\n");
    equal(await exists(mark), false, await Deno.readTextFile(mark).catch(() => ""));
  });
}

/** By plumbing of the person's own, with no filter: only what Gaffer does is on trial. */
async function moveBase(repo: TestRepo): Promise<string> {
  const settings = [
    ...["core.hooksPath=/dev/null", "core.fsmonitor=false", "commit.gpgSign=false"],
    ...["filter.evil.process=", "filter.evil.required=false"],
  ].flatMap((setting) => ["-c", setting]);
  await repo.write("a.txt", "zero\none\ntwo\nthree\n");
  const blob = await repo.git(...settings, "hash-object", "-w", "--no-filters", "a.txt");
  await repo.git(...settings, "update-index", "--cacheinfo", `100644,${blob},a.txt`);
  const tree = await repo.git(...settings, "write-tree");
  const commit = await repo.git(
    ...settings,
    "commit-tree",
    tree,
    "-p",
    "HEAD",
    "-m",
    "On the base",
  );
  await repo.git(...settings, "update-ref", "refs/heads/main", commit);
  return commit;
}

Deno.test("a submodule's own configuration, which commands may have written, runs nothing", async () => {
  await using repo = await TestRepo.make({ "a.txt": "one\n" });
  const mark = repo.beside("ran");
  const evil = `touch '${mark.replaceAll("'", `'\\''`)}'; cat`;
  const inner = async (dir: string) => {
    await Deno.mkdir(dir, { recursive: true });
    await personGit(dir, "init", "-q");
    await repo.write(".gitattributes", "* filter=evil\n", dir);
    await repo.write("f.txt", "x\n", dir);
    await personGit(dir, "add", ".");
    await personGit(dir, "-c", "user.name=a", "-c", "user.email=b", "commit", "-q", "-m", "inner");
    await personGit(dir, "config", "filter.evil.clean", evil);
    await personGit(dir, "config", "core.fsmonitor", evil);
    await repo.write("f.txt", "y\n", dir); // to be looked into
  };
  await inner(`${repo.dir}/sub`);
  await repo.git("-c", "advice.addEmbeddedRepo=false", "add", "sub");
  await repo.write(
    ".gitmodules",
    '[submodule "sub"]\n\tpath = sub\n\turl = ./sub\n\tignore = none\n',
  );
  const base = await repo.commit("With a submodule");
  const made = await createWorktree({
    repo: repo.dir,
    path: repo.beside("work"),
    branch: "gaffer/1-work",
    base,
    signal: never,
  });
  await inner(`${made.path}/sub`);
  await inner(`${made.path}/another`);
  await repo.write("a.txt", "two\n", made.path);
  await Deno.remove(mark).catch(() => {});
  const worktree = { repo: repo.dir, worktree: made.path, branch: made.branch, signal: never };
  for (const text of ["two\n", "three\n"]) {
    await repo.write("a.txt", text, made.path);
    await repo.write("sub/f.txt", text, made.path);
    ok((await checkpoint({ ...worktree, message: "work" }))?.files.includes("a.txt"));
  }
  await repo.write("a.txt", "spoiled\n", made.path);
  await restoreWorktree(worktree);
  equal(await exists(mark), false);
  // That it would have run:
  await personGit(made.path, "status");
  equal(await exists(mark), true);
});

Deno.test("the filters of the person's own configuration do not run either: files stay as they are stored", async () => {
  const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n";
  await using repo = await TestRepo.make({
    ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
    "big.bin": pointer,
  });
  await using home = await moveHome();
  const path = repo.beside("work");
  const base = await repo.git("rev-parse", "HEAD");
  const spec = { repo: repo.dir, path, branch: "gaffer/1-work", base, signal: never };
  await git(repo.dir, ["status"], { signal: never }); // before there were any
  await Deno.writeTextFile(
    `${home.path}/.gitconfig`,
    '[filter "lfs"]\n\tclean = false\n\tsmudge = false\n\tprocess = false\n\trequired = true\n',
  );
  const made = await createWorktree(spec);
  equal(await repo.read("big.bin", made.path), pointer);
  await repo.write("big.bin", pointer.replace("00", "11"), made.path);
  const worktree = { repo: repo.dir, worktree: made.path, branch: made.branch, signal: never };
  deepEqual((await checkpoint({ ...worktree, message: "work" }))?.files, ["big.bin"]);
});

Deno.test("a configuration that names thousands of filters is refused in words", async () => {
  await using repo = await TestRepo.make();
  const names = Array.from({ length: 200 }, (_, n) => `[filter "f${n}"]\n\tclean = cat\n`);
  await Deno.writeTextFile(`${repo.dir}/.git/config`, names.join(""), { append: true });
  const { code, message } = await git(repo.dir, ["status"], { signal: never }).catch((error) =>
    error
  );
  equal(code, "conflict");
  match(
    message,
    /^Cannot use git here: its configuration names more than 500 settings .* Remove those/,
  );
});

Deno.test("what a person's settings include for one branch only is asked for each time", async () => {
  await using repo = await TestRepo.make({ ".gitattributes": "* filter=evil\n" });
  const mark = repo.beside("ran");
  await using _home = await moveHome({
    ".gitconfig": '[includeIf "onbranch:other"]\n\tpath = more.config\n',
    "more.config": `[filter "evil"]\n\tclean = "touch '${mark}'; cat"\n`,
  });
  await git(repo.dir, ["status"], { signal: never });
  await repo.git("switch", "-q", "-c", "other");
  await repo.write("a.txt", "new\n");
  await gitOk(repo.dir, ["add", "a.txt"], { signal: never, doing: "add it" });
  ok(!await exists(mark));
});

Deno.test("names are read once for each state of the configuration", async () => {
  await using repo = await TestRepo.make({ "a.txt": "one\n" });
  const calls = repo.beside("calls");
  const real = (await personGit(repo.dir, "--exec-path")) + "/git";
  await repo.write(
    "bin/git",
    `#!/bin/sh\necho "$*" >> "${calls}"\nexec "${real}" "$@"\n`,
    repo.root,
  );
  await Deno.chmod(repo.beside("bin/git"), 0o755);
  // A process of its own: another PATH in this one would be that of all tests that run beside this.
  const script = `
    import { git } from ${JSON.stringify(import.meta.resolve("../agents/git/git.ts"))};
    const repo = ${JSON.stringify(repo.dir)}, calls = ${JSON.stringify(calls)};
    const signal = new AbortController().signal;
    const asked = [];
    const count = () => {
      const lines = Deno.readTextFileSync(calls).split("\\n");
      Deno.removeSync(calls);
      asked.push(lines.filter((line) => line.includes(" config --null ")).length);
    };
    for (let n = 0; n < 3; n++) await git(repo, ["status"], { signal });
    count();
    await git(repo, ["config", "filter.new.clean", "cat"], { signal });
    Deno.removeSync(calls);
    for (let n = 0; n < 2; n++) await git(repo, ["status"], { signal });
    count();
    await git(repo, ["rev-parse", "HEAD"], { signal });
    count();
    console.log(JSON.stringify(asked));
  `;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", script],
    cwd: join(import.meta.dirname!, ".."),
    env: { PATH: `${repo.beside("bin")}:${Deno.env.get("PATH")}` },
  }).output();
  const text = new TextDecoder();
  equal(text.decode(stdout).trim(), "[1,1,0]", text.decode(stderr));
});
