/** The main job over HTTP, from a sentence to a commit, against a real server process. */
import { deepStrictEqual as deepEqual, equal, match, ok } from "node:assert";
import { Client, type Json, run, startGaffer, tempDir } from "./gaffer.ts";

/** Answers every open question of an idea with its first option. */
async function answerAll(client: Client, ideaId: string): Promise<number> {
  const { items } = await client.get(`/ideas/${ideaId}/questions`);
  const open = items.filter((q: Json) => q.status === "pending");
  for (const { id, options } of open) {
    await client.post(`/questions/${id}/answer`, { answer: options[0] ?? "As you think best" });
  }
  return open.length;
}

const settled = (ticket: Json) =>
  ["review", "blocked", "done", "cancelled"].includes(ticket.status);

Deno.test("with the demo model, the sample's first idea becomes a commit on main", async () => {
  await using data = await tempDir();
  await using gaffer = await startGaffer({ dataDir: data.path });
  const client = new Client(gaffer.url);
  const project = await client.post("/projects", { sample: true });
  const [idea] = (await client.get(`/projects/${project.id}/ideas`)).items;

  await client.until(`/ideas/${idea.id}`, (i) => i.status === "questions");
  equal(await answerAll(client, idea.id), 1);
  const ready = await client.until(`/ideas/${idea.id}`, (i) => i.status === "ready");
  ok(ready.plan.findings.some((f: Json) => f.path !== null), "findings lead into files");
  equal(ready.plan.subtasks.length, 2);
  ok(ready.plan.complexity);

  const ticket = await client.post(`/ideas/${idea.id}/approve`);
  const reviewed = await client.until(`/tickets/${ticket.id}`, settled);
  equal(reviewed.status, "review", reviewed.reason);
  const checks = (await client.get(`/tickets/${ticket.id}/checks`)).items;
  const own = checks.filter((c: Json) => !c.baseline);
  ok(own.some((c: Json) => c.name === "test" && c.status === "failed"), "one round failed");
  const last = own.filter((c: Json) => c.commit === reviewed.head_commit);
  deepEqual(last.map((c: Json) => [c.name, c.status]), [["build", "passed"], ["test", "passed"]]);
  match((await client.get(`/tickets/${ticket.id}/diff`)).diff, /^diff --git/);

  await client.post(`/tickets/${ticket.id}/approve`);
  const done = await client.until(`/tickets/${ticket.id}`, (t) => t.status === "done");
  const git = (...args: string[]) => run(project.path, "git", ...args);
  equal((await git("rev-parse", "main")).trim(), done.merge_commit);
  equal((await git("rev-list", "--count", "main")).trim(), "2");
  const trailers = await git("log", "-1", "--format=%(trailers:only,unfold)");
  match(trailers, /Developed-by: feature-dev/);
  match(trailers, /Reviewed-by: reviewer/);
  match(trailers, /Approved-by: owner/);
  match(trailers, /Gaffer-Ticket: 1/);
  equal((await git("status", "--porcelain")).trim(), "", "the checkout moved along and is clean");
  match(await run(project.path, "sh", "todo.sh", "help"), /count/);
});
