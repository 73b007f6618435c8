/** The versions of a document that had other names. */
import { deepStrictEqual as deepEqual, match, rejects, strictEqual as equal } from "node:assert";
import { listDocumentCommits } from "../agents/git/document_history.ts";
import { listVersions, restoreVersion, versionText } from "../server/services/document_versions.ts";
import {
  openDocument,
  saveDocument,
  setDocumentSaves,
  setDocumentStatus,
} from "../server/services/documents.ts";
import { listStatusChanges } from "../server/store/events.ts";
import { getDocument } from "../server/store/documents.ts";
import { never } from "./git_support.ts";
import { type PlanningBench, planningBench } from "./planning_support.ts";

const text = (words: string) =>
  `# Saving\n\n${words}\n\n${"A line that stays as it is.\n".repeat(9)}`;
const at = (path: string) => `planning/${path}`;

async function bench() {
  const b = await planningBench({ [at("a.md")]: text("first") });
  await b.follow();
  return { b, id: b.idOf("a.md"), [Symbol.asyncDispose]: () => b[Symbol.asyncDispose]() };
}

const versions = async ({ app }: PlanningBench, id: string) =>
  (await listVersions(app, getDocument(app.db, id), never))
    .map(({ subject, path, removed }) => [subject, path, removed]);

async function move(b: PlanningBench, from: string, to: string): Promise<void> {
  await Deno.mkdir(`${b.repo.dir}/${at(to)}`.replace(/\/[^/]*$/, ""), { recursive: true });
  await Deno.rename(`${b.repo.dir}/${at(from)}`, `${b.repo.dir}/${at(to)}`);
}

Deno.test("versions from before a rename are listed, shown, compared and restored", async () => {
  await using bed = await bench();
  const { b, id } = bed;
  await move(b, "a.md", "specs/b.md");
  await b.repo.commit("Rename");
  await b.repo.commit("Edit", { [at("specs/b.md")]: text("second") });
  await move(b, "specs/b.md", "c.md");
  await b.repo.commit("Rename again", { [at("c.md")]: text("third") });
  await b.follow();
  // That one was another text, so that only git sees where it was: the address is new.
  const last = b.idOf("c.md");
  deepEqual(await versions(b, last), [
    ["Rename again", "c.md", false],
    ["Edit", "specs/b.md", false],
    ["Rename", "specs/b.md", false],
    ["Begin", "a.md", false],
  ]);
  const document = getDocument(b.app.db, last);
  const all = await listVersions(b.app, document, never);
  const texts = await Promise.all(all.map((one) => versionText(b.app, document, one.id, never)));
  deepEqual(texts, ["third", "second", "first", "first"].map(text));
  const page = await b.pages.get(`/documents/${last}/versions?version=${all[3]!.id}`);
  const html = await page.text();
  match(html, /-first[^]*\+third/);
  match(html, /Begin<\/a>[^]*?, as <span class="path">a\.md</);
  const seen = document.version;
  await restoreVersion(b.app, last, { version: all[3]!.id, seen }, never);
  equal(await b.repo.read(at("c.md")), text("first"));
  equal(id === last, false);
});

Deno.test("a rename in the folder that is not committed forgets nothing either", async () => {
  await using bed = await bench();
  const { b, id } = bed;
  await b.repo.commit("Edit", { [at("a.md")]: text("second") });
  await b.follow();
  await move(b, "a.md", "b.md");
  await b.follow();
  equal(b.idOf("b.md"), id);
  const before = [["Edit", "a.md", false], ["Begin", "a.md", false]];
  deepEqual(await versions(b, id), before);
  // Back and forth.
  await move(b, "b.md", "a.md");
  await b.follow();
  await move(b, "a.md", "b.md");
  await b.follow();
  deepEqual(await versions(b, id), before);
  await b.repo.commit("Rename");
  deepEqual(await versions(b, id), [["Rename", "b.md", false], ...before]);
});

Deno.test("a rename with so many other changes that git does not see it is known where it was noticed", async () => {
  await using bed = await bench();
  const { b, id } = bed;
  await move(b, "a.md", "b.md");
  await b.follow();
  equal(b.idOf("b.md"), id);
  await b.repo.commit("Rename and write anew", { [at("b.md")]: "# Quite another text\n" });
  deepEqual(await versions(b, id), [
    ["Rename and write anew", "b.md", false],
    ["Begin", "a.md", false],
  ]);
});

