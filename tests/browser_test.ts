/** The main job as a person does it: in a real browser, with and without scripts, wide and narrow. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import type { Browser, Page } from "playwright-core";
import { chromiumPath, desktop, launchBrowser, needsChromium, openPage, phone } from "./browser.ts";
import { Client, type Gaffer, run, startGaffer, tempDir } from "./gaffer.ts";

const ignore = chromiumPath === null;
/** Set by whoever wants to see what the pages looked like. */
const SHOTS = Deno.env.get("GAFFER_SCREENSHOTS");

/**
 * Set to 1 to take the README's picture again: `GAFFER_README_PICTURE=1 deno test -A --no-prompt
 * tests/browser_test.ts --filter desktop` writes docs/ticket.png. The demo model then types more slowly, so that
 * the picture catches an agent at work.
 */
const TAKES_PICTURE = Deno.env.get("GAFFER_README_PICTURE") === "1";
const PICTURE = new URL("../docs/ticket.png", import.meta.url).pathname;

/** The ticket's page while an agent mends what the tests found: with results, and several steps of its work. */
async function takePicture(page: Page): Promise<void> {
  await page.setViewportSize({ width: 1280, height: 1200 });
  await page.reload(); // without the message of what was just done
  await page.locator("#ticket-strip dd", { hasText: "Failed" }).waitFor({ timeout: 60_000 });
  await page.locator("[data-activity] > li").nth(4).waitFor({ timeout: 60_000 });
  await page.screenshot({ path: PICTURE });
  await page.setViewportSize(desktop);
}

async function shot(page: Page, name: string): Promise<void> {
  if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}.png`, fullPage: false });
}

/** One for all journeys: to start it computes as much as a journey's pages do. */
let browser: Browser;
if (!ignore) {
  Deno.test.beforeAll(async () => void (browser = await launchBrowser()));
  Deno.test.afterAll(() => browser.close());
}

/** A fresh server for each journey. Only one needs to see the model type: each piece is drawn by itself. */
async function withServer(
  work: (browser: Browser, gaffer: Gaffer, dataDir: string) => Promise<void>,
  paceMs = 0,
): Promise<void> {
  await using data = await tempDir();
  await using gaffer = await startGaffer({
    dataDir: data.path,
    env: { GAFFER_DEMO_PACE_MS: String(paceMs) },
  });
  await work(browser, gaffer, data.path);
}

/** Waits until the page, which nobody reloads, shows this text. */
const shows = (page: Page, text: string | RegExp) =>
  page.getByText(text).first().waitFor({ state: "visible", timeout: 60_000 });

const headOf = async (repo: string) => (await run(repo, "git", "log", "-1", "--format=%B")).trim();

const samplePath = async (dataDir: string): Promise<string> => {
  for await (const { name } of Deno.readDir(`${dataDir}/sample`)) {
    return `${dataDir}/sample/${name}`;
  }
  throw new Error("There is no sample project");
};

async function noOverflow(page: Page): Promise<void> {
  const wider = await page.evaluate(
    "document.documentElement.scrollWidth - document.documentElement.clientWidth",
  );
  equal(wider, 0, `${page.url()} is wider than the window`);
}

for (
  const [name, viewport, paceMs] of [
    ["a desktop", desktop, TAKES_PICTURE ? 12 : 2],
    ["a phone", phone, 0],
  ] as const
) {
  Deno.test({
    name: `on ${name} a person takes the sample's idea to a merge, live${needsChromium}`,
    ignore,
    fn: () =>
      withServer(async (browser, gaffer, dataDir) => {
        await using watched = await openPage(browser, { viewport });
        const { page, problems } = watched;
        const width = viewport === phone ? "phone" : "desktop";
        await page.goto(gaffer.url);
        await shot(page, `${width}-start`);
        await page.getByRole("button", { name: "Take the sample project" }).click();
        await page.waitForURL(/\/ideas/);
        await shot(page, `${width}-ideas`);
        await noOverflow(page);
        await page.getByRole("link", { name: /Count what is left/ }).first().click();
        await page.waitForURL(/\/ideas\/idea_/);

        // The question appears by itself, and the idea goes on by itself after the answer.
        const option = page.locator("#idea-questions input[type=radio]").first();
        await option.waitFor({ timeout: 60_000 });
        await shot(page, `${width}-question`);
        await noOverflow(page);
        await option.check();
        await page.locator("#idea-questions").getByRole("button", { name: "Answer" }).click();
        const approve = page.getByRole("button", { name: "Approve" });
        await approve.waitFor({ timeout: 60_000 });
        await shot(page, `${width}-ready`);
        await noOverflow(page);
        await approve.click();
        await page.waitForURL(/\/tickets\//);

        // The activity streams in without a reload.
        await page.locator("[data-activity] li").nth(1).waitFor({ timeout: 60_000 });
        await shot(page, `${width}-ticket`);
        await noOverflow(page);
        if (TAKES_PICTURE && viewport === desktop) await takePicture(page);
        await page.getByRole("link", { name: "Review the changes" }).click({ timeout: 60_000 });
        await page.waitForURL(/\/review/);
        await shows(page, "todo.sh");
        await shot(page, `${width}-review`);
        await noOverflow(page);
        await page.locator("summary", { hasText: /Approve & merge/ }).click();
        await shot(page, `${width}-merge`);
        await page.locator("#review-bar").getByRole("button", { name: /merge/i }).last().click();
        await page.waitForURL(/\/tickets\/[^/]+$/);
        await page.locator("#ticket-strip", { hasText: "Done" }).waitFor({ timeout: 60_000 });
        await shot(page, `${width}-done`);

        // A check leads to all that it printed, and back.
        await page.locator("#ticket-checks a").last().click();
        await page.locator("#output").waitFor();
        await shot(page, `${width}-check`);
        await noOverflow(page);
        await page.goBack();
        await page.locator("#ticket-strip", { hasText: "Done" }).waitFor();

        match(await headOf(await samplePath(dataDir)), /Gaffer-Ticket: 1/);
        await page.goto(`${gaffer.url}/runs`);
        await shot(page, `${width}-runs`);
        await page.goto(gaffer.url);
        await shot(page, `${width}-home`);
        await noOverflow(page);
        await page.goto(`${gaffer.url}/settings`);
        await shot(page, `${width}-settings`);
        await noOverflow(page);
        deepEqual(problems, []);
      }, paceMs),
  });
}

