/** The web from end to end: asked about, killed, granted, searched, cited and paid; denied; and not there at all. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { ALL_TAGS_RULE } from "../agents/permissions/tags.ts";
import {
  answer,
  cited,
  type ClaudeRequest,
  type FakeClaudeOptions,
  startFakeClaude,
  thinking,
  toolUse,
  webSearch,
} from "./fake_claude/mod.ts";
import type { Json } from "./gaffer.ts";
import { tempDir } from "./gaffer.ts";
import { greetCommands, greetRepo, greetScripts } from "./greet_story.ts";
import {
  addProject,
  answerAll,
  chargedBy,
  expect,
  logOf,
  patch,
  play,
  runsOf,
  submit,
} from "./journey_support.ts";
import { Mortal } from "./mortal.ts";

const page = { url: "https://docs.example.com/greet", title: "How others greet" };
const hasWeb = ({ body }: ClaudeRequest): boolean =>
  (body.tools ?? []).some(({ name }) => name === "web_search");
const findings = (text: string) =>
  submit({ summary: text, findings: [{ kind: "prior_art", text }] });

/** Searches where it can, reads a file and hands in. */
function research(request: ClaudeRequest) {
  if (request.turn > 1) {
    expect(!request.results[0]!.isError, request.results[0]!.content);
    return findings(
      hasWeb(request) ? `They say hello: ${page.url}` : "From memory: they say hello",
    );
  }
  const read = toolUse("Read", { file_path: "greet.sh" });
  return hasWeb(request)
    ? answer(
      thinking("Others must have done that."),
      ...webSearch("how do programs greet", [page]),
      cited("Programs say hello.", page, "Say hello."),
      read,
    )
    : answer(thinking("I know that."), "From memory.", read);
}

const scripts = (lacks: FakeClaudeOptions["lacks"] = []) => ({
  lacks,
  reply: play({ ...greetScripts, research }),
});

Deno.test("a researcher waits for a person's word on the web, through a kill; then searches, cites and is paid for", async () => {
  await using fake = startFakeClaude(scripts());
  await using data = await tempDir();
  await using repo = await greetRepo();
  await using mortal = new Mortal(data.path, {
    ANTHROPIC_API_KEY: fake.apiKey,
    ANTHROPIC_BASE_URL: fake.url,
  });
  await mortal.start();
  const project = await addProject(mortal.client, repo, greetCommands);
  await patch(mortal.client, `/projects/${project.id}`, { tags_allowed: false });
  const newIdea = async (title: string) =>
    (await mortal.client.post(`/projects/${project.id}/ideas`, { title })).id as string;
  const researcherOf = async (id: string): Promise<Json> =>
    (await runsOf(mortal.client, { idea_id: id })).find(({ purpose }) => purpose === "research");
  const pending = async (): Promise<Json[]> =>
    (await mortal.client.get("/approvals?status=pending")).items;
  const decide = async (id: string, decision: "grant" | "deny", reason = "") => {
    const response = await mortal.client.request("POST", `/approvals/${id}`, { decision, reason });
    await response.body?.cancel();
    return response.status;
  };

  // It asks before its first request, and asks once, whatever becomes of the server.
  const granted = await newIdea("Greet as others do");
  await mortal.killAt("the question", ({ type }) => type === "approval_requested");
  const waiting = await mortal.client.until(
    `/runs/${(await researcherOf(granted)).id}`,
    ({ status }) => status === "waiting",
  );
  equal(waiting.turns, 0);
  ok(!fake.accepted.some(({ agent }) => agent === "researcher"), "no request went out");
  const [asked, ...more] = await pending();
  deepEqual([more.length, asked.run_id, asked.rule], [0, waiting.id, ALL_TAGS_RULE]);
  match(asked.detail, /WebSearch \(3 a request\)[^]*private, with Read, Glob, Grep/);
  equal(await decide(asked.id, "grant"), 200);
  equal(await decide(asked.id, "deny", "too late"), 409, "decided once");
  const isOver = ({ status }: Json) => status === "succeeded" || status === "failed";
  const found = await mortal.client.until(`/runs/${waiting.id}`, isOver);
  deepEqual([found.status, found.web_searches], ["succeeded", 1]);
  match(found.result.summary, /docs\.example\.com/);

  // Its page leads to what was found and cited, and the log has every block as it came.
  const html = await (await fetch(`${new URL(mortal.client.url).origin}/runs/${found.id}`)).text();
  match(html, /Search the web for[^]*how do programs greet[^]*1 page/);
  match(html, /<a href="https:\/\/docs\.example\.com\/greet" rel="noopener noreferrer nofollow">/);
  match(html, /untrusted input[^]*way out/);
  const log = await logOf(mortal.client, found.id);
  const [turn] = log.filter(({ type }) => type === "turn_finished");
  match(JSON.stringify(turn.body.content), /encrypted_content/);

  // Denied, the next one goes on without.
  await mortal.client.until(`/ideas/${granted}`, ({ status }) => status === "questions");
  await answerAll(mortal.client, granted);
  const denied = await newIdea("Greet louder");
  await mortal.client.until(
    "/approvals?status=pending",
    ({ items }: Json) => items.length > 0,
  );
  const [second] = await pending();
  await decide(second.id, "deny", "Not this one");
  const without = await mortal.client.until(`/runs/${(await researcherOf(denied)).id}`, isOver);
  equal(without.web_searches, 0);
  match(without.result.summary, /^From memory/);
  const notes = fake.accepted.findLast(({ agent }) => agent === "researcher")!.notes;
  match(notes[0]!, /a person denied WebSearch \(Not this one\)/);

  // Every account is the fake's bill, the cent for the search included: when nothing is on its way any more.
  await mortal.client.until(`/ideas/${granted}`, ({ status }) => status === "ready");
  await mortal.client.until(`/ideas/${denied}`, ({ status }) => status === "questions");
  const usage = await mortal.client.get("/usage?group=model");
  equal(usage.total.cost_micro_usd, chargedBy(fake));
  equal(usage.total.web_searches, 1);
});

Deno.test("at an endpoint without web search a researcher goes on without, and its log says so", async () => {
  await using fake = startFakeClaude(scripts(["web_search"]));
  await using data = await tempDir();
  await using repo = await greetRepo();
  await using mortal = new Mortal(data.path, {
    ANTHROPIC_API_KEY: fake.apiKey,
    ANTHROPIC_BASE_URL: fake.url,
  });
  await mortal.start();
  const project = await addProject(mortal.client, repo, greetCommands);
  const { id } = await mortal.client.post(`/projects/${project.id}/ideas`, { title: "Greet more" });
  await mortal.client.until(`/ideas/${id}`, ({ status }) => status === "questions");
  const runs = await runsOf(mortal.client, { idea_id: id });
  const { id: runId } = runs.find(({ purpose }: Json) => purpose === "research")!;
  const run = await mortal.client.until(`/runs/${runId}`, ({ status }) => status === "succeeded");
  const log = await logOf(mortal.client, run.id);
  deepEqual(log.find(({ type }) => type === "turn_finished")!.body.withoutTools, ["WebSearch"]);
  match(log.find(({ type }) => type === "note")!.body.text, /does not have WebSearch/);
  match(run.result.summary, /^From memory/);
});
