/** A conflict resolved by the developer, the merge traced, undone with one call, and the ticket merged again. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { type ClaudeRequest, startFakeClaude } from "./fake_claude/mod.ts";
import { Client, type Json, startGaffer, tempDir } from "./gaffer.ts";
import {
  greetCommands,
  greetDeveloper,
  greetRepo,
  greetScripts,
  greetTicket,
} from "./greet_story.ts";
import { addProject, calls, expect, play, runsOf, settled, submit } from "./journey_support.ts";

const OWN = 'echo "hello, you"\n';
const BOTH = 'echo "hello, world and you"\n';

/** Resolves the conflict that its worktree holds. */
function resolver({ turn, prompt, results: [last] }: ClaudeRequest) {
  expect(
    /<requested_changes>[^]*these files hold the conflicts:\n- greet\.sh/.test(prompt),
    prompt,
  );
  if (turn === 1) return calls(["Read", { file_path: "greet.sh" }]);
  if (turn === 2) {
    expect(/<<<<<<<[^]*hello, you[^]*=======[^]*hello, world[^]*>>>>>>>/.test(last!.content), "");
    return calls(["Write", { file_path: "greet.sh", content: BOTH }]);
  }
  return turn === 3
    ? calls(["run_checks", { name: "build" }])
    : submit({ status: "done", summary: "It greets both" });
}

Deno.test("a conflict is resolved, the merge undone, and the next attempt merged", async (t) => {
  let again = false;
  const develop = (request: ClaudeRequest) => {
    expect(again === /An earlier attempt was merged as/.test(request.prompt), "the attempt");
    return greetDeveloper(request);
  };
  await using fake = startFakeClaude({
    reply: play({ ...greetScripts, develop, change: resolver }),
  });
  await using data = await tempDir();
  await using gaffer = await startGaffer({
    dataDir: data.path,
    env: { ANTHROPIC_API_KEY: fake.apiKey, ANTHROPIC_BASE_URL: fake.url },
  });
  const client = new Client(gaffer.url);
  await using repo = await greetRepo();
  const project = await addProject(client, repo, greetCommands);
  const made = await client.post(`/projects/${project.id}/tickets`, greetTicket);
  const path = `/tickets/${made.id}`;
  const reviewed = async () => {
    const ticket = await client.until(path, settled);
    equal(ticket.status, "review", ticket.reason);
    return ticket;
  };
  const approved = async () => {
    await client.post(`${path}/approve`);
    return await client.until(path, (ticket) => ticket.status !== "review");
  };
  const trace = async (query: string) =>
    (await client.get(`/projects/${project.id}/trace?${query}`)).items[0] as Json;

  await t.step("the developer resolves what the base branch changed meanwhile", async () => {
    await reviewed();
    const own = await repo.commit("My own", { "greet.sh": OWN });
    equal((await approved()).failure, "merge_conflict");
    await client.post(`${path}/resolve-conflict`);
    await client.until(path, (ticket) => ticket.status === "in_progress");
    equal((await reviewed()).base_commit, own);
    const done = await approved();
    equal(done.status, "done", done.reason);
    equal(await repo.read("greet.sh"), BOTH);
    equal(await repo.git("rev-parse", "main^"), own);
    const line = await trace("path=greet.sh&line=1");
    deepEqual([line.commit, line.ticket.id], [done.merge_commit, made.id]);
    deepEqual(line.turns.map(({ purpose }: Json) => purpose), ["change"]);
  });

  await t.step("its merge is undone by one call, checked, in the person's folder too", async () => {
    await client.post(`${path}/undo`, { why: "You first" });
    const { undo } = await client.until(`${path}/undo`, (now) => now.undo.status !== "pending");
    equal(undo.status, "done", undo.reason);
    const undone = await client.get(path);
    deepEqual([undone.status, /Its merge was undone/.test(undone.reason)], ["cancelled", true]);
    equal(await repo.read("greet.sh"), OWN);
    equal(await repo.git("status", "--porcelain"), "");
    equal(undo.commit, await repo.git("rev-parse", "main"));
    match(await repo.git("log", "-1", "--format=%B"), /^revert: feat: [^]*\nReverts: \w{40}\n/);
    const { items } = await client.get(`${path}/checks`);
    const results = items.filter(({ commit }: Json) => commit === undo.commit);
    deepEqual(results.map(({ name, status }: Json) => [name, status]), [
      ["build", "passed"],
      ["test", "passed"],
    ]);
  });

  await t.step("queued again, it begins anew and is merged", async () => {
    again = true;
    const { undo } = await client.get(`${path}/undo`);
    await client.post(`${path}/retry`);
    equal((await reviewed()).base_commit, undo.commit);
    const done = await approved();
    equal(done.status, "done", done.reason);
    equal(await repo.read("greet.sh"), OWN.replace("hello", "hello, world"));
    const { commit, undone_by, turns } = await trace("path=greet.sh&line=1");
    deepEqual([commit, undone_by, turns[0].purpose], [done.merge_commit, null, "develop"]);
    equal((await trace(`commit=${undo.merge_commit}`)).undone_by, undo.commit);
    equal((await trace(`commit=${commit}`)).turns.length, 1, "those of this attempt");
    match(await repo.git("log", "-1", "--format=%B"), /^Developed-by: feature-dev/m);
    equal((await runsOf(client, { ticket_id: made.id })).at(-1)!.purpose, "review");
    equal((await repo.git("worktree", "list")).split("\n").length <= 2, true);
    ok(fake.requests.every(({ status }) => status === 200));
  });
});