Deno.test({
  name: `with JavaScript off every step works too${needsChromium}`,
  ignore,
  fn: () =>
    withServer(async (browser, gaffer, dataDir) => {
      await using watched = await openPage(browser, {
        viewport: desktop,
        javaScriptEnabled: false,
      });
      const { page } = watched;
      const client = new Client(gaffer.url);
      /** Reloads once it has come so far: a person without scripts would do it now and then. */
      const reloadedAt = async (status: string, selector: string) => {
        const { pathname } = new URL(page.url());
        await client.until(pathname, (shown) => shown.status === status, 120_000);
        await page.reload();
        const found = page.locator(selector).first();
        await found.waitFor();
        return found;
      };
      await page.goto(gaffer.url);
      await page.getByRole("button", { name: "Take the sample project" }).click();
      await page.getByRole("link", { name: /Count what is left/ }).first().click();
      await (await reloadedAt("questions", "#idea-questions input[type=radio]")).check();
      await page.locator("#idea-questions").getByRole("button", { name: "Answer" }).click();
      await (await reloadedAt("ready", 'button:has-text("Approve")')).click();
      await page.waitForURL(/\/tickets\//);
      await (await reloadedAt("review", 'a:has-text("Review the changes")')).click();
      await page.locator("summary", { hasText: /Approve & merge/ }).click();
      await page.locator("#review-bar").getByRole("button", { name: /merge/i }).last().click();
      await page.waitForURL(/\/tickets\/[^/]+$/);
      await reloadedAt("done", '#ticket-strip:has-text("Done")');
      match(await headOf(await samplePath(dataDir)), /Gaffer-Ticket: 1/);
    }),
});

Deno.test({
  name:
    `a path that is no repository is refused beside the field, with how to mend it${needsChromium}`,
  ignore,
  fn: () =>
    withServer(async (browser, gaffer) => {
      await using watched = await openPage(browser, { viewport: desktop });
      const { page } = watched;
      await using empty = await tempDir("gaffer-empty-");
      await page.goto(gaffer.url);
      await page.getByLabel("Folder of a git repository").fill(empty.path);
      await page.getByRole("button", { name: "Look at it" }).click();
      await shows(page, /not a git repository/);
      equal(await page.getByLabel("Folder of a git repository").inputValue(), empty.path);
      await shot(page, "desktop-refused-path");
      ok(page.url().includes("/projects/new") || page.url().endsWith("/"));
    }),
});
