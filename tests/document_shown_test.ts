/** A document that is shown again is not rendered again, as long as nothing that its HTML depends on is another one. */
import { doesNotMatch, match, notStrictEqual, strictEqual as equal } from "node:assert";
import { shownDocument } from "../server/pages/rendered.ts";
import { rejectIdea, submitIdea } from "../server/services/ideas.ts";
import { openDocument } from "../server/services/documents.ts";
import { archiveProject } from "../server/services/projects.ts";
import { moveIdea } from "../server/store/ideas.ts";
import { never } from "./git_support.ts";
import { planningBench } from "./planning_support.ts";

const MAP = "planning/map.md";
const TEXT =
  "# Map\n\n- [ ] Save games, #idea-1\n- [ ] Load them\n\nSee [[saving]] and [b](b.md).\n";

Deno.test("a document is rendered once, and anew when its text, what it names or where it leads is another one", async () => {
  await using b = await planningBench({ [MAP]: TEXT, "planning/b.md": "# B\n" });
  const { app, project } = b;
  await b.follow();
  const id = b.idOf("map.md");
  const shown = async () => await shownDocument(app, await openDocument(app, id, never));
  const first = await shown();
  equal(await shown(), first);
  doesNotMatch(first.html, /href="\/ideas/);
  match(first.html, /See \[\[saving\]\]/);

  /** Rendered anew, once. */
  const anew = async () => {
    const now = await shown();
    notStrictEqual(now, before);
    equal(await shown(), now);
    return before = now;
  };
  let before = first;
  const idea = submitIdea(app, { projectId: project.id, title: "Save games" });
  match((await anew()).html, /href="\/ideas\/[^]*Submitted/);
  app.tx((tx) => moveIdea(tx, idea.id, "refining"));
  match((await anew()).html, /Refining/);
  rejectIdea(app, idea.id, "Not now");
  match((await anew()).html, /Rejected/);

  await b.repo.write("planning/saving.md", "# Saving\n");
  await b.follow();
  match((await anew()).html, new RegExp(`<a href="/documents/${b.idOf("saving.md")}">saving</a>`));
  await b.repo.write("planning/saving.md", "# Saving it\n");
  await b.follow();
  equal(await shown(), before, "another title leads to the same page");
  await Deno.remove(`${b.repo.dir}/planning/saving.md`);
  await Deno.remove(`${b.repo.dir}/planning/b.md`);
  await b.follow();
  doesNotMatch((await anew()).html, /href="\/documents/);

  await b.repo.write(MAP, `${TEXT}More.\n`);
  match((await anew()).html, /More\./);
  await b.repo.commit("As it is", {});
  archiveProject(app, project.id);
  doesNotMatch((await anew()).html, /name="line"/);
});

Deno.test("few documents are kept as they were shown, and none with diagrams", async () => {
  const files: Record<string, string> = { "planning/d.md": "# D\n\n```mermaid\npie\n```\n" };
  for (let n = 0; n < 8; n++) files[`planning/n${n}.md`] = `# N${n}\n`;
  await using b = await planningBench(files);
  await b.follow();
  const shown = async (path: string) =>
    await shownDocument(b.app, await openDocument(b.app, b.idOf(path), never), { waitMs: 0 });
  notStrictEqual(await shown("d.md"), await shown("d.md"));
  const first = await shown("n0.md");
  for (let n = 1; n < 6; n++) await shown(`n${n}.md`);
  equal(await shown("n0.md"), first);
  const second = await shown("n1.md");
  for (let n = 2; n < 8; n++) await shown(`n${n}.md`);
  notStrictEqual(await shown("n1.md"), second);
});