Deno.test("another document that had the name before is no version, one that was removed and made again is", async () => {
  await using bed = await bench();
  const { b, id } = bed;
  await Deno.remove(`${b.repo.dir}/${at("a.md")}`);
  await b.repo.commit("Remove");
  await b.repo.commit("Again", { [at("a.md")]: "# Again\n" });
  await b.follow();
  deepEqual(await versions(b, id), [
    ["Again", "a.md", false],
    ["Remove", "a.md", true],
    ["Begin", "a.md", false],
  ]);
  await b.repo.commit("Other", { [at("other.md")]: text("of the other") });
  await Deno.remove(`${b.repo.dir}/${at("a.md")}`);
  await move(b, "other.md", "a.md");
  await b.repo.commit("Other takes its place");
  await b.follow();
  const { document } = await openDocument(b.app, b.idOf("a.md"), never);
  const all = await listVersions(b.app, document, never);
  // Git sees an edit there: the file of that name was never away.
  equal(all[0]!.subject, "Other takes its place");
  const removed = all.find(({ removed }) => removed)!;
  await rejects(versionText(b.app, document, removed.id, never), { code: "not_found" });
  const page = await b.pages.get(`/documents/${document.id}/versions?version=${removed.id}`);
  equal(page.status, 404);
});

Deno.test("names that lead in a circle, and long histories, come to an end", async () => {
  await using bed = await bench();
  const { b } = bed;
  const tip = await b.repo.git("rev-parse", "HEAD");
  const circle = Array.from({ length: 100 }, (_, n) => ({
    ...n % 2 === 0 ? { from: "y.md", to: "x.md" } : { from: "x.md", to: "y.md" },
    at: "2026-01-01T00:00:00.000Z",
  }));
  const spec = { repo: b.repo.dir, tip, path: "x.md", moves: circle, signal: never };
  deepEqual(await listDocumentCommits(spec), []);
  for (let n = 0; n < 3; n++) await b.repo.commit(`Edit ${n}`, { [at("a.md")]: text(String(n)) });
  const limited = { ...spec, tip: await b.repo.git("rev-parse", "HEAD"), path: "a.md", limit: 2 };
  deepEqual((await listDocumentCommits(limited)).map(({ subject }) => subject), [
    "Edit 2",
    "Edit 1",
  ]);
});

Deno.test("saves in the folder go along with the document, and the versions of both are one list", async () => {
  await using bed = await bench();
  const { b, id } = bed;
  setDocumentSaves(b.app, b.project.id, "files");
  const { version: seen } = getDocument(b.app.db, id);
  equal((await b.pages.post(`/documents/${id}/edit`, { seen, text: "saved" })).status, 303);
  await move(b, "a.md", "b.md");
  await b.follow();
  deepEqual((await versions(b, id)).map(([subject]) => subject), [
    ...["Begin", null, null],
  ]);
});

Deno.test("any two versions are compared with each other, and neither that there is not", async () => {
  await using bed = await bench();
  const { b, id } = bed;
  for (const words of ["second", "third"]) {
    await b.repo.commit(words, { [at("a.md")]: text(words) });
  }
  const [third, second, first] = await listVersions(b.app, getDocument(b.app.db, id), never);
  const page = async (from: string, to: string) =>
    await b.pages.get(`/documents/${id}/versions?version=${from}&with=${to}`);
  const html = await (await page(first!.id, second!.id)).text();
  match(html, /From it to “second”[^]*-first[^]*\+second/);
  match(html, /<select[^>]*name="version"[^]*<option value="now">What the document says now/);
  match(await (await page(third!.id, first!.id)).text(), /-third[^]*\+first/);
  match(await (await page(second!.id, "now")).text(), /-second[^]*\+third/);
  for (const none of ["HEAD", "save_1", "0".repeat(40)]) {
    equal((await page(first!.id, none)).status, 404, none);
  }
});

