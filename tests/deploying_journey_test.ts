/** A merged ticket is deployed by the steps that its project has: each command waits for a person, who may say no. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { type ClaudeRequest, startFakeClaude } from "./fake_claude/mod.ts";
import { Client, type Json, startGaffer, tempDir } from "./gaffer.ts";
import { greetCommands, greetRepo, greetScripts, greetTicket } from "./greet_story.ts";
import { addProject, calls, Events, expect, play, settled, submit } from "./journey_support.ts";

const CHECK = "sh greet.sh";
const PUSH = "sh release.sh staging";

const deploy = [
  (request: ClaudeRequest) => {
    expect(/To staging, please/.test(JSON.stringify(request.body)), "the person's words are told");
    return calls(["Read", { file_path: "release.sh" }]);
  },
  calls(["Bash", { command: CHECK }]),
  ({ results: [printed] }: ClaudeRequest) => {
    expect(/hello, world/.test(printed!.content), `what was merged runs: ${printed!.content}`);
    return calls(["Bash", { command: PUSH }]);
  },
  ({ results: [refused] }: ClaudeRequest) => {
    expect(/A person denied this call: not today/.test(refused!.content), "the no is told");
    return submit({
      status: "blocked",
      summary: "The release was denied",
      steps: [
        { action: CHECK, state: "done", evidence: "hello, world" },
        { action: PUSH, state: "denied", evidence: "not today" },
      ],
      rollback: "Nothing went out",
    });
  },
];

Deno.test("a merged ticket is deployed, each command with a person's word", async () => {
  await using fake = startFakeClaude({ reply: play({ ...greetScripts, deploy }) });
  await using data = await tempDir();
  await using repo = await greetRepo({ "release.sh": "touch released\n" });
  await using gaffer = await startGaffer({
    dataDir: data.path,
    env: { ANTHROPIC_API_KEY: fake.apiKey, ANTHROPIC_BASE_URL: fake.url },
  });
  const client = new Client(gaffer.url);
  const project = await addProject(client, repo, greetCommands);
  const { id } = await client.post(`/projects/${project.id}/tickets`, greetTicket);
  const early = await client.request("POST", `/tickets/${id}/deploy`, { words: "" });
  equal(early.status, 409);
  match(await early.text(), /only what is merged can be deployed/);
  await client.until(`/tickets/${id}`, settled);
  await client.post(`/tickets/${id}/approve`);
  await client.until(`/tickets/${id}`, ({ status }) => status === "done");

  const page = async () => await (await fetch(`${gaffer.url}/tickets/${id}`)).text();
  match(await page(), /<form[^>]* action="\/tickets\/[^"]+\/deploy"/);
  await using events = await Events.open(gaffer.url);
  const said = await fetch(`${gaffer.url}/tickets/${id}/deploy`, {
    method: "POST",
    body: new URLSearchParams({ words: "To staging, please" }),
  });
  equal(said.status, 200, await said.text());
  const asked = async (detail: string) => {
    const event = await events.next("a request", (e) => e.type === "approval_requested");
    const approval = await client.get(`/approvals/${event.data.approvalId}`);
    equal(approval.detail, detail);
    const shown = await page();
    ok(shown.includes(detail), "the ticket's page shows what is asked");
    ok(!shown.includes('/deploy"'), "and no second one is offered");
    return approval;
  };
  const { id: first, run_id } = await asked(CHECK);
  await client.post(`/approvals/${first}`, { decision: "grant" });
  const { id: second } = await asked(PUSH);
  await client.post(`/approvals/${second}`, { decision: "deny", reason: "not today" });
  const run = await client.until(`/runs/${run_id}`, ({ finished_at }: Json) => finished_at);
  deepEqual([run.agent, run.purpose, run.status], ["deployer", "deploy", "succeeded"]);
  equal(run.result.status, "blocked");
  match(await page(), /Deployment stopped: The release was denied/);
  equal((await client.get(`/tickets/${id}`)).status, "done");
  equal(await repo.git("status", "--porcelain"), "", "the person's folder is as it was");
});
