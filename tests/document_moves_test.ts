/** Ids of documents outlive their files: away for a while, under another name, or gone. */
import { deepStrictEqual as deepEqual, match, rejects, strictEqual as equal } from "node:assert";
import { DAY_MS } from "../server/clock.ts";
import { keepDraft } from "../server/services/document_drafts.ts";
import { followDocuments } from "../server/services/document_index.ts";
import {
  createDocument,
  deleteDocument,
  documentsOf,
  openDocument,
  saveDocument,
  setDocumentSaves,
} from "../server/services/documents.ts";
import { findDraft, listSaves } from "../server/store/document_drafts.ts";
import { getDocument } from "../server/store/documents.ts";
import { never } from "./git_support.ts";
import { type PlanningBench, planningBench } from "./planning_support.ts";

const SAVING = "planning/specs/saving.md";
const TEXT = "# Saving\n\nGames are saved.\n";

const remove = (b: PlanningBench, path: string) => Deno.remove(`${b.repo.dir}/planning/${path}`);
const rename = (b: PlanningBench, from: string, to: string) =>
  Deno.rename(`${b.repo.dir}/planning/${from}`, `${b.repo.dir}/planning/${to}`);
const pathsOf = (b: PlanningBench) => documentsOf(b.app, b.project.id).map(({ path }) => path);

Deno.test("a file that is away for a while has its id again, however long it took and whatever it says", async () => {
  await using b = await planningBench();
  await b.follow();
  const id = b.idOf("specs/saving.md");
  await remove(b, "specs/saving.md");
  await b.follow();
  await rejects(openDocument(b.app, id, never), {
    code: "not_found",
    message: "Cannot open specs/saving.md: its file is gone from the project",
  });
  b.app.advance(30 * DAY_MS);
  await b.repo.write(SAVING, "# Other\n");
  // Nobody has looked at the tree: the address alone finds it.
  equal((await openDocument(b.app, id, never)).text, "# Other\n");
  equal(b.idOf("specs/saving.md"), id);
  // An editor that writes beside and renames: gone and there between two looks.
  await remove(b, "specs/saving.md");
  await rejects(openDocument(b.app, id, never), { code: "not_found" });
  await b.repo.write(SAVING, TEXT);
  await b.follow();
  equal(b.idOf("specs/saving.md"), id);
  await rejects(openDocument(b.app, "document_none", never), /No document with the id/);
});

Deno.test("a branch without the documents and back again changes no id", async () => {
  await using b = await planningBench({ [SAVING]: TEXT, "planning/map.md": "# Map\n" });
  setDocumentSaves(b.app, b.project.id, "files");
  await b.follow();
  const before = documentsOf(b.app, b.project.id).map(({ id, path }) => [id, path]);
  await b.repo.git("checkout", "-q", "--orphan", "empty");
  await b.repo.git("rm", "-rqf", ".");
  await b.follow();
  deepEqual(pathsOf(b), []);
  await b.repo.git("checkout", "-q", "main");
  await b.follow();
  deepEqual(documentsOf(b.app, b.project.id).map(({ id, path }) => [id, path]), before);
});

Deno.test("a document deleted here and made again is the same one", async () => {
  await using b = await planningBench();
  await b.follow();
  const { id, version: seen } = getDocument(b.app.db, b.idOf("specs/saving.md"));
  await deleteDocument(b.app, id, { seen }, never);
  const again = { projectId: b.project.id, path: "specs/saving", text: "anew\n" };
  equal((await createDocument(b.app, again, never)).document.id, id);
});