Deno.test("what a document's status was and became is shown with who and when, also changes from outside", async () => {
  await using bed = await bench();
  const { b, id } = bed;
  const { document } = await openDocument(b.app, id, never);
  await setDocumentStatus(b.app, id, { status: "review", seen: document.version }, never);
  const { document: reviewed, text } = await openDocument(b.app, id, never);
  // In the form, where nobody says that it is the status that changes; then a save that leaves it.
  const save = { text: text.replace("status: review", "status: approved"), seen: reviewed.version };
  const { document: approved } = await saveDocument(b.app, id, save, never);
  const more = { text: `${save.text}\nMore.\n`, seen: approved.version };
  await saveDocument(b.app, id, more, never);
  b.app.advance(60_000);
  await b.repo.commit("Theirs", { [at("a.md")]: more.text.replace("approved", "done") });
  await b.follow();
  // A file that is cut off for a moment says nothing about it.
  await b.repo.write(at("a.md"), "");
  await b.follow();
  const changes = listStatusChanges(b.app.db, id, 10);
  deepEqual(
    changes.map(({ actor, data: { from, to, by } }) => [from, to, by ?? actor]),
    [["approved", "done", "outside"], ["review", "approved", "owner"], [
      "draft",
      "review",
      "owner",
    ]],
  );
  const html = await (await b.pages.get(`/documents/${id}/versions`)).text();
  match(
    html,
    /id="document-statuses"[^]*Done[^]*was Approved; by outside[^]*was In review; by owner/,
  );
});

Deno.test("a file that is emptied or cut off while an editor writes it changes no status", async () => {
  await using bed = await bench();
  const { b, id } = bed;
  const approved = "---\nstatus: approved\nowner: Ana\n---\n# A\n";
  const write = async (text: string | Uint8Array) => {
    await b.repo.write(at("a.md"), text);
    await b.follow();
  };
  await write(approved);
  const statuses = () =>
    listStatusChanges(b.app.db, id, 10).map(({ data: { from, to } }) => `${from} ${to}`);
  const before = statuses();
  for (const cut of ["", "\n", "--", "---\n", "---\nstatus: app", "---\r\nstatus: done\r\n"]) {
    await write(cut);
    equal(getDocument(b.app.db, id).status, "draft", JSON.stringify(cut));
    await write(approved);
  }
  // Half a letter.
  await write(new Uint8Array([0xc3]));
  await write(approved);
  deepEqual(statuses(), before);
  await write("");
  await write(approved.replace("approved", "done"));
  deepEqual(statuses(), ["approved done", ...before]);
  // Cut off twice before it is whole again; then whole, and without any status.
  await write("");
  await write("---\n");
  // Of another length: within one tick of the disk's clock the same length would be the same file.
  await write("# A.\n");
  await write(approved);
  deepEqual(statuses(), ["draft approved", "approved done", ...before]);
  // Saved here while it was cut off, it is what the save says.
  await write("");
  const { document } = await openDocument(b.app, id, never);
  const saved = { text: approved.replace("approved", "review"), seen: document.version };
  setDocumentSaves(b.app, b.project.id, "files");
  await saveDocument(b.app, id, saved, never);
  await write(approved);
  equal(statuses()[0], "review approved");
});

Deno.test("a version that is no text, or too large, is neither shown cut off nor saved again", async () => {
  await using b = await planningBench();
  await b.repo.commit("Latin", {});
  const path = `${b.repo.dir}/planning/specs/saving.md`;
  for (const [name, bytes] of [["Latin", [0x23, 0x20, 0xe9, 0x0a]], ["Large", 600_000]] as const) {
    const content = typeof bytes === "number" ? new Uint8Array(bytes).fill(0x78) : bytes;
    await Deno.writeFile(path, new Uint8Array(content));
    await b.repo.git("commit", "-q", "-a", "-m", name);
  }
  await b.repo.commit("Small", { "planning/specs/saving.md": "# Saving\n" });
  await b.follow();
  const { document } = await openDocument(b.app, b.idOf("specs/saving.md"), never);
  const versions = await listVersions(b.app, document, never);
  for (const [name, why] of [["Latin", /no text in UTF-8/], ["Large", /larger than 512 KB/]]) {
    const version = versions.find(({ subject }) => subject === name)!.id;
    const refused = { code: "conflict", message: why as RegExp };
    const again = { version, seen: document.version };
    await rejects(restoreVersion(b.app, document.id, again, never), refused);
    const page = await b.pages.get(`/documents/${document.id}/versions?version=${version}`);
    equal(page.status, 409);
    match(await page.text(), why as RegExp);
  }
  equal(await b.repo.read("planning/specs/saving.md"), "# Saving\n");
});
