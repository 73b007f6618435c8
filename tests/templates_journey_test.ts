/** From nothing to a project of a template, as a person does it: with the keyboard and scripts, then narrow and without. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import { join } from "node:path";
import { chromiumPath, desktop, launchBrowser, needsChromium, openPage } from "./browser.ts";
import { run, startGaffer, tempDir } from "./gaffer.ts";

Deno.test({
  name:
    `a project is made of a template by keyboard, and without scripts at 320 px${needsChromium}`,
  ignore: chromiumPath === null,
  async fn() {
    await using data = await tempDir();
    await using projects = await tempDir();
    const root = await Deno.realPath(projects.path);
    await using gaffer = await startGaffer({ dataDir: data.path });
    const browser = await launchBrowser();
    try {
      await using wide = await openPage(browser, { viewport: desktop });
      const { page } = wide;
      await page.goto(gaffer.url);
      await page.getByRole("link", { name: "Begin a new project from a template" }).press("Enter");
      await page.getByRole("link", { name: "Custom", exact: true }).press("Enter");
      await page.getByLabel("Folder").fill(join(root, "one"));
      await page.getByLabel("Name", { exact: true }).fill("One");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "What it will have" }).waitFor();
      await page.locator("#template-outcome :focus").waitFor();
      await page.getByRole("button", { name: "Make the project" }).press("Enter");
      await page.waitForURL(/\/ideas\?project=/);
      equal(new URL(page.url()).hash, "");
      match(await page.locator("#flash").innerText(), /Project "One" made in/);
      deepEqual(wide.problems, []);
      equal((await run(join(root, "one"), "git", "log", "--format=%s")).trim(), "Begin One");

      await using small = await openPage(browser, {
        viewport: { width: 320, height: 700 },
        javaScriptEnabled: false,
      });
      const { page: narrow } = small;
      await narrow.goto(`${gaffer.url}/templates/go/new`);
      await narrow.getByLabel("Folder").fill(join(root, "one"));
      await narrow.getByLabel("Name", { exact: true }).fill("Two");
      await narrow.getByRole("button", { name: "Look at what it makes" }).click();
      await narrow.getByLabel("Submit the roadmap's").uncheck();
      await narrow.getByRole("button", { name: "Make the project" }).click();
      match(await narrow.locator("[data-error-summary]").innerText(), /another look/);
      match(
        await narrow.locator("#from-template-path-error").innerText(),
        /already the project "One"/,
      );
      await narrow.getByLabel("Folder").fill(join(root, "two"));
      equal(await narrow.getByLabel("Submit the roadmap's").isChecked(), false);
      await narrow.getByRole("button", { name: "Make the project" }).click();
      await narrow.waitForURL(/\/ideas\?project=/);
      equal(new URL(narrow.url()).hash, "");
      deepEqual([...Deno.readDirSync(root)].map(({ name }) => name).sort(), ["one", "two"]);
    } finally {
      await browser.close();
    }
  },
});
