/** Planning documents in a real browser, over a real repository; pages_browser_test.ts looks at how their pages look. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { Buffer } from "node:buffer";
import type { Browser, Page } from "playwright-core";
import { chromiumPath, desktop, launchBrowser, needsChromium, openPage } from "./browser.ts";
import { listen } from "./http_support.ts";
import { PNG } from "./images.ts";
import { type PlanningBench, planningBench } from "./planning_support.ts";
import { submitIdea } from "../server/services/ideas.ts";

const SAVING = "planning/specs/saving.md";
const TEXT = "# Saving\n\none\n\n- [ ] first\n- [ ] second\n\nthree\n";

interface Stage {
  b: PlanningBench;
  page: Page;
}

async function onPage(
  browser: Browser,
  act: (stage: Stage) => Promise<void>,
  { width = desktop.width, scripts = true }: { width?: number; scripts?: boolean } = {},
): Promise<void> {
  await using b = await planningBench({ [SAVING]: TEXT, "planning/map.md": "# Map\n" });
  await using server = listen(b.pages.http);
  const viewport = { ...desktop, width };
  await using watched = await openPage(browser, { viewport, javaScriptEnabled: scripts });
  const { page, problems } = watched;
  await page.goto(`${server.origin}/planning`);
  await act({ b, page });
  const over = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
  equal(await page.evaluate(over), 0, "the page is wider than the window");
  // A refused save is a 409, a refused image a 422, which the console tells.
  deepEqual(problems.filter((text) => !/409|422/.test(text)), []);
}

Deno.test({
  name: `planning documents are worked with in a browser${needsChromium}`,
  ignore: chromiumPath === null,
  async fn(t) {
    const browser = await launchBrowser();
    try {
      await t.step(
        "written by keyboard: kept as it is typed, with its preview",
        () => onPage(browser, write),
      );
      await t.step("an edit from outside while typing", () => onPage(browser, meet));
      await t.step(
        "Ctrl S saves the form that somebody writes in",
        () => onPage(browser, meetByKey),
      );
      await t.step("so it is on the narrowest page", () => onPage(browser, meet, { width: 320 }));
      await t.step("and without scripts", () => onPage(browser, meet, { scripts: false }));
      await t.step("typing in two windows", () => onPage(browser, twice, { width: 320 }));
      await t.step("edits from outside show while pages are open", () => onPage(browser, watch));
      await t.step(
        "a document that is deleted while somebody types",
        () => onPage(browser, lose, { width: 320 }),
      );
      await t.step("suggestions and lists by keyboard", () => onPage(browser, complete));
      await t.step("buttons, keys and Tab write markdown", () => onPage(browser, mark));
      await t.step("the outline leads into the text", () => onPage(browser, outline));
      await t.step("an image is pasted and shown", () => onPage(browser, paste));
      await t.step(
        "the text has colours, which can be switched off",
        () => onPage(browser, colour),
      );
      await t.step(
        "and they lie where the letters do on the narrowest page",
        () => onPage(browser, colour, { width: 320 }),
      );
      await t.step("and chosen without scripts", () => onPage(browser, attach, { scripts: false }));
      await t.step("items are ticked", () => onPage(browser, tick));
      await t.step("and without scripts", () => onPage(browser, tick, { scripts: false }));
    } finally {
      await browser.close();
    }
  },
});

async function write({ b, page }: Stage): Promise<void> {
  await page.keyboard.press("e");
  await page.getByLabel("Path").fill("notes/first");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("heading", { level: 1, name: "Edit first" }).waitFor();
  const text = page.getByLabel("Text");
  await text.focus();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("# First\n\nSee [[Map]], **soon**.");
  await page.locator("#document-live strong", { hasText: "soon" }).waitFor();
  await page.locator("#document-live a", { hasText: "Map" }).waitFor();
  equal(await page.evaluate("document.activeElement.tagName"), "TEXTAREA", "typing goes on");
  // Not saved, and there again after the page was left.
  equal(await b.repo.read("planning/notes/first.md"), "# first\n");
  await page.reload();
  match(await page.getByLabel("Text").inputValue(), /soon/);
  await page.getByLabel("Text").focus();
  await page.keyboard.press("Control+Enter");
  await page.getByRole("heading", { level: 1, name: "First" }).waitFor();
  equal(await b.repo.read("planning/notes/first.md"), "# First\n\nSee [[Map]], **soon**.");
}

async function meet({ b, page }: Stage): Promise<void> {
  await page.getByRole("link", { name: "Saving" }).click();
  await page.getByRole("heading", { level: 1, name: "Saving" }).waitFor();
  await page.getByRole("link", { name: "Edit" }).click();
  await page.locator("#document-form-text").fill(TEXT.replace("one", "mine"));
  await b.repo.commit("Theirs", { [SAVING]: TEXT.replace("three", "theirs") });
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const merged = page.getByLabel("Both texts, merged");
  await merged.waitFor();
  equal(await merged.inputValue(), TEXT.replace("one", "mine").replace("three", "theirs"));
  equal(await page.locator("#document-form-text").inputValue(), TEXT.replace("one", "mine"));
  await page.getByRole("button", { name: "Save both together" }).click();
  await page.locator("#flash", { hasText: "specs/saving.md saved" }).waitFor();
  equal(await b.repo.read(SAVING), TEXT.replace("one", "mine").replace("three", "theirs"));
}

async function meetByKey({ b, page }: Stage): Promise<void> {
  await page.goto(page.url().replace("/planning", `/documents/${b.idOf("specs/saving.md")}/edit`));
  await page.locator("#document-form-text").fill(TEXT.replace("one", "mine"));
  await b.repo.commit("Theirs", { [SAVING]: TEXT.replace("three", "theirs") });
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const merged = page.getByLabel("Both texts, merged");
  await merged.press("Control+End");
  await page.keyboard.type("By hand\n");
  await page.keyboard.press("Control+s");
  await page.locator("#flash", { hasText: "specs/saving.md saved" }).waitFor();
  const both = TEXT.replace("one", "mine").replace("three", "theirs");
  equal(await b.repo.read(SAVING), `${both}By hand\n`);
}

async function twice({ b, page }: Stage): Promise<void> {
  const edit = new URL(`/documents/${b.idOf("specs/saving.md")}/edit`, page.url()).href;
  const other = await page.context().newPage();
  await Promise.all([page, other].map((one) => one.goto(edit)));
  const area = (one: Page) => one.locator("#document-form textarea");
  await area(page).press("Control+Home");
  await page.keyboard.type("first ");
  await page.locator("#document-preview", { hasText: "first # Saving" }).waitFor();
  await area(other).press("Control+Home");
  await other.keyboard.type("second ");
  await other.getByText("You typed something else in another window").waitFor();
  // What this one shows is its own all the same.
  await other.getByRole("button", { name: "Show both" }).click();
  await other.getByRole("button", { name: "Go on with the other one" }).click();
  await other.waitForFunction(
    `document.querySelector("#document-form textarea").value.startsWith("first ")`,
  );
  await other.getByRole("button", { name: "Save", exact: true }).click();
  await other.getByText("You have a draft that is not saved").waitFor();
  ok((await b.repo.read(SAVING)).startsWith("first "), "the one that was chosen");
  await other.getByRole("link", { name: "Go on with it" }).click();
  await area(other).waitFor();
  ok((await area(other).inputValue()).startsWith("second "), "and the other one is kept");
  await other.close();
}

async function watch({ b, page }: Stage): Promise<void> {
  await b.repo.write("planning/new.md", "# New one\n");
  await page.getByRole("link", { name: "New one" }).click();
  await page.getByRole("heading", { level: 1, name: "New one" }).waitFor();
  await b.repo.write("planning/new.md", "# New one\n\nWritten elsewhere.\n");
  await page.getByText("Written elsewhere.").waitFor();
  await page.keyboard.press("e");
  const text = page.locator("#document-form-text");
  await text.focus();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("# New one\n\nMine.");
  await b.repo.write("planning/new.md", "# New one\n\nWritten elsewhere.\n\nAnd more.\n");
  const note = page.locator("#document-other");
  await note.waitFor();
  equal(await page.evaluate("document.activeElement.id"), "document-form-text");
  await page.keyboard.type(" More.");
  equal(await text.inputValue(), "# New one\n\nMine. More.");
  await page.getByRole("button", { name: "Show both" }).click();
  await page.locator("#document-meeting").waitFor();
  equal(await text.inputValue(), "# New one\n\nMine. More.");
}

async function lose({ b, page }: Stage): Promise<void> {
  await page.getByRole("link", { name: "Saving" }).click();
  await page.getByRole("link", { name: "Edit" }).click();
  const text = page.locator("#document-form-text");
  await text.fill("all that I thought of");
  await Deno.remove(`${b.repo.dir}/${SAVING}`);
  await page.locator("#document-gone").waitFor();
  await text.press("End");
  await page.keyboard.type(", and more");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Drafts" }).waitFor();
  equal(
    await page.getByLabel("What you typed into specs/saving.md").textContent(),
    "all that I thought of, and more",
  );
  await b.repo.git("rm", "-q", SAVING);
  await b.repo.git("commit", "-q", "-m", "Theirs");
  await page.getByRole("button", { name: "Save as a document" }).click();
  await page.locator("#flash", { hasText: "specs/saving.md saved" }).waitFor();
  equal(await b.repo.read(SAVING), "all that I thought of, and more");
}

async function complete({ b, page }: Stage): Promise<void> {
  submitIdea(b.app, { projectId: b.project.id, title: "Save often" });
  await page.goto(page.url().replace("/planning", `/documents/${b.idOf("specs/saving.md")}/edit`));
  const text = page.locator("#document-form-text");
  await text.fill("");
  await page.keyboard.type("- [x] see [[ma");
  await page.getByRole("option", { name: "Map" }).waitFor();
  await page.keyboard.press("Enter");
  await page.keyboard.type(" and #");
  await page.getByRole("option", { name: "#idea-1" }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Tab");
  equal(await page.getByRole("option").count(), 0);
  await page.keyboard.press("Enter");
  await page.keyboard.type("next");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await page.keyboard.type("# no");
  equal(await text.inputValue(), "- [x] see [[Map]] and #idea-1\n- [ ] next\n\n# no");
  await page.keyboard.type(" [[ma");
  await page.getByRole("option", { name: "Map" }).waitFor();
  await page.keyboard.press("Escape");
  equal(await page.getByRole("option").count(), 0);
  equal(await page.evaluate("document.activeElement.id"), "document-form-text");
}

async function mark({ b, page }: Stage): Promise<void> {
  await page.goto(page.url().replace("/planning", `/documents/${b.idOf("specs/saving.md")}/edit`));
  const text = page.locator("#document-form-text");
  const select = (from: number, to: number) =>
    text.evaluate(
      (area, [from, to]) => (area as HTMLTextAreaElement).setSelectionRange(from!, to!),
      [from, to],
    );
  const press = (name: string) =>
    page.getByRole("toolbar", { name: "Write" }).getByRole("button", { name, exact: true }).click();
  const is = async (value: string) => equal(await text.inputValue(), value);
  const set = async (value: string, from: number, to: number) => {
    await text.fill(value);
    await select(from, to);
  };

  await set("a word", 2, 6);
  await press("Bold");
  await is("a **word**");
  await press("Bold");
  await is("a word");
  await page.keyboard.press("Control+i");
  await is("a _word_");
  await page.keyboard.press("Control+z");
  await is("a word");
  await set("one\n\ntwo\nthree", 0, 14);
  await press("Checklist");
  await is("- [ ] one\n\n- [ ] two\n- [ ] three");
  await press("List with 1.");
  await is("1. one\n\n2. two\n3. three");
  await press("List with 1.");
  await is("one\n\ntwo\nthree");
  await press("Code");
  await is("```\none\n\ntwo\nthree\n```");
  await set("see it", 4, 6);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("#idea-1");
  await page.keyboard.press("Escape"); // the suggestions
  await is("see [it](#idea-1)");
  await set("here", 4, 4);
  await press("Table");
  await page.keyboard.type("Name");
  await is("here\n\n| Name | Column |\n| --- | --- |\n|  |  |\n");

  // Tab belongs to lists, to several lines and to code; elsewhere it leads on.
  await set("- a\n- b", 6, 6);
  await page.keyboard.press("Tab");
  await page.keyboard.type("!");
  await is("- a\n  - !b");
  await page.keyboard.press("Shift+Tab");
  await is("- a\n- !b");
  await set("1. a\n2. b", 8, 8);
  await page.keyboard.press("Tab");
  await is("1. a\n   2. b");
  await set("```\ncode\n```", 4, 4);
  await page.keyboard.press("Tab");
  await is("```\n  code\n```");
  await set("words", 5, 5);
  await page.keyboard.press("Tab");
  await is("words");
  equal(await page.evaluate("document.activeElement.id"), "document-form-image");

  // One stop for Tab, arrows between the buttons.
  await page.getByRole("button", { name: "Bold" }).focus();
  await page.keyboard.press("ArrowLeft");
  equal(await page.evaluate("document.activeElement.getAttribute('aria-label')"), "Table");
  await text.focus();
  await page.keyboard.press("Control+s");
  await page.locator("#flash", { hasText: "specs/saving.md saved" }).waitFor();
  equal(await b.repo.read(SAVING), "words");
}

async function outline({ b, page }: Stage): Promise<void> {
  await page.goto(page.url().replace("/planning", `/documents/${b.idOf("specs/saving.md")}/edit`));
  const text = page.locator("#document-form-text");
  const far = "\nwords\n".repeat(100);
  await text.fill(`---\ntitle: Saving\n---\n# One\n${far}\n## Two\n${far}`);
  await page.locator("#document-outline summary").click();
  await page.getByRole("link", { name: "Two" }).click();
  await page.keyboard.press("End");
  await page.keyboard.type(" here");
  match(await text.inputValue(), /\n## Two here\n/);
  const caret = await page.evaluate(() => {
    const area = document.querySelector("textarea")!;
    const above = area.value.slice(0, area.selectionStart).split("\n").length /
      area.value.split("\n").length;
    const { top, height } = area.getBoundingClientRect();
    return (top + height * above - area.scrollTop) / innerHeight;
  });
  ok(caret > 0 && caret < 1, `the caret is in the window (${caret})`);
  // It stays open while the typing goes on.
  await page.getByRole("link", { name: "Two here" }).waitFor();
}

async function paste({ b, page }: Stage): Promise<void> {
  await page.goto(page.url().replace("/planning", `/documents/${b.idOf("specs/saving.md")}/edit`));
  const text = page.locator("#document-form-text");
  await text.fill("# Saving");
  const give = async (bytes: number[], name: string, type: string) => {
    await text.evaluate((area, { bytes, name, type }) => {
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File([new Uint8Array(bytes)], name, { type }));
      const how = { clipboardData, bubbles: true, cancelable: true };
      area.dispatchEvent(new ClipboardEvent("paste", how));
    }, { bytes, name, type });
  };
  await give([...PNG], "image.png", "image/png");
  const shown = page.locator("#document-live img");
  await shown.waitFor();
  await page.waitForFunction(() =>
    document.querySelector<HTMLImageElement>("#document-live img")?.naturalWidth === 1
  );
  match(await text.inputValue(), /^# Saving\n\n!\[image\]\(\.\.\/images\/image-\w+\.png\)\n$/);
  await give([60, 115, 118, 103], "drawing.svg", "image/svg+xml");
  await page.locator("#document-image [role=alert]", { hasText: "An SVG file" }).waitFor();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.locator("#document-text img").waitFor();
}

async function colour({ b, page }: Stage): Promise<void> {
  await page.goto(page.url().replace("/planning", `/documents/${b.idOf("specs/saving.md")}/edit`));
  const text = page.locator("#document-form-text");
  const painted = (part: string) =>
    page.evaluate(
      // deno-lint-ignore no-explicit-any -- the page's own types are not known here
      (name) => (globalThis as any).CSS.highlights.get(`text-${name}`)?.size ?? 0,
      part,
    );
  await page.locator(".colours").waitFor({ state: "attached" });
  equal(await painted("heading"), 1);
  await text.focus();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("\n## Two **x** ");
  await page.keyboard.insertText("long ".repeat(60));
  await page.keyboard.type("\n\n[[Map]] ");
  await page.keyboard.insertText("w".repeat(400));
  await page.keyboard.type("\nend");
  deepEqual([await painted("heading"), await painted("link")], [2, 1]);
  // What is seen and what is typed into are the same letters in the same places.
  const lie = () =>
    page.evaluate(() => {
      const field = document.querySelector<HTMLTextAreaElement>("#document-form-text")!;
      const under = document.querySelector<HTMLElement>(".colours")!;
      const [one, other] = [field.getBoundingClientRect(), under.getBoundingClientRect()];
      return {
        same: under.textContent === `${field.value}\n`,
        tops: Math.abs(one.top + field.clientTop - other.top) < 1,
        lefts: Math.abs(one.left + field.clientLeft - other.left) < 1,
        widths: field.clientWidth === under.clientWidth,
        heights: Math.abs(field.scrollHeight - under.scrollHeight),
      };
    });
  const { heights, ...where } = await lie();
  deepEqual(where, { same: true, tops: true, lefts: true, widths: true });
  ok(heights < 40, `${heights} pixels apart`); // of the line that an end of the text makes
  await page.getByRole("button", { name: "Colours" }).click();
  equal(await page.locator(".colours").count(), 0);
  await page.reload();
  await page.locator('[data-colours-switch][aria-pressed="false"]').waitFor();
  equal(await page.locator(".colours").count(), 0);
  await page.getByRole("button", { name: "Colours" }).click();
  await page.locator(".colours").waitFor({ state: "attached" });
  await text.fill("x".repeat(70_000));
  equal(await page.locator(".colours").count(), 0, "a long text stays plain");
  await text.fill("# short");
  equal(await painted("heading"), 1);
}

async function attach({ b, page }: Stage): Promise<void> {
  await page.goto(page.url().replace("/planning", `/documents/${b.idOf("specs/saving.md")}/edit`));
  const text = page.locator("#document-form-text");
  await text.fill("# Typed");
  const file = { name: "My map.png", mimeType: "image/png", buffer: Buffer.from(PNG) };
  await page.getByLabel("Add an image").setInputFiles(file);
  await page.getByRole("button", { name: "Add the image" }).click();
  await page.locator("#flash", { hasText: "Image added" }).waitFor();
  match(await text.inputValue(), /^# Typed\n\n!\[My map\]\(\.\.\/images\/my-map-\w+\.png\)\n$/);
}

async function tick({ b, page }: Stage): Promise<void> {
  await page.getByRole("link", { name: "Saving" }).click();
  await page.getByRole("checkbox").nth(1).click();
  await page.locator('[role="checkbox"][aria-checked="true"]').waitFor();
  equal(await b.repo.read(SAVING), TEXT.replace("[ ] second", "[x] second"));
}
