/** *Close* while the job of a pull request is at work: whatever it has sent by then, it ends closed, and nothing more is sent. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert";
import { followPullRequest } from "../server/services/pull_following.ts";
import { closePullRequest } from "../server/services/pull_requests.ts";
import { jobOf, runnerOf } from "./jobs_support.ts";
import { PullScene } from "./pull_scene.ts";

const close = (it: PullScene) => void closePullRequest(it.app, it.ticket.id);

/** Clicks *Close* once the job has told of something. */
function closeAfter(it: PullScene, type: string): void {
  const stop = it.app.hub.subscribe((message) => {
    if (message.kind !== "event" || message.event.type !== type) return;
    stop();
    close(it);
  });
}

/** Clicks it while the forge has a request of this method before it. */
function closeDuring(it: PullScene, method: string): void {
  const { branches } = it.fake.state;
  it.fake.state.branches = (name) => {
    if (it.fake.requests.at(-1)?.method === method) {
      it.fake.state.branches = branches;
      close(it);
    }
    return branches(name);
  };
}

/** All that is due, by the queue itself. */
async function work(it: PullScene): Promise<void> {
  const runner = runnerOf(it.app, {
    kind: "follow_pull_request",
    run: ({ ticketId }, { app, signal }) =>
      followPullRequest(app, ticketId, signal, { variable: () => it.token, timeoutMs: 2_000 }),
  });
  runner.start();
  await runner.idle();
  await runner.stop(0);
}

const posts = (it: PullScene) => it.fake.requests.filter(({ method }) => method === "POST").length;

Deno.test("closed while it is pushed, no pull request is opened", async () => {
  await using it = await PullScene.make();
  it.ask();
  closeAfter(it, "pull_request_pushed");
  await work(it);
  deepEqual([it.pull.status, it.pull.closeAskedBy, it.pull.number], ["closed", "owner", null]);
  deepEqual([posts(it), it.fake.state.pulls.length], [0, 0]);
  equal(await it.tip(), it.ticket.headCommit, "what was pushed stays there");
  equal(it.told.filter((type) => type === "pull_request_closed").length, 1);
});

Deno.test("closed before newer work is pushed, that is not sent", async () => {
  await using it = await PullScene.make();
  await it.opened();
  const { headCommit } = it.ticket;
  await it.it.scene.turn({ "a.txt": "1\n2\n3 and more\n" });
  it.ask();
  // The job has read the row by then, and asks the forge.
  closeDuring(it, "GET");
  await work(it);
  deepEqual([it.pull.status, it.fake.state.pulls[0]!.state], ["closed", "closed"]);
  equal(await it.tip(), headCommit);
});

Deno.test("closed while newer work is pushed, it is closed there with that", async () => {
  await using it = await PullScene.make();
  await it.opened();
  await it.it.scene.turn({ "a.txt": "1\n2\n3 and more\n" });
  it.ask();
  closeAfter(it, "pull_request_pushed");
  await work(it);
  deepEqual([it.pull.status, it.fake.state.pulls[0]!.state], ["closed", "closed"]);
  deepEqual([await it.tip(), it.pull.pushed], [it.ticket.headCommit, it.ticket.headCommit]);
});

Deno.test("closed while it is opened, it is closed there at once, and the queue has nothing left but the look for a reopening", async () => {
  await using it = await PullScene.make();
  it.ask();
  closeDuring(it, "POST");
  await work(it);
  deepEqual([it.pull.status, it.pull.number, it.fake.state.pulls[0]!.state], [
    "closed",
    7,
    "closed",
  ]);
  equal(it.told.filter((type) => type === "pull_request_closed").length, 1);
  equal(jobOf(it.app, "follow_pull_request").status, "scheduled");
});
