/** A merge whose checks fail goes back to the developer with what failed and with the base that it failed with. */
import {
  deepStrictEqual as deepEqual,
  match,
  rejects,
  strictEqual as equal,
  throws,
} from "node:assert";
import { buildPrompt } from "../agents/prompts/task_prompt.ts";
import { resolveConflict } from "../server/services/conflicts.ts";
import { bringTogether } from "../server/services/failed_merges.ts";
import { mergeTicket } from "../server/services/merging.ts";
import { taskOf } from "../server/services/run_task.ts";
import { approveTicket, guideTicket } from "../server/services/tickets.ts";
import { getProject } from "../server/store/projects.ts";
import { EvidenceBench, tap } from "./evidence_support.ts";
import { never } from "./git_support.ts";
import { pagesBench } from "./pages_support.ts";

const good = { summary: "Good", findings: [], criteria: [] };

/** Blocked: "together" fails where both a.txt of the ticket and other.txt of the base are there, unless mended. */
async function blocked(): Promise<EvidenceBench> {
  const bench = await EvidenceBench.make({ "results.txt": tap("adds", "together") }, {
    test: "if [ -e other.txt ] && [ -e a.txt ] && ! [ -e mended ]; then " +
      "sed -i 's/^ok 2/not ok 2/' results.txt; fi; cat results.txt; ! grep -q '^not ok' results.txt",
  });
  await bench.develop({ "a.txt": "a" });
  await bench.app.end(bench.run, { type: "succeeded", result: good });
  await bench.repo.commit("Meanwhile", { "other.txt": "y" });
  approveTicket(bench.app, bench.id);
  await merge(bench);
  equal(bench.ticket.failure, "merge_checks_failed", bench.ticket.reason);
  return bench;
}

async function merge({ app, id }: EvidenceBench): Promise<void> {
  await mergeTicket(app, id, { attempt: 1, maxAttempts: 5 }, never);
}

async function promptOf({ app, run, ticket }: EvidenceBench): Promise<string> {
  const parts = await taskOf(app, run, getProject(app.db, ticket.projectId), never);
  return buildPrompt({ project: "x", purpose: run.purpose, round: 0, ...parts } as never);
}

Deno.test("the developer gets the base branch and the failures, and what it makes of them is merged", async () => {
  await using bench = await blocked();
  const { app, id, repo } = bench;
  const pages = pagesBench(app);
  const head = bench.ticket.headCommit!;
  const tip = await repo.git("rev-parse", "main");
  const page = await (await pages.get(`/tickets/${id}`)).text();
  match(page, /Let the developer resolve it[^]*and what fails there/);
  equal((await pages.post(`/tickets/${id}/resolve-conflict`)).status, 303);
  await merge(bench);
  deepEqual([bench.ticket.status, bench.ticket.baseCommit], ["in_progress", tip]);
  equal(await repo.git("rev-parse", `${bench.ticket.branch}^@`), `${head}\n${tip}`);
  equal(await repo.read("other.txt", bench.worktree), "y");
  equal(bench.run.purpose, "change");
  const prompt = await promptOf(bench);
  match(prompt, /The base branch "main" has moved on/);
  match(prompt, /together/);
  match(prompt, /\+y/, "what came with the base");

  await bench.work({ mended: "y" });
  equal(bench.run.purpose, "review", bench.ticket.reason);
  await app.end(bench.run, { type: "succeeded", result: good });
  approveTicket(app, id);
  await merge(bench);
  equal(bench.ticket.status, "done", bench.ticket.reason);
  equal(await repo.git("ls-tree", "--name-only", "main"), "a.txt\nmended\nother.txt\nresults.txt");
});

Deno.test("whoever is only guided out of it is told what failed, too", async () => {
  await using bench = await blocked();
  guideTicket(bench.app, bench.id, "Mind the other file");
  match(await promptOf(bench), /together/);
});

Deno.test("the developer is asked again where it left the failure, as often as a person wants", async () => {
  await using bench = await blocked();
  const { app, id } = bench;
  resolveConflict(app, id, await bringTogether(app, id, never));
  await merge(bench);
  await bench.work({ "more.txt": "not what was needed" });
  deepEqual([bench.ticket.status, bench.run.purpose], ["in_progress", "fix"]);
});

Deno.test("it is refused for other tickets, where the base itself fails, and for what the repository has lost", async () => {
  await using bench = await blocked();
  const { app, id, repo } = bench;
  const together = (await bringTogether(app, id, never))!;
  throws(() => resolveConflict(app, id), { code: "conflict" });
  throws(() => resolveConflict(app, id, { ...together, headCommit: "1".repeat(40) }), {
    code: "conflict",
  });
  const set = (sql: string) => app.db.prepare(sql).run({ id });
  set("UPDATE tickets SET failure = 'merge_conflict' WHERE id = :id");
  equal(await bringTogether(app, id, never), null);
  set("UPDATE tickets SET failure = 'merge_checks_failed' WHERE id = :id");
  await repo.git("gc", "-q", "--prune=now");
  await rejects(bringTogether(app, id, never), { code: "conflict", message: /has lost what was/ });
  set("DELETE FROM checks WHERE ticket_id = :id AND baseline = 0 AND status = 'failed'");
  await rejects(bringTogether(app, id, never), { message: /it is the base branch itself that/ });
  equal(bench.ticket.status, "blocked");
});
