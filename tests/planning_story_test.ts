/** From a document to a merged ticket and back: the whole of planning over a real server, git and a strict Claude. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import type { Page } from "playwright-core";
import { chromiumPath, desktop, launchBrowser, needsChromium, openPage } from "./browser.ts";
import { type ClaudeRequest, startFakeClaude } from "./fake_claude/mod.ts";
import { Client, type Json, startGaffer, tempDir } from "./gaffer.ts";
import { greetCommands, greetDeveloper, greetRepo, greetScripts } from "./greet_story.ts";
import {
  addProject,
  answerAll,
  attribute,
  expect,
  play,
  settled,
  submit,
} from "./journey_support.ts";

const SPEC = "planning/specs/greeting.md";
const FRONT = "---\ntype: spec\nstatus: approved\nfiles: greet.sh\n---\n";
const BODY = `# Greeting

It greets.

## Requirements

- Greet the world
- Greet in French

## Format

It prints hello.

## Where

All of it is in greet.sh.
`;

const pieces = [
  { old: "It greets.", new: "It greets whoever runs it.", reason: "Nobody is named" },
  { old: "It prints hello.", new: "It shouts hello.", reason: "It should be heard" },
  { old: "All of it is in greet.sh.", new: "It is in greet.sh alone.", reason: "Shorter" },
];

function planner(request: ClaudeRequest) {
  if (attribute(request, "ask", "kind") === "review") {
    return submit({ summary: "Could be clearer", findings: [], edits: pieces });
  }
  expect(/greet\.sh/.test(request.prompt), "the commits and their files are in its task");
  return submit({
    summary: "It greets the world now",
    edits: [{ old: "prints hello.", new: "prints hello, world.", reason: "The code does" }],
    questions: [],
  });
}

Deno.test({
  name:
    `a spec is written, reviewed, made into ideas, built, found stale, updated and exported${needsChromium}`,
  ignore: chromiumPath === null,
  async fn() {
    let told = "";
    await using fake = startFakeClaude({
      reply: play({
        ...greetScripts,
        plan: planner,
        develop(request: ClaudeRequest) {
          told ||= request.prompt;
          return greetDeveloper(request);
        },
      }),
    });
    await using data = await tempDir();
    await using repo = await greetRepo({
      "planning/conventions.md":
        "---\nstatus: approved\n---\n# Conventions\n\nShell, and little of it.\n",
    });
    await using gaffer = await startGaffer({
      dataDir: data.path,
      env: { ANTHROPIC_API_KEY: fake.apiKey, ANTHROPIC_BASE_URL: fake.url },
    });
    const client = new Client(gaffer.url);
    const project = await addProject(client, repo, greetCommands);
    const browser = await launchBrowser();
    try {
      await using watched = await openPage(browser, { viewport: desktop });
      const { page, problems } = watched;
      await page.goto(`${gaffer.url}/planning`);
      await write(page);
      equal(await repo.read(SPEC), FRONT + BODY);
      await review(page);
      match(await repo.read(SPEC), /whoever runs it[^]*prints hello\.[^]*greet\.sh alone/);
      await extract(page);
      await build(client, project.id);
      match(await repo.read("greet.sh"), /hello, world/);
      ok(told.includes("It greets whoever runs it."), "the developer was told the approved spec");
      await update(page);
      match(await repo.read(SPEC), /prints hello, world\./);
      await exportGuide(page);
      match(await repo.read("CLAUDE.md"), /Shell, and little of it\./);
      equal(await repo.git("status", "--porcelain"), "");
      deepEqual(problems, []);
    } finally {
      await browser.close();
    }
  },
});

/** By keyboard, from a template. */
async function write(page: Page): Promise<void> {
  await page.keyboard.press("e");
  await page.getByLabel("Title").fill("Greeting");
  await page.getByRole("combobox", { name: "Template" }).selectOption({ label: "Feature spec" });
  await page.keyboard.press("Control+Enter");
  await page.getByRole("heading", { level: 1, name: "Edit Greeting" }).waitFor();
  const text = page.locator("#document-form-text");
  match(await text.inputValue(), /## Problem/);
  await text.fill(FRONT + BODY);
  await page.keyboard.press("Control+Enter");
  await page.getByRole("heading", { level: 1, name: "Greeting" }).waitFor();
}

/** Asked by keyboard; of three pieces two are accepted. */
async function review(page: Page): Promise<void> {
  await page.keyboard.press("q");
  await page.getByLabel("What", { exact: true }).selectOption("review");
  await page.getByLabel("In your words").focus();
  await page.keyboard.press("Control+Enter");
  await page.getByText("Could be clearer").waitFor();
  await page.getByRole("button", { name: "Accept piece 1" }).click();
  await page.locator("#flash", { hasText: "Piece 1 is in the document" }).waitFor();
  await page.getByRole("button", { name: "Reject piece 2" }).click();
  await page.locator("#flash", { hasText: "Piece 2 is left out" }).waitFor();
  await page.getByRole("button", { name: "Accept piece 3" }).click();
  await page.getByText("Partly accepted").waitFor();
}

async function extract(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Greeting", exact: true }).first().click();
  await page.getByRole("link", { name: "Make ideas" }).click();
  await page.getByLabel("Greet in French").uncheck();
  await page.getByRole("button", { name: "Make the ticked ideas" }).click();
  await page.locator("#document-ideas", { hasText: "#1 Greet the world" }).waitFor();
}

/** The main job has journeys of its own. */
async function build(client: Client, projectId: string): Promise<void> {
  const [idea] = (await client.get(`/projects/${projectId}/ideas`)).items;
  await client.post(`/ideas/${idea.id}/refine`);
  await client.until(`/ideas/${idea.id}`, (i: Json) => i.status === "questions");
  await answerAll(client, idea.id);
  await client.until(`/ideas/${idea.id}`, (i: Json) => i.status === "ready");
  const ticket = await client.post(`/ideas/${idea.id}/approve`);
  const reviewed = await client.until(`/tickets/${ticket.id}`, settled);
  equal(reviewed.status, "review", reviewed.reason);
  await client.post(`/tickets/${ticket.id}/approve`);
  await client.until(`/tickets/${ticket.id}`, (t: Json) => t.status === "done");
}

/** What the code has left behind is brought up to date, and is true again. */
async function update(page: Page): Promise<void> {
  await page.goto(page.url());
  await page.locator("#document-stale", { hasText: "greet.sh" }).waitFor();
  await page.getByRole("button", { name: "Propose an update" }).click();
  await page.getByText("It greets the world now").waitFor();
  await page.getByRole("button", { name: "Accept piece 1" }).click();
  await page.locator("#suggestion", { hasText: "Accepted" }).waitFor();
  await page.getByRole("link", { name: "Greeting", exact: true }).first().click();
  await page.getByRole("heading", { level: 1, name: "Greeting" }).waitFor();
  equal(await page.locator("#document-stale").count(), 0);
}

async function exportGuide(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Planning", exact: true }).first().click();
  await page.getByRole("link", { name: "Export" }).click();
  await page.getByRole("link", { name: "CLAUDE.md" }).first().click();
  await page.locator("#guide-changes", { hasText: "Shell, and little of it." }).waitFor();
  await page.getByRole("button", { name: "Commit to main" }).click();
  await page.locator("#flash", { hasText: "CLAUDE.md" }).waitFor();
}
