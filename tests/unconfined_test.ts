/** Without an OS sandbox: the main job works, and every command needs a person's word first. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { join } from "node:path";
import { type ClaudeRequest, startFakeClaude } from "./fake_claude/mod.ts";
import { Client, type Json, run, startGaffer, tempDir } from "./gaffer.ts";
import {
  greetCommands,
  greetDeveloper,
  GREETED,
  greetRepo,
  greetScripts,
  greetTicket,
} from "./greet_story.ts";
import { answerAll, calls, expect, play, settled } from "./journey_support.ts";
import { appeared, Mortal } from "./mortal.ts";

const OFF = ["--sandbox", "off"];

Deno.test("without a sandbox, the sample's first idea becomes a commit on main", async () => {
  await using data = await tempDir();
  await using gaffer = await startGaffer({ dataDir: data.path, args: OFF });
  const client = new Client(gaffer.url);
  const project = await client.post("/projects", { sample: true });
  const [idea] = (await client.get(`/projects/${project.id}/ideas`)).items;
  await client.until(`/ideas/${idea.id}`, (i) => i.status === "questions");
  await answerAll(client, idea.id);
  await client.until(`/ideas/${idea.id}`, (i) => i.status === "ready");

  const status = await client.get("/system/status");
  equal(status.refused, null, "the canary found no hole");
  equal(status.confinement.kind, "process");
  match(status.confinement.hint, /bubblewrap|sandbox/);

  const { id } = await client.post(`/ideas/${idea.id}/approve`);
  const reviewed = await client.until(`/tickets/${id}`, settled);
  equal(reviewed.status, "review", reviewed.reason);
  const checks = (await client.get(`/tickets/${id}/checks`)).items;
  ok(checks.length > 4 && checks.every((check: Json) => check.unconfined));
  await client.post(`/tickets/${id}/approve`);
  const done = await client.until(`/tickets/${id}`, (t) => t.status !== "review");
  equal(done.status, "done", done.reason);
  equal((await run(project.path, "git", "rev-parse", "main")).trim(), done.merge_commit);
});

const ONCE = "echo once >> proof.txt";
const ENDLESS = "echo begun >> proof.txt; exec sleep 600";
const UNWANTED = "echo unwanted >> proof.txt";
const bash = (command: string) => calls(["Bash", { command }]);

/** Three commands, each of another fate; then the work. */
function commander(request: ClaudeRequest) {
  const [last] = request.results;
  switch (request.turn) {
    case 1:
      return bash(ONCE);
    case 2:
      expect(!last?.isError, `the granted command should have run: ${last?.content}`);
      return bash(ENDLESS);
    case 3:
      expect(last?.isError && /interrupted by a restart/.test(last.content), `${last?.content}`);
      return bash(UNWANTED);
    case 4:
      expect(
        last?.isError && /A person denied this call: not on my machine/.test(last.content),
        `the model should be told who denied it and why: ${last?.content}`,
      );
      return calls(["Read", { file_path: "greet.sh" }]);
    default:
      return greetDeveloper(request);
  }
}

Deno.test("without a sandbox, a person allows each command that a model wrote", async (t) => {
  await using fake = startFakeClaude({ reply: play({ ...greetScripts, develop: commander }) });
  await using data = await tempDir();
  await using repo = await greetRepo({ ".gitignore": "proof.txt\n" });
  const env = { ANTHROPIC_API_KEY: fake.apiKey, ANTHROPIC_BASE_URL: fake.url };
  await using mortal = new Mortal(data.path, env, OFF);
  await mortal.start();
  const project = await mortal.client.post("/projects", {
    path: repo.dir,
    commands: greetCommands,
  });
  const ticket = await mortal.client.post(`/projects/${project.id}/tickets`, {
    ...greetTicket,
    type: "bugfix",
  });
  const path = `/tickets/${ticket.id}`;
  const worktree = join(data.path, "projects", project.slug, "worktrees", "1");
  const proof = join(worktree, "proof.txt");
  /** The next command that waits. */
  const asked = async () => {
    const event = await mortal.events.next("a request", (e) => e.type === "approval_requested");
    const run = await mortal.client.until(`/runs/${event.run_id}`, (r) => r.status === "waiting");
    equal(run.wait_reason, "Waits for your approval");
    return await mortal.client.get(`/approvals/${event.data.approvalId}`);
  };
  const decide = (id: string, decision: "grant" | "deny", reason = "") =>
    mortal.client.post(`/approvals/${id}`, { decision, reason });

  await t.step("the project's own commands do not run until they are allowed", async () => {
    const blocked = await mortal.client.until(path, settled);
    deepEqual([blocked.status, blocked.failure], ["blocked", "commands_not_allowed"]);
    match(blocked.reason, /no sandbox \(bubblewrap\) on this machine/);
    deepEqual((await mortal.client.get(`${path}/checks`)).items, []);
    // The ticket's page names them, and one press allows them and goes on.
    const page = await (await fetch(`${mortal.client.url}${path}`)).text();
    for (const command of Object.values(greetCommands)) {
      ok(page.includes(`<code>${command}</code>`));
    }
    const [, action] = /action="([^"]+\/allow-commands)"/.exec(page)!;
    const press = () =>
      fetch(`${mortal.client.url}${action}`, { method: "POST", redirect: "manual" });
    const pressed = await press();
    deepEqual([pressed.status, pressed.headers.get("location")], [303, path]);
    ok((await mortal.client.get(`/projects/${project.id}`)).commands_allowed);
    const again = await press();
    equal(again.status, 409, "the ticket waits for something else by now");
    await Promise.all([pressed, again].map((response) => response.body?.cancel()));
  });

  await t.step("a command waits, with its exact words, also over a restart", async () => {
    const approval = await asked();
    deepEqual([approval.tool, approval.detail], ["Bash", ONCE]);
    await mortal.killAndStart();
    const again = await mortal.client.get(`/approvals/${approval.id}`);
    deepEqual(again, approval);
    equal((await mortal.client.get(`/runs/${approval.run_id}`)).status, "waiting");
    await decide(approval.id, "grant");
    const twice = await mortal.client.request("POST", `/approvals/${approval.id}`, {
      decision: "deny",
    });
    equal(twice.status, 409);
    match((await twice.json()).detail, /owner has already granted it/);
  });

  await t.step("once granted it runs once, also when a kill cuts it off", async () => {
    const approval = await asked();
    equal(approval.detail, ENDLESS);
    equal(await Deno.readTextFile(proof), "once\n");
    const begun = appeared(
      worktree,
      (path) => path === proof && Deno.readTextFileSync(proof).includes("begun"),
    );
    await decide(approval.id, "grant");
    await begun;
    await mortal.killAndStart();
  });

  await t.step("a denial reaches the model, with the reason", async () => {
    const approval = await asked();
    equal(approval.detail, UNWANTED);
    const denied = await decide(approval.id, "deny", "not on my machine");
    deepEqual([denied.status, denied.decided_by], ["denied", "owner"]);
    const reviewed = await mortal.client.until(path, settled);
    equal(reviewed.status, "review", reviewed.reason);
    equal(await Deno.readTextFile(proof), "once\nbegun\n");
    equal(await Deno.readTextFile(join(worktree, "greet.sh")), GREETED);
    ok(fake.requests.every(({ status }) => status === 200));
  });
});
