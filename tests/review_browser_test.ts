/** A review in a real browser: by keyboard on a desktop, by touch on a phone, and with scripts off. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { listTicks } from "../server/store/review_marks.ts";
import { fileId, lineId } from "../views/diff_place.ts";
import { chromiumPath, desktop, launchBrowser, needsChromium, openPage } from "./browser.ts";
import { listen } from "./http_support.ts";
import { numbered, ReviewScene } from "./review_support.ts";

/** Set by whoever wants to see what the pages looked like. */
const SHOTS = Deno.env.get("GAFFER_SCREENSHOTS");
const narrow = { width: 320, height: 700 };
const code = (value: string) =>
  `/** Greets people. */\nexport function greet(name: string) {\n  const text = "${value}";\n` +
  "  return `${text}, ${name}`;\n}\n" + numbered("// a line of the rest,", 90);

async function inReview(): Promise<ReviewScene> {
  const scene = await ReviewScene.make({ "src/greet.ts": code("Hello"), "README.md": "# Greet\n" });
  const run = scene.run(1);
  await scene.turn({ "README.md": "# Greet\n\nSays **hello**.\n" }, run);
  await scene.turn({ "src/greet.ts": code("Good day") }, run);
  await scene.turn({ "src/test.ts": "greet();\n" }, run);
  scene.toReview();
  return scene;
}

const line = (n: number) => `[id="${lineId({ path: "src/greet.ts", line: n, side: "new" })}"]`;
const box = (path: string) => `#${fileId(path)}`;
const focused = (page: Page) => page.evaluate("document.activeElement.outerHTML");
const isOpen = (page: Page, path: string) =>
  page.locator(`${box(path)} details`).evaluate((part) => (part as HTMLDetailsElement).open);

async function shot(page: Page, name: string): Promise<void> {
  if (SHOTS) await page.screenshot({ path: `${SHOTS}/review-${name}.png`, fullPage: true });
}

async function hasNoFault(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(
    "axe.run(document).then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html).join()))",
  );
  deepEqual(found, []);
  equal(
    await page.evaluate(
      "document.documentElement.scrollWidth - document.documentElement.clientWidth",
    ),
    0,
  );
}

/** After a swap: never on the body, whose next Tab would lead to the top of the page. */
const keepsFocus = async (page: Page) =>
  void await page.waitForFunction("document.activeElement !== document.body");

