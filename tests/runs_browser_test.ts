/** A run's page in a real browser, on the real routes and their event stream. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import type { Browser, Page } from "playwright-core";
import type { Run } from "../server/records.ts";
import { getRun, listIdeaRuns } from "../server/store/runs.ts";
import { chromiumPath, desktop, launchBrowser, needsChromium, openPage, phone } from "./browser.ts";
import { listen } from "./http_support.ts";
import { pagesBench } from "./pages_support.ts";
import { clarifying, failedClarifier, record } from "./runs_support.ts";
import { type TestApp, testApp } from "./support.ts";

/** Set by whoever wants to see what the page looked like. */
const SHOTS = Deno.env.get("GAFFER_SCREENSHOTS");

interface Stage {
  app: TestApp;
  page: Page;
  run: Run;
  origin: string;
  shot(name: string): Promise<void>;
}

interface Look {
  failed?: boolean;
  width?: number;
  scripts?: boolean;
  /** What the console is expected to say. */
  expected?: RegExp[];
}

async function onPage(
  browser: Browser,
  { failed = false, width = desktop.width, scripts = true, expected = [] }: Look,
  act: (stage: Stage) => Promise<void>,
): Promise<void> {
  using app = testApp();
  const run = await (failed ? failedClarifier(app) : clarifying(app));
  await using server = listen(pagesBench(app).http);
  const viewport = { ...(width < 640 ? phone : desktop), width };
  await using watched = await openPage(browser, { viewport, javaScriptEnabled: scripts });
  const { page, problems } = watched;
  const live = scripts && page.waitForResponse((answer) => answer.url().includes("/live/run/"));
  await page.goto(`${server.origin}/runs/${run.id}`);
  await live;
  const shot = async (name: string) => {
    if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}-${width}.png` });
  };
  await act({ app, page, run, origin: server.origin, shot });
  const over = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
  equal(await page.evaluate(over), 0, "the page is wider than the window");
  deepEqual(problems.filter((text) => !expected.some((known) => known.test(text))), []);
}

Deno.test({
  name: `a run is controlled in a browser${needsChromium}`,
  ignore: chromiumPath === null,
  async fn(t) {
    const browser = await launchBrowser();
    const step = (name: string, act: (stage: Stage) => Promise<void>, look: Look = {}) =>
      t.step(name, () => onPage(browser, look, act));
    const [narrow, noScripts] = [{ width: 320 }, { scripts: false }];
    try {
      await step("a run is paused and resumed, and the page follows by itself", pauseAndResume);
      await step("so it is on a phone", pauseAndResume, narrow);
      await step("so it is without scripts", pauseWithoutScripts, noScripts);
      await step(
        "a message outlasts live updates while it is typed, and leaves an empty form",
        message,
      );
      await step("so it is on a phone", message, narrow);
      await step("a refused message keeps its words", refuse, { expected: [/422/] });
      await step("so it does without scripts", refuse, { ...noScripts, expected: [/422/] });
      await step("pause and stop are far from the text", distance);
      await step("and on a phone", distance, narrow);
      await step("a fork starts from the transcript", fork, { failed: true });
      await step("and without scripts", fork, { ...noScripts, failed: true });
      await step("a step is found and has an address", search);
      await step("the transcript is downloaded, not swapped into the page", download);
    } finally {
      await browser.close();
    }
  },
});

const badge = (page: Page, word: string) =>
  page.locator("#run-strip .badge", { hasText: word }).waitFor();
const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
const open = (page: Page, id: string) => page.locator(`#${id} > summary`).click();

/** Its loop has let go. */
const letGo = (app: TestApp, run: Run) => app.end(run, { type: "stopped" });

async function pauseAndResume({ app, page, run, shot }: Stage): Promise<void> {
  await open(page, "pause");
  await shot("pause");
  await press(page, "Pause");
  await badge(page, "Pausing");
  await page.getByRole("button", { name: "End its tool call now" }).waitFor();
  await shot("pausing");
  await letGo(app, run);
  await badge(page, "Paused");
  await page.locator(".activity").getByText("Waits: Paused by owner").waitFor();
  await open(page, "resume");
  await page.getByText("38 turns").waitFor();
  await shot("resume");
  await press(page, "Resume the run");
  await badge(page, "Waiting");
  equal(getRun(app.db, run.id).pausedBy, null);
  await page.locator("#pause").waitFor();
}

async function pauseWithoutScripts({ app, page, run }: Stage): Promise<void> {
  await open(page, "pause");
  await press(page, "Pause and end its tool call");
  await badge(page, "Pausing");
  deepEqual(app.agents.paused, [{ runId: run.id, killTools: true }]);
  await letGo(app, run);
  await page.reload();
  await badge(page, "Paused");
  await open(page, "resume");
  await press(page, "Resume the run");
  await badge(page, "Waiting");
}

async function message({ app, page, run, shot }: Stage): Promise<void> {
  await open(page, "message-0-open");
  await page.fill("#message-0-message", "Look at autosave");
  record(app, run, [{ type: "nudge", text: "A live update" }]);
  await page.locator(".activity").getByText("A live update").waitFor();
  equal(await page.inputValue("#message-0-message"), "Look at autosave");
  await shot("message");
  await press(page, "Send");
  const item = page.locator(".activity .fact", { hasText: "Message from owner" });
  await item.getByText("Look at autosave").waitFor();
  equal(await page.locator("#message-0-message").count(), 0);
  await open(page, "message-1-open");
  equal(await page.inputValue("#message-1-message"), "");
}

async function refuse({ page }: Stage): Promise<void> {
  await open(page, "message-0-open");
  const words = "x".repeat(10_001);
  await page.fill("#message-0-message", words);
  await press(page, "Send");
  await page.getByText("At most 10000 characters").first().waitFor();
  equal(await page.inputValue("#message-0-message"), words);
}

async function distance({ page }: Stage): Promise<void> {
  await open(page, "message-0-open");
  await page.locator("#message-0-message").scrollIntoViewIfNeeded();
  const text = (await page.locator("#message-0-message").boundingBox())!;
  for (const id of ["stop", "pause"]) {
    const button = (await page.locator(`#${id} > summary`).boundingBox())!;
    equal(button.y > text.y + text.height + 48, true, `${id} is well below the text`);
  }
}

async function fork({ app, page, run, shot }: Stage): Promise<void> {
  await page.getByRole("link", { name: "Fork after turn 1" }).click();
  await page.locator("#fork-turn").waitFor();
  equal(await page.inputValue("#fork-turn"), "1");
  await shot("fork");
  await page.fill("#fork-message", "Ask about locks");
  await press(page, "Fork the run");
  await page.getByText("Forked: up to here").waitFor();
  const forked = listIdeaRuns(app.db, run.ideaId!).at(-1)!;
  match(page.url(), new RegExp(`/runs/${forked.id}$`));
  await shot("forked");
}

async function search({ page, run, origin, shot }: Stage): Promise<void> {
  await page.fill("#transcript-search", "no lock");
  await page.keyboard.press("Enter");
  await page.getByText("1 of 3 steps").waitFor();
  equal(page.url(), `${origin}/runs/${run.id}?q=no+lock`);
  await shot("search");
  await page.getByRole("link", { name: "Show all" }).click();
  await page.getByRole("link", { name: "Turn 1" }).waitFor();
  await page.getByRole("link", { name: "Turn 2" }).click();
  equal(page.url(), `${origin}/runs/${run.id}#e6`);
}

async function download({ page, run }: Stage): Promise<void> {
  for (const [name, ending] of [["Markdown", "md"], ["JSON", "json"]] as const) {
    const coming = page.waitForEvent("download");
    await page.getByRole("link", { name }).click();
    equal((await coming).suggestedFilename(), `run-${run.id}.${ending}`);
  }
  await badge(page, "Running");
}
