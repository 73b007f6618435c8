/** Ideas that are made of planning documents: each part of one makes one, whoever asks again. */
import { documentItems } from "../server/services/document_items.ts";
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  rejects,
  strictEqual as equal,
  throws,
} from "node:assert";
import { makeIdeas, offerIdeas } from "../server/services/document_ideas.ts";
import { ideaFromLine } from "../server/services/document_line.ts";
import { openDocument, saveDocument } from "../server/services/documents.ts";
import { refineIdea } from "../server/services/ideas.ts";
import { insertIdeaPlan, listIdeaPlans } from "../server/store/document_ideas.ts";
import { listIdeas } from "../server/store/ideas.ts";
import { archiveProject } from "../server/services/projects.ts";
import { never } from "./git_support.ts";
import { type PlanningBench, planningBench } from "./planning_support.ts";

const SAVING = "planning/specs/saving.md";
const TEXT = `# Saving

## Requirements

- [ ] A save survives a kill
- [ ] Old saves load

## Stories

| Story | Why |
|-------|-----|
| Name a save | to find it |
`;

async function bench(text = TEXT): Promise<PlanningBench & { id: string }> {
  const b = await planningBench({ [SAVING]: text });
  await b.follow();
  return { ...b, id: b.idOf("specs/saving.md"), [Symbol.asyncDispose]: b[Symbol.asyncDispose] };
}

type Bench = Awaited<ReturnType<typeof bench>>;

const offer = async (b: Bench) => (await offerIdeas(b.app, b.id, null, never)).items;
/** Those that are new, with whether somebody should look twice. */
const fresh = async (b: Bench) =>
  (await offer(b)).filter(({ made }) => made === null).map(({ title, like }) =>
    like ? `${title} (${like.why} as ${like.idea.number})` : title
  );
async function makeAll(b: Bench, refine = false) {
  const items = (await offer(b)).filter(({ made, like }) => made === null && like === null);
  return makeIdeas(b.app, await openDocument(b.app, b.id, never), { items, refine });
}
const rewrite = async (b: Bench, text: string) => {
  const { document } = await openDocument(b.app, b.id, never);
  await saveDocument(b.app, b.id, { text, seen: document.version }, never);
};
const ideasOf = (b: Bench) =>
  listIdeas(b.app.db, { projectId: b.project.id, limit: 100 })
    .toSorted((one, other) => one.number - other.number);

Deno.test("makeIdeas() makes each part of a document once, and they wait for somebody's word", async () => {
  await using b = await bench();
  const made = await makeAll(b);
  deepEqual(made.map(({ number, title, status }) => [number, title, status]), [
    [1, "A save survives a kill", "submitted"],
    [2, "Old saves load", "submitted"],
    [3, "Name a save", "submitted"],
  ]);
  equal(made[2]!.description, "- Why: to find it");
  deepEqual(b.app.jobs(), [], "nothing is spent on them yet");
  deepEqual(await makeAll(b), []);
  deepEqual(await fresh(b), []);
  refineIdea(b.app, made[0]!.id);
  refineIdea(b.app, made[0]!.id);
  deepEqual(b.app.jobs().map(({ kind, args }) => [kind, args]), [
    ["advance_idea", { ideaId: made[0]!.id }],
  ]);
});

Deno.test("a second time only what is new is made, whatever was reworded or moved around it", async () => {
  await using b = await bench();
  await makeAll(b);
  await rewrite(
    b,
    `# How games are saved

Other words.

## User stories

| Why | Story |
|-----|-------|
| found soon | Name a save |
| for fun | Share a save |

## What is required of it (features)

1. R4: Old saves load
2. [x] A save survives a **kill** #idea-1
3. Nobody else reads a save
`,
  );
  deepEqual(await fresh(b), ["Share a save", "Nobody else reads a save"]);
  const made = await makeAll(b, true);
  deepEqual(made.map(({ number, title }) => [number, title]), [
    [4, "Share a save"],
    [5, "Nobody else reads a save"],
  ]);
  equal(b.app.jobs().length, 2);
  equal(ideasOf(b).length, 5);
});

Deno.test("what was reworded itself, or has a title that there is, is offered with the idea beside it", async () => {
  await using b = await bench();
  await makeAll(b);
  await rewrite(b, TEXT.replace("A save survives a kill", "A save survives a kill -9"));
  deepEqual(await fresh(b), ["A save survives a kill -9 (reworded as 1)"]);
  const other = { projectId: b.project.id, path: "map", text: "## Features\n\n- name a save\n" };
  const made = await b.call("POST", `/projects/${b.project.id}/documents`, {
    path: other.path,
    text: other.text,
  });
  const items = await b.call("GET", `/documents/${made.json.id}/items`);
  deepEqual(items.json.items[0].like.why, "same title");
  equal(items.json.items[0].like.number, 3);
});

