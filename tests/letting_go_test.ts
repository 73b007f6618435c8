/** A cancelled ticket's folder goes when a person says so, and nothing of its work with it. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal, throws } from "node:assert";
import { letGo, removeLeftFolder } from "../server/services/letting_go.ts";
import { cancelTicket, retryTicket } from "../server/services/tickets.ts";
import { findWorktree } from "../server/store/worktrees.ts";
import { EvidenceBench, tap } from "./evidence_support.ts";
import { exists, never } from "./git_support.ts";
import { pagesBench } from "./pages_support.ts";

Deno.test("a cancelled ticket's folder is removed by a click, with all of its work on its branch, and made again when it is queued", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds") });
  await bench.develop({ "first.txt": "1\n" });
  const { app, id, repo } = bench;
  const { path, branch } = findWorktree(app.db, id)!;
  throws(() => letGo(app, id), { code: "conflict", message: /Cancel it first/ });
  cancelTicket(app, id);
  await Deno.writeTextFile(`${path}/second.txt`, "2\n");
  const pages = pagesBench(app);
  match(await (await pages.get(`/tickets/${id}`)).text(), /Remove its folder, keep its branch/);
  equal((await pages.post(`/tickets/${id}/let-go`)).status, 303);
  deepEqual(app.jobs().filter(({ kind }) => kind === "remove_worktree").length, 1);
  deepEqual(await removeLeftFolder(app, id, never), { type: "done" });
  equal(await exists(path), false);
  equal(await repo.git("show", `${branch}:second.txt`), "2");
  equal(await repo.git("show", `${branch}:first.txt`), "1");
  throws(() => letGo(app, id), { code: "conflict", message: /has none any more/ });
  equal((await removeLeftFolder(app, id, never)).type, "cancel");
  const again = retryTicket(app, id);
  deepEqual([again.status, again.step, again.branch], ["queued", "prepare", branch]);
});

Deno.test("a folder that is gone already is no fault, and one of a ticket that was queued again stays", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds") });
  await bench.develop({ "first.txt": "1\n" });
  const { app, id } = bench;
  const { path } = findWorktree(app.db, id)!;
  cancelTicket(app, id);
  letGo(app, id);
  retryTicket(app, id);
  equal((await removeLeftFolder(app, id, never)).type, "cancel");
  equal(await exists(path), true);
  cancelTicket(app, id);
  await Deno.remove(path, { recursive: true });
  deepEqual(await removeLeftFolder(app, id, never), { type: "done" });
  equal(findWorktree(app.db, id)!.status, "removed");
});
