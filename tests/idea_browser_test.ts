/** An idea's page in a real browser, on the real routes and their event stream. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import type { Browser, Page } from "playwright-core";
import type { Idea } from "../server/records.ts";
import { editIdea } from "../server/services/ideas.ts";
import { advanceIdea, recordQuestions } from "../server/services/refinement.ts";
import { getIdea } from "../server/store/ideas.ts";
import { listQuestions } from "../server/store/questions.ts";
import { listIdeaRuns } from "../server/store/runs.ts";
import { chromiumPath, desktop, launchBrowser, needsChromium, openPage } from "./browser.ts";
import { listen } from "./http_support.ts";
import { pagesBench } from "./pages_support.ts";
import { results, type TestApp, testApp } from "./support.ts";

/** Set by whoever wants to see what the page looked like. */
const SHOTS = Deno.env.get("GAFFER_SCREENSHOTS");

interface Stage {
  app: TestApp;
  page: Page;
  idea: Idea;
  shot(name: string): Promise<void>;
}

interface Look {
  status?: "refining" | "ready";
  width?: number;
  scripts?: boolean;
  /** What the console is expected to say. */
  expected?: RegExp[];
}

/** Opens a fresh idea's page, waits until it is live, and looks at the end whether all went well. */
async function onPage(
  browser: Browser,
  { status = "ready", width = desktop.width, scripts = true, expected = [] }: Look,
  act: (stage: Stage) => Promise<void>,
): Promise<void> {
  using app = testApp();
  const idea = await app.idea(status);
  await using server = listen(pagesBench(app).http);
  const viewport = { ...desktop, width };
  await using watched = await openPage(browser, { viewport, javaScriptEnabled: scripts });
  const { page, problems } = watched;
  const live = scripts && page.waitForResponse((answer) => answer.url().includes("/live/idea/"));
  await page.goto(`${server.origin}/ideas/${idea.id}`);
  await live;
  await act({
    app,
    page,
    idea,
    async shot(name) {
      if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}-${width}.png`, fullPage: false });
    },
  });
  const over = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
  equal(await page.evaluate(over), 0, "the page is wider than the window");
  deepEqual(problems.filter((text) => !expected.some((known) => known.test(text))), []);
}

Deno.test({
  name: `an idea's page is worked with in a browser${needsChromium}`,
  ignore: chromiumPath === null,
  async fn(t) {
    const browser = await launchBrowser();
    const step = (name: string, act: (stage: Stage) => Promise<void>, look: Look = {}) =>
      t.step(name, () => onPage(browser, look, act));
    const expected = [/422/];
    const [phone, noScripts] = [{ width: 360 }, { scripts: false }];
    try {
      await step("what agents find out appears without a reload", learn, { status: "refining" });
      await step("typed words outlast a live update that changes the saved ones", type);
      await step("saved words are shown, and their form folds under the focus", save);
      await step("so they are on a phone", save, phone);
      await step("refused words stay in their open form", refuse, { expected });
      await step("so they do without scripts", refuse, { ...noScripts, expected });
      await step("a refused subtask unfolds, linked from the summary", refuseSubtask, { expected });
      await step("so it does on a phone", refuseSubtask, { ...phone, expected });
      await step("and without scripts", refuseSubtask, { ...noScripts, expected });
      await step("an answer that was refused and is given leaves the focus on the page", mend, {
        status: "refining",
        expected,
      });
      await step(
        "after an answer or Skip the focus is on the next question, at last on all",
        next,
        {
          status: "refining",
        },
      );
      await step("quick-add keeps the focus, and Ctrl+Enter opens what it adds", quickAdd);
      await step("a subtask that is left out needs no title", leaveOut);
      await step("nor does it without scripts", leaveOut, noScripts);
      await step("a rejection is undone by a key", undo);
      await step("the key of Approve brings the focus there, and Enter approves", decide);
    } finally {
      await browser.close();
    }
  },
});

const title = "#words-title";
const description = "#words-description";

const shows = (page: Page, text: string) =>
  page.locator("#idea-description, #idea-plan").getByText(text).first().waitFor();
const edit = (page: Page) => page.getByText("Edit title and description").click();
const approve = (page: Page) => page.getByRole("button", { name: "Approve" }).click();
const foldSubtask = (page: Page) => page.locator("#subtask-2 > summary").click();
const isOpen = (page: Page, id: string) =>
  page.locator(`#${id}`).evaluate((details: HTMLDetailsElement) => details.open);

const focused = (page: Page, selector: string) => page.locator(`${selector}:focus`).waitFor();

async function learn({ app, page, idea }: Stage): Promise<void> {
  await app.succeed(idea, "clarify", results.clarify);
  await shows(page, "Say hello");
  await app.succeed(idea, "research", results.research);
  advanceIdea(app, idea.id);
  await app.succeed(idea, "estimate", results.estimate);
  await shows(page, "A test shows it");
}

async function type({ app, page, idea }: Stage): Promise<void> {
  await edit(page);
  await page.fill(title, "My title");
  await page.fill(description, "My description");
  // Both are changed elsewhere, while only one of them has the focus.
  editIdea(app, idea.id, { title: "Their title", description: "Their description" });
  await page.locator("#idea-description .prose", { hasText: "Their description" }).waitFor();
  equal(await page.inputValue(title), "My title");
  equal(await page.inputValue(description), "My description");
  ok(await isOpen(page, "edit-words"));
  await focused(page, description);
  // A field that nobody touched follows what is saved.
  const subtasks = idea.plan.subtasks.map((subtask) => ({ ...subtask, title: "Changed" }));
  editIdea(app, idea.id, { subtasks });
  await page.locator("#subtask-1", { hasText: "Changed" }).waitFor();
  equal(await page.inputValue("#plan-title_1"), "Changed");
  equal(await page.inputValue(title), "My title");
}

async function save({ app, page, idea, shot }: Stage): Promise<void> {
  await page.keyboard.press("e");
  await focused(page, title);
  await shot("open");
  await page.fill(title, "Greet everybody");
  await page.fill(description, "By *name*");
  await page.keyboard.press("Control+Enter");
  await page.locator("h1", { hasText: "Greet everybody" }).waitFor();
  await focused(page, "#edit-words > summary");
  ok(!await isOpen(page, "edit-words"));
  await shows(page, "name");
  equal(getIdea(app.db, idea.id).description, "By *name*");
  await shot("saved");
}

/** The browser lets a title of spaces pass, the server does not. */
async function refuse({ app, page, idea, shot }: Stage): Promise<void> {
  await edit(page);
  await page.fill(title, "  ");
  await page.fill(description, "My description");
  await page.locator("#words").getByRole("button", { name: "Save" }).click();
  await page.locator("[data-error-summary] a").click();
  await focused(page, title);
  equal(await page.inputValue(description), "My description");
  ok(await isOpen(page, "edit-words"));
  equal(getIdea(app.db, idea.id).description, "");
  await shot("refused-words");
}

async function refuseSubtask({ page, shot }: Stage): Promise<void> {
  await foldSubtask(page);
  await page.fill("#plan-title_2", "");
  await page.fill("#plan-order_2", "1");
  await foldSubtask(page);
  await approve(page);
  const link = page.locator("[data-error-summary] a");
  await link.waitFor();
  ok(await isOpen(page, "subtask-2"), "the field is in sight");
  await link.click();
  await focused(page, "#plan-title_2");
  equal(await page.locator("#plan-title_2-error").textContent(), "Subtask 2: Write a title");
  await shot("refused-subtask");
}

async function mend({ app, page, idea }: Stage): Promise<void> {
  const run = listIdeaRuns(app.db, idea.id).find(({ purpose }) => purpose === "clarify")!;
  const question = { question: "Which name?", why: "There are two", options: ["First", "Last"] };
  app.tx((tx) => recordQuestions(tx, run, { questions: [question] }));
  const form = page.locator("#idea-questions");
  await form.getByRole("button", { name: "Answer" }).click();
  await page.locator("[data-error-summary]:focus").waitFor();
  const live = page.waitForResponse((answer) => answer.url().includes("/live/idea/"));
  await form.getByText("Last").click();
  await form.getByRole("button", { name: "Answer" }).click();
  await live;
  await page.waitForFunction(() => document.activeElement !== document.body);
}

async function next({ app, page, idea }: Stage): Promise<void> {
  const run = listIdeaRuns(app.db, idea.id).find(({ purpose }) => purpose === "clarify")!;
  const ask = (question: string) => ({ question, why: "There are two", options: ["A", "B"] });
  app.tx((tx) => recordQuestions(tx, run, { questions: ["One?", "Two?", "Three?"].map(ask) }));
  const [one, two, three] = listQuestions(app.db, idea.id).map(({ id }) => `#question-${id}`);
  await page.locator(one!).getByText("A", { exact: true }).click();
  await page.locator(one!).getByRole("button", { name: "Answer" }).click();
  await focused(page, two!);
  // The keys are those of the question that has the focus.
  await page.keyboard.press("2");
  await page.keyboard.press("Control+Enter");
  await focused(page, three!);
  await page.keyboard.press("s");
  await focused(page, "#idea-questions");
  const decided = listQuestions(app.db, idea.id).map(({ status, answer }) => [status, answer]);
  deepEqual(decided, [["answered", "A"], ["answered", "B"], ["skipped", ""]]);
}

async function quickAdd({ app, page }: Stage): Promise<void> {
  const field = ".quick-add [name=title]";
  await page.keyboard.press("c");
  await focused(page, field);
  await page.keyboard.type("Greet twice");
  await page.keyboard.press("Enter");
  await page.locator(".row-title", { hasText: "Greet twice" }).waitFor();
  await focused(page, field);
  equal(await page.inputValue(field), "");
  await page.keyboard.type("Greet three times");
  await page.keyboard.press("Control+Enter");
  await page.waitForURL(/\/ideas\/idea_/);
  await page.locator("h1:focus", { hasText: "Greet three times" }).waitFor();
  equal(app.events.filter(({ type }) => type === "idea_submitted").length, 3);
}

async function leaveOut({ page, shot }: Stage): Promise<void> {
  await foldSubtask(page);
  await page.fill("#plan-title_2", "");
  await page.uncheck("#plan-include_2");
  await foldSubtask(page);
  await shot("left-out");
  await approve(page);
  await page.waitForURL(/\/tickets\//);
}

async function decide({ app, page, idea }: Stage): Promise<void> {
  await page.keyboard.press("a");
  await focused(page, "[formaction$='/approve']");
  equal(getIdea(app.db, idea.id).status, "ready");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/tickets\//);
  equal(getIdea(app.db, idea.id).status, "converted");
}

async function undo({ app, page, idea, shot }: Stage): Promise<void> {
  await page.keyboard.press("Shift+x");
  await focused(page, "#rejection-reason");
  await page.keyboard.type("By mistake");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("button", { name: "Undo" }).waitFor();
  equal(getIdea(app.db, idea.id).status, "rejected");
  await shot("undo");
  await page.keyboard.press("z");
  await page.waitForURL(/\/ideas\/idea_/);
  advanceIdea(app, idea.id);
  await page.locator("#idea-strip", { hasText: "Ready" }).waitFor();
}
