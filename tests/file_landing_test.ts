/** A change of one file lands on the branch that the folder has checked out, by Gaffer itself. */
import { deepStrictEqual as deepEqual, ok, rejects, strictEqual as equal } from "node:assert";
import { join } from "node:path";
import { type FileLanding, finishLanding, landFile } from "../agents/git/file_landing.ts";
import type { Cut } from "../agents/git/landing_steps.ts";
import { objectId } from "../agents/git/loose_objects.ts";
import { runSource } from "./gaffer.ts";
import { never, TestRepo } from "./git_support.ts";

const PATH = "planning/f/ä.md";
const FILES = { [PATH]: "1\n", "planning/g/b.md": "b\n", "a.txt": "a\n", "z.txt": "z\n" };
const encode = (text: string) => new TextEncoder().encode(text);

/** What lands: a commit that has another text in this file, and is on no branch of the folder's. */
async function change(repo: TestRepo): Promise<FileLanding> {
  const ref = async (name: string) => (await repo.read(`.git/refs/heads/${name}`)).trim();
  const tip = await ref("main");
  return {
    ...{ repo: repo.dir, branch: "main", tip, commit: await ref("side"), path: PATH },
    before: objectId("blob", encode("1\n"), tip.length),
    content: encode("2\n"),
    who: "Ana <ana@example.org> 1700000000 +0000",
    signal: never,
  };
}

/** A repository as some time after all was written: git trusts what the index says of the files. */
async function made(...how: string[]): Promise<TestRepo> {
  const repo = await TestRepo.make(FILES, how);
  await repo.git("branch", "side");
  await repo.commitOn("side", { [PATH]: "2\n" });
  for (const path of Object.keys(FILES)) await Deno.utime(join(repo.dir, path), 1e9, 1e9);
  await repo.git("update-index", "-q", "--refresh");
  return repo;
}

/** As many of them as a test wants, made once. */
async function* copies(count: number): AsyncGenerator<TestRepo> {
  await using first = await made();
  for (let n = 0; n < count; n++) {
    await using repo = await TestRepo.make({});
    await Deno.remove(repo.dir, { recursive: true });
    const args = ["-a", first.dir, repo.dir];
    ok((await new Deno.Command("cp", { args }).output()).success);
    yield repo;
  }
}

const there = async (path: string) => await Deno.lstat(path).then(() => true, () => false);

async function requireNothingLeft(repo: TestRepo): Promise<void> {
  for (const name of ["gaffer-save", "index.lock", "HEAD.lock", "refs/heads/main.lock"]) {
    equal(await there(join(repo.dir, ".git", name)), false, name);
  }
}

async function requireLanded(repo: TestRepo, { commit, content }: FileLanding): Promise<void> {
  equal(await repo.read(PATH), new TextDecoder().decode(content));
  equal(await repo.git("rev-parse", "main"), commit);
  equal(await repo.git("status", "--porcelain"), "");
  equal(await repo.git("write-tree"), await repo.git("rev-parse", "HEAD^{tree}"));
  equal(await repo.git("fsck", "--strict", "--no-dangling"), "");
  await requireNothingLeft(repo);
}

for (const how of [[], ["--object-format=sha256"]]) {
  Deno.test(`landFile() moves file, index and branch along, and tells git's log${how.join()}`, async () => {
    await using repo = await made(...how);
    const landing = await change(repo);
    equal(await landFile(landing), true);
    await requireLanded(repo, landing);
    const { tip, commit } = landing;
    for (const log of ["HEAD", "refs/heads/main"]) {
      const line = (await repo.read(`.git/logs/${log}`)).trim().split("\n").at(-1);
      equal(line, `${tip} ${commit} Ana <ana@example.org> 1700000000 +0000\tgaffer: save`);
    }
    equal(await repo.git("reflog", "-1", "--format=%H %gs"), `${commit} gaffer: save`);
    equal(await landFile(landing), false, "it has landed");
  });
}

