import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import { secretsIn } from "../agents/secret_mask.ts";
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
