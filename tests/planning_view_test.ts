/** What a planning agent reads: documents as they are, committed or not, over the code of the base branch. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { RepositoryMaps } from "../agents/inspect/repository_map.ts";
import { setDocumentSaves } from "../server/services/documents.ts";
import { withDocuments } from "../server/services/planning_view.ts";
import { prepareRun } from "../server/services/run_preparation.ts";
import { getAskRun } from "../server/store/runs.ts";
import { askPlanningAgent } from "../server/services/planning_asks.ts";
import { tempDir } from "./gaffer.ts";
import { never } from "./git_support.ts";
import { planningBench } from "./planning_support.ts";

const FILES = {
  "src/save.ts": "export const slots = 3;\n",
  "planning/specs/saving.md": "# Saving\n",
  "planning/map.md": "# Map\n",
  "planning/old.md": "# Old\n",
};

Deno.test("a planning agent's run sees documents that are saved as files alone, and code as it is committed", async () => {
  await using data = await tempDir();
  await using b = await planningBench(FILES, { dataDir: data.path });
  setDocumentSaves(b.app, b.project.id, "files");
  await b.repo.write("planning/specs/saving.md", "# Saving\n\nNot committed.\n");
  await b.repo.write("planning/specs/new.md", "# New, in \u00fcbersee\r\n");
  await b.repo.write("src/save.ts", "export const slots = 5;\n");
  await Deno.remove(`${b.repo.dir}/planning/old.md`);
  await b.follow();
  const status = () => b.repo.git("status", "--porcelain");
  const before = await status();
  const ask = askPlanningAgent(b.app, {
    documentId: b.idOf("specs/saving.md"),
    ask: "review",
  });
  const run = getAskRun(b.app.db, ask.id);
  const ready = await prepareRun(b.app, new RepositoryMaps(), run.id, never);
  const read = (path: string) => Deno.readTextFileSync(`${ready.place.dir}/${path}`);
  equal(read("planning/specs/saving.md"), "# Saving\n\nNot committed.\n");
  equal(read("planning/specs/new.md"), "# New, in \u00fcbersee\r\n");
  equal(read("planning/map.md"), "# Map\n");
  equal(read("src/save.ts"), "export const slots = 3;\n");
  deepEqual(
    [...Deno.readDirSync(`${ready.place.dir}/planning`)].map(({ name }) => name).sort(),
    ["map.md", "specs"],
  );
  equal(ready.place.access, "read");
  match(JSON.stringify(ready.spec), /planning\/specs\/new\.md/, "the list of files");
  equal(await status(), before, "the person's folder is as it was");
  const again = await prepareRun(b.app, new RepositoryMaps(), run.id, never);
  equal(again.place.dir, ready.place.dir, "a run that goes on is where it was");
});

Deno.test("withDocuments() gives the commit itself where nothing differs, or where documents are read from it", async () => {
  await using b = await planningBench(FILES);
  const commit = await b.repo.git("rev-parse", "HEAD");
  const laid = () => withDocuments(b.app, { project: b.project, commit }, never);
  equal(await laid(), commit);
  await b.repo.write("planning/map.md", "# Map, changed\n");
  const one = await laid();
  ok(one !== commit);
  equal(await laid(), one, "the same contents are the same commit");
  await b.repo.write("planning/map.md", new Uint8Array([35, 255, 254]));
  equal(await laid(), commit, "what is no text is nothing to read");
  await b.repo.write("planning/map.md", "# Map, changed\n");
  await b.repo.git("switch", "--quiet", "-c", "elsewhere");
  equal(await laid(), commit, "of another branch's folder nothing is read");
});

Deno.test("where a commit has a link for the planning folder, documents are laid out in a folder of their own", async () => {
  await using outside = await tempDir();
  await using b = await planningBench({ "src/a.ts": "1\n" });
  await Deno.symlink(outside.path, `${b.repo.dir}/planning`);
  await b.repo.git("add", "-A");
  await b.repo.git("commit", "-qm", "A link");
  const commit = await b.repo.git("rev-parse", "HEAD");
  await Deno.remove(`${b.repo.dir}/planning`);
  await b.repo.write("planning/map.md", "# Map\n");
  const laid = await withDocuments(b.app, { project: b.project, commit }, never);
  match(await b.repo.git("ls-tree", "-r", laid), /100644 blob [0-9a-f]+\tplanning\/map\.md/);
  deepEqual([...Deno.readDirSync(outside.path)], []);
});
