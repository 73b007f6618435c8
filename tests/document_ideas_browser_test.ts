/** Ideas out of a document in a real browser: in place, from its list, and how they stand as that changes. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import type { Browser, Page } from "playwright-core";
import { chromiumPath, desktop, launchBrowser, needsChromium, openPage } from "./browser.ts";
import { listen } from "./http_support.ts";
import { type PlanningBench, planningBench } from "./planning_support.ts";
import { advanceIdea } from "../server/services/refinement.ts";
import { findIdeaByNumber } from "../server/store/ideas.ts";

const ROADMAP = "planning/roadmap.md";
const TEXT =
  "# Roadmap\n\n## Next\n\n- [ ] A save survives a kill\n- [ ] Old saves load\n- Names\n";

interface Stage {
  b: PlanningBench;
  page: Page;
}

async function onPage(
  browser: Browser,
  act: (stage: Stage) => Promise<void>,
  { width = desktop.width, scripts = true }: { width?: number; scripts?: boolean } = {},
): Promise<void> {
  await using b = await planningBench({ [ROADMAP]: TEXT });
  await b.follow();
  await using server = listen(b.pages.http);
  const viewport = { ...desktop, width };
  await using watched = await openPage(browser, { viewport, javaScriptEnabled: scripts });
  const { page, problems } = watched;
  await page.goto(`${server.origin}/documents/${b.idOf("roadmap.md")}`);
  await act({ b, page });
  const over = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
  equal(await page.evaluate(over), 0, "the page is wider than the window");
  deepEqual(problems, []);
}

Deno.test({
  name: `ideas are made of a document in a browser${needsChromium}`,
  ignore: chromiumPath === null,
  async fn(t) {
    const browser = await launchBrowser();
    try {
      await t.step("in place by keyboard, and followed live", () => onPage(browser, follow));
      await t.step(
        "from its list on the narrowest page",
        () => onPage(browser, choose, { width: 320 }),
      );
      await t.step("of what is selected", () => onPage(browser, select));
      await t.step("and without scripts", () => onPage(browser, choose, { scripts: false }));
    } finally {
      await browser.close();
    }
  },
});

async function follow({ b, page }: Stage): Promise<void> {
  await page.getByRole("button", { name: "Make an idea" }).first().focus();
  await page.keyboard.press("Enter");
  await page.locator("#state-idea-1-1", { hasText: "Submitted" }).waitFor();
  match(await b.repo.read(ROADMAP), /A save survives a kill #idea-1\n/);
  equal(await page.locator("#progress-section-next").innerText(), "0 of 2");
  // No page is loaded from here on.
  await page.evaluate("globalThis.isSamePage = true");
  advanceIdea(b.app, findIdeaByNumber(b.app.db, b.project.id, 1)!.id);
  await page.locator("#state-idea-1-1", { hasText: "Refining" }).waitFor();
  equal(await page.evaluate("globalThis.isSamePage"), true);
}

async function select({ page }: Stage): Promise<void> {
  await page.evaluate(`{
    const [first] = [...document.querySelectorAll(".document li")].filter((li) => /Old/.test(li.innerText));
    getSelection().selectAllChildren(first);
  }`);
  await page.getByRole("link", { name: "Make ideas of the selection" }).click();
  await page.getByLabel("Old saves load").waitFor();
  equal(await page.locator("#offered > li").count(), 1);
  equal(new URL(page.url()).search, "?lines=6-6");
}

async function choose({ b, page }: Stage): Promise<void> {
  await page.getByRole("link", { name: "Make ideas" }).click();
  await page.getByRole("heading", { level: 1, name: "Make ideas" }).waitFor();
  await page.getByLabel("Old saves load").uncheck();
  await page.locator("#reword-3 > summary").click();
  await page.locator("#reword-3").getByLabel("Title").fill("Names of saves");
  await page.getByRole("button", { name: "Make the ticked ideas" }).click();
  await page.locator("#document-ideas", { hasText: "#2 Names of saves" }).waitFor();
  equal(findIdeaByNumber(b.app.db, b.project.id, 3), null);
  await page.getByRole("link", { name: "Make ideas" }).click();
  await page.getByRole("link", { name: "Idea #1 A save survives a kill" }).waitFor();
}