Deno.test("landFile() leaves all other edits as they are, staged or not, also those that git can only see by reading", async () => {
  await using repo = await made();
  await repo.git("config", "core.trustctime", "false");
  await repo.write("a.txt", "staged\n");
  await repo.git("add", "a.txt");
  await repo.write("new.txt", "new\n");
  await repo.write("planning/g/b.md", "edited\n");
  const landing = await change(repo);
  // Of the index's own second, and as long as before: its size and times tell nothing.
  await repo.write("z.txt", "y\n");
  for (const path of ["z.txt", ".git/index"]) await Deno.utime(join(repo.dir, path), 1e9, 1e9);
  const status = await repo.git("status", "--porcelain");
  equal(status, "M  a.txt\n M planning/g/b.md\n M z.txt\n?? new.txt");
  equal(await landFile(landing), true);
  equal(await repo.git("status", "--porcelain"), status);
  equal(await repo.git("rev-parse", "main"), landing.commit);
  equal(await repo.read(PATH), "2\n");
});

type Way = [why: string, prepare: (repo: TestRepo, landing: FileLanding) => unknown];

const ways: Way[] = [
  ["another git command has the index", (repo) => repo.write(".git/index.lock", "")],
  ["another git command has HEAD", (repo) => repo.write(".git/HEAD.lock", "")],
  ["another git command has the branch", (repo) => repo.write(".git/refs/heads/main.lock", "")],
  ["another landing is under way", (repo) => Deno.mkdir(join(repo.dir, ".git/gaffer-save"))],
  ["the file was edited", (repo) => repo.write(PATH, "theirs\n")],
  ["the file is gone", (repo) => Deno.remove(join(repo.dir, PATH))],
  ["another content is staged", async (repo) => {
    await repo.write(PATH, "theirs\n");
    await repo.git("add", PATH);
    await repo.write(PATH, "1\n");
  }],
  ["the file is unstaged from its place", (repo) => repo.git("rm", "-q", "--cached", PATH)],
  ["the file is a link", async (repo) => {
    await Deno.remove(join(repo.dir, PATH));
    await Deno.symlink("elsewhere.md", join(repo.dir, PATH));
    await repo.write("planning/f/elsewhere.md", "1\n");
  }],
  ["the file has two names", (repo) => Deno.link(join(repo.dir, PATH), repo.beside("other"))],
  ["a folder on the way is a link", async (repo) => {
    await Deno.rename(join(repo.dir, "planning/f"), repo.beside("f"));
    await Deno.symlink(repo.beside("f"), join(repo.dir, "planning/f"));
  }],
  ["the file may be executed", (repo) => repo.git("update-index", "--chmod=+x", PATH)],
  [
    "git is told to take it for unchanged",
    (repo) => repo.git("update-index", "--assume-unchanged", PATH),
  ],
  ["git is told to look past it", (repo) => repo.git("update-index", "--skip-worktree", PATH)],
  ["another branch is checked out", (repo) => repo.git("switch", "-q", "-c", "other")],
  ["no branch is checked out", (repo) => repo.git("switch", "-q", "--detach")],
  ["the branch has other commits", (repo) => repo.commit("Theirs", { "a.txt": "theirs\n" })],
  ["refs are packed", (repo) => repo.git("pack-refs", "--all")],
  ["git keeps no log", (repo) => Deno.remove(join(repo.dir, ".git/logs/refs/heads/main"))],
  ["git changes line ends", (repo) => repo.git("config", "core.autocrlf", "input")],
  ["there are attributes", (repo) => repo.write(".gitattributes", "*.md text\n")],
  ["the index has cut names", (repo) => repo.git("update-index", "--index-version=4")],
  ["the index is in two parts", (repo) => repo.git("update-index", "--split-index")],
  [
    "the index has what git alone knows",
    (repo) => repo.git("update-index", "--force-untracked-cache"),
  ],
  ["the index is damaged", async (repo) => {
    const path = join(repo.dir, ".git/index");
    const bytes = await Deno.readFile(path);
    bytes[20]! ^= 1;
    await Deno.writeFile(path, bytes);
  }],
  ["there is no index", (repo) => Deno.remove(join(repo.dir, ".git/index"))],
  ["another folder keeps what is shared", (repo) => repo.git("config", "core.worktree", repo.dir)],
];

