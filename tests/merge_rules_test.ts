/** How a ticket becomes commits of the base branch: by the project's rule, or as chosen for one merge. */
import { deepStrictEqual as deepEqual, match, rejects, strictEqual as equal } from "node:assert";
import { checkMergeRule } from "../server/services/merge_rules.ts";
import { getMergeRule, mergeRuleOf, PLAIN_RULE } from "../server/store/merge_rules.ts";
import { MergeScene } from "./merge_scene.ts";

const merging = { style: "merge", onConflict: "resolve", sign: null } as const;

Deno.test("a project squashes and blocks until a person says otherwise", async () => {
  await using it = await MergeScene.make();
  const { app, ticket: { projectId } } = it;
  deepEqual(getMergeRule(app.db, projectId), PLAIN_RULE);
  deepEqual(await it.rule(merging), merging);
  await rejects(checkMergeRule(app, "none", merging), { code: "not_found" });
  equal(app.events.filter(({ type }) => type === "merge_rule_changed").length, 1);
});

Deno.test("a ticket merged as a merge commit has its checkpoints behind it, and the trailers on it", async () => {
  await using it = await MergeScene.make();
  const { repo } = it;
  await it.rule(merging);
  const base = await repo.git("rev-parse", "main");
  const commit = await it.merged();
  equal(
    await repo.git("rev-parse", "main", `${commit}^1`, `${commit}^2`),
    [
      commit,
      base,
      it.ticket.headCommit,
    ].join("\n"),
  );
  match(await repo.git("log", "-1", "--format=%B", commit), /\n\nDeveloped-by: feature-dev \(/);
  equal(await repo.read("new.txt"), "new\n");
});

Deno.test("one merge may go another way than its project's", async () => {
  await using it = await MergeScene.make();
  await it.rule(merging);
  it.approve("", { style: "squash" });
  equal(mergeRuleOf(it.app.db, it.ticket).style, "squash");
  it.approve("", { style: null });
  equal(mergeRuleOf(it.app.db, it.ticket).style, "merge");
  const commit = await it.merged({ style: "squash" });
  equal(await it.repo.git("rev-list", "--count", commit), "2");
});

Deno.test("the page of a project's merging saves the rule, and refuses what there is not", async () => {
  await using it = await MergeScene.make();
  const { pages, project } = it.scene;
  const href = `/projects/${project.id}/merging`;
  match(await (await pages.get(`/projects/${project.id}`)).text(), /href="[^"]+\/merging"/);
  const saved = await pages.post(href, { style: "merge", on_conflict: "resolve" });
  deepEqual([saved.status, saved.headers.get("location")], [303, href]);
  match(await (await pages.get(href)).text(), /value="resolve" selected/);
  equal((await pages.post(href, { style: "octopus" })).status, 422);
  deepEqual(getMergeRule(it.app.db, project.id), merging);
  equal((await pages.get("/projects/none/merging")).status, 404);
  match(await it.scene.page(), /value="merge" selected[^>]*>A merge commit/);
});
