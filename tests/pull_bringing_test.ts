/** What was merged on a forge comes into the person's base branch: by a fast-forward, with every edit kept, or not at all. */
import { deepStrictEqual as deepEqual, match, rejects, strictEqual as equal } from "node:assert";
import { dirname } from "node:path";
import { bringMerge } from "../server/services/pull_bringing.ts";
import { undoMerge } from "../server/services/undoing.ts";
import { deleteForge } from "../server/store/forges.ts";
import { never, personGit } from "./git_support.ts";
import { PullScene } from "./pull_scene.ts";

/** Merged there by a squash. Gives the commit. */
async function merged(it: PullScene): Promise<string> {
  const { repo, scene } = it.it;
  await it.opened();
  await repo.git("push", "-q", it.remote, "main");
  const clone = repo.beside("elsewhere");
  await personGit(repo.root, "clone", "-q", "-b", "main", it.remote, clone);
  const who = ["-c", "user.name=Ben", "-c", "user.email=ben@example.org"];
  await personGit(clone, "merge", "-q", "--squash", `origin/${scene.branch}`);
  await personGit(clone, ...who, "commit", "-q", "-m", "Greet (#7)\n\nGaffer-Ticket: 1");
  await personGit(clone, "push", "-q", "origin", "main");
  const mergeCommit = (await it.tip("main"))!;
  Object.assign(it.fake.state.pulls[0]!, { state: "merged", mergeCommit });
  await it.follow();
  return mergeCommit;
}

const bring = (it: PullScene) =>
  bringMerge(it.app, it.ticket.id, never, { variable: () => it.token });

Deno.test("the base branch moves along, with the person's folder and its edits, and can be undone then", async () => {
  await using it = await PullScene.make();
  const { repo } = it.it;
  const commit = await merged(it);
  await repo.write("b.txt", "edited\n");
  const trapped = await repo.trapHooks("post-merge", "post-checkout", "reference-transaction");
  equal(await bring(it), commit);
  equal(await bring(it), commit, "twice is once");
  equal(await repo.git("rev-parse", "main"), commit);
  equal(await repo.read("a.txt"), "1\n2\nthree\n");
  equal(await repo.git("status", "--porcelain"), " M b.txt");
  await rejects(Deno.stat(trapped), Deno.errors.NotFound);
  it.it.ask();
  await undoMerge(it.app, it.ticket.id, { attempt: 1, maxAttempts: 8 }, never);
  deepEqual([it.it.undo.status, it.ticket.status], ["done", "cancelled"]);
});

Deno.test("nothing is brought over an edit, or over commits that the forge has not", async () => {
  await using it = await PullScene.make();
  const { repo } = it.it;
  const commit = await merged(it);
  await repo.write("a.txt", "my own\n");
  await rejects(bring(it), { code: "conflict", message: /would overwrite what is not committed/ });
  equal(await repo.read("a.txt"), "my own\n");
  await repo.git("checkout", "-q", "a.txt");
  const own = await repo.commit("My own", { "b.txt": "own\n" });
  await rejects(bring(it), {
    code: "conflict",
    message: /"main" here has commits that GitHub has n/,
  });
  equal(await repo.git("rev-parse", "main"), own);
  equal(await repo.git("rev-parse", "refs/gaffer/forge/main"), commit);
});

Deno.test("what was not merged on a forge that is named, or can't be fetched, is refused", async () => {
  await using it = await PullScene.make();
  await it.opened();
  await rejects(bring(it), { code: "conflict", message: /it was not merged on a forge/ });
  await merged(it);
  const { project } = it.it.scene;
  // All temporary files are elsewhere, it says.
  await it.it.repo.git("config", `url.${it.remote}.insteadOf`, `${dirname(it.it.repo.root)}/`);
  await rejects(bring(it), /leads elsewhere|Cannot take over/);
  await it.it.repo.git("config", "--remove-section", `url.${it.remote}`);
  it.set({ remoteUrl: `file://${encodeURI(it.it.repo.beside("none.git"))}` });
  await rejects(bring(it), /^GitError: Cannot fetch "main" at "file:/);
  it.app.tx((tx) => deleteForge(tx, project.id));
  await rejects(bring(it), (error: Error) => {
    match(error.message, /names no forge any more/);
    return true;
  });
});
