/** Edits of documents from outside show on pages that are open, and nothing is watched where none is. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  ok,
  strictEqual as equal,
} from "node:assert";
import type { PlanningWatchSpec } from "../agents/planning/planning_watch.ts";
import { DocumentWatches } from "../server/services/document_watch.ts";
import { documentsOf, openDocument, saveDocument } from "../server/services/documents.ts";
import { keepDraft } from "../server/services/document_drafts.ts";
import { never } from "./git_support.ts";
import { followPage, type Told } from "./pages_support.ts";
import { type PlanningBench, planningBench } from "./planning_support.ts";

const SAVING = "planning/specs/saving.md";
const TEXT = "# Saving\n\nGames are saved.\n";

/** The address that a page's stream connects to. */
async function liveOf(b: PlanningBench, path: string): Promise<string> {
  const html = await (await b.pages.get(path)).text();
  return /hx-sse:connect="([^"]+)"/.exec(html)![1]!.replaceAll("&amp;", "&");
}

/** Opens a page with its stream. */
const open = async (b: PlanningBench, path: string): Promise<Told> =>
  await followPage(b.pages, await liveOf(b, path));

/** The first message that says so; what comes before may be of a look in between. */
async function until(told: Told, words: RegExp): Promise<string> {
  for (let n = 0; n < 50; n++) {
    const message = await told.next();
    if (words.test(message)) return message;
  }
  throw new Error(`No message has ${words}`);
}

Deno.test("the tree shows what is made, changed, renamed and deleted outside while it is open", async () => {
  await using b = await planningBench();
  await using told = await open(b, "/planning");
  await b.repo.write("planning/new/map.md", "# A map\n");
  await until(told, /id="planning-list"[^]*A map/);
  await b.repo.write("planning/new/map.md", "# The map\n");
  await until(told, /The map/);
  await Deno.rename(`${b.repo.dir}/planning/new`, `${b.repo.dir}/planning/old`);
  await until(told, /old\/map\.md/);
  await Deno.remove(`${b.repo.dir}/planning/old/map.md`);
  doesNotMatch(await until(told, /1 document in the project/), /The map/);
});

Deno.test("a folder that is removed, made again and replaced by a link goes on being watched", async () => {
  await using b = await planningBench();
  await using told = await open(b, "/planning");
  await Deno.remove(`${b.repo.dir}/planning`, { recursive: true });
  await until(told, /belong here: markdown files/);
  await b.repo.write(SAVING, "# Again\n");
  await until(told, /Again/);
  await b.repo.write("planning/more.md", "# More\n");
  await until(told, /More/);
  await Deno.rename(`${b.repo.dir}/planning`, b.repo.beside("away"));
  await Deno.symlink(b.repo.beside("away"), `${b.repo.dir}/planning`);
  await until(told, /symbolic link/);
});

Deno.test("where documents are read from the base branch, its commits show", async () => {
  await using b = await planningBench();
  await b.repo.git("checkout", "-q", "-b", "other");
  await using told = await open(b, "/planning");
  await b.repo.commitOn("main", { "planning/map.md": "# A map\n" });
  await until(told, /A map/);
  // Refs that git packs are no change, and those that follow are seen as before.
  await b.repo.git("pack-refs", "--all");
  await b.repo.commitOn("main", { "planning/map.md": "# The map\n" });
  await until(told, /The map/);
});

Deno.test("a page shows the document as it is now, and says when it was deleted", async () => {
  await using b = await planningBench();
  await b.follow();
  const id = b.idOf("specs/saving.md");
  await using told = await open(b, `/documents/${id}`);
  await b.repo.write(SAVING, "# Saving\n\nOften.\n");
  await until(told, /id="document-page"[^]*Often\./);
  await Deno.remove(`${b.repo.dir}/${SAVING}`);
  await until(told, /id="document-outside"[^]*The document was deleted/);
  await b.repo.write(SAVING, "# Saving\n\nAgain.\n");
  await until(told, /Again\./);
});

