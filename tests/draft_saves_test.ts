/** Saves that never had what somebody typed leave it as it is; what is typed in two windows is kept twice. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { migrate, openDb } from "../server/db.ts";
import { migrations } from "../server/migrations/mod.ts";
import { discardDraft, draftsFor, keepDraft } from "../server/services/document_drafts.ts";
import { ideaFromLine } from "../server/services/document_line.ts";
import { draftMark } from "../server/services/document_typing.ts";
import { listVersions, restoreVersion } from "../server/services/document_versions.ts";
import {
  createDocument,
  deleteDocument,
  openDocument,
  saveDocument,
  setDocumentStatus,
  tickItem,
} from "../server/services/documents.ts";
import { DRAFTS_OF_DOCUMENT, findDraft } from "../server/store/document_drafts.ts";
import { getSpot } from "../server/store/documents_gone.ts";
import { never } from "./git_support.ts";
import { type PlanningBench, planningBench } from "./planning_support.ts";

const PATH = "specs/saving.md";
const TEXT = "---\nstatus: draft\n---\n# Saving\n\n- [ ] autosave\n";
const TYPED = `${TEXT}\n${"Three hundred words. ".repeat(15)}`;

async function bench() {
  const b = await planningBench({ [`planning/${PATH}`]: TEXT });
  await b.follow();
  const id = b.idOf(PATH);
  const { document } = await openDocument(b.app, id, never);
  return { b, id, seen: document.version, [Symbol.asyncDispose]: () => b[Symbol.asyncDispose]() };
}

interface At {
  b: PlanningBench;
  id: string;
  /** Version that the page showed. */
  seen: string;
}

/** Saves that are made somewhere else than in the form. */
const others: Record<string, (at: At) => Promise<unknown>> = {
  "an item is ticked": ({ b, id, seen }) => tickItem(b.app, id, { line: 5, seen }, never),
  "the status is set": ({ b, id, seen }) =>
    setDocumentStatus(b.app, id, { status: "approved", seen }, never),
  "an idea is made of a line": ({ b, id, seen }) =>
    ideaFromLine(b.app, id, { line: 5, seen }, never),
  "the API saves another text": async ({ b, id }) => {
    const { etag } = await b.call("GET", `/documents/${id}`);
    const saved = await b.call("PATCH", `/documents/${id}`, { text: "else\n" }, {
      "if-match": etag!,
    });
    equal(saved.status, 200);
  },
  "an older version is restored": async ({ b, id, seen }) => {
    const { document } = await saveDocument(b.app, id, { text: "second\n", seen }, never);
    const first = (await listVersions(b.app, document, never)).at(-1)!;
    await restoreVersion(b.app, id, { version: first.id, seen: document.version }, never);
  },
  "a document is made again at its path": async ({ b, id, seen }) => {
    await deleteDocument(b.app, id, { seen }, never);
    const { projectId, path } = getSpot(b.app.db, id);
    const made = await createDocument(b.app, { projectId, path, text: "anew\n" }, never);
    equal(made.document.id, id);
  },
};

for (const [what, save] of Object.entries(others)) {
  Deno.test(`what somebody typed and left stays where ${what}`, async () => {
    await using at = await bench();
    await keepDraft(at.b.app, at.id, { text: TYPED, seen: at.seen, form: "a" }, never);
    await save(at);
    equal(findDraft(at.b.app.db, getSpot(at.b.app.db, at.id), "owner")?.text, TYPED);
  });
}

Deno.test("a draft goes with the save that has it: from its form, or with the same text from anywhere", async () => {
  await using at = await bench();
  const { b, id, seen } = at;
  const left = () => draftsFor(b.app, getSpot(b.app.db, id), "").map(({ form }) => form);
  await keepDraft(b.app, id, { text: "same\n", seen, form: "a" }, never);
  await keepDraft(b.app, id, { text: "not the last words", seen, form: "b" }, never);
  await keepDraft(b.app, id, { text: "of another", seen, form: "c" }, never);
  const text = "same\n";
  await saveDocument(b.app, id, { text, seen, typed: { form: "b", from: "" } }, never);
  deepEqual(left(), ["c"]);
});

