/** Documents that were deleted are brought back with their text, path and id. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { bringBack, goneDocuments } from "../server/services/documents_gone.ts";
import {
  createDocument,
  deleteDocument,
  openDocument,
  saveDocument,
  setDocumentSaves,
} from "../server/services/documents.ts";
import { never } from "./git_support.ts";
import { type PlanningBench, planningBench } from "./planning_support.ts";

const PATH = "specs/saving.md";
const TEXT = "# Saving\n\nGames are saved.\n";

async function bench(saves: "commit" | "files") {
  const b = await planningBench({ [`planning/${PATH}`]: TEXT });
  setDocumentSaves(b.app, b.project.id, saves);
  await b.follow();
  return b;
}

async function remove(b: PlanningBench, id: string): Promise<void> {
  const { document } = await openDocument(b.app, id, never);
  await deleteDocument(b.app, id, { seen: document.version }, never);
}

const gone = async (b: PlanningBench) =>
  (await goneDocuments(b.app, b.project, never)).map(({ path }) => path);

for (const saves of ["commit", "files"] as const) {
  Deno.test(`a document that is deleted is brought back by Undo, in mode ${saves}`, async () => {
    await using b = await bench(saves);
    const id = b.idOf(PATH);
    const { version: seen } = (await openDocument(b.app, id, never)).document;
    const deleted = await b.pages.post(`/documents/${id}/delete`, { seen });
    const cookie = deleted.headers.get("set-cookie")!.split(";")[0]!;
    const page = await b.pages.http.request(deleted.headers.get("location")!, {
      headers: { cookie },
    });
    const html = await page.text();
    match(html, new RegExp(`action="/documents/${id}/bring-back"[^]*?Undo`));
    const back = await b.pages.post(`/documents/${id}/bring-back`);
    equal(back.headers.get("location"), `/documents/${id}`);
    equal(await b.repo.read(`planning/${PATH}`), TEXT);
    equal(b.idOf(PATH), id);
    deepEqual(await gone(b), []);
    equal((await bringBack(b.app, id, never)).text, TEXT, "it is there already");
  });
}

Deno.test("what was written outside and never committed is kept when it is deleted", async () => {
  await using b = await bench("files");
  await b.repo.write("planning/notes.md", "only here\n");
  await b.follow();
  const id = b.idOf("notes.md");
  await remove(b, id);
  equal((await bringBack(b.app, id, never)).text, "only here\n");
});

Deno.test("deleted documents are listed where their text is known, and brought back from there", async () => {
  await using b = await bench("files");
  const id = b.idOf(PATH);
  doesNotMatch(await (await b.pages.get("/planning")).text(), />Deleted</);
  // Of one nobody has the text, of another a commit, of a third a save.
  await b.repo.write("planning/unknown.md", "never seen\n");
  const input = { projectId: b.project.id, path: "saved", text: "saved\n" };
  const { document: saved } = await createDocument(b.app, input, never);
  for (const path of [PATH, "unknown.md", "saved.md"]) {
    await b.follow();
    b.app.advance(1_000);
    await Deno.remove(`${b.repo.dir}/planning/${path}`);
  }
  await b.follow();
  deepEqual(await gone(b), ["saved.md", PATH]);
  match(await (await b.pages.get("/planning")).text(), />Deleted</);
  const page = await (await b.pages.get("/planning/drafts")).text();
  match(page, /id="documents-gone"[^]*saved\.md[^]*specs\/saving\.md/);
  const api = await b.call("GET", `/projects/${b.project.id}/gone-documents`);
  deepEqual(api.json.items.map((one: { id: string }) => one.id), [saved.id, id]);
  const back = await b.call("POST", `/documents/${id}/bring-back`);
  deepEqual([back.status, back.json.id, back.json.text], [200, id, TEXT]);
  const unknown = await b.app.db.prepare("SELECT id FROM documents_gone WHERE path = 'unknown.md'")
    .get() as { id: string };
  const refused = await b.pages.post(`/documents/${unknown.id}/bring-back`);
  equal(refused.headers.get("location"), `/planning/drafts?project=${b.project.id}`);
  await rejects(bringBack(b.app, unknown.id, never), {
    code: "conflict",
    message: /neither saved here nor committed/,
  });
  await rejects(bringBack(b.app, "document_none", never), { code: "not_found" });
});

Deno.test("the last text comes back, not an older save or commit", async () => {
  await using b = await bench("files");
  const id = b.idOf(PATH);
  const save = async (text: string) => {
    const { document } = await openDocument(b.app, id, never);
    await saveDocument(b.app, id, { text, seen: document.version }, never);
  };
  await save("saved\n");
  setDocumentSaves(b.app, b.project.id, "commit");
  await b.repo.git("commit", "-qam", "Saved");
  await save("committed after\n");
  await remove(b, id);
  equal((await bringBack(b.app, id, never)).text, "committed after\n");
});

Deno.test("where nobody knows the last text, the newer of save and commit comes back", async () => {
  for (const isSavedLater of [false, true]) {
    await using b = await bench("files");
    const id = b.idOf(PATH);
    const save = async () => {
      const { document } = await openDocument(b.app, id, never);
      await saveDocument(b.app, id, { text: "saved\n", seen: document.version }, never);
    };
    const commit = () => b.repo.commit("Theirs", { [`planning/${PATH}`]: "committed\n" });
    // The commit has the machine's time.
    if (isSavedLater) {
      await commit();
      b.app.advance(100 * 365 * 24 * 60 * 60_000);
      await save();
    } else {
      await save();
      await commit();
    }
    await b.repo.write(`planning/${PATH}`, "kept by nobody\n");
    await b.follow();
    await Deno.remove(`${b.repo.dir}/planning/${PATH}`);
    await b.follow();
    equal((await bringBack(b.app, id, never)).text, isSavedLater ? "saved\n" : "committed\n");
  }
});

Deno.test("where another document has the path by now, neither is written over", async () => {
  await using b = await bench("commit");
  const id = b.idOf(PATH);
  await remove(b, id);
  await b.repo.commit("Theirs", { [`planning/${PATH}`]: "theirs\n" });
  await rejects(bringBack(b.app, id, never), { code: "conflict" });
  equal(await b.repo.read(`planning/${PATH}`), "theirs\n");
});

Deno.test("what a save in the folder is made over is kept before it is written over", async () => {
  await using b = await bench("files");
  const id = b.idOf(PATH);
  await b.repo.write(`planning/${PATH}`, "typed outside\n");
  const { document } = await openDocument(b.app, id, never);
  // The save fails after its look: as when the machine stops between the two.
  await b.repo.write("planning/specs/.gaffer-unfinished/x", "in the way");
  const save = saveDocument(b.app, id, { text: "mine\n", seen: document.version }, never);
  await rejects(save);
  const kept = b.app.db.prepare("SELECT text FROM document_saves ORDER BY number").all();
  equal(kept[0]?.text, "typed outside\n");
});

Deno.test("what was no text is not brought back with other bytes", async () => {
  await using b = await planningBench();
  const path = `${b.repo.dir}/planning/specs/saving.md`;
  await Deno.writeFile(path, new Uint8Array([0x23, 0x20, 0xe9, 0x0a]));
  await b.repo.git("commit", "-q", "-a", "-m", "Latin");
  await b.follow();
  const id = b.idOf("specs/saving.md");
  await b.repo.git("rm", "-q", "planning/specs/saving.md");
  await b.repo.git("commit", "-q", "-m", "Gone");
  await b.follow();
  await rejects(bringBack(b.app, id, never), { code: "conflict", message: /no text in UTF-8/ });
  equal(await b.repo.git("status", "--short"), "");
});
