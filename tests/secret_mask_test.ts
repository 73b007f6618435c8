import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import { KnownSecrets, secretsIn } from "../agents/secret_mask.ts";
import type { Place } from "../agents/protocol.ts";
import { personGit, TestRepo } from "./git_support.ts";
import { confinements, noSignal, testHands } from "./place_support.ts";

/** A repository with secrets committed, ignored, and new; its own checkout is the place. */
async function repoWithSecrets(): Promise<{ repo: TestRepo; place: Place }> {
  const repo = await TestRepo.make({
    ".gitignore": ".env\n*.local\nnode_modules\n",
    ".env.example": "KEY=\n",
    "tests/fixture.pem": "committed",
  });
  const files = {
    ".env": "KEY=1",
    "tests/new.key": "new",
    "settings/deep/id_rsa": "new",
    "settings/plain.txt": "fine",
    "node_modules/x/.env": "of no one",
    ".ssh/config": "new",
  };
  for (const [path, text] of Object.entries(files)) await repo.write(path, text);
  return { repo, place: { dir: repo.dir, access: "write", gitDir: `${repo.dir}/.git` } };
}

Deno.test("secretsIn() finds what has a secret's name and is not committed, ignored or not", async () => {
  const { repo, place } = await repoWithSecrets();
  await using _ = repo;
  const found = await secretsIn(place, noSignal);
  deepEqual(found.map((path) => path.slice(repo.dir.length + 1)).sort(), [
    ".env",
    ".ssh",
    "settings/deep/id_rsa",
    "tests/new.key",
  ]);
  deepEqual(await secretsIn({ ...place, gitDir: null }, noSignal), []);
});

/** A linked worktree with a submodule, as setup leaves it. */
async function worktreeWithSubmodule(repo: TestRepo): Promise<Place> {
  const inner = `${repo.dir}-inner`;
  await Deno.mkdir(inner);
  await personGit(inner, "init", "-q", "-b", "main");
  await Deno.writeTextFile(`${inner}/made.pem`, "committed");
  await personGit(inner, "add", "--all");
  const pat = ["-c", "user.name=Pat", "-c", "user.email=pat@example.org"];
  await personGit(inner, ...pat, "commit", "-q", "-m", "Begin");
  const local = ["-c", "protocol.file.allow=always"];
  await personGit(repo.dir, ...local, "submodule", "add", "-q", inner, "libs/inner");
  await personGit(repo.dir, "commit", "-q", "-m", "Take in");
  const dir = `${repo.dir}-place`;
  await personGit(repo.dir, "worktree", "add", "-q", "-b", "work", dir);
  await personGit(dir, ...local, "submodule", "update", "-q", "--init");
  return { dir, access: "write", gitDir: `${repo.dir}/.git` };
}

Deno.test("secretsIn() finds what a submodule of a linked worktree holds, and follows no link in its stead", async () => {
  await using repo = await TestRepo.make({ "a.txt": "fine" });
  const place = await worktreeWithSubmodule(repo);
  const found = async () =>
    (await secretsIn(place, noSignal)).map((path) => path.slice(place.dir.length + 1)).sort();
  deepEqual(await found(), ["libs/inner/made.pem"], "git is not asked in there what is committed");
  await Deno.writeTextFile(`${place.dir}/libs/inner/.env`, "KEY=1");
  deepEqual(await found(), ["libs/inner/.env", "libs/inner/made.pem"]);
  await Deno.rename(`${place.dir}/libs`, `${place.dir}/moved`);
  await Deno.symlink("moved", `${place.dir}/libs`);
  deepEqual((await found()).filter((path) => path.startsWith("libs")), []);
});

Deno.test("KnownSecrets looks again for each command of a model, and for file tools goes by what it found", async () => {
  await using repo = await TestRepo.make({ "a.txt": "fine" });
  const place = await worktreeWithSubmodule(repo);
  const known = new KnownSecrets();
  equal((await known.in(place, noSignal)).length, 1);
  await Deno.writeTextFile(`${place.dir}/.env`, "KEY=1");
  equal((await known.in(place, noSignal)).length, 1);
  equal((await known.now(place, noSignal)).length, 2);
  equal((await known.in(place, noSignal)).length, 2);
  // Not by the worktree's own word for where its repository is.
  await Deno.writeTextFile(`${place.dir}/.git`, "gitdir: /nowhere\n");
  equal((await known.now(place, noSignal)).length, 2);
  known.forget(place.dir);
  deepEqual(await known.now({ ...place, gitDir: null }, noSignal), []);
});

Deno.test({
  name: "a `.env` that a person writes during a run is empty in the very next command of the model",
  ignore: confinements[0].ignore,
  async fn() {
    await using repo = await TestRepo.make({ "a.txt": "fine" });
    const place = await worktreeWithSubmodule(repo);
    await using hands = testHands("auto");
    const model = async (command: string) => (await hands.use(place, "Bash", { command })).content;
    const look = "cat a.txt .env libs/inner/.env 2>/dev/null || true";
    equal(await model(look), "fine");
    await Deno.writeTextFile(`${place.dir}/.env`, "KEY=1");
    equal(await model(look), "fine");
    await Deno.writeTextFile(`${place.dir}/libs/inner/.env`, "KEY=2");
    equal(await model(look), "fine");
    equal((await hands.use(place, "Read", { file_path: "a.txt" })).content, "1\tfine");
  },
});

Deno.test({
  name:
    "a model's commands see such files empty, the project's own as they are, also those it makes",
  ignore: confinements[0].ignore,
  async fn() {
    const { repo, place } = await repoWithSecrets();
    await using _ = repo;
    await using hands = testHands("auto");
    const project = async (command: string) => {
      const spec = { command, cwd: "", timeoutMs: 30_000, env: {} };
      const how = { signal: noSignal, unconfinedAllowed: false };
      return (await hands.command(place, spec, how)).output;
    };
    const model = async (command: string) => (await hands.use(place, "Bash", { command })).content;
    const look =
      "cat .env tests/*.key tests/*.pem settings/deep/* more.local/.env 2>/dev/null; ls -A .ssh";
    equal(await model(look), "committed");
    equal(await project(look), "KEY=1newcommittednewconfig\n");
    await project("mkdir more.local && echo KEY=2 > more.local/.env");
    equal(await model(look), "committed");
    match(await model("rm .env; echo x > .env"), /busy|Read-only/);
    await personGit(repo.dir, "status");
    equal(await repo.read(".env"), "KEY=1");
    // The worktree can be put back while they are hidden.
    await Deno.remove(`${repo.dir}/.env`);
    equal(await project("cat .env 2>&1 || true"), "cat: .env: No such file or directory\n");
  },
});
