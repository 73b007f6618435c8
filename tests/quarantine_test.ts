/** A job that takes the whole process down each time it is tried: it is put aside, and nothing else suffers. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import { broken, type ClaudeRequest, startFakeClaude } from "./fake_claude/mod.ts";
import { tempDir } from "./gaffer.ts";
import { asking, greetCommands, greetRepo, greetScripts } from "./greet_story.ts";
import {
  addProject,
  answerAll,
  attribute,
  play,
  purposeOf,
  runsOf,
  settled,
} from "./journey_support.ts";
import { Mortal } from "./mortal.ts";

const DEADLY = "Deadly";
const isDeadly = (request: ClaudeRequest | null): boolean =>
  request !== null && attribute(request, "idea", "title") === DEADLY &&
  purposeOf(request) === "clarify";

Deno.test("a run whose server is killed three times in its first request is quarantined, and a neighbour goes on", async (t) => {
  const usual = play(greetScripts);
  let isMended = false;
  await using fake = startFakeClaude({
    reply: (request) =>
      isDeadly(request) && !isMended
        ? broken(asking, { type: "hold", after: "headers" })
        : usual(request),
  });
  await using data = await tempDir();
  await using repo = await greetRepo();
  await using mortal = new Mortal(data.path, {
    ANTHROPIC_API_KEY: fake.apiKey,
    ANTHROPIC_BASE_URL: fake.url,
  });
  await mortal.start();
  const project = await addProject(mortal.client, repo, greetCommands);
  const submit = (title: string) => mortal.client.post(`/projects/${project.id}/ideas`, { title });
  const read = (id: string) => mortal.client.get(`/ideas/${id}`);
  const reached = (id: string, status: string) =>
    mortal.client.until(`/ideas/${id}`, (idea) => idea.status === status);
  const deadlyRequests = () => fake.requests.filter(({ request }) => isDeadly(request)).length;
  const neighbour = await submit("Greet more");
  await mortal.events.next(
    "its question",
    ({ type, data }) => type === "idea_moved" && data.to === "questions",
  );
  const deadly = await submit(DEADLY);

  await t.step("killed in its first request, it is tried again twice", async () => {
    for (let kill = 1; kill <= 3; kill++) {
      await fake.waitFor(() => deadlyRequests() === kill);
      // What else there is to do gets on while the one hangs.
      if (kill === 1) {
        await mortal.events.next("the research", ({ type }) => type === "succeeded");
      } else if (kill === 2) {
        equal(await answerAll(mortal.client, neighbour.id), 1);
        await reached(neighbour.id, "ready");
      }
      equal((await read(deadly.id)).status, "refining");
      await mortal.killAndStart();
    }
  });

  await t.step("then its run has failed and its idea is stuck, with the reason", async () => {
    const idea = await reached(deadly.id, "stuck");
    const runs = await runsOf(mortal.client, { idea_id: deadly.id });
    const ended = runs.map(({ purpose, status, failure }) => `${purpose} ${status} ${failure}`);
    deepEqual(ended.sort(), ["clarify failed quarantined", "research succeeded null"]);
    equal(idea.failure, "quarantined");
    const reason = /Gaffer went down 3 times while it ran, so it is not tried again by itself/;
    match(runs.find(({ status }) => status === "failed")!.error, reason);
    match(idea.reason, reason);
    const { items: discarded } = await mortal.client.get("/jobs?status=discarded");
    equal(discarded.length, 1);
    match(discarded[0].errors.at(-1).message, reason);
  });

  await t.step("its neighbour's work goes on", async () => {
    const ticket = await mortal.client.post(`/ideas/${neighbour.id}/approve`);
    const { status, reason } = await mortal.client.until(`/tickets/${ticket.id}`, settled);
    equal(status, "review", reason);
    equal(deadlyRequests(), 3, "nothing has tried the other one again");
  });

  await t.step("once its cause is mended, a person has it tried again, and it works", async () => {
    isMended = true;
    await mortal.client.post(`/ideas/${deadly.id}/refine`);
    await reached(deadly.id, "questions");
    await answerAll(mortal.client, deadly.id);
    await reached(deadly.id, "ready");
  });
});