/** By keyboard alone; what is awaited is what the page shows. */
async function byKeyboard(page: Page, scene: ReviewScene, origin: string): Promise<void> {
  const key = (name: string) => page.keyboard.press(name);
  await page.goto(origin + scene.href);
  await page.locator("html.js").waitFor();
  await hasNoFault(page);
  await shot(page, "desktop-light");
  await key("j");
  match(await focused(page) as string, /README\.md/);
  await key("v");
  await page.locator(`${box("README.md")} [aria-pressed=true]`).waitFor();
  await page.getByText("1 viewed").waitFor();
  await keepsFocus(page);
  equal(await isOpen(page, "README.md"), false);
  deepEqual([...listTicks(scene.app.db, "owner", scene.id).keys()], ["README.md"]);
  await key("n");
  match(await focused(page) as string, /src\/greet\.ts/);
  await key("Enter");
  equal(await isOpen(page, "src/greet.ts"), false);
  await key("i");
  equal(await isOpen(page, "src/greet.ts"), true);
  match(await focused(page) as string, /Comment on line 1"/);
  for (const name of ["j", "j", "j"]) await key(name); // the removed line, then the added one
  match(await focused(page) as string, /Comment on line 3"/);
  await key("Shift+j");
  equal(await page.locator("tr.picked").count(), 2);
  await shot(page, "desktop-picked");
  await key("Enter");
  const field = page.locator("#comment-form textarea");
  await field.waitFor();
  equal(
    await field.inputValue(),
    '```suggestion:-1+0\n  const text = "Good day";\n  return `${text}, ${name}`;\n```\n',
  );
  await field.fill("Shorter:\n\n```suggestion:-1+0\n  return `Good day, ${name}`;\n```\n");
  await key("Control+Enter");
  await page.getByRole("button", { name: "Apply suggestion to lines 3 to 4" }).waitFor();
  // Esc out of the lines, the layout by keys, and what is remembered of it.
  await page.locator(`${box("src/greet.ts")} summary`).first().focus();
  await key("t");
  await page.locator(".diff.is-split").waitFor();
  await hasNoFault(page);
  await shot(page, "desktop-split");
  await key("w");
  await page.locator(".diff.is-nowrap").waitFor();
  await key("w");
  await page.locator(".diff:not(.is-nowrap)").waitFor();
  await page.goto(origin + scene.href);
  await page.locator(".diff.is-split").waitFor();
  await key("t");
  await page.locator(".diff:not(.is-split)").waitFor();
  await key("?");
  const sheet = page.locator(".key-sheet");
  await sheet.waitFor();
  const told = await sheet.innerText();
  for (const words of ["Into the lines", "Next file that is not viewed", "Side by side"]) {
    ok(told.includes(words), `the sheet tells of "${words}"`);
  }
  equal(told.match(/^v$/gm)?.length, 1, "one key is told once");
  await key("Escape");
  // More lines come without the rest of the page.
  await page.locator(box("src/greet.ts")).getByText("Show 20 more below").click();
  await page.locator(line(20)).waitFor();
  await keepsFocus(page);
  await key("p");
  await page.waitForURL(/\/tickets\/\w+$/);
  equal(scene.ticket.step, "build");
  match(await scene.repo.read("src/greet.ts", scene.worktree), /^ {2}return `Good day, /m);
}

async function byTouch(page: Page, scene: ReviewScene, origin: string): Promise<void> {
  await page.goto(origin + scene.href);
  await page.locator("html.js").waitFor();
  await hasNoFault(page);
  await shot(page, "phone-dark");
  const tick = page.locator(`${box("src/test.ts")} .tick button`);
  ok((await tick.boundingBox())!.height >= 24);
  await tick.tap();
  await page.locator(`${box("src/test.ts")} [aria-pressed=true]`).waitFor();
  equal(await isOpen(page, "src/test.ts"), false);
  await page.locator(`${line(3)} .ln a`).tap();
  await page.locator("#comment-form textarea").fill("Why so formal?");
  await page.getByRole("button", { name: "Add comment" }).tap();
  await page.getByRole("paragraph").filter({ hasText: "Why so formal?" }).waitFor();
  await page.getByRole("link", { name: "Last turn" }).tap();
  await page.locator(box("src/greet.ts")).waitFor({ state: "detached" });
  equal(await page.locator(".file-box").count(), 1);
  await page.getByRole("link", { name: "All" }).tap();
  await page.locator(box("src/greet.ts")).waitFor();
  await page.getByRole("link", { name: "Side by side" }).tap();
  await page.locator(".diff.is-split").waitFor();
  await hasNoFault(page);
  await shot(page, "phone-split");
  // A link out of a file leads to its page, not into the file.
  await page.locator(box("src/greet.ts")).getByRole("link", { name: "subtask 1" }).tap();
  await page.waitForURL(/\/runs\//);
  await page.locator("#app h1", { hasText: "feature-dev" }).waitFor();
  equal(await page.locator(".file-box").count(), 0);
}

async function withoutScripts(page: Page, scene: ReviewScene, origin: string): Promise<void> {
  await page.goto(origin + scene.href);
  await page.locator(`${box("README.md")} .tick button`).click();
  await page.locator(`${box("README.md")} [aria-pressed=true]`).waitFor();
  equal(await isOpen(page, "README.md"), false);
  await page.locator(box("src/greet.ts")).getByText("Show 20 more below").click();
  await page.locator(line(20)).waitFor();
  await page.getByRole("link", { name: "Side by side" }).click();
  await page.locator(".diff.is-split").waitFor();
  await page.locator(`${line(3)} a`).click();
  await page.getByRole("link", { name: "Suggest other words" }).click();
  const field = page.locator("#comment-form textarea");
  match(await field.inputValue(), /^```suggestion\n/);
  await field.fill('```suggestion\n  const text = "Hi";\n```');
  await page.getByRole("button", { name: "Add comment" }).click();
  await page.getByRole("button", { name: "Apply suggestion to line 3" }).click();
  await page.waitForURL(/\/tickets\/\w+$/);
  match(await scene.repo.read("src/greet.ts", scene.worktree), /text = "Hi";/);
}

const ways = [
  ["by keyboard", byKeyboard, { viewport: desktop }],
  ["by touch", byTouch, { viewport: narrow, colorScheme: "dark", hasTouch: true }],
  ["without scripts", withoutScripts, { viewport: desktop, javaScriptEnabled: false }],
] as const;

Deno.test({
  name: `a person reviews a ticket by keyboard, by touch and without scripts${needsChromium}`,
  ignore: chromiumPath === null,
  async fn(t) {
    const browser = await launchBrowser();
    try {
      for (const [name, review, options] of ways) {
        await t.step(name, async () => {
          await using scene = await inReview();
          await using server = listen(scene.pages.http);
          await using watched = await openPage(browser, options);
          await review(watched.page, scene, server.origin);
          deepEqual(watched.problems, []);
        });
      }
    } finally {
      await browser.close();
    }
  },
});
