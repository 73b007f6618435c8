/** The merge queue's own folder is there only while a merge needs it, however the merge ends. */
import { ok, strictEqual as equal } from "node:assert";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { giveUpJob } from "../server/services/jobs.ts";
import { inMergeDir, mergeDirOf, tidyAllMergeDirs } from "../server/services/merge_folder.ts";
import { mergeTicket } from "../server/services/merging.ts";
import { cancelTicket } from "../server/services/tickets.ts";
import { undoMerge } from "../server/services/undoing.ts";
import { listJobs } from "../queue/queue.ts";
import { never } from "./git_support.ts";
import { MergeScene } from "./merge_scene.ts";

const once = { attempt: 1, maxAttempts: 8 };

/** A process that ends while the checks run: nothing of what it would do then is done. */
async function crashed(it: MergeScene): Promise<string> {
  await it.repo.commit("Elsewhere", { "b.txt": "moved\n" });
  it.approve();
  const { app } = it;
  const killed = Promise.withResolvers<void>();
  it.checks.during = () => {
    killed.resolve();
    return new Promise(() => {});
  };
  void mergeTicket(
    { ...app, turnstile: Object.create(app.turnstile, { through: { value: alone } }) },
    it.ticket.id,
    once,
    never,
  );
  await killed.promise;
  const dir = mergeDirOf(app, it.scene.project);
  ok(existsSync(dir) && existsSync(`${dir}.home`));
  return dir;
}

const alone = <T>(_key: string, work: () => Promise<T>): Promise<T> => work();

/** Everything that waits for the folder is through. */
const settled = ({ app, scene: { project } }: MergeScene): Promise<void> =>
  app.turnstile.through(mergeDirOf(app, project), () => Promise.resolve());

async function isGone(it: MergeScene, dir: string): Promise<void> {
  for (const name of ["", ".home", ".removing"]) equal(existsSync(dir + name), false, name);
  equal((await it.repo.git("worktree", "list")).includes(dir), false);
}

Deno.test("after a crash in a merge its folder stays for that merge, and goes when the ticket is cancelled", async () => {
  await using it = await MergeScene.make();
  const dir = await crashed(it);
  await tidyAllMergeDirs(it.app);
  ok(existsSync(dir), "the merge is tried again, and uses it");
  cancelTicket(it.app, it.ticket.id);
  await settled(it);
  await isGone(it, dir);
});

Deno.test("it goes when the merge's job is given up, too", async () => {
  await using it = await MergeScene.make();
  const dir = await crashed(it);
  const [job] = listJobs(it.app.db, { kind: "merge_ticket", limit: 1 });
  it.app.tx((tx) => giveUpJob(it.app, tx, job!, "it was cut off too often"));
  equal(it.ticket.status, "blocked");
  await settled(it);
  await isGone(it, dir);
});

Deno.test("a folder of a merge that nobody comes back to goes at the next start, also where a removal was cut off or the repository is gone", async () => {
  await using it = await MergeScene.make();
  const { app, repo } = it;
  const dir = await crashed(it);
  const stuck = Object.create(app.turnstile, { through: { value: () => new Promise(() => {}) } });
  cancelTicket({ ...app, turnstile: stuck }, it.ticket.id);
  ok(existsSync(dir), "the process ended before it was removed");
  await Deno.mkdir(`${dir}.removing`);
  await Deno.mkdir(`${dir}.kept-1`);
  await tidyAllMergeDirs(app);
  await isGone(it, dir);
  ok(existsSync(`${dir}.kept-1`), "what was moved aside is a person's");

  await Deno.mkdir(dir);
  await Deno.rename(join(repo.dir, ".git"), join(repo.dir, "gone.git"));
  await tidyAllMergeDirs(app);
  equal(existsSync(dir), false);
});

Deno.test("a merge that is cancelled while its checks run leaves no folder", async () => {
  await using it = await MergeScene.make();
  const { app, repo, ticket } = it;
  await repo.commit("Elsewhere", { "b.txt": "moved\n" });
  it.approve();
  const stop = new AbortController();
  it.checks.during = () => {
    cancelTicket(app, ticket.id);
    stop.abort();
    stop.signal.throwIfAborted();
  };
  await mergeTicket(app, ticket.id, once, stop.signal).catch(() => null);
  equal(it.ticket.status, "cancelled");
  await settled(it);
  await isGone(it, mergeDirOf(app, it.scene.project));
});

Deno.test("a start's cleaning takes no folder away from an undo at work in it, nor from one that was cut off", async () => {
  await using it = await MergeScene.make();
  const { app } = it;
  const dir = mergeDirOf(app, it.scene.project);
  await it.merged();
  it.ask();
  const stop = new AbortController();
  let cleaned: Promise<void> | undefined;
  it.checks.during = () => {
    cleaned = tidyAllMergeDirs(app);
    ok(existsSync(dir));
    stop.abort();
    stop.signal.throwIfAborted();
  };
  await undoMerge(app, it.ticket.id, once, stop.signal).catch(() => null);
  await cleaned;
  ok(existsSync(dir), "it is tried again, and uses it");
  it.checks.during = () => ok(existsSync(dir));
  await it.undoIt();
  equal(it.undo.status, "done");
  await isGone(it, dir);
});

Deno.test("what comes for the folder waits until it is free, and finds it gone", async () => {
  await using it = await MergeScene.make();
  const { app, scene: { project } } = it;
  const dir = mergeDirOf(app, project);
  const held = Promise.withResolvers<void>();
  const first = inMergeDir(app, project, async () => {
    await Deno.mkdir(dir, { recursive: true });
    await held.promise;
  });
  const second = inMergeDir(app, project, () => Promise.resolve(existsSync(dir)));
  held.resolve();
  await first;
  equal(await second, false);
});
