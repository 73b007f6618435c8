/** The tree beside a document: its own folders are open, of a large one only a part is shown, others come when asked for. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { documentTree, folderOfTree } from "../server/pages/document_tree.ts";
import { findDocument } from "../server/store/documents.ts";
import type { TreeLevel } from "../views/document_tree.tsx";
import { chromiumPath, desktop, launchBrowser, needsChromium, openPage } from "./browser.ts";
import { listen } from "./http_support.ts";
import { planningBench } from "./planning_support.ts";

const FILES = {
  "planning/map.md": "# Map\n",
  "planning/specs/saving.md": "# Saving\n\n## Where\n",
  "planning/specs/deep/down/here.md": "# Here\n",
  "planning/specs/deep/there.md": "# There\n",
  "planning/notes/a & b.md": "# A <b>b</b>\n",
};

/** Folders with a slash at their end; what is in an open one below it. */
const linesOf = ({ folders, documents }: TreeLevel): unknown[] => [
  ...folders.map(({ path, count, inside }) =>
    inside ? [`${path}/ ${count}`, linesOf(inside)] : `${path}/ ${count}`
  ),
  ...documents.map(({ title }) => title),
];

Deno.test("documentTree() opens the folders of the document and no other; folderOfTree() gives one of those", async () => {
  await using b = await planningBench(FILES);
  await b.follow();
  const document = findDocument(b.app.db, b.project.id, "specs/deep/there.md")!;
  const { level, current } = documentTree(b.app, document);
  equal(current, document.id);
  deepEqual(linesOf(level), [
    "notes/ 1",
    ["specs/ 3", [["specs/deep/ 2", ["specs/deep/down/ 1", "There"]], "Saving"]],
    "Map",
  ]);
  deepEqual(linesOf(folderOfTree(b.app, b.project.id, "specs").level), ["specs/deep/ 2", "Saving"]);
  deepEqual(linesOf(folderOfTree(b.app, b.project.id, "gone").level), []);
});

Deno.test("of a folder with thousands of documents the tree shows those around its own", async () => {
  const files: Record<string, string> = { "planning/map.md": "# Map\n" };
  for (let n = 0; n < 200; n++) {
    files[`planning/many/${String(n).padStart(3, "0")}.md`] = `# Note ${n}\n`;
    files[`planning/f${n}/a.md`] = "# A\n";
  }
  await using b = await planningBench(files);
  await b.follow();
  const titles = (path: string) => {
    const { level } = documentTree(b.app, findDocument(b.app.db, b.project.id, path)!);
    const { inside } = level.folders.find(({ path }) => path === "many")!;
    ok(level.folders.length <= 60 && !level.isWhole && !inside!.isWhole);
    return inside!.documents.map(({ title }) => title);
  };
  deepEqual([titles("many/000.md").length, titles("many/000.md")[0]], [60, "Note 0"]);
  deepEqual([titles("many/100.md")[0], titles("many/100.md").at(-1)], ["Note 70", "Note 129"]);
  deepEqual(titles("many/199.md").at(-1), "Note 199");
  const page = await (await b.pages.get(`/documents/${b.idOf("many/100.md")}`)).text();
  match(page, /All of many\//);
  match(page, /<a [^>]*aria-current="page"[^>]*>Note 100<\/a>/);
});

Deno.test("a folder of the tree is a fragment for a script, and the folder's page without", async () => {
  await using b = await planningBench(FILES);
  await b.follow();
  const at = `/planning/tree?project=${b.project.id}&folder=notes`;
  const part = await b.pages.get(at, { "hx-request": "true" });
  match(
    await part.text(),
    /^<ul class="tree-level"><li><a href="[^"]+">A &lt;b>b&lt;\/b><\/a><\/li><\/ul>$/,
  );
  const alone = await b.pages.get(at);
  equal(alone.status, 303);
  equal(alone.headers.get("location"), `/planning?project=${b.project.id}&folder=notes`);
  equal((await b.pages.get("/planning/tree?project=none")).status, 404);
  const page = await (await b.pages.get(`/documents/${b.idOf("map.md")}`)).text();
  match(
    page,
    /<details id="tree-notes"(?: hx-[a-z:0-9]+="[^"]*")+><summary>notes\/.*?<a href="\/planning\?project=[^"]+&amp;folder=notes">Show notes\//,
  );
});

Deno.test({
  name: `the tree in a browser: opened, followed, and gone on a phone${needsChromium}`,
  ignore: chromiumPath === null,
  async fn() {
    await using b = await planningBench(FILES);
    await b.follow();
    await using server = listen(b.pages.http);
    const browser = await launchBrowser();
    try {
      await using watched = await openPage(browser, { viewport: desktop });
      const { page, problems } = watched;
      await page.goto(`${server.origin}/documents/${b.idOf("map.md")}`);
      const tree = page.locator("#document-tree");
      await tree.locator("summary", { hasText: "specs/" }).focus();
      await page.keyboard.press("Enter");
      await tree.getByRole("link", { name: "Saving" }).waitFor();
      await tree.locator("summary", { hasText: "notes/" }).click();
      await tree.getByRole("link", { name: "A <b>b</b>" }).waitFor();
      await b.repo.commit("Outside", { "planning/map.md": "# Map of all\n" });
      await page.getByRole("heading", { level: 1, name: "Map of all" }).waitFor();
      deepEqual(await tree.locator("[aria-current=page]").allTextContents(), ["Map of all"]);
      // What changes in a folder that was opened shows as well; one in it that is open stays so.
      await tree.locator("summary", { hasText: "deep/" }).click();
      await tree.getByRole("link", { name: "There" }).waitFor();
      await b.repo.commit("Deeper", {
        "planning/specs/deep/there.md": "# Not here\n",
        "planning/specs/new/first.md": "# First\n",
        "planning/notes/a & b.md": "# C\n",
      });
      await tree.getByRole("link", { name: "Not here" }).waitFor();
      await tree.getByRole("link", { name: "C", exact: true }).waitFor();
      await tree.locator("summary", { hasText: "new/" }).click();
      await tree.getByRole("link", { name: "First" }).waitFor();
      await b.repo.git("mv", "planning/specs/deep/there.md", "planning/notes/there.md");
      await tree.locator("li", { hasText: /^notes/ }).getByRole("link", { name: "Not here" })
        .waitFor();
      equal(await tree.getByRole("link", { name: "Not here" }).count(), 1);
      await tree.getByRole("link", { name: "Saving" }).click();
      await page.getByRole("heading", { level: 1, name: "Saving" }).waitFor();
      deepEqual(await tree.locator("[aria-current=page]").allTextContents(), ["Saving"]);
      ok(await tree.locator("summary", { hasText: "specs/" }).isVisible());
      const c = tree.getByRole("link", { name: "C", exact: true });
      ok(await c.isVisible(), "it stays open");
      await page.setViewportSize({ width: 320, height: 700 });
      equal(await tree.isVisible(), false);
      deepEqual(problems, []);
    } finally {
      await browser.close();
    }
  },
});
