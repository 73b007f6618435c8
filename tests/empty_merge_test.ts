/** A ticket whose whole work came onto the base branch by other hands: done, and no commit of theirs is called its own. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  strictEqual as equal,
  throws,
} from "node:assert";
import { addNeed } from "../server/services/needs.ts";
import { createTicket } from "../server/services/tickets.ts";
import { traceOf } from "../server/services/tracing.ts";
import { askForUndo } from "../server/services/undoing.ts";
import { moveTicket } from "../server/store/tickets.ts";
import { never } from "./git_support.ts";
import { MergeScene } from "./merge_scene.ts";
import { passChecks } from "./support.ts";

Deno.test("a merge that had nothing to do names no commit, and can't be undone", async () => {
  await using it = await MergeScene.make();
  const { app, scene, repo } = it;
  const theirs = await repo.commit("By hand", {
    "a.txt": "1\n2\nthree\n",
    "new.txt": "new\n",
    "b.txt": "theirs\n",
  });
  equal(await it.merged(), null);
  deepEqual([it.ticket.status, it.ticket.mergeCommit], ["done", null]);
  equal(await repo.git("rev-parse", "main"), theirs);
  const [line] = await traceOf(app, scene.project.id, { path: "b.txt", line: 1 }, never);
  deepEqual([line!.commit.commit, line!.ticket], [theirs, null]);
  throws(() => askForUndo(app, it.ticket.id), {
    code: "conflict",
    message: /^Cannot undo the merge of ticket #1: the base branch had all that it changes already/,
  });
  const page = await (await scene.pages.get(`/tickets/${it.ticket.id}`)).text();
  match(page, /The base branch had all that it changes already: nothing was merged/);
  doesNotMatch(page, /Undo the merge/);
});

Deno.test("before an undo the page names what is done on top of the ticket, and nothing else", async () => {
  await using it = await MergeScene.make();
  const { app, scene } = it;
  for (const title of ["Built on it", "Not begun"]) {
    const other = createTicket(app, {
      ...{ projectId: scene.project.id, title, description: "", type: "feature" },
      acceptance: [],
    });
    addNeed(app, other.id, it.ticket.id);
    if (title === "Not begun") continue;
    const commits = { baseCommit: "a".repeat(40), headCommit: "b".repeat(40) };
    app.tx((tx) => moveTicket(tx, other.id, "in_progress", { step: "develop", ...commits }));
    passChecks(app, other.id, commits.headCommit);
    app.tx((tx) => {
      moveTicket(tx, other.id, "review", {});
      moveTicket(tx, other.id, "done", { step: null, mergeCommit: "c".repeat(40) });
    });
  }
  await it.merged();
  const page = await (await scene.pages.get(`/tickets/${it.ticket.id}`)).text();
  match(page, /Done since, and needs it: <a href="[^"]+">#2 Built on it<\/a><\/span>/);
});