Deno.test("two windows that were opened with the same text never write over each other", async () => {
  await using at = await bench();
  const { b, id, seen } = at;
  const texts = () => draftsFor(b.app, getSpot(b.app.db, id), "").map(({ text }) => text).sort();
  await keepDraft(b.app, id, { text: "a: five hundred words", seen, form: "a" }, never);
  await keepDraft(b.app, id, { text: "b", seen, form: "b" }, never);
  await keepDraft(b.app, id, { text: "a: five hundred words, and more", seen, form: "a" }, never);
  deepEqual(texts(), ["a: five hundred words, and more", "b"]);
  const save = { text: "b!", seen, typed: { form: "b", from: "" } };
  await saveDocument(b.app, id, save, never);
  deepEqual(texts(), ["a: five hundred words, and more"]);
});

Deno.test("a window goes on from the draft that it was opened with, unless that was changed since", async () => {
  await using at = await bench();
  const { b, id, seen } = at;
  const drafts = () => draftsFor(b.app, getSpot(b.app.db, id), "");
  await keepDraft(b.app, id, { text: "one", seen, form: "a" }, never);
  const from = draftMark(drafts()[0]!);
  await keepDraft(b.app, id, { text: "one, two", seen, form: "b", from }, never);
  deepEqual(drafts().map(({ form, text }) => [form, text]), [["b", "one, two"]]);
  // The first window was open all the while, and so was a third one with the same draft.
  await keepDraft(b.app, id, { text: "one!", seen, form: "a" }, never);
  await keepDraft(b.app, id, { text: "one?", seen, form: "c", from }, never);
  await keepDraft(b.app, id, { text: "one??", seen, form: "c", from }, never);
  deepEqual(drafts().map(({ text }) => text).sort(), ["one!", "one, two", "one??"]);
  discardDraft(b.app, id, { form: "c" });
  equal(drafts().length, 2);
});

Deno.test("forms that are left without a save are counted: there is no end of no drafts", async () => {
  await using at = await bench();
  const { b, id, seen } = at;
  const keep = (form: string) => keepDraft(b.app, id, { text: `in ${form}`, seen, form }, never);
  for (let n = 0; n < DRAFTS_OF_DOCUMENT; n++) await keep(`f${n}`);
  await rejects(keep("more"), { code: "conflict", message: /20 drafts of yours[^]*page Drafts/ });
  await keep("f0");
  equal(draftsFor(b.app, getSpot(b.app.db, id), "").length, DRAFTS_OF_DOCUMENT);
});

const hidden = (html: string, name: string): string =>
  new RegExp(`id="document-form"[^]*?name="${name}" value(?:="([^"]*)")?`).exec(html)![1] ?? "";
const fieldsOf = (html: string) => ({
  seen: hidden(html, "seen"),
  typed_in: hidden(html, "typed_in"),
  typed_from: hidden(html, "typed_from"),
});
const typedIn = (html: string): string => /<textarea[^>]*>([^]*?)<\/textarea>/.exec(html)![1]!;