/** All that a landing changes. */
async function stateOf(repo: TestRepo): Promise<unknown> {
  const names = ["index", "HEAD", "index.lock", "HEAD.lock", "refs/heads/main.lock", "packed-refs"];
  const paths = names.map((name) => `.git/${name}`);
  for (const log of ["HEAD", "refs/heads/main"]) paths.push(`.git/logs/${log}`);
  paths.push(".git/refs/heads/main", PATH);
  return await Promise.all(
    paths.map((path) => Deno.readTextFile(join(repo.dir, path)).catch(() => null)),
  );
}

Deno.test("landFile() does nothing where something is in the way, or kept in another way", async () => {
  const rest = [...ways];
  for await (const repo of copies(ways.length)) {
    const [why, prepare] = rest.shift()!;
    const landing = await change(repo);
    await prepare(repo, landing);
    const before = await stateOf(repo);
    equal(await landFile(landing), false, why);
    deepEqual(await stateOf(repo), before, why);
  }
});

Deno.test("landFile() does nothing where somebody was quicker after its look, or it is called off", async () => {
  const meanwhile: [step: string, what: (repo: TestRepo) => void][] = [
    ["write note", ({ dir }) => Deno.writeTextFileSync(join(dir, PATH), "theirs\n")],
    ["write note", ({ dir }) => Deno.writeTextFileSync(join(dir, ".git/index.lock"), "")],
    ["write note", ({ dir }) => {
      // As each git command that looks at the files may do.
      Deno.copyFileSync(join(dir, ".git/index"), join(dir, ".git/index.new"));
      Deno.renameSync(join(dir, ".git/index.new"), join(dir, ".git/index"));
    }],
    [
      "lock branch",
      ({ dir }) => Deno.writeTextFileSync(join(dir, ".git/HEAD"), "ref: refs/heads/side\n"),
    ],
    // A disk that is full.
    ...["write branch", "file"].map((step): [string, () => void] => [step, () => {
      throw new Deno.errors.WriteZero("no space");
    }]),
  ];
  const rest = [...meanwhile];
  for await (const repo of copies(meanwhile.length)) {
    const [step, what] = rest.shift()!;
    const landing = await change(repo);
    const cut: Cut = (next) => next === step && what(repo);
    equal(await landFile(landing, cut), false, step);
    equal(await there(join(repo.dir, ".git/gaffer-save")), false);
    equal(await repo.git("rev-parse", "main"), landing.tip);
  }
  await using repo = await made();
  const stop = new AbortController();
  const landing = { ...await change(repo), signal: stop.signal };
  await rejects(landFile(landing, (step) => step === "write note" && stop.abort()), {
    name: "AbortError",
  });
  await requireNothingLeft(repo);
  equal(await repo.read(PATH), "1\n");
  equal(await repo.git("status", "--porcelain"), "");
});

/** Every step, and whether a kill before it leaves something to do that is then done. */
const STEPS: [step: string, goesOn: boolean][] = [
  ["write index", false],
  ["write content", false],
  ["write note", false],
  ["write branch", false],
  ["lock index", true],
  ["lock note", true],
  ["lock branch", true],
  ["log", true],
  ["file", true],
  ["index", true],
  ["branch", true],
  ["end", true],
];

async function killBefore(step: string, { content, signal: _, ...rest }: FileLanding) {
  const fixture = "tests/fixtures/land_file_once.ts";
  const spec = JSON.stringify({ ...rest, content: new TextDecoder().decode(content) });
  const output = await new Deno.Command(Deno.execPath(), {
    args: [...runSource(fixture), spec, step],
  }).output();
  equal(output.signal, "SIGKILL", new TextDecoder().decode(output.stderr));
}

Deno.test("killed before any of its steps, a landing is done or undone by the next look", async () => {
  const rest = [...STEPS];
  for await (const repo of copies(STEPS.length)) {
    const [step, goesOn] = rest.shift()!;
    const landing = await change(repo);
    await killBefore(step, landing);
    await finishLanding(repo.dir);
    if (goesOn) await requireLanded(repo, landing);
    else {
      await requireNothingLeft(repo);
      equal(await repo.git("status", "--porcelain"), "");
      equal(await repo.git("rev-parse", "main"), landing.tip);
      equal(await landFile(landing), true, "and it may be tried again");
      await requireLanded(repo, landing);
    }
  }
});

