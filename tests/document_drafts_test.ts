/** Drafts, versions, and two people who change one document. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { join } from "node:path";
import { openDb } from "../server/db.ts";
import { discardDraft, draftOf, keepDraft } from "../server/services/document_drafts.ts";
import { mergeTexts } from "../server/services/document_merge.ts";
import { listVersions, restoreVersion, versionText } from "../server/services/document_versions.ts";
import {
  openDocument,
  saveDocument,
  setDocumentSaves,
  tickItem,
} from "../server/services/documents.ts";
import { findDraft, putDraft, SAVES_KEPT } from "../server/store/document_drafts.ts";
import { getDocument } from "../server/store/documents.ts";
import { never } from "./git_support.ts";
import { planningBench } from "./planning_support.ts";
import { testApp } from "./support.ts";

const SAVING = "planning/specs/saving.md";
const TEXT = "# Saving\n\none\n\ntwo\n\nthree\n";

async function bench(text = TEXT) {
  const b = await planningBench({ [SAVING]: text });
  await b.follow();
  const id = b.idOf("specs/saving.md");
  const { document } = await openDocument(b.app, id, never);
  return { b, id, seen: document.version, [Symbol.asyncDispose]: () => b[Symbol.asyncDispose]() };
}

const seenIn = (html: string): string => /name="seen" value="([^"]*)"/.exec(html)![1]!;
const formIn = (html: string, id: string): string =>
  new RegExp(`<form[^>]*id="${id}"[^]*?</form>`).exec(html)![0];
const typedIn = (html: string): string =>
  /<textarea[^>]*>([^]*?)<\/textarea>/.exec(html)![1]!.replaceAll("&lt;", "<").replaceAll(
    "&gt;",
    ">",
  ).replaceAll("&#39;", "'");

Deno.test("what is typed is kept, found again by the form, and dropped by the save", async () => {
  await using at = await bench();
  const { b, id, seen } = at;
  const typed = { seen, text: `${TEXT}more\r\n` };
  const kept = await b.pages.http.request(`/documents/${id}/draft`, {
    method: "POST",
    headers: { "hx-request": "true" },
    body: new URLSearchParams(typed),
  });
  const fragment = await kept.text();
  match(fragment, /^<div class="panel document-live" id="document-live">/);
  match(fragment, /Draft kept/);
  match(fragment, /<p>three\nmore<\/p>|<p>three<\/p>|more/);
  match(await (await b.pages.get(`/documents/${id}`)).text(), /You have a draft/);
  const edit = await (await b.pages.get(`/documents/${id}/edit`)).text();
  match(typedIn(formIn(edit, "document-form")), /more\n$/);
  equal(seenIn(edit), seen);
  equal((await b.pages.post(`/documents/${id}/edit`, typed)).status, 303);
  equal(await b.repo.read(SAVING), `${TEXT}more\n`);
  doesNotMatch(await (await b.pages.get(`/documents/${id}`)).text(), /You have a draft/);
});

Deno.test("without scripts a button keeps the draft, and another throws it away", async () => {
  await using at = await bench();
  const { b, id, seen } = at;
  const kept = await b.pages.post(`/documents/${id}/draft`, { seen, text: "typed" });
  equal(kept.headers.get("location"), `/documents/${id}/edit`);
  match(await (await b.pages.get(`/documents/${id}/edit`)).text(), />typed</);
  equal((await b.pages.post(`/documents/${id}/discard`)).status, 303);
  doesNotMatch(await (await b.pages.get(`/documents/${id}/edit`)).text(), />typed</);
  equal(await b.repo.read(SAVING), TEXT);
  discardDraft(b.app, id); // there is none any more
});

Deno.test("a draft that can't be kept is told where the person types", async () => {
  await using at = await bench();
  const { b, id, seen } = at;
  const response = await b.pages.http.request(`/documents/${id}/draft`, {
    method: "POST",
    headers: { "hx-request": "true" },
    body: new URLSearchParams({ seen, text: "x".repeat(530_000) }),
  });
  equal(response.status, 200);
  match(await response.text(), /<p class="error">Cannot keep the draft: it is longer/);
  equal((await b.pages.post("/documents/document_none/draft", { seen, text: "x" })).status, 404);
});

Deno.test("a draft is on the disk when it was answered: it outlives the process", async () => {
  const dir = await Deno.makeTempDir({ prefix: "gaffer-drafts-" });
  const path = join(dir, "gaffer.db");
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--no-check", join(import.meta.dirname!, "typist.ts"), path],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let told = "";
  while ((told.match(/\n/g) ?? []).length < 20) told += (await reader.read()).value ?? "";
  child.kill("SIGKILL");
  for (let rest = await reader.read(); !rest.done; rest = await reader.read()) told += rest.value;
  await child.status;
  // A line that was cut off was not told.
  const [projectId, ...numbers] = told.slice(0, told.lastIndexOf("\n")).split("\n");
  const last = Number(numbers.at(-1));
  const db = openDb(path);
  const draft = findDraft(db, { projectId: projectId!, path: "a.md" }, "owner")!;
  ok(Number(draft.text) >= last, `${draft.text} was kept, ${last} was answered`);
  db.close();
  await Deno.remove(dir, { recursive: true });
});

Deno.test("a file that was changed while somebody typed is shown with both texts and a merged one", async () => {
  await using at = await bench();
  const { b, id, seen } = at;
  await keepDraft(b.app, id, { text: TEXT.replace("one", "ONE"), seen }, never);
  await b.repo.commit("Theirs", { [SAVING]: TEXT.replace("three", "THREE") });
  const refused = await b.pages.post(`/documents/${id}/edit`, {
    seen,
    text: TEXT.replace("one", "ONE"),
  });
  equal(refused.status, 409);
  const html = await refused.text();
  match(typedIn(formIn(html, "document-form")), /ONE[^]*three/);
  const merged = formIn(html, "document-merged");
  equal(typedIn(merged), TEXT.replace("one", "ONE").replace("three", "THREE"));
  match(html, /Changed by Pat Person <time[^>]*>/);
  match(html, /\+THREE/);
  match(html, /\+ONE/);
  equal(await b.repo.read(SAVING), TEXT.replace("three", "THREE"), "nothing was written");
  // The draft is still there: opening the form again shows the same.
  match(await (await b.pages.get(`/documents/${id}/edit`)).text(), /document-merged/);
  const saved = await b.pages.post(`/documents/${id}/edit`, {
    seen: seenIn(merged),
    text: typedIn(merged),
  });
  equal(saved.status, 303);
  equal(await b.repo.read(SAVING), TEXT.replace("one", "ONE").replace("three", "THREE"));
  equal(findDraft(b.app.db, getDocument(b.app.db, id), "owner"), null);
});

Deno.test("typing on after the two met leaves them beside each other until the save", async () => {
  await using at = await bench();
  const { b, id, seen } = at;
  await keepDraft(b.app, id, { text: TEXT.replace("one", "ONE"), seen }, never);
  await b.repo.commit("Theirs", { [SAVING]: TEXT.replace("three", "THREE") });
  const page = async () => await (await b.pages.get(`/documents/${id}/edit`)).text();
  const now = seenIn(formIn(await page(), "document-form"));
  await keepDraft(b.app, id, { text: TEXT.replace("one", "ONE!"), seen: now }, never);
  const merged = formIn(await page(), "document-merged");
  equal(typedIn(merged), TEXT.replace("one", "ONE!").replace("three", "THREE"));
});

Deno.test("half a character is neither kept nor saved", async () => {
  await using at = await bench();
  const { b, id, seen } = at;
  const text = `${TEXT}\ud83d`;
  await rejects(() => keepDraft(b.app, id, { text, seen }, never), { code: "invalid" });
  await rejects(
    () => saveDocument(b.app, id, { text, seen }, never),
    { code: "invalid", message: /characters that are no text/ },
  );
});

Deno.test("without a draft what both began with is found in git, and what both changed stands between marks", async () => {
  await using at = await bench();
  const { b, id, seen } = at;
  await b.repo.commit("Theirs", { [SAVING]: TEXT.replace("two", "theirs") });
  const text = TEXT.replace("two", "mine");
  const refused = await b.pages.post(`/documents/${id}/edit`, { seen, text });
  const html = await refused.text();
  match(html, /with 1 place that both have changed/);
  match(
    typedIn(formIn(html, "document-merged")),
    /<<<<<<< yours\nmine\n=======\ntheirs\n>>>>>>> the file's/,
  );
  // Saved in the folder only, nobody knows what it began with: both texts are there all the same.
  setDocumentSaves(b.app, b.project.id, "files");
  await b.repo.write(SAVING, "quite another\n");
  const other = await b.pages.post(`/documents/${id}/edit`, { seen: "0000", text });
  const unknown = await other.text();
  match(unknown, /What you opened is not known any more/);
  match(unknown, /Noticed <time[^>]*>now<\/time>/);
  match(unknown, /quite another/);
  match(unknown, /mine/);
  doesNotMatch(unknown, /document-merged/);
});

Deno.test("mergeTexts() gives up on what would take too long", () => {
  const empty = "\n".repeat(3_000);
  equal(mergeTexts({ mine: `${empty}a`, base: empty, theirs: `${empty}b` }), null);
  equal(mergeTexts({ mine: "", base: "x\n".repeat(30_000), theirs: "" }), null);
  deepEqual(mergeTexts({ mine: "a\nb\n", base: "a\n", theirs: "a\nb\n" }), {
    text: "a\nb\n",
    conflicts: 0,
  });
  deepEqual(
    mergeTexts({ mine: "a\r\nc\r\n", base: "a\r\n", theirs: "x\r\na\r\n" })?.text,
    "x\r\na\r\nc\r\n",
  );
});

Deno.test("every save is a version that can be looked at, compared and restored", async () => {
  await using at = await bench();
  const { b, id, seen } = at;
  const second = await saveDocument(b.app, id, { text: "second\n", seen }, never);
  const versions = await listVersions(b.app, second.document, never);
  deepEqual(versions.map(({ subject }) => subject), [
    "docs(planning): update specs/saving.md",
    "Begin",
  ]);
  const first = versions.find(({ subject }) => subject === "Begin")!;
  equal(await versionText(b.app, second.document, first.id, never), TEXT);
  const page = await (await b.pages.get(`/documents/${id}/versions?version=${first.id}`)).text();
  match(page, /\+second/);
  match(page, /Restore this version/);
  const stale = await b.pages.post(`/documents/${id}/restore`, { version: first.id, seen });
  equal(stale.headers.get("location"), `/documents/${id}/versions`);
  equal(await b.repo.read(SAVING), "second\n");
  const restored = await b.pages.post(`/documents/${id}/restore`, {
    version: first.id,
    seen: second.document.version,
  });
  equal(restored.headers.get("location"), `/documents/${id}`);
  equal(await b.repo.read(SAVING), TEXT);
  equal(await b.repo.git("rev-list", "--count", "HEAD"), "3");
});

Deno.test("a version is only what the branch's history has of this document", async () => {
  await using at = await bench();
  const { b, id } = at;
  const document = getDocument(b.app.db, id);
  const hidden = await b.repo.git("commit-tree", "HEAD^{tree}", "-m", "on no branch");
  for (const version of [hidden, "0".repeat(40), "HEAD", "--all", "../x", "main", "save_1"]) {
    await rejects(versionText(b.app, document, version, never), { code: "not_found" }, version);
  }
  equal((await b.pages.get(`/documents/${id}/versions?version=HEAD`)).status, 404);
});

Deno.test("saves that are no commits are versions too, with what stood there before; the oldest go", async () => {
  await using at = await bench();
  const { b, id } = at;
  setDocumentSaves(b.app, b.project.id, "files");
  await b.repo.write(SAVING, "typed outside, never committed\n");
  let { document } = await openDocument(b.app, id, never);
  for (const text of ["a\n", "b\n", "b\n"]) {
    b.app.advance(1_000);
    ({ document } = await saveDocument(b.app, id, { text, seen: document.version }, never));
  }
  const versions = await listVersions(b.app, document, never);
  const saves = versions.filter(({ subject }) => subject === null);
  const texts = await Promise.all(saves.map((v) => versionText(b.app, document, v.id, never)));
  deepEqual(texts, ["b\n", "a\n", "typed outside, never committed\n"]);
  deepEqual(saves.map(({ by }) => by), ["owner", "owner", "outside"]);
  const back = { version: saves.at(-1)!.id, seen: document.version };
  equal((await restoreVersion(b.app, id, back, never)).text, "typed outside, never committed\n");
  for (let n = 0; n < SAVES_KEPT + 5; n++) {
    ({ document } = await openDocument(b.app, id, never));
    await saveDocument(b.app, id, { text: `${n}\n`, seen: document.version }, never);
  }
  const kept = b.app.db.prepare("SELECT count(*) AS n FROM document_saves").get()!;
  equal(Number(kept.n), SAVES_KEPT);
});

Deno.test("an item of a checklist is ticked from the page, and nothing else is", async () => {
  const text = "---\nstatus: draft\n---\n# L\n\n- [ ] a\n- [x] b\n\n> 1. [ ] c\n\n- d\n";
  await using at = await bench(text);
  const { b, id } = at;
  const page = await (await b.pages.get(`/documents/${id}`)).text();
  deepEqual([...page.matchAll(/name="line" value="(\d+)"/g)].map(([, line]) => line), [
    "5",
    "6",
    "8",
  ]);
  const tick = async (line: string, seen: string) =>
    (await b.pages.post(`/documents/${id}/tick`, { line, seen })).headers.get("location");
  await tick("5", seenIn(page));
  equal(await b.repo.read(SAVING), text.replace("[ ] a", "[x] a"));
  await tick("6", seenIn(page));
  equal(await b.repo.read(SAVING), text.replace("[ ] a", "[x] a"), "somebody changed it meanwhile");
  const { version: seen } = getDocument(b.app.db, id);
  for (const line of [10, 3, 99, -1, NaN, 1.5]) {
    await rejects(tickItem(b.app, id, { line, seen }, never), { code: "conflict" }, String(line));
  }
  await tickItem(b.app, id, { line: 8, seen }, never);
  match(await b.repo.read(SAVING), /> 1\. \[x\] c/);
});

Deno.test("the API keeps drafts, lists versions and restores them", async () => {
  await using at = await bench();
  const { b, id, seen } = at;
  const one = `/documents/${id}`;
  equal((await b.call("GET", `${one}/draft`)).status, 404);
  const kept = await b.call("POST", `${one}/draft`, { text: "typed", seen });
  deepEqual([kept.status, kept.json.text], [200, "typed"]);
  equal((await b.call("GET", `${one}/draft`)).json.seen, seen);
  equal((await b.call("DELETE", `${one}/draft`)).json.text, "typed");
  equal((await b.call("DELETE", `${one}/draft`)).status, 404);
  await saveDocument(b.app, id, { text: "second\n", seen }, never);
  const { items } = (await b.call("GET", `${one}/versions`)).json;
  const first = items.find(({ subject }: { subject: string }) => subject === "Begin").id;
  equal((await b.call("GET", `${one}/versions/${first}`)).json.text, TEXT);
  equal((await b.call("GET", `${one}/versions/nothing`)).status, 404);
  const { version } = getDocument(b.app.db, id);
  equal((await b.call("POST", `${one}/restore`, { version: first, seen })).status, 409);
  const restored = await b.call("POST", `${one}/restore`, { version: first, seen: version });
  deepEqual([restored.status, restored.json.text], [200, TEXT]);
});

Deno.test("a draft belongs to who typed it", () => {
  using app = testApp();
  const { id: projectId } = app.project();
  const place = { projectId, path: "a.md" };
  app.tx((tx) => putDraft(tx, place, { text: "mine", seen: "1", base: null }));
  equal(findDraft(app.db, place, "ana"), null);
  equal(findDraft(app.db, place, "owner")?.text, "mine");
  const document = { ...place } as never;
  equal(draftOf({ db: app.db, actor: "owner" }, document, "mine"), null, "it says the same");
});