Deno.test("the form shows what was typed in another window, when, and lets the person choose", async () => {
  await using at = await bench();
  const { b, id } = at;
  const edit = `/documents/${id}/edit`;
  const page = async (path: string) => await (await b.pages.get(path)).text();
  const [one, two] = [fieldsOf(await page(edit)), fieldsOf(await page(edit))];
  await b.pages.post(`/documents/${id}/draft`, { ...one, text: "first window\n" });
  b.app.advance(120_000);
  // By a script: it is told where the person types.
  const kept = await b.pages.http.request(`/documents/${id}/draft`, {
    method: "POST",
    headers: { "hx-request": "true" },
    body: new URLSearchParams({ ...two, text: "second window\n" }),
  });
  match(await kept.text(), /You typed something else in another window, <time[^>]*>2 min/);
  // By the button, without one.
  const back = await b.pages.post(`/documents/${id}/draft`, { ...two, text: "second window\n" });
  equal(back.headers.get("location"), `${edit}?draft=${two.typed_in}`);
  const both = await page(`${edit}?draft=${two.typed_in}`);
  equal(typedIn(both), "second window\n");
  match(both, /Changed <time[^>]*>2 min[^]*\+first window/);
  const goOn = /formaction="([^"]*other=[^"]*)"/.exec(both)![1]!;
  const other = await b.pages.post(goOn, { ...fieldsOf(both), text: "second window, on\n" });
  const first = await page(other.headers.get("location")!);
  equal(typedIn(first), "first window\n");
  match(first, /\+second window, on/);
  // Saved, the other one is still there; it is thrown away by its own button alone.
  equal((await b.pages.post(edit, { ...fieldsOf(first), text: "first window\n" })).status, 303);
  match(await page(`/documents/${id}`), /You have a draft that is not saved/);
  const rest = fieldsOf(await page(edit));
  const [, form] = rest.typed_from.split(".");
  equal((await b.pages.post(`/documents/${id}/discard`, { typed_in: form! })).status, 303);
  doesNotMatch(await page(`/documents/${id}`), /You have a draft/);
});

Deno.test("saving both texts together keeps what was typed after they were put together, and discarding throws all of the form away", async () => {
  await using at = await bench();
  const { b, id, seen } = at;
  const edit = `/documents/${id}/edit`;
  await keepDraft(b.app, id, { text: `${TEXT}mine\n`, seen, form: "a" }, never);
  await b.repo.commit("Theirs", { [`planning/${PATH}`]: `theirs\n${TEXT}` });
  const met = async () => await (await b.pages.get(edit)).text();
  const own = (html: string) => fieldsOf(html);
  const html = await met();
  const merged = /id="document-merged"[^]*?<\/form>/.exec(html)![0];
  const field = (name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(merged)![1]!;
  const typed = own(html);
  await b.pages.post(`/documents/${id}/draft`, { ...typed, text: `${TEXT}mine, and more\n` });
  const saved = await b.pages.post(edit, {
    seen: field("seen"),
    typed_in: field("typed_in"),
    typed_from: field("typed_from"),
    text: `theirs\n${TEXT}mine\n`,
  });
  equal(saved.status, 303);
  const texts = () => draftsFor(b.app, getSpot(b.app.db, id), "").map(({ text }) => text);
  deepEqual(texts(), [`${TEXT}mine, and more\n`]);

  const again = await met();
  const [, discard] = /action="[^"]*\/discard"[^>]*>((?:(?!<\/form>)[^])*?)Discard my text/.exec(
    again,
  )!;
  const mark = (name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(discard!)![1]!;
  // A script keeps the first words of this form in its own draft, which takes the place of the other.
  await b.pages.post(`/documents/${id}/draft`, { ...own(again), text: `${TEXT}mine, and most\n` });
  await b.pages.post(`/documents/${id}/discard`, {
    typed_in: mark("typed_in"),
    typed_from: mark("typed_from"),
  });
  deepEqual(texts(), []);
});

Deno.test("a draft of a form without a name can be gone on with beside a newer one", async () => {
  await using at = await bench();
  const { b, id, seen } = at;
  await keepDraft(b.app, id, { text: "without a name\n", seen }, never);
  b.app.advance(1_000);
  await keepDraft(b.app, id, { text: "newer\n", seen, form: "a" }, never);
  const edit = `/documents/${id}/edit`;
  const html = await (await b.pages.get(edit)).text();
  equal(typedIn(html), "newer\n");
  const goOn = /formaction="([^"]*other=[^"]*)"/.exec(html)![1]!;
  const to = await b.pages.post(goOn, { ...fieldsOf(html), text: "newer\n" });
  equal(typedIn(await (await b.pages.get(to.headers.get("location")!)).text()), "without a name\n");
});

