/** Documents of another project: what they name of it stands in words, and what they show comes along. */
import { deepStrictEqual as deepEqual, match, rejects, strictEqual as equal } from "node:assert";
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
  await rejects(documentsOfProject(b.app, b.project.id, never), {
    code: "conflict",
    message: /documents of "Game": they are more than 64 MB with their images/,
  });
});
