/** A planning agent at work over a real server, git and a strict Claude, and a person deciding in a browser. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import type { Browser } from "playwright-core";
import { chromiumPath, desktop, launchBrowser, needsChromium, openPage } from "./browser.ts";
import { type ClaudeRequest, startFakeClaude } from "./fake_claude/mod.ts";
import { type Json, tempDir } from "./gaffer.ts";
import { greetCommands, greetRepo } from "./greet_story.ts";
import { addProject, attribute, calls, expect, logOf, play, submit } from "./journey_support.ts";
import { Mortal } from "./mortal.ts";
import { EDITS, SPEC, SPEC_TEXT } from "./planning_asks_support.ts";

const ended = ({ status }: Json): boolean => ["succeeded", "failed", "cancelled"].includes(status);
const finding = { kind: "contradiction", severity: "major", section: "Slots", text: "It has five" };

function analyst(request: ClaudeRequest) {
  const { turn, results } = request;
  if (attribute(request, "ask", "kind") === "interview") {
    const questions = [{ question: "How many slots?", why: "Nobody says it", options: ["3", "5"] }];
    return turn === 1
      ? calls(["ask_questions", { questions }])
      : submit({ summary: "One thing is open", findings: [] });
  }
  switch (turn) {
    case 1:
      expect(request.prompt.includes("There are three."), "the document is in its task");
      return calls(
        ["Read", { file_path: "greet.sh" }],
        // What it is not given it tries all the same.
        ["Write", { file_path: SPEC, content: "bad\n" }],
        ["Write", { file_path: "greet.sh", content: "bad\n" }],
      );
    case 2:
      return submit({
        summary: "Nearly",
        findings: [],
        edits: [{ old: "There are four.", new: "There are five.", reason: "The code" }],
      });
    default:
      expect(/edits\.0\.old: it is not in the document/.test(results[0]!.content), "it is told");
      return submit({ summary: "It is behind the code", findings: [finding], edits: EDITS });
  }
}

const writer = submit({
  summary: "Says five",
  edits: [{ old: "three", new: "five", reason: "As you answered" }],
  questions: [],
});

Deno.test({
  name: `a document is reviewed over a kill, and two of three pieces are accepted${needsChromium}`,
  ignore: chromiumPath === null,
  async fn() {
    await using fake = startFakeClaude({
      reply: play({
        plan: (request) => request.agent === "analyst" ? analyst(request) : writer,
      }),
    });
    await using data = await tempDir();
    await using repo = await greetRepo({ [SPEC]: SPEC_TEXT });
    const env = { ANTHROPIC_API_KEY: fake.apiKey, ANTHROPIC_BASE_URL: fake.url };
    await using mortal = new Mortal(data.path, env);
    await mortal.start();
    const project = await addProject(mortal.client, repo, greetCommands);
    const [document] = (await mortal.client.get(`/projects/${project.id}/documents`)).items;
    const ask = await mortal.client.post(`/documents/${document.id}/asks`, {
      ask: "review",
      words: "Is it still so?",
    });
    await mortal.killAt("its first turn", (event) => event.type === "turn_finished");
    const run = await mortal.client.until(`/runs/${ask.run_id}`, ended);
    equal(run.status, "succeeded", run.error);
    ok(run.cost_micro_usd > 0);
    deepEqual([run.turns, run.ask_id, run.agent], [3, ask.id, "analyst"]);
    const log = await logOf(mortal.client, run.id);
    const started = log.find(({ type }) => type === "started")!.body.spec;
    const tools: string[] = started.tools.map(({ name }: Json) => name);
    deepEqual(tools.filter((name) => ["Write", "Edit", "Bash"].includes(name)), []);
    equal(await repo.read(SPEC), SPEC_TEXT);
    match(await repo.read("greet.sh"), /hello/);
    equal(await repo.git("status", "--porcelain"), "");
    const browser = await launchBrowser();
    try {
      await decide(browser, mortal, { askId: ask.id, read: () => repo.read(SPEC) });
      await beAsked(browser, mortal, document.id);
    } finally {
      await browser.close();
    }
    const written = await repo.git("log", "--format=%s", "--", SPEC);
    equal(written.split("\n").filter((line) => line.startsWith("docs(planning)")).length, 2);
  },
});

async function decide(
  browser: Browser,
  { client }: Mortal,
  { askId, read }: { askId: string; read: () => Promise<string> },
): Promise<void> {
  const url = `${client.url}/asks/${askId}`;
  {
    await using watched = await openPage(browser, { viewport: desktop });
    const { page, problems } = watched;
    await page.goto(url);
    await page.getByText("It has five").waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("a");
    await page.locator("#flash", { hasText: "Piece 1 is in the document" }).waitFor();
    await page.locator("#piece-2:focus").waitFor();
    await page.keyboard.press("Shift+X");
    await page.locator("#flash", { hasText: "Piece 2 is left out" }).waitFor();
    await page.locator("#piece-3:focus").waitFor();
    deepEqual(problems, []);
  }
  await using plain = await openPage(browser, {
    viewport: { ...desktop, width: 320 },
    javaScriptEnabled: false,
  });
  const { page } = plain;
  await page.goto(url);
  await page.getByRole("button", { name: "Accept piece 3" }).click();
  await page.getByText("Partly accepted").waitFor();
  const wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
  equal(await page.evaluate(wide), 0, "the page is wider than the window");
  equal(await read(), SPEC_TEXT.replace("saved.", "saved often.").replace("a file", "a folder"));
}

/** The interview: asked with the keyboard, answered with the mouse, worked in by the writer. */
async function beAsked(browser: Browser, { client }: Mortal, documentId: string): Promise<void> {
  await using watched = await openPage(browser, { viewport: desktop });
  const { page, problems } = watched;
  await page.goto(`${client.url}/documents/${documentId}`);
  await page.keyboard.press("q");
  await page.getByLabel("What", { exact: true }).selectOption("interview");
  await page.getByLabel("In your words").focus();
  await page.keyboard.press("Control+Enter");
  await page.getByRole("heading", { name: "How many slots?" }).waitFor();
  await page.getByLabel("5", { exact: true }).check();
  await page.getByRole("button", { name: "Answer" }).click();
  await page.getByRole("link", { name: "The answers are worked in" }).click();
  await page.getByText("As you answered").waitFor();
  await page.getByRole("button", { name: "Reject piece 1" }).click();
  await page.locator("#suggestion", { hasText: "Rejected" }).waitFor();
  deepEqual(problems, []);
}