Deno.test("where somebody went on after a kill, only what it left is taken away", async () => {
  for (const step of ["file", "index", "branch"]) {
    await using repo = await made();
    const landing = await change(repo);
    await killBefore(step, landing);
    await repo.write(PATH, "theirs\n");
    await finishLanding(repo.dir);
    await requireNothingLeft(repo);
    equal(await repo.read(PATH), "theirs\n", step);
    equal(await repo.git("rev-parse", "main"), landing.tip);
    await repo.commit("Theirs");
    equal(await repo.git("show", `main:${PATH}`), "theirs");
  }
  await using repo = await made();
  const landing = await change(repo);
  await killBefore("index", landing);
  // By hand, as git says when it finds a lock.
  for (const name of ["index.lock", "HEAD.lock", "refs/heads/main.lock"]) {
    await Deno.remove(join(repo.dir, ".git", name));
  }
  const theirs = await repo.commit("With what the landing wrote");
  await repo.write(".git/index.lock", "somebody else's");
  await finishLanding(repo.dir);
  equal(await repo.git("rev-parse", "main"), theirs);
  equal(await repo.read(".git/index.lock"), "somebody else's");
});

Deno.test("a landing that fails in its middle is done by the next look", async () => {
  for (const failing of ["index", "branch"]) {
    await using repo = await made();
    const landing = await change(repo);
    const cut: Cut = (step) => {
      if (step === failing) throw new Error("the disk is gone");
    };
    await rejects(landFile(landing, cut), /the disk is gone/);
    for (const name of ["index.lock", "HEAD.lock", "refs/heads/main.lock"]) {
      equal(await there(join(repo.dir, ".git", name)), false, "nobody is kept waiting");
    }
    // What it needs can't be written, either.
    const index = join(repo.dir, ".git/gaffer-save/index");
    await Deno.remove(index).catch(() => {});
    await Deno.mkdir(join(index, "in the way"), { recursive: true });
    await rejects(finishLanding(repo.dir));
    await Deno.remove(index, { recursive: true });
    await finishLanding(repo.dir);
    await requireLanded(repo, landing);
  }
});

Deno.test("finishLanding() leaves a landing of another process alone as long as that may be at work", async () => {
  await using repo = await made();
  const landing = await change(repo);
  await killBefore("index", landing);
  const path = join(repo.dir, ".git/gaffer-save/note");
  const note = JSON.parse(await Deno.readTextFile(path));
  await Deno.writeTextFile(path, JSON.stringify({ ...note, pid: Deno.ppid }));
  await finishLanding(repo.dir);
  ok(await there(join(repo.dir, ".git/index.lock")));
  // None takes so long: another process has its number by now.
  await Deno.utime(path, 1e9, 1e9);
  await finishLanding(repo.dir);
  await requireLanded(repo, landing);
  await finishLanding(repo.beside("no repository"));
  for (const wrong of ["", "{", "[]", '"x"', JSON.stringify({ ...note, path: "../x" })]) {
    await repo.write(".git/gaffer-save/note", wrong);
    await finishLanding(repo.dir);
    await requireLanded(repo, landing);
  }
  await repo.write(".git", "gitdir: elsewhere\n", repo.beside("linked"));
  await finishLanding(repo.beside("linked"));
});

Deno.test("a person goes on from an index that Gaffer wrote", async () => {
  await using repo = await made();
  equal(await landFile(await change(repo)), true);
  await repo.write("planning/f/new.md", "new\n");
  await repo.write(PATH, "theirs\n");
  await repo.commit("Theirs");
  equal(await repo.git("status", "--porcelain"), "");
  equal(await repo.git("show", `HEAD:${PATH}`), "theirs");
  equal(await repo.git("write-tree"), await repo.git("rev-parse", "HEAD^{tree}"));
});
