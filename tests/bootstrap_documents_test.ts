/** Documents of another project: what they name of it stands in words, and what they show comes along. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { documentsOfProject } from "../server/services/bootstrap_documents.ts";
import { documentFacts } from "../server/services/document_facts.ts";
import { withPlainReferences } from "../server/services/plain_references.ts";
import { tempDir } from "./gaffer.ts";
import { never } from "./git_support.ts";
import { PNG } from "./images.ts";
import { planningBench } from "./planning_support.ts";

Deno.test("withPlainReferences() puts what a text names into words, and leaves code and front matter as they are", () => {
  const front = "---\ntitle: After #idea-7\n---\n";
  const text =
    `${front}# Saves #ticket-3\r\n\nSee #idea-007, [this](#ticket-3) and \`#idea-1\`.\n\n` +
    "~~~\n#idea-2\n```\n#idea-3\n~~~\n| a#idea-4 | ##idea-5 | #idea-6b | #Idea-7 |\n";
  const plain = withPlainReferences(text, "Game | *1*");
  equal(
    plain,
    `${front}# Saves ticket 3 of Game \\| \\*1\\*\r\n\n` +
      "See idea 7 of Game \\| \\*1\\*, [this] (ticket 3 of Game \\| \\*1\\*) and `#idea-1`.\n\n" +
      "~~~\n#idea-2\n```\n#idea-3\n~~~\n| a#idea-4 | ##idea-5 | #idea-6b | #Idea-7 |\n",
  );
  deepEqual(documentFacts("specs/a.md", plain).links, []);
  equal(withPlainReferences(plain, "Other"), plain);
});

Deno.test("a new project begins with another one's documents, their images, and no number of that project's", async () => {
  await using data = await tempDir();
  await using dir = await tempDir();
  await using b = await planningBench({
    "planning/specs/map.md":
      "---\nstatus: approved\n---\n# Map\n\n![it](../images/map.png) ![gone](../images/no.png)\n\nWas #ticket-3.\n",
    "planning/templates/quest.md": "# {{title}}\n\nLike #idea-7.\n",
    "planning/images/unused.png": "no image",
  }, { dataDir: data.path });
  await b.repo.write("planning/images/map.png", PNG);
  const input = {
    answers: { name: "Quest" },
    documents_of: b.project.id,
  };
  const preview = await b.call("POST", "/project-templates/custom/preview", input);
  equal(preview.status, 200, JSON.stringify(preview.json));
  deepEqual(preview.json.images, [{ path: "planning/images/map.png", bytes: PNG.length }]);
  equal(preview.json.ideas_left, 0);
  const page = await b.pages.post("/templates/custom/new", {
    "answers.name": "Quest",
    ...{ documents_of: b.project.id, path: `${dir.path}/quest`, do: "look" },
  });
  match(await page.text(), /id="outcome-images"[^]*planning\/images\/map\.png/);
  const path = `${dir.path}/quest`;
  const made = await b.call("POST", "/project-templates/custom/projects", { ...input, path });
  equal(made.status, 201, JSON.stringify(made.json));
  const text = (file: string) => Deno.readTextFileSync(`${path}/planning/${file}`);
  match(text("specs/map.md"), /Was ticket 3 of Game\./);
  match(text("templates/quest.md"), /Like idea 7 of Game\./);
  deepEqual(Deno.readFileSync(`${path}/planning/images/map.png`), PNG);
  await rejects(Deno.stat(`${path}/planning/images/unused.png`), Deno.errors.NotFound);
});

Deno.test("documents whose images are larger than an export may be are refused, with how large", async () => {
  await using b = await planningBench({ "planning/specs/map.md": "# Map\n" });
  const big = new Uint8Array(7.5 * 1024 * 1024);
  big.set(PNG);
  let text = "# Map\n\n";
  for (let i = 0; i < 9; i++) {
    await b.repo.write(`planning/images/${i}.png`, big);
    text += `![it](../images/${i}.png)\n`;
  }
  await b.repo.write("planning/specs/map.md", text);
  await rejects(documentsOfProject(b.app, { projectId: b.project.id, paths: null }, never), {
    code: "conflict",
    message: /documents of "Game": they are more than 64 MB with their images/,
  });
});

Deno.test("a person chooses which documents come along, all by default, in the page and over the API", async () => {
  await using data = await tempDir();
  await using dir = await tempDir();
  await using b = await planningBench({
    "planning/roadmap.md": "---\ntype: roadmap\n---\n# Roadmap\n\n- Save games\n",
    "planning/specs/map.md": "# Map\n\n![it](../images/map.png)\n",
    "planning/specs/save & load.md": "# Save\n",
    "planning/templates/quest.md": "# {{title}}\n",
  }, { dataDir: data.path });
  await b.repo.write("planning/images/map.png", PNG);
  const of = b.project.id;
  const get = async (path: string) => await (await b.pages.get(path)).text();
  const link = `href="/templates?documents_of=${of}"`;
  ok((await get(`/planning?project=${of}`)).includes(link));
  ok((await get(`/planning/export?project=${of}`)).includes(link));
  const templates = await get(`/templates?documents_of=${of}`);
  match(templates, /It begins with the documents of.*Game/s);
  ok(templates.includes(`href="/templates/custom/new?documents_of=${of}"`));
  const boxes = (html: string) =>
    [...html.matchAll(/<input type="checkbox" name="documents" value="([^"]*)"( checked)?/g)]
      .map(([, path, checked]) => `${checked ? "+" : "-"} ${path}`);
  const first = await get(`/templates/custom/new?documents_of=${of}`);
  match(first, new RegExp(`<option value="${of}" selected`));
  const all = ["roadmap.md", "specs/map.md", "specs/save &amp; load.md", "templates/quest.md"];
  deepEqual(boxes(first), all.map((path) => `+ ${path}`));

  const path = `${dir.path}/quest`;
  const form = new URLSearchParams({
    "answers.name": "Quest",
    ...{ path, documents_of: of, documents_listed: of, do: "look" },
  });
  for (const chosen of ["specs/save & load.md", "templates/quest.md"]) {
    form.append("documents", chosen);
  }
  const post = (fields: URLSearchParams) =>
    b.pages.http.request("/templates/custom/new", { method: "POST", body: fields });
  const looked = await (await post(form)).text();
  deepEqual(boxes(looked), [
    "- roadmap.md",
    "- specs/map.md",
    "+ specs/save &amp; load.md",
    "+ templates/quest.md",
  ]);
  doesNotMatch(looked, /outcome-images/, "nothing shows the image");
  const gone = new URLSearchParams([...form, ["documents", "specs/gone.md"]]);
  const refused = await post(gone);
  equal(refused.status, 422);
  match(await refused.text(), /There is no &quot;specs\/gone.md&quot; any more|There is no "specs/);

  form.set("do", "make");
  equal((await post(form)).status, 303);
  const made = (file: string) => Deno.readTextFileSync(`${path}/planning/${file}`);
  equal(made("specs/save & load.md"), "# Save\n");
  equal(made("templates/quest.md"), "# {{title}}\n");
  await rejects(Deno.stat(`${path}/planning/specs/map.md`), Deno.errors.NotFound);
  await rejects(Deno.stat(`${path}/planning/images`), Deno.errors.NotFound);

  const input = { answers: { name: "Two" }, documents_of: of };
  const preview = async (documents_paths: string[] | null) =>
    await b.call("POST", "/project-templates/custom/preview", { ...input, documents_paths });
  const planned = async (paths: string[] | null) =>
    (await preview(paths)).json.files.map(({ path }: { path: string }) => path)
      .filter((path: string) => /^planning\/(?:specs|templates)/.test(path));
  deepEqual(await planned(["specs/map.md"]), ["planning/specs/map.md"]);
  deepEqual(await planned([]), []);
  equal((await planned(null)).length, 3);
  equal((await preview(["../CLAUDE.md"])).status, 409);
});

Deno.test("where another project has more documents than may come along, none is checked until some are chosen", async () => {
  const files: Record<string, string> = {};
  for (let i = 0; i <= 200; i++) files[`planning/notes/${i}.md`] = `# Note ${i}\n`;
  await using b = await planningBench(files);
  const of = b.project.id;
  const first = await (await b.pages.get(`/templates/custom/new?documents_of=${of}`)).text();
  match(first, /They are 201, and at most 200 come along/);
  doesNotMatch(first, /name="documents" value="[^"]*" checked/);
  await rejects(documentsOfProject(b.app, { projectId: of, paths: null }, never), {
    message: /they are more than 200\. Choose which come along/,
  });
  const { documents } = await documentsOfProject(
    b.app,
    { projectId: of, paths: ["notes/7.md"] },
    never,
  );
  deepEqual(documents, [{ path: "notes/7.md", text: "# Note 7\n" }]);
});
