/** What was merged on a forge comes into the person's base branch: by a fast-forward, with every edit kept, or not at all. */
import { deepStrictEqual as deepEqual, match, rejects, strictEqual as equal } from "node:assert";
import { dirname } from "node:path";
import { bringMerge } from "../server/services/pull_bringing.ts";
import { cancelRun } from "../server/services/cancelling.ts";
import { deployTicket, requireMergeHere } from "../server/services/deploying.ts";
import { advanceTicket } from "../server/services/development.ts";
import {
  followDrift,
  followDriftAfter,
  staleDocuments,
} from "../server/services/document_drift.ts";
import { followDocuments } from "../server/services/document_index.ts";
import { prepareRun } from "../server/services/run_preparation.ts";
import { addNeed } from "../server/services/needs.ts";
import { describeWait, startWaitOf } from "../server/services/start_waits.ts";
import { undoMerge } from "../server/services/undoing.ts";
import { RepositoryMaps } from "../agents/inspect/repository_map.ts";
import { deleteForge } from "../server/store/forges.ts";
import { never, personGit } from "./git_support.ts";
import type { Ticket } from "../server/records.ts";
import { askedFor, forgetJobs, tickets, tryToStart } from "./order_support.ts";
import { PullScene } from "./pull_scene.ts";

type How = (git: (...args: string[]) => Promise<string>, branch: string) => Promise<unknown>;

const squash: How = async (git, branch) => {
  await git("merge", "-q", "--squash", branch);
  await git("commit", "-q", "-m", "Greet (#7)");
};

/** Merged there by a squash, or otherwise. Gives the commit. */
async function merged(it: PullScene, how = squash): Promise<string> {
  const { repo, scene } = it.it;
  await it.opened();
  await repo.git("push", "-q", it.remote, "main");
  const clone = repo.beside("elsewhere");
  await personGit(repo.root, "clone", "-q", "-b", "main", it.remote, clone);
  const who = ["-c", "user.name=Ben", "-c", "user.email=ben@example.org"];
  await how((...args) => personGit(clone, ...who, ...args), `origin/${scene.branch}`);
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

Deno.test("a merge commit of the forge's is undone, and of what it rebased no part alone", async () => {
  const cases: [how: How, undo: string, base: RegExp][] = [
    [(git, branch) => git("merge", "-q", "--no-ff", "-m", "Merge #7", branch), "done", /^1\n2\n3/],
    [(git, branch) => git("cherry-pick", `HEAD..${branch}`), "refused", /^1\n2\nthree/],
  ];
  for (const [how, status, text] of cases) {
    await using it = await PullScene.make();
    await merged(it, how);
    await bring(it);
    it.it.ask();
    await it.it.undoIt();
    equal(it.it.undo.status, status);
    match(await it.it.repo.read("a.txt"), text);
    if (status === "refused") {
      match(it.it.undo.reason, /is not all of the ticket: GitHub put its commits onto "main" one/);
    }
  }
});

Deno.test("documents that describe what was merged there are stale once that is in the base branch here", async () => {
  for (const way of ["brought", "pulled"]) {
    await using it = await PullScene.make();
    const { app, repo, scene: { project } } = it.it;
    await repo.commit("Plan", {
      "planning/a.md": "---\nstatus: approved\nfiles: [a.txt]\n---\n# A\n",
      "planning/b.md": "---\nstatus: approved\nfiles: [b.txt]\n---\n# B\n",
    });
    await followDocuments(app, project, never);
    await followDrift(app, project, never);
    const stale = () =>
      staleDocuments(app, project.id).map(({ document, commits }) => [
        document.path,
        ...commits.map(({ commit }) => commit),
      ]);
    const commit = await merged(it);
    await followDriftAfter(app, it.ticket.id, never);
    deepEqual(stale(), [], "it is not here yet");
    if (way === "brought") await bring(it);
    else {
      await repo.git("pull", "-q", it.remote, "main");
      await followDriftAfter(app, it.ticket.id, never);
    }
    deepEqual(stale(), [["a.md", commit]], way);
  }
});

Deno.test("a ticket that needs what the forge merged waits until that is in the base branch", async () => {
  for (const way of ["brought", "pulled"]) {
    await using it = await PullScene.make();
    const [next] = tickets(it.app, 1, it.it.scene.project) as [Ticket];
    addNeed(it.app, next.id, it.ticket.id);
    await merged(it);
    equal(tryToStart(it.app, next), "queued");
    const wait = startWaitOf(it.app.db, it.app.clock.nowMs(), next)!;
    match(
      describeWait(wait).why,
      /^Needs #1, merged on the forge and not in your base branch yet$/,
    );
    forgetJobs(it.app);
    const job = { attempt: 1, maxAttempts: 8 };
    deepEqual(await advanceTicket(it.app, next.id, job, never), {
      type: "snooze",
      ms: 60_000,
      reason: 'What it needs is not in "main" here',
    });
    if (way === "brought") await bring(it);
    else {
      await it.it.repo.git("pull", "-q", it.remote, "main");
      deepEqual(await advanceTicket(it.app, next.id, job, never), { type: "done" });
    }
    deepEqual(askedFor(it.app), [next.number], way);
    equal(tryToStart(it.app, next), "in_progress");
  }
});

Deno.test("what a forge merged is deployed once it is here; until then the refusal says how to get it", async () => {
  await using it = await PullScene.make();
  const commit = await merged(it);
  const { app } = it;
  const refusal = {
    code: "conflict",
    message:
      `Cannot deploy ticket #1: it was merged on GitHub as ${
        commit.slice(0, 7)
      }, which is not in the ` +
      `project's repository yet. Press "Move my base branch along" on its page, or pull "main", then try again`,
  };
  await rejects(requireMergeHere(app, it.ticket.id, never), refusal);
  // A run that began before, or found it gone.
  const early = deployTicket(app, it.ticket.id);
  await rejects(prepareRun(app, new RepositoryMaps(), early.id, never), refusal);
  cancelRun(app, early.id);
  await bring(it);
  await requireMergeHere(app, it.ticket.id, never);
  const run = deployTicket(app, it.ticket.id);
  equal((await prepareRun(app, new RepositoryMaps(), run.id, never)).place.access, "read");
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