Deno.test("a rename outside keeps the id, the drafts and the saves", async () => {
  await using b = await planningBench();
  setDocumentSaves(b.app, b.project.id, "files");
  await b.follow();
  const id = b.idOf("specs/saving.md");
  const { document: { version: seen } } = await openDocument(b.app, id, never);
  const saved = await saveDocument(b.app, id, { text: `${TEXT}more\n`, seen }, never);
  await keepDraft(b.app, id, { text: "typed", seen: saved.document.version }, never);
  await rename(b, "specs/saving.md", "stored.md");
  // The address leads to it before anybody looked at the tree.
  const { document } = await openDocument(b.app, id, never);
  equal(document.path, "stored.md");
  equal(findDraft(b.app.db, document, "owner")?.text, "typed");
  equal(listSaves(b.app.db, document).length, 2);
  const page = await (await b.pages.get(`/documents/${id}/edit`)).text();
  match(page, />typed<\/textarea>/);
  // The old path is free: a file there is another document.
  await b.repo.write(SAVING, "# Another\n");
  await b.follow();
  equal(b.idOf("specs/saving.md") === id, false);
});

Deno.test("a folder that is renamed takes all ids along, where texts differ", async () => {
  const files = Array.from({ length: 120 }, (_, n) => [`planning/old/${n}.md`, `# ${n}\n`]);
  await using b = await planningBench(Object.fromEntries(files));
  await b.follow();
  const before = new Map(documentsOf(b.app, b.project.id).map(({ id, title }) => [title, id]));
  await rename(b, "old", "new");
  await b.follow();
  const after = documentsOf(b.app, b.project.id);
  equal(after.length, 120);
  deepEqual(
    after.filter(({ id, title, path }) => before.get(title) !== id || path !== `new/${title}.md`),
    [],
  );
});

Deno.test("what could be one of two, or is empty, or comes a day later, is another document", async () => {
  await using b = await planningBench({
    "planning/a.md": "# Same\n",
    "planning/b.md": "# Same\n",
    "planning/c.md": "# One\n",
    "planning/empty.md": "",
    "planning/late.md": "# Late\n",
  });
  await b.follow();
  const known = new Set(documentsOf(b.app, b.project.id).map(({ id }) => id));
  for (const path of ["a.md", "b.md", "c.md", "empty.md", "late.md"]) await remove(b, path);
  await b.follow();
  await b.repo.write("planning/x.md", "# Same\n"); // a or b?
  await b.repo.write("planning/y.md", "# One\n"); // and this
  await b.repo.write("planning/z.md", "# One\n"); // or this?
  await b.repo.write("planning/nothing.md", "");
  await b.follow();
  b.app.advance(DAY_MS + 1);
  await b.repo.write("planning/later.md", "# Late\n");
  await b.follow();
  deepEqual(documentsOf(b.app, b.project.id).filter(({ id }) => known.has(id)), []);
  equal(pathsOf(b).length, 5);
});

Deno.test("a copy is another document, and the first keeps its id", async () => {
  await using b = await planningBench();
  await b.follow();
  const id = b.idOf("specs/saving.md");
  await b.repo.write("planning/copy.md", TEXT);
  await b.follow();
  equal(b.idOf("specs/saving.md"), id);
  equal(b.idOf("copy.md") === id, false);
});

Deno.test("a crash between what went and what came loses no id: the next look gives it", async () => {
  await using b = await planningBench();
  await b.follow();
  const id = b.idOf("specs/saving.md");
  await rename(b, "specs/saving.md", "stored.md");
  const real = b.app.db.prepare;
  b.app.db.prepare = (sql) => {
    if (/INSERT INTO documents /.test(sql)) throw new Error("killed");
    return real.call(b.app.db, sql);
  };
  await rejects(b.follow(), /killed/);
  b.app.db.prepare = real;
  deepEqual(pathsOf(b), []);
  await b.follow();
  equal(b.idOf("stored.md"), id);
});

Deno.test("whoever shows the documents is told when a look found others, and only then", async () => {
  await using b = await planningBench();
  const told: string[] = [];
  b.app.hub.subscribe((message) =>
    void (message.kind === "documents" && told.push(message.projectId))
  );
  await b.follow();
  await b.follow();
  deepEqual(told, [b.project.id]);
  await b.repo.write(SAVING, "changed\n");
  await openDocument(b.app, b.idOf("specs/saving.md"), never);
  await openDocument(b.app, b.idOf("specs/saving.md"), never);
  equal(told.length, 2);
  await remove(b, "specs/saving.md");
  await followDocuments(b.app, b.project, never);
  equal(told.length, 3);
});
