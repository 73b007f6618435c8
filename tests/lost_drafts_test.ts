/** What was typed into a document that was deleted meanwhile: kept, found, saved or thrown away. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  strictEqual as equal,
} from "node:assert";
import { deleteDocument, openDocument } from "../server/services/documents.ts";
import { findDraft } from "../server/store/document_drafts.ts";
import { never } from "./git_support.ts";
import { type PlanningBench, planningBench } from "./planning_support.ts";

const SAVING = "planning/specs/saving.md";
const PATH = "specs/saving.md";

/** Somebody has the document open in the form. */
async function typing() {
  const b = await planningBench();
  await b.follow();
  const id = b.idOf(PATH);
  const { document: { version: seen } } = await openDocument(b.app, id, never);
  return { b, id, seen, [Symbol.asyncDispose]: () => b[Symbol.asyncDispose]() };
}

const gone = (b: PlanningBench) => Deno.remove(`${b.repo.dir}/${SAVING}`);
const typed = (b: PlanningBench) =>
  findDraft(b.app.db, { projectId: b.project.id, path: PATH }, "owner")?.text;
const typeOn = (b: PlanningBench, id: string, fields: Record<string, string>) =>
  b.pages.http.request(`/documents/${id}/draft`, {
    method: "POST",
    headers: { "hx-request": "true" },
    body: new URLSearchParams(fields),
  });

for (const noticed of [true, false]) {
  const when = noticed ? "and everybody knows" : "and nobody has noticed";
  Deno.test(`typing goes on where the file was deleted ${when}: it is kept, and the page says so`, async () => {
    await using at = await typing();
    const { b, id, seen } = at;
    await gone(b);
    if (noticed) await b.follow();
    const kept = await typeOn(b, id, { seen, text: "first words" });
    equal(kept.status, 200);
    match(await kept.text(), /The document was deleted meanwhile\. <a href="\/planning\/drafts\?/);
    equal((await typeOn(b, id, { seen, text: "more words" })).status, 200);
    equal(typed(b), "more words");
  });

  Deno.test(`a save where the file was deleted ${when} leads to the drafts, and has lost nothing`, async () => {
    await using at = await typing();
    const { b, id, seen } = at;
    await gone(b);
    if (noticed) await b.follow();
    const answer = await b.pages.post(`/documents/${id}/edit`, { seen, text: "typed" });
    equal(answer.status, 303);
    equal(answer.headers.get("location"), `/planning/drafts?project=${b.project.id}`);
    equal(typed(b), "typed");
    const page = await (await b.pages.get("/planning/drafts")).text();
    match(page, /specs\/saving\.md[^]*>typed<\/pre>/);
    match(await (await b.pages.get("/planning")).text(), /1 draft of documents that are gone/);
  });
}

Deno.test("the old address leads to the drafts, and without one says what is gone", async () => {
  await using at = await typing();
  const { b, id, seen } = at;
  await typeOn(b, id, { seen, text: "typed" });
  await gone(b);
  for (const path of [`/documents/${id}`, `/documents/${id}/edit`]) {
    const answer = await b.pages.get(path);
    equal(answer.headers.get("location"), `/planning/drafts?project=${b.project.id}`, path);
  }
  const discarded = await b.pages.post(`/planning/drafts/discard?project=${b.project.id}`, {
    draft: PATH,
  });
  equal(discarded.status, 303);
  equal(typed(b), undefined);
  const none = await b.pages.get(`/documents/${id}`);
  equal(none.status, 404);
  match(await none.text(), /its file is gone from the project/);
  match(await (await b.pages.get("/planning/drafts")).text(), /There is nothing now/);
});

Deno.test("saved under its old path the document is there again, under its old address", async () => {
  await using at = await typing();
  const { b, id, seen } = at;
  await typeOn(b, id, { seen, text: "typed\n" });
  await deleteDocument(b.app, id, { seen }, never);
  const save = (path: string) =>
    b.pages.post(`/planning/drafts/save?project=${b.project.id}`, { draft: PATH, path });
  const refused = await save("../out");
  equal(refused.status, 422);
  match(await refused.text(), /is no name of a file here[^]*value="..\/out"/);
  equal(typed(b), "typed\n");
  const saved = await save(PATH);
  equal(saved.headers.get("location"), `/documents/${id}`);
  equal(await b.repo.read(SAVING), "typed\n");
  equal(typed(b), undefined);
});

Deno.test("saved under another path it is a new one; where there is one already, the draft stays", async () => {
  await using at = await typing();
  const { b, id, seen } = at;
  await typeOn(b, id, { seen, text: "typed\n" });
  await deleteDocument(b.app, id, { seen }, never);
  await b.repo.commit("Theirs", { "planning/taken.md": "theirs\n" });
  const save = (draft: string, path: string) =>
    b.pages.post(`/planning/drafts/save?project=${b.project.id}`, { draft, path });
  equal((await save(PATH, "taken")).status, 409);
  equal(await b.repo.read("planning/taken.md"), "theirs\n");
  equal(typed(b), "typed\n");
  equal((await save("nothing.md", "x")).status, 404);
  equal((await save(PATH, "other")).status, 303);
  equal(await b.repo.read("planning/other.md"), "typed\n");
  equal(typed(b), undefined);
  equal(b.idOf("other.md") === id, false);
});

Deno.test("a file that came back has its draft again, and the list leads there", async () => {
  await using at = await typing();
  const { b, id, seen } = at;
  await typeOn(b, id, { seen, text: "typed" });
  await gone(b);
  await b.follow();
  await b.repo.write(SAVING, "# Saving\n\nGames are saved.\n");
  const page = await (await b.pages.get("/planning/drafts")).text();
  match(page, new RegExp(`href="/documents/${id}/edit\\?draft="`));
  doesNotMatch(page, /is gone from the project/);
  match(await (await b.pages.get(`/documents/${id}/edit`)).text(), />typed<\/textarea>/);
  doesNotMatch(await (await b.pages.get("/planning")).text(), /documents that are gone/);
});

Deno.test("the API lists lost drafts, saves them and throws them away", async () => {
  await using at = await typing();
  const { b, id, seen } = at;
  const drafts = `/projects/${b.project.id}/lost-drafts`;
  await typeOn(b, id, { seen, text: "typed\n" });
  deepEqual((await b.call("GET", drafts)).json.items, []);
  await deleteDocument(b.app, id, { seen }, never);
  const { json: { items } } = await b.call("GET", drafts);
  deepEqual(items.map(({ path, text }: Record<string, string>) => [path, text]), [[
    PATH,
    "typed\n",
  ]]);
  equal((await b.call("GET", `/documents/${id}/draft`)).json.text, "typed\n");
  const saved = await b.call("POST", `${drafts}/save`, { draft: PATH, path: PATH });
  deepEqual([saved.status, saved.json.id, saved.json.text], [201, id, "typed\n"]);
  equal((await b.call("POST", `${drafts}/discard`, { draft: PATH })).status, 404);
});