Deno.test("going on with another draft keeps nothing of a form in which nothing was typed", async () => {
  await using at = await bench();
  const { b, id, seen } = at;
  await keepDraft(b.app, id, { text: "typed", seen, form: "a" }, never);
  const fields = { seen, typed_in: "b", typed_from: "" };
  await b.pages.post(`/documents/${id}/draft?other=a`, { ...fields, text: TEXT });
  equal(draftsFor(b.app, getSpot(b.app.db, id), "").length, 1);
});

Deno.test("drafts of two windows whose document is gone are listed, saved and thrown away one by one", async () => {
  await using at = await bench();
  const { b, id, seen } = at;
  await keepDraft(b.app, id, { text: "one\n", seen, form: "a" }, never);
  await keepDraft(b.app, id, { text: "two\n", seen, form: "b" }, never);
  await deleteDocument(b.app, id, { seen }, never);
  const page = await (await b.pages.get("/planning/drafts")).text();
  match(page, />one\n<\/pre>/);
  match(page, />two\n<\/pre>/);
  const drafts = `/planning/drafts`;
  const query = `?project=${b.project.id}`;
  const saved = await b.pages.post(`${drafts}/save${query}`, {
    draft: PATH,
    typed_in: "a",
    path: "x",
  });
  equal(saved.status, 303);
  equal(await b.repo.read("planning/x.md"), "one\n");
  await b.pages.post(`${drafts}/discard${query}`, { draft: PATH, typed_in: "b" });
  match(await (await b.pages.get(drafts)).text(), /There is nothing now/);
});

for (const where of ["in the folder", "on a branch that is not checked out"]) {
  Deno.test(`a document with a U+FFFD of its own is opened and saved ${where}, bytes that are no UTF-8 are not`, async () => {
    await using b = await planningBench({ "planning/a.md": "# A\n\nIt shows \uFFFD then.\n" });
    await Deno.writeFile(`${b.repo.dir}/planning/b.md`, new Uint8Array([35, 32, 0xff, 0xfe, 10]));
    await b.repo.commit("No text");
    if (where !== "in the folder") await b.repo.git("switch", "-q", "-c", "elsewhere");
    await b.follow();
    const { document, text } = await openDocument(b.app, b.idOf("a.md"), never);
    match(text, /\uFFFD/);
    const save = { text: `${text}More.\n`, seen: document.version };
    match((await saveDocument(b.app, document.id, save, never)).text, /\uFFFD then\.\nMore/);
    await rejects(openDocument(b.app, b.idOf("b.md"), never), {
      code: "conflict",
      message: /UTF-8/,
    });
  });
}

Deno.test("what was typed before drafts had forms is there after the migration", () => {
  const now = "2026-01-31T03:04:05.678Z";
  const at = migrations.findIndex(({ name }) => name.endsWith("_draft_forms"));
  const db = openDb(":memory:");
  migrate(db, now, migrations.slice(0, at));
  db.exec(`
    INSERT INTO projects (id, slug, name, path, base_branch, created_at, updated_at)
    VALUES ('p', 'p', 'P', '/p', 'main', '${now}', '${now}');
    INSERT INTO document_drafts VALUES ('p', 'a.md', 'owner', 'typed', 'seen', NULL, '${now}'),
      ('p', 'a.md', 'ana', 'hers', 'seen', 'base', '${now}');
  `);
  migrate(db, now);
  const place = { projectId: "p", path: "a.md" };
  deepEqual(findDraft(db, place, "owner"), {
    ...{ form: "", text: "typed", seen: "seen", base: null, updatedAt: now },
  });
  equal(findDraft(db, place, "ana")?.base, "base");
  deepEqual(db.prepare("PRAGMA foreign_key_check").all(), []);
  db.close();
});