Deno.test("makeIdeas() makes all of them or none", async () => {
  await using b = await bench();
  const items = await offer(b);
  const opened = await openDocument(b.app, b.id, never);
  const chosen = [items[0]!, { key: "0:requirements:gone", title: "Gone", description: "" }];
  throws(() => makeIdeas(b.app, opened, { items: chosen, refine: false }), {
    code: "conflict",
    message: /does not say "Gone" any more/,
  });
  equal(ideasOf(b).length, 0);
  // The same one twice in one request is one.
  const twice = makeIdeas(b.app, opened, { items: [items[0]!, items[0]!], refine: false });
  equal(twice.length, 1);
  archiveProject(b.app, b.project.id);
  throws(() => makeIdeas(b.app, opened, { items: [items[1]!], refine: false }), /is archived/);
});

Deno.test("the page offers what is new, takes other words, and says what is wrong with them", async () => {
  await using b = await bench();
  const at = `/documents/${b.id}/ideas`;
  const html = await (await b.pages.get(at)).text();
  const key = (n: number) => new RegExp(`name="key_${n}" value="([^"]*)"`).exec(html)![1]!;
  const row = (n: number, title: string) => ({
    ...{ [`key_${n}`]: key(n), [`pick_${n}`]: "1", [`title_${n}`]: title },
    [`description_${n}`]: "said better",
  });
  equal((await b.pages.post(at, { ...row(1, "x"), pick_1: "1", title_1: " " })).status, 422);
  const none = await b.pages.post(at, { key_1: key(1), title_1: "x", description_1: "" });
  equal(none.status, 422);
  match(await none.text(), /Tick at least one/);
  const saved = await b.pages.post(at, { ...row(1, "Better"), ...row(3, "Named"), key_2: key(2) });
  deepEqual([saved.status, saved.headers.get("location")], [
    303,
    `/documents/${b.id}#document-ideas`,
  ]);
  deepEqual(ideasOf(b).map(({ title, description }) => [title, description]), [
    ["Better", "said better"],
    ["Named", "said better"],
  ]);
  match(await (await b.pages.get(at)).text(), /Idea #1 Better/);
  const page = await (await b.pages.get(`/documents/${b.id}`)).text();
  match(page, /Ideas made of it[^]*#1 Better/);
  const [first] = ideasOf(b);
  const idea = await (await b.pages.get(`/ideas/${first!.id}`)).text();
  match(idea, new RegExp(`href="/documents/${b.id}#section-requirements">Saving, Requirements`));
  match(idea, /Waits until somebody presses Refine/);
  match(idea, new RegExp(`action="/ideas/${first!.id}/refine"`));
  equal((await b.pages.post(`/ideas/${first!.id}/refine`)).status, 303);
  const refined = await (await b.pages.get(`/ideas/${first!.id}`)).text();
  doesNotMatch(refined, /presses Refine/);
  const some = await (await b.pages.get(`${at}?lines=9-12`)).text();
  doesNotMatch(some, /Old saves load/);
  match(some, /Idea #2 Named/);
});

// ------------------------------------------------------------------ one line

const LINE = 4;
const seenOf = async (b: Bench) => (await openDocument(b.app, b.id, never)).document.version;
const lineIdea = (b: Bench, line: number, seen: string) =>
  ideaFromLine(b.app, b.id, { line, seen }, never);

Deno.test("ideaFromLine() makes the idea and writes its number into the line, once", async () => {
  await using b = await bench();
  const seen = await seenOf(b);
  // Two clicks at the same time.
  const [one, two] = await Promise.all([lineIdea(b, LINE, seen), lineIdea(b, LINE, seen)]);
  deepEqual([one.id, one.number, one.status], [two.id, 1, "submitted"]);
  equal((await b.repo.read(SAVING)).split("\n")[LINE], "- [ ] A save survives a kill #idea-1");
  equal(ideasOf(b).length, 1);
  equal(await b.repo.git("log", "-1", "--format=%s"), "docs(planning): update specs/saving.md");
  deepEqual(await fresh(b), ["Old saves load", "Name a save"]);
  await rejects(lineIdea(b, LINE, await seenOf(b)), /names #idea-1 already/);
  await rejects(lineIdea(b, 0, await seenOf(b)), /no item of a checklist/);
  // One that was made on the page of ideas before gets its number, and no second idea.
  await makeAll(b);
  const linked = await lineIdea(b, LINE + 1, await seenOf(b));
  equal(linked.number, 2);
  match(await b.repo.read(SAVING), /Old saves load #idea-2/);
  equal(ideasOf(b).length, 3);
});

Deno.test("ideaFromLine() makes nothing where the document was changed, or can't be saved", async () => {
  await using b = await bench();
  const seen = await seenOf(b);
  await b.repo.commit("Theirs", { [SAVING]: `${TEXT}\nmore\n` });
  await rejects(lineIdea(b, LINE, seen), { code: "conflict", message: /was changed after/ });
  await b.repo.write(SAVING, `${TEXT}\nnot committed\n`);
  await rejects(lineIdea(b, LINE, await seenOf(b)), { code: "conflict", message: /not committed/ });
  equal(ideasOf(b).length, 0);
  deepEqual(listIdeaPlans(b.app.db, { projectId: b.project.id }, 10), []);
  doesNotMatch(await b.repo.read(SAVING), /#idea/);
});

Deno.test("what a crash leaves of a line's idea is mended by the next look: made where it is written, else forgotten", async () => {
  for (const isWritten of [true, false]) {
    await using b = await bench();
    const { id: documentId, projectId } = (await openDocument(b.app, b.id, never)).document;
    b.app.tx((tx) =>
      insertIdeaPlan(tx, {
        ...{ documentId, projectId, number: 41, path: "specs/saving.md", section: "Requirements" },
        ...{ words: "old saves load", sectionWords: "requirements" },
        ...{ title: "Old saves load", description: "" },
      })
    );
    // What it says by now may read otherwise than what it was rendered as.
    const line = "[saves](x.md) load #idea-41";
    if (isWritten) await rewrite(b, TEXT.replace("saves load", line));
    await b.pages.get(isWritten ? `/documents/${b.id}` : `/planning?project=${projectId}`);
    deepEqual(
      ideasOf(b).map(({ number, title }) => [number, title]),
      isWritten ? [[41, "Old saves load"]] : [],
    );
    deepEqual(listIdeaPlans(b.app.db, { projectId }, 10), []);
    await b.pages.get(`/documents/${b.id}`);
    equal(ideasOf(b).length, isWritten ? 1 : 0);
  }
});

Deno.test("a line as long as a document is read once, and keeps what is at its end", async () => {
  const long = `- [ ] a${" ".repeat(200_000)}b  `;
  await using b = await bench(`# Requirements\n\n${long}\r\n`);
  await lineIdea(b, 2, await seenOf(b));
  match(await b.repo.read(SAVING), / b #idea-1 {2}\r\n$/);
});

Deno.test("a document's open items have a button each, and the form leads back to it", async () => {
  await using b = await bench(
    `${TEXT}\n- [x] done\n- [ ] known #ticket-3\n  - [ ] deep <b>one</b>\n`,
  );
  const at = `/documents/${b.id}`;
  const html = await (await b.pages.get(at)).text();
  equal(html.match(/class="make-idea"/g)?.length, 3);
  const seen = /name="seen" value="([^"]*)"/.exec(html)![1]!;
  const made = await b.pages.post(`${at}/line-idea`, { seen, idea: "15" });
  deepEqual([made.status, made.headers.get("location")], [303, at]);
  match(await b.repo.read(SAVING), / {2}- \[ \] deep <b>one<\/b> #idea-1\n/);
  equal(ideasOf(b)[0]!.title, "deep <b>one</b>");
  const again = await b.pages.post(`${at}/line-idea`, { seen: "old", idea: "5" });
  equal(again.status, 303);
  equal(ideasOf(b).length, 1);
  const api = await b.call("POST", `/documents/${b.id}/line-idea`, { line: 4, seen: "old" });
  equal(api.status, 409);
});

Deno.test("an item of a template that nobody has filled in has no button, and becomes no idea", async () => {
  await using b = await bench(
    "# Requirements\n\n- [ ] R1:\n- [ ] \n- [ ] As a … I can …\n- [ ] R2: load\n",
  );
  const html = await (await b.pages.get(`/documents/${b.id}`)).text();
  deepEqual(
    [...html.matchAll(/class="make-idea" name="idea" value="(\d+)"/g)].map(([, line]) => line),
    ["5"],
  );
  for (const line of [2, 3, 4]) {
    await rejects(lineIdea(b, line, await seenOf(b)), {
      code: "conflict",
      message: /says nothing yet|no item/,
    });
  }
  equal(ideasOf(b).length, 0);
  equal((await lineIdea(b, 5, await seenOf(b))).title, "R2: load");
});

Deno.test("a roadmap's rows are named by what comes out of them, whatever the document is called", () => {
  const table =
    "| Milestone | Outcome | State |\n|---|---|---|\n| M1 | Ships | |\n| M1 | Lands | done |\n";
  const rows = (text: string) => documentItems(text).map(({ title, done }) => [title, done]);
  deepEqual(rows(`---\ntype: roadmap\n---\n# Ours\n\n${table}`), [["Ships", false], [
    "Lands",
    true,
  ]]);
  deepEqual(rows(`# Ours\n\n${table}`), [], "no heading speaks of a roadmap");
});
