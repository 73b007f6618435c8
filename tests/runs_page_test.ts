/** A run's pages on their real routes, as a browser without scripts uses them. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  strictEqual as equal,
} from "node:assert";
import { NOTE_MAX_CHARS } from "../server/inputs.ts";
import { pauseRun } from "../server/services/run_control.ts";
import { readRunLog } from "../server/store/run_log.ts";
import { getRun, listIdeaRuns } from "../server/store/runs.ts";
import { pagesBench } from "./pages_support.ts";
import { clarifying, failedClarifier, record } from "./runs_support.ts";
import { type TestApp, testApp } from "./support.ts";

const actionsOf = (html: string): string[] =>
  [...html.matchAll(/<form[^>]* action="\/(?:runs|ideas|tickets)\/[^"]*\/([a-z]+)"/g)]
    .map((found) => found[1]!).sort();

async function page(app: TestApp, path: string): Promise<string> {
  return await (await pagesBench(app).get(path)).text();
}

Deno.test("a run's page offers the moves of its state and no others", async () => {
  using app = testApp();
  const run = await clarifying(app);
  const path = `/runs/${run.id}`;
  deepEqual(actionsOf(await page(app, path)), ["cancel", "message", "pause"]);
  pauseRun(app, run.id);
  const pausing = await page(app, path);
  match(pausing, /Pausing for owner/);
  deepEqual(actionsOf(pausing), ["cancel", "message", "pause", "resume"]);
  await app.end(run, { type: "stopped" });
  const paused = await page(app, path);
  match(paused, /Paused by owner/);
  deepEqual(actionsOf(paused), ["cancel", "message", "resume"]);
  app.db.prepare("UPDATE runs SET status = 'succeeded', paused_by = NULL").run();
  deepEqual(actionsOf(await page(app, path)), []);
});

Deno.test("the resume of a paused run says what it goes on from", async () => {
  using app = testApp();
  const run = await clarifying(app);
  pauseRun(app, run.id);
  await app.end(run, { type: "stopped" });
  const html = await page(app, `/runs/${run.id}`);
  const { number } = readRunLog(app.db, run.id).at(-1)!;
  match(html, new RegExp(`<a href="#e${number}">${number} waiting</a>`));
  match(html, /Does next<\/dt><dd>Asks the model/);
  match(html, /38 turns, 50M tokens, \$99\.99/);
});

Deno.test("the forms pause, resume and message a run, and lead back to it", async () => {
  using app = testApp();
  const run = await clarifying(app);
  const { post } = pagesBench(app);
  const path = `/runs/${run.id}`;
  const back = async (verb: string, fields = {}) => {
    const answer = await post(`${path}/${verb}`, fields);
    deepEqual([answer.status, answer.headers.get("location")], [303, path], verb);
  };
  await back("pause", { tools: "kill" });
  deepEqual(app.agents.paused, [{ runId: run.id, killTools: true }]);
  await back("resume");
  equal(getRun(app.db, run.id).pausedBy, null);
  await back("message", { message: "Look at *autosave*" });
  const html = await page(app, path);
  match(html, /Message from owner/);
  match(html, /Look at <em>autosave<\/em>/);
});

Deno.test("a refused message comes back with its words and the reason", async () => {
  using app = testApp();
  const run = await clarifying(app);
  const words = "x".repeat(NOTE_MAX_CHARS + 1);
  const answer = await pagesBench(app).post(`/runs/${run.id}/message`, { message: words });
  equal(answer.status, 422);
  const html = await answer.text();
  match(html, /At most 10000 characters/);
  match(html, new RegExp(words));
  match(html, /<details[^>]*id="message-0-open"[^>]*open/);
  doesNotMatch(html, /hx-sse:connect/, "a live update would take the form away");
});

Deno.test("a message that came after the last request is shown as not read", async () => {
  using app = testApp();
  const run = await clarifying(app);
  record(app, run, [{ type: "note", text: "Wait", by: "owner" }]);
  doesNotMatch(await page(app, `/runs/${run.id}`), /was not read/);
  await app.end(run, { type: "failed", reason: "stuck", message: "In circles" });
  match(await page(app, `/runs/${run.id}`), /A message was not read/);
});

Deno.test("a failed run offers its idea's retry, until another one took its place", async () => {
  using app = testApp();
  const run = await failedClarifier(app);
  const path = `/runs/${run.id}`;
  const failed = await page(app, path);
  match(failed, new RegExp(`action="/ideas/${run.ideaId}/refine"`));
  match(failed, /attempt 2 of this/);
  await pagesBench(app).post(`/ideas/${run.ideaId}/refine`);
  doesNotMatch(await page(app, path), /\/refine"/);
  const next = listIdeaRuns(app.db, run.ideaId!).at(-1)!;
  match(await page(app, `/runs/${next.id}`), /attempt 2/);
});

// ------------------------------------------------------------------ fork and replay

Deno.test("the fork page offers the turns to go on from, says what follows, and starts the fork", async () => {
  using app = testApp();
  const run = await failedClarifier(app);
  const path = `/runs/${run.id}/fork`;
  const html = await page(app, `${path}?turn=1`);
  deepEqual([...html.matchAll(/<option value="(\d)"( selected)?/g)].map((o) => [o[1], !!o[2]]), [
    ["0", false],
    ["1", true],
    ["2", false],
  ]);
  match(html, /turn 1: Read save\.sh/);
  match(html, /what they cost is not counted again/);
  match(await page(app, `/runs/${run.id}`), new RegExp(`href="${path}\\?turn=2"`));

  const { post } = pagesBench(app);
  const refused = await post(path, { turn: "1", message: " " });
  equal(refused.status, 422);
  match(await refused.text(), /Write what the agent should know/);
  const wrong = await post(path, { turn: "7", message: "Keep my words" });
  equal(wrong.status, 409);
  match(await wrong.text(), /Choose one of: 0, 1, 2[\s\S]*Keep my words/);

  const answer = await post(path, { turn: "1", message: "Ask about locks" });
  equal(answer.status, 303);
  const fork = listIdeaRuns(app.db, run.ideaId!).at(-1)!;
  equal(answer.headers.get("location"), `/runs/${fork.id}`);
  const forked = await page(app, `/runs/${fork.id}`);
  match(forked, new RegExp(`<a href="/runs/${run.id}">a run after turn 1</a>`));
  match(forked, /Forked: up to here/);
  // Now that the idea is worked on, nobody forks it again.
  equal((await pagesBench(app).get(path)).status, 409);
  doesNotMatch(await page(app, `/runs/${run.id}`), /\/fork/);
});

Deno.test("the replay page shows that the loop does the same again, or where it does not", async () => {
  using app = testApp();
  const run = await failedClarifier(app);
  const path = `/runs/${run.id}/replay`;
  app.db.prepare(
    "UPDATE events SET data = json_set(data, '$.reason', 'internal') WHERE type = 'failed'",
  )
    .run();
  match(await page(app, path), /The same again/);
  app.db.prepare(
    "UPDATE events SET data = json_set(data, '$.turn', 5) WHERE run_id = :id AND number = 6",
  )
    .run({ id: run.id });
  const html = await page(app, path);
  match(html, /Not the same/);
  match(html, new RegExp(`href="/runs/${run.id}\\?all=1#e6"`));
});

Deno.test("a run that is not over is not replayed", async () => {
  using app = testApp();
  const run = await clarifying(app);
  equal((await pagesBench(app).get(`/runs/${run.id}/replay`)).status, 409);
});

// ------------------------------------------------------------------ the transcript

Deno.test("the transcript is searched whatever a step holds, and each step keeps its address", async () => {
  using app = testApp();
  const run = await clarifying(app);
  const search = (text: string) => page(app, `/runs/${run.id}?q=${encodeURIComponent(text)}`);
  const steps = (html: string) =>
    [...html.matchAll(/<li class="(?:turn|fact)" id="(e\d+)"/g)].map((found) => found[1]);
  deepEqual(steps(await search("NO LOCK")), ["e6"], "a result, whatever its case");
  deepEqual(steps(await search("i look at `save.sh`")), ["e2"], "what was said");
  deepEqual(steps(await search("add a greeting")), ["e1"], "the task");
  const none = await search("<b>nothing</b>");
  deepEqual(steps(none), []);
  match(none, /0 of 3 steps say “&lt;b>nothing&lt;\/b>”/);
  deepEqual(steps(await page(app, `/runs/${run.id}?q=+`)), ["e1", "e2", "e6"]);
});

Deno.test("the transcript is taken along as markdown and as JSON", async () => {
  using app = testApp();
  const run = await failedClarifier(app);
  const { get } = pagesBench(app);
  const markdown = await get(`/runs/${run.id}/export?format=markdown`);
  equal(markdown.headers.get("content-type"), "text/markdown; charset=utf-8");
  equal(markdown.headers.get("content-disposition"), `attachment; filename="run-${run.id}.md"`);
  const text = await markdown.text();
  match(text, /^# clarifier on idea #1 Greet people by name$/m);
  match(text, /^## 2\. Turn 1 /m);
  match(text, /^### 8\. Search lock$/m);
  match(text, /^````\n```\nno lock\n```\n````$/m, "a fence longer than any in the text");
  match(text, /^## \d+\. Went in circles: In circles$/m);

  const json = await (await get(`/runs/${run.id}/export?format=json`)).json();
  equal(json.run.id, run.id);
  deepEqual(
    json.events.map((event: { type: string; body: object }) => ({
      type: event.type,
      ...event.body,
    })),
    JSON.parse(JSON.stringify(readRunLog(app.db, run.id).map(({ body }) => body))),
  );
  equal((await get("/runs/run_none/export?format=json")).status, 404);
});

// ------------------------------------------------------------------ tickets

Deno.test("a ticket's page pauses and resumes it", async () => {
  using app = testApp();
  const { id } = await app.ticket();
  const { post } = pagesBench(app);
  const paused = await post(`/tickets/${id}/pause`, {});
  equal(paused.headers.get("location"), `/tickets/${id}`);
  const html = await page(app, `/tickets/${id}`);
  match(html, /Paused by owner/);
  deepEqual(actionsOf(html), ["cancel", "needs", "plan", "resume", "start"]);
  equal((await post(`/tickets/${id}/resume`)).status, 303);
  const again = await page(app, `/tickets/${id}`);
  deepEqual(actionsOf(again), ["cancel", "needs", "pause", "plan", "start"]);
});