Deno.test("who types is told that the file was changed, or deleted, and by what they saved themselves nothing", async () => {
  await using b = await planningBench();
  await b.follow();
  const id = b.idOf("specs/saving.md");
  const { document } = await openDocument(b.app, id, never);
  await using told = await open(b, `/documents/${id}/edit`);
  await keepDraft(b.app, id, { text: "mine", seen: document.version }, never);
  await b.repo.write(SAVING, "# Saving\n\nTheirs.\n");
  const changed = await until(told, /was changed after you opened it/);
  match(changed, new RegExp(`formaction="/documents/${id}/draft"`));
  doesNotMatch(changed, /<textarea/);
  await b.repo.write(SAVING, TEXT);
  await until(told, /<div id="document-outside"><\/div>/);
  await Deno.remove(`${b.repo.dir}/${SAVING}`);
  match(await until(told, /was deleted after you opened it/), /href="\/planning\/drafts/);
});

Deno.test("what changed between a page and its stream is shown at once", async () => {
  await using b = await planningBench();
  await b.follow();
  const id = b.idOf("specs/saving.md");
  const paths = [await liveOf(b, `/documents/${id}`), await liveOf(b, `/documents/${id}/edit`)];
  await b.repo.write(SAVING, "# Saving\n\nMeanwhile.\n");
  for (
    const [path, words] of [[paths[0]!, /Meanwhile/], [paths[1]!, /was changed after/]] as const
  ) {
    await using told = await followPage(b.pages, path);
    await until(told, words);
  }
});

/** A watch that the test rings. */
function byHand() {
  const specs: PlanningWatchSpec[] = [];
  let closed = 0;
  const timers = new Set<() => void>();
  return {
    specs,
    get closed() {
      return closed;
    },
    get waiting() {
      return timers.size;
    },
    async fire() {
      const due = [...timers];
      timers.clear();
      due.forEach((callback) => callback());
      await Promise.resolve();
    },
    tools: {
      watch(spec: PlanningWatchSpec) {
        specs.push(spec);
        return { close: () => void closed++ };
      },
      timers: {
        after(_delayMs: number, callback: () => void) {
          timers.add(callback);
          return () => void timers.delete(callback);
        },
      },
    },
  };
}

/** The message of the hub that a look sends. */
const told = (b: PlanningBench): Promise<void> =>
  new Promise((resolve) => {
    const end = b.app.hub.subscribe(({ kind }) => {
      if (kind !== "documents") return;
      end();
      resolve();
    });
  });

async function watched(b: PlanningBench) {
  const hand = byHand();
  const watches = new DocumentWatches(hand.tools);
  const release = watches.hold(b.app, b.project.id);
  while (hand.specs.length === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  return { hand, watches, release };
}

Deno.test("a project is watched once for all its pages, until the last is closed", async () => {
  await using b = await planningBench();
  const { hand, watches, release } = await watched(b);
  const second = watches.hold(b.app, b.project.id);
  equal(watches.count, 1);
  release();
  release();
  deepEqual([watches.count, hand.closed], [1, 0]);
  second();
  deepEqual([watches.count, hand.closed, hand.waiting], [0, 1, 0]);
  // Who comes later has it watched anew; what is closed looks no more.
  hand.specs[0]!.onChange();
  equal(hand.waiting, 0);
  watches.hold(b.app, b.project.id)();
});

Deno.test("a flood of changes is one look, and one that begins during a look is another", async () => {
  await using b = await planningBench();
  const { hand, release } = await watched(b);
  const spec = hand.specs[0]!;
  for (let n = 0; n < 1_000; n++) spec.onChange();
  equal(hand.waiting, 1);
  const first = told(b);
  await hand.fire();
  spec.onChange();
  equal(hand.waiting, 0, "not while one is under way");
  await first;
  while (hand.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  equal(documentsOf(b.app, b.project.id).length, 1);
  release();
  equal(hand.waiting, 0);
});

Deno.test("a limit of the system is said once in the log, and the rest goes on", async () => {
  await using b = await planningBench();
  const said: string[] = [];
  b.app.log = { ...b.app.log, warn: (message) => void said.push(message) };
  const { hand, release } = await watched(b);
  for (let n = 0; n < 3; n++) hand.specs[0]!.onTrouble(new Error("OS file watch limit reached"));
  equal(said.length, 1);
  match(said[0]!, /only noticed when a page is opened/);
  const looked = told(b);
  hand.specs[0]!.onChange();
  await hand.fire();
  await looked;
  release();
});

Deno.test("a repository that is gone is no fault of the page", async () => {
  await using b = await planningBench();
  b.app.tx((tx) => tx.db.exec("UPDATE projects SET path = '/nowhere/at/all'"));
  const said: string[] = [];
  let tell = () => {};
  const logged = new Promise<void>((resolve) => tell = resolve);
  b.app.log = { ...b.app.log, warn: (message) => (said.push(message), tell()) };
  const release = new DocumentWatches().hold(b.app, b.project.id);
  await logged;
  ok(said.length === 1, said.join());
  release();
});

Deno.test("a save of one's own is no news to the form that made it", async () => {
  await using b = await planningBench();
  await b.follow();
  const id = b.idOf("specs/saving.md");
  const { document } = await openDocument(b.app, id, never);
  await saveDocument(b.app, id, { text: "# Mine\n", seen: document.version }, never);
  await using stream = await open(b, `/documents/${id}/edit`);
  await b.repo.write("planning/other.md", "# Other\n");
  doesNotMatch(await stream.next(), /was changed after/);
});
