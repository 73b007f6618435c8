/** Planning documents: where they are saved, what refuses a save, and the index that follows their files. */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
  throws,
} from "node:assert";
import { setImmediate } from "node:timers";
import { documentPath } from "../agents/planning/document_paths.ts";
import { documentFacts, withStatus } from "../server/services/document_facts.ts";
import { followDocuments } from "../server/services/document_index.ts";
import { backLinksOf, documentsAbout, linkedDocument } from "../server/services/document_links.ts";
import {
  createDocument,
  deleteDocument,
  documentsOf,
  findDocuments,
  openDocument,
  saveDocument,
  setDocumentSaves,
  setDocumentStatus,
} from "../server/services/documents.ts";
import { migrations } from "../server/migrations/mod.ts";
import { getDocument } from "../server/store/documents.ts";
import { tempDir } from "./gaffer.ts";
import { exists, never, personGit } from "./git_support.ts";
import { planningBench } from "./planning_support.ts";
import { leastMs } from "./timing.ts";

const SAVING = "planning/specs/saving.md";

Deno.test("documentPath() takes names of any script, and none that leads out of the folder", () => {
  equal(documentPath("specs/saving"), "specs/saving.md");
  equal(documentPath("planning/Übersicht 2.md"), "Übersicht 2.md");
  equal(documentPath("計画/概要.md"), "計画/概要.md");
  const bad = [
    ...["", "/", "/etc/passwd.md", "../x.md", "a/../../x.md", "a/./x.md", "a//x.md", ".git/x.md"],
    ...[".hidden.md", "a/.x.md", "a\\b.md", "C:\\x.md", "c:x.md", "x\0.md", "x\n.md", "x\u202e.md"],
    ...["con.md", "a/NUL.md", "com1.md", "x?.md", "x*.md", '"x".md', "x|y.md", "~/x.md", "-x.md"],
    ...["x .md/", "a /x.md", "templates/x.md", "Templates/x.md", `${"a/".repeat(9)}x.md`],
    `${"x".repeat(300)}.md`,
  ];
  for (const path of bad) {
    if (path === "x .md/") continue; // a folder's name ending in a space is refused below
    throws(() => documentPath(path), { code: "invalid" }, JSON.stringify(path));
  }
});

Deno.test("a save is one commit on the base branch, and the person's folder moves along", async () => {
  await using b = await planningBench({
    "README.md": "one\n",
    [SAVING]: "# Saving\n\nGames are saved.\n",
  });
  await b.repo.write("README.md", "edited, not committed\n");
  await b.follow();
  const { document, text } = await openDocument(b.app, b.idOf("specs/saving.md"), never);
  equal(text, "# Saving\n\nGames are saved.\n");
  const change = { text: "# Saving\n\nBetter.\n", seen: document.version };
  const saved = await saveDocument(b.app, document.id, change, never);
  equal(saved.text, "# Saving\n\nBetter.\n");
  equal(await b.repo.read(SAVING), "# Saving\n\nBetter.\n");
  equal(await b.repo.read("README.md"), "edited, not committed\n");
  equal(
    await b.repo.git("log", "-1", "--format=%s|%an"),
    "docs(planning): update specs/saving.md|Pat Person",
  );
  equal(await b.repo.git("diff", "--name-only", "HEAD~", "HEAD"), SAVING);
  equal(await b.repo.git("status", "--porcelain"), " M README.md");
  // The same text again, by a request whose answer got lost: no second commit.
  await saveDocument(b.app, document.id, change, never);
  equal(await b.repo.git("rev-list", "--count", "HEAD"), "2");
  deepEqual(b.app.events.filter(({ type }) => type === "document_saved").length, 1);
});

Deno.test("a commit that the index was compared with is not listed again, and another one is", async () => {
  await using b = await planningBench();
  await b.repo.git("checkout", "-q", "-b", "other");
  const titles = async () => {
    await b.follow();
    return documentsOf(b.app, b.project.id).map(({ title }) => title);
  };
  deepEqual(await titles(), ["Saving"]);
  const [objects, away] = [`${b.repo.dir}/.git/objects`, b.repo.beside("objects")];
  await Deno.rename(objects, away);
  // Git could not tell now.
  deepEqual(await titles(), ["Saving"]);
  await Deno.rename(away, objects);
  await b.repo.commitOn("main", { "planning/map.md": "# Map\n", [SAVING]: null });
  deepEqual(await titles(), ["Map"]);
  // Files of the folder are looked at each time, and the commit anew after them.
  await b.repo.git("checkout", "-q", "main");
  await b.repo.write("planning/map.md", "# The map\n");
  deepEqual(await titles(), ["The map"]);
  await b.repo.git("checkout", "-q", "-f", "other");
  deepEqual(await titles(), ["Map"]);
});

Deno.test("where the base branch is not checked out, documents are read from it and saved on it alone", async () => {
  await using b = await planningBench();
  await b.repo.git("checkout", "-q", "-b", "other");
  await b.repo.write(SAVING, "the person's own, on another branch\n");
  const before = await b.repo.snapshot();
  await b.follow();
  const { document, text } = await openDocument(b.app, b.idOf("specs/saving.md"), never);
  equal(text, "# Saving\n\nGames are saved.\n");
  await saveDocument(b.app, document.id, { text: "on main\n", seen: document.version }, never);
  equal(await b.repo.git("show", `main:${SAVING}`), "on main");
  const after = await b.repo.snapshot();
  equal(after[`${b.repo.dir}/${SAVING}`], before[`${b.repo.dir}/${SAVING}`]);
  equal(after["status"], before["status"]);
  const made = await createDocument(
    b.app,
    { projectId: b.project.id, path: "a b", text: "x" },
    never,
  );
  equal(await b.repo.git("show", "main:planning/a b.md"), "x");
  await deleteDocument(b.app, made.document.id, { seen: made.document.version }, never);
  equal(await b.repo.git("ls-tree", "-r", "--name-only", "main", "planning/"), SAVING);
});

Deno.test("a commit never goes on top of somebody's unsaved work", async () => {
  await using b = await planningBench();
  await b.follow();
  const id = b.idOf("specs/saving.md");
  const opened = await openDocument(b.app, id, never);
  await b.repo.write(SAVING, "typed in another editor\n");
  const mine = { text: "mine\n", seen: opened.document.version };
  await rejects(saveDocument(b.app, id, mine, never), {
    code: "conflict",
    message: /was changed after/,
  });
  // Now it has been seen, and still it is not committed.
  const { document } = await openDocument(b.app, id, never);
  const again = { text: "mine\n", seen: document.version };
  await rejects(saveDocument(b.app, id, again, never), {
    code: "conflict",
    message: /not committed/,
  });
  await rejects(deleteDocument(b.app, id, { seen: document.version }, never), /not committed/);
  equal(await b.repo.read(SAVING), "typed in another editor\n");
  equal(await b.repo.git("rev-list", "--count", "HEAD"), "1");
  // A file that git does not know yet counts as work, too.
  await b.repo.write("planning/new.md", "theirs\n");
  const made = { projectId: b.project.id, path: "new", text: "mine\n" };
  await rejects(createDocument(b.app, made, never), { code: "conflict" });
  equal(await b.repo.read("planning/new.md"), "theirs\n");
  await b.repo.git("add", "planning");
  await b.repo.git("commit", "-q", "-m", "Mine");
  await saveDocument(b.app, id, again, never);
  equal(await b.repo.read(SAVING), "mine\n");
});

Deno.test("nor where the base branch is checked out elsewhere, and it says in which folder", async () => {
  await using b = await planningBench();
  await using elsewhere = await tempDir();
  const folder = await Deno.realPath(elsewhere.path) + "/it's here";
  await b.repo.git("switch", "-q", "--detach");
  await b.repo.git("worktree", "add", "-q", folder, "main");
  await Deno.writeTextFile(`${folder}/${SAVING}`, "typed there\n");
  await b.follow();
  const id = b.idOf("specs/saving.md");
  const { document } = await openDocument(b.app, id, never);
  const mine = { text: "mine\n", seen: document.version };
  await rejects(saveDocument(b.app, id, mine, never), (error: Error) => {
    const command = `git -C '${folder.replace("'", "'\\''")}' diff HEAD -- ${SAVING}`;
    ok(error.message.includes(`the folder "${folder}" has an edit`), error.message);
    ok(error.message.endsWith(command), error.message);
    return true;
  });
  equal(await Deno.readTextFile(`${folder}/${SAVING}`), "typed there\n");
  await personGit(folder, "checkout", "-q", "--", SAVING);
  await saveDocument(b.app, id, mine, never);
  // That folder moves along, the other one is left alone.
  equal(await Deno.readTextFile(`${folder}/${SAVING}`), "mine\n");
  equal(await b.repo.read(SAVING), "# Saving\n\nGames are saved.\n");
});

Deno.test("what is staged alone is somebody's work, too", async () => {
  await using b = await planningBench();
  await b.follow();
  const id = b.idOf("specs/saving.md");
  const { document, text } = await openDocument(b.app, id, never);
  const save = () => saveDocument(b.app, id, { text: "mine\n", seen: document.version }, never);
  await b.repo.write(SAVING, "staged\n");
  await b.repo.git("add", SAVING);
  await b.repo.write(SAVING, text);
  await rejects(save(), { code: "conflict", message: /not committed/ });
  equal(await b.repo.git("show", `:${SAVING}`), "staged");
  await b.repo.git("reset", "-q");
  await b.repo.git("rm", "-q", "--cached", SAVING);
  await rejects(save(), { code: "conflict", message: /not committed/ });
  await b.repo.git("reset", "-q");
  await b.repo.write("planning/new.md", "staged\n");
  await b.repo.git("add", "planning/new.md");
  await Deno.remove(`${b.repo.dir}/planning/new.md`);
  const made = { projectId: b.project.id, path: "new", text: "mine\n" };
  await rejects(createDocument(b.app, made, never), { code: "conflict", message: /not committed/ });
  equal(await b.repo.git("show", ":planning/new.md"), "staged");
  await save();
});

Deno.test("no document is made that some systems can't tell from another", async () => {
  await using b = await planningBench({ [SAVING]: "# S\n", "planning/Ubersicht.md": "1\n" });
  await b.repo.write("planning/U\u0308bersicht.md", "2\n");
  await b.repo.git("add", "planning");
  await b.repo.git("commit", "-q", "-m", "Decomposed");
  await b.follow();
  const made = (path: string) =>
    createDocument(b.app, { projectId: b.project.id, path, text: "mine\n" }, never);
  await rejects(made("Specs/SAVING.md"), {
    code: "conflict",
    message: /specs\/saving\.md already/,
  });
  await rejects(made("\u00dcbersicht"), { code: "conflict", message: /already/ });
  equal((await made("specs/saving 2")).document.path, "specs/saving 2.md");

  // Two at once; and one that was moved away since the last look.
  const both = await Promise.allSettled([made("Map"), made("map")]);
  deepEqual(both.map(({ status }) => status), ["fulfilled", "rejected"]);
  await b.repo.git("mv", "planning/Map.md", "planning/other.md");
  await b.repo.git("commit", "-q", "-m", "Moved");
  equal((await made("map")).document.path, "map.md");
});

Deno.test("saved only in the folder, nothing is committed, and an edit made meanwhile is a conflict", async () => {
  await using b = await planningBench();
  setDocumentSaves(b.app, b.project.id, "files");
  await b.follow();
  const id = b.idOf("specs/saving.md");
  const { document } = await openDocument(b.app, id, never);
  await saveDocument(b.app, id, { text: "one\n", seen: document.version }, never);
  equal(await b.repo.read(SAVING), "one\n");
  equal(await b.repo.git("rev-list", "--count", "HEAD"), "1");
  await rejects(saveDocument(b.app, id, { text: "two\n", seen: document.version }, never), {
    code: "conflict",
  });
  equal(await b.repo.read(SAVING), "one\n");
  const made = { projectId: b.project.id, path: "notes/first", text: "hello\n" };
  await createDocument(b.app, made, never);
  await createDocument(b.app, made, never); // the same: made before
  equal(await b.repo.read("planning/notes/first.md"), "hello\n");
  await rejects(createDocument(b.app, { ...made, text: "other" }, never), { code: "conflict" });
});

Deno.test("links lead nowhere: not the folder's, not a file's, not a second name", async () => {
  await using b = await planningBench();
  setDocumentSaves(b.app, b.project.id, "files");
  const secret = b.repo.beside("secret.md");
  await Deno.writeTextFile(secret, "secret\n");
  await Deno.symlink(secret, `${b.repo.dir}/planning/link.md`);
  await Deno.link(secret, `${b.repo.dir}/planning/second.md`);
  await Deno.mkdir(b.repo.beside("outside"));
  await Deno.writeTextFile(`${b.repo.beside("outside")}/x.md`, "outside\n");
  await Deno.symlink(b.repo.beside("outside"), `${b.repo.dir}/planning/away`);
  await b.follow();
  deepEqual(documentsOf(b.app, b.project.id).map(({ path }) => path), ["specs/saving.md"]);
  const { id: projectId } = b.project;
  for (const path of ["link.md", "second.md", "away/x.md", "away/new.md"]) {
    await rejects(createDocument(b.app, { projectId, path, text: "mine" }, never), {
      code: "conflict",
    }, path);
  }
  equal(await Deno.readTextFile(secret), "secret\n");
  equal(await exists(`${b.repo.beside("outside")}/new.md`), false);
  await Deno.remove(`${b.repo.dir}/planning`, { recursive: true });
  await Deno.symlink(b.repo.beside("outside"), `${b.repo.dir}/planning`);
  await rejects(b.follow(), { code: "conflict", message: /symbolic link/ });
  await rejects(
    createDocument(b.app, { projectId, path: "y", text: "mine" }, never),
    /symbolic link/,
  );
});

Deno.test("on a branch, too, a link is no document and is not written through", async () => {
  await using b = await planningBench();
  await Deno.symlink("../../../secret.md", `${b.repo.dir}/planning/link.md`);
  await Deno.symlink("specs", `${b.repo.dir}/planning/away`);
  await b.repo.commit("Links");
  await b.repo.git("checkout", "-q", "-b", "other");
  await b.follow();
  deepEqual(documentsOf(b.app, b.project.id).map(({ path }) => path), ["specs/saving.md"]);
  const { id: projectId } = b.project;
  for (const path of ["link", "away/new", "specs/saving.md/new"]) {
    await rejects(createDocument(b.app, { projectId, path, text: "mine" }, never), {
      code: "conflict",
    }, path);
  }
});

Deno.test("the index follows what is made, changed, moved and deleted outside, and finds words", async () => {
  await using b = await planningBench();
  await b.follow();
  const id = b.idOf("specs/saving.md");
  await b.repo.write(
    SAVING,
    "---\ntitle: Saves\nstatus: approved\nowner: Ana\ntarget: 1.2\n---\nQuicksave [[Ideas]]\n",
  );
  await b.repo.write(
    "planning/Ideas.md",
    "# Ideas\n\nSee [how](specs/saving.md), #idea-3 and #ticket-07.\n",
  );
  await b.follow();
  const saves = getDocument(b.app.db, id);
  deepEqual(
    [saves.title, saves.status, saves.owner, saves.target, saves.type],
    ["Saves", "approved", "Ana", "1.2", "spec"],
  );
  const found = (words: string) =>
    findDocuments(b.app, b.project.id, words).map(({ document }) => document.path);
  deepEqual(found("quicks"), ["specs/saving.md"]);
  deepEqual(found('"quicksave" OR (games* NEAR'), []);
  deepEqual(found("'; DROP TABLE documents; --"), []);
  deepEqual(backLinksOf(b.app, saves).map(({ path }) => path), ["Ideas.md"]);
  deepEqual(linkedDocument(b.app, saves, "ideas", "name")?.path, "Ideas.md");
  deepEqual(linkedDocument(b.app, saves, "../../etc/passwd.md", "address"), null);
  const about = (kind: "idea" | "ticket", number: number) =>
    documentsAbout(b.app, b.project.id, { kind, number }).map(({ path }) => path);
  deepEqual([about("idea", 3), about("ticket", 7), about("ticket", 3)], [
    ["Ideas.md"],
    ["Ideas.md"],
    [],
  ]);
  await b.repo.git("mv", SAVING, "planning/specs/saves.md");
  await Deno.remove(`${b.repo.dir}/planning/Ideas.md`);
  await b.follow();
  deepEqual(documentsOf(b.app, b.project.id).map(({ path }) => path), ["specs/saves.md"]);
  deepEqual(found("ideas"), ["specs/saves.md"], "the words of what is gone are gone");
  equal((await openDocument(b.app, id, never)).document.path, "specs/saves.md");
});

Deno.test("a crash between the file and the index is mended by the next look", async () => {
  await using b = await planningBench();
  await b.follow();
  const id = b.idOf("specs/saving.md");
  const { document } = await openDocument(b.app, id, never);
  // The commit is made, and the process dies before the index knows.
  const real = b.app.db.prepare;
  b.app.db.prepare = (sql) => {
    if (/INSERT INTO documents /.test(sql)) throw new Error("killed");
    return real.call(b.app.db, sql);
  };
  await rejects(
    saveDocument(b.app, id, { text: "landed\n", seen: document.version }, never),
    /killed/,
  );
  b.app.db.prepare = real;
  equal(await b.repo.read(SAVING), "landed\n");
  deepEqual(findDocuments(b.app, b.project.id, "landed"), []);
  await b.follow();
  equal(findDocuments(b.app, b.project.id, "landed").length, 1);
  // The same save again does not commit twice.
  await saveDocument(b.app, id, { text: "landed\n", seen: document.version }, never);
  equal(await b.repo.git("rev-list", "--count", "HEAD"), "2");
});

Deno.test("a commit that was made and never landed is no harm: the save is done again", async () => {
  await using b = await planningBench();
  await b.follow();
  const id = b.idOf("specs/saving.md");
  const { document } = await openDocument(b.app, id, never);
  // Another git command holds the folder's index: the commit can't land.
  await b.repo.write(".git/index.lock", "");
  const change = { text: "later\n", seen: document.version };
  await rejects(saveDocument(b.app, id, change, never), {
    code: "conflict",
    message: /index\.lock/,
  });
  equal(await b.repo.read(SAVING), "# Saving\n\nGames are saved.\n");
  await Deno.remove(`${b.repo.dir}/.git/index.lock`);
  await saveDocument(b.app, id, change, never);
  equal(await b.repo.git("show", `HEAD:${SAVING}`), "later");
});

Deno.test("a file that can be no document is named on the page, wherever documents are read from", async () => {
  await using b = await planningBench({
    ...{ [SAVING]: "# S\n", "planning/what?.md": "1\n", "planning/Q: a/b.md": "2\n" },
    ...{ "planning/.hidden.md": "3\n", "planning/.tool/x.md": "4\n", "planning/map.png": "5\n" },
    ...{ "planning/templates/odd?.md": "6\n", [`planning/${"d/".repeat(8)}deep.md`]: "7\n" },
  });
  await Deno.symlink("../README.md", `${b.repo.dir}/planning/link.md`);
  await b.repo.git("add", "planning/link.md");
  await b.repo.git("commit", "-q", "-m", "Link");
  const named = async () => {
    const page = await (await b.pages.get(`/planning?project=${b.project.id}`)).text();
    const list = /<details id="planning-left-out">[^]*?<\/ul>/.exec(page)?.[0] ?? "";
    return [...list.matchAll(/planning\/([^<]*)<\/code>/g)].map(([, path]) => path).sort();
  };
  const folder = "d/".repeat(7);
  deepEqual(await named(), ["Q: a/", `${folder}d/`, "link.md", "what?.md"]);
  await b.repo.git("switch", "-q", "-c", "other");
  deepEqual(await named(), ["Q: a/b.md", `${folder}d/deep.md`, "link.md", "what?.md"]);
  await b.repo.git("switch", "-q", "main");
  await b.repo.git("rm", "-q", "-r", "planning");
  await b.repo.write(SAVING, "# S\n");
  deepEqual(await named(), []);
});

Deno.test("what is no text, or too large, is listed with the reason and never written over", async () => {
  await using b = await planningBench();
  await Deno.writeFile(`${b.repo.dir}/planning/image.md`, new Uint8Array([0xff, 0xfe, 0, 1]));
  await b.repo.write("planning/large.md", "x".repeat(600_000));
  await b.follow();
  const problems = documentsOf(b.app, b.project.id).map((
    { path, problem },
  ) => [path, problem !== ""]);
  deepEqual(problems, [["image.md", true], ["large.md", true], ["specs/saving.md", false]]);
  await rejects(openDocument(b.app, b.idOf("image.md"), never), { code: "conflict" });
  await rejects(openDocument(b.app, b.idOf("large.md"), never), { code: "conflict" });
  setDocumentSaves(b.app, b.project.id, "files");
  const made = { projectId: b.project.id, path: "image", text: "" };
  await rejects(createDocument(b.app, made, never), { code: "conflict" });
  const big = { projectId: b.project.id, path: "big", text: "x".repeat(600_000) };
  await rejects(createDocument(b.app, big, never), { code: "invalid" });
});

Deno.test("on a branch that is not checked out, what is too large is not shown cut off", async () => {
  await using b = await planningBench({ [SAVING]: `# Saving\n${"x".repeat(600_000)}\n` });
  await b.repo.git("switch", "-q", "-c", "other");
  await b.follow();
  await rejects(openDocument(b.app, b.idOf("specs/saving.md"), never), {
    code: "conflict",
    message: /larger than 512 KB/,
  });
});

Deno.test({
  name: "a file that is saved in the folder stays as open to others as it was",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using b = await planningBench();
    setDocumentSaves(b.app, b.project.id, "files");
    await b.follow();
    const id = b.idOf("specs/saving.md");
    const path = `${b.repo.dir}/${SAVING}`;
    for (const mode of [0o600, 0o755, 0o640]) {
      await Deno.chmod(path, mode);
      const { document } = await openDocument(b.app, id, never);
      await saveDocument(b.app, id, { text: `${mode}\n`, seen: document.version }, never);
      deepEqual([await b.repo.read(SAVING), Deno.statSync(path).mode! & 0o777], [
        `${mode}\n`,
        mode,
      ]);
    }
  },
});

Deno.test("an archived project's documents can be read and not changed", async () => {
  await using b = await planningBench();
  await b.follow();
  const id = b.idOf("specs/saving.md");
  const { document } = await openDocument(b.app, id, never);
  b.app.tx((tx) => tx.db.exec("UPDATE projects SET status = 'archived'"));
  await rejects(saveDocument(b.app, id, { text: "x", seen: document.version }, never), /archived/);
  await openDocument(b.app, id, never);
});

Deno.test("documentFacts() is quick with lines that are made to be slow", () => {
  for (
    const [one, often] of [
      ...[["`", 500_000], [" ", 500_000], ["](a.md#", 60_000], ["[[a#", 100_000]],
      ...[["](<a", 100_000], ["\n[a]: b (", 50_000], ["\na\n=", 100_000], ["[a]: ", 100_000]],
    ] as [string, number][]
  ) {
    const text = `# a${one.repeat(often)}b\n\nx${one.repeat(often)}\n`;
    const tookMs = leastMs(1_000, () => documentFacts("a.md", text));
    ok(tookMs < 2_000, `${one} took ${tookMs} ms`);
  }
});

Deno.test("documentFacts() takes what front matter says, and says what is wrong with it", () => {
  const of = (text: string, path = "a.md") => documentFacts(path, text);
  deepEqual(of("").title, "a");
  deepEqual(of("---\ntype: roadmap\n---\n# R").type, "roadmap");
  deepEqual(of("x", "roadmaps/2026.md").type, "roadmap");
  match(of("---\nstatus: maybe\n---\n").problem, /"maybe" is none of draft/);
  match(of("---\n- a\n---\n").problem, /no lines/);
  match(of("---\na: [\n---\n").problem, /can't be read/);
  match(of(`---\na: &a [x]\nb: [*a,*a]\n---\n`).problem, /can't be read/);
  match(of(`---\n${"a: b\n".repeat(5_000)}---\n`).problem, /longer/);
  deepEqual(of("---\nnever closed").problem, "");
  // What stands in code is no link.
  const text =
    "`[[no]]` #idea-1\n```\n[[no]] #idea-2\n# no\n```\n~~~~\n```\n#ticket-5\n~~~~\n[[yes|x]] [[b#c]]\n";
  deepEqual(of(text).links, [
    { kind: "idea", target: "1" },
    { kind: "document", target: "yes" },
    { kind: "document", target: "b" },
  ]);
  deepEqual(of("# Heading ##").title, "Heading");
});

Deno.test("a file that is written twice within one tick of the disk's clock is seen as it was written last", async () => {
  await using b = await planningBench({ [SAVING]: "# One\n", "planning/old.md": "# Old\n" });
  const { app, repo } = b;
  // Ahead of what time it is, so that it is now however slow this machine is.
  const tick = new Date(Date.now() + 30_000);
  const write = async (text: string) => {
    await repo.write(SAVING, text);
    await Deno.utime(`${repo.dir}/${SAVING}`, tick, tick);
  };
  const before = new Date("2026-01-02T03:04:05.678Z");
  await Deno.utime(`${repo.dir}/planning/old.md`, before, before);
  await write("# One\n");
  await b.follow();
  await write("# Two\n");
  let told = 0;
  app.hub.subscribe(({ kind }) => void (told += Number(kind === "documents")));
  await b.follow();
  equal(getDocument(app.db, b.idOf("specs/saving.md")).title, "Two");
  equal(told, 1);

  // As long as it may be so it is read again, which is no news where it says the same.
  await b.follow();
  await Deno.utime(`${repo.dir}/${SAVING}`, before, before);
  await Deno.utime(`${repo.dir}/planning/old.md`, tick, tick);
  await b.follow();
  await openDocument(app, b.idOf("old.md"), never);
  equal(told, 1);
  const { stamp } = getDocument(app.db, b.idOf("specs/saving.md"));
  ok(!stamp.endsWith("fresh"), stamp);
  ok(getDocument(app.db, b.idOf("old.md")).stamp.endsWith("fresh"));
});

Deno.test("hundreds of documents are indexed in parts, and a second look reads none of them", async () => {
  const files = Object.fromEntries(
    Array.from({ length: 130 }, (_, i) => [`planning/n/${i}.md`, `# Note ${i}\n`]),
  );
  await using b = await planningBench(files);
  await b.follow();
  equal(documentsOf(b.app, b.project.id).length, 130);
  b.app.advance(60_000);
  await followDocuments(b.app, b.project, never);
  const times = new Set(documentsOf(b.app, b.project.id).map(({ indexedAt }) => indexedAt));
  deepEqual([...times], ["2026-01-02T03:04:05.000Z"]);
});

Deno.test("others get their turn while many documents are indexed, and while many go", async () => {
  const files = Array.from({ length: 300 }, (_, n) => [`planning/n/${n}.md`, `# N${n}\n`]);
  await using b = await planningBench(Object.fromEntries(files));
  const turnsOf = async (work: () => Promise<void>) => {
    let [turns, over] = [0, false];
    const count = () => {
      turns++;
      if (!over) setImmediate(count);
    };
    setImmediate(count);
    await work();
    over = true;
    return turns;
  };
  ok(await turnsOf(() => b.follow()) >= 6);
  equal(documentsOf(b.app, b.project.id).length, 300);
  await Deno.remove(`${b.repo.dir}/planning`, { recursive: true });
  ok(await turnsOf(() => b.follow()) >= 6);
  equal(documentsOf(b.app, b.project.id).length, 0);
});

Deno.test("a look that is called off leaves what it has, and the next one goes on from there", async () => {
  const files = Array.from({ length: 120 }, (_, n) => [`planning/n/${n}.md`, `# N${n} word\n`]);
  await using b = await planningBench(Object.fromEntries(files));
  const stop = new AbortController();
  const real = b.app.db.prepare;
  b.app.db.prepare = (sql) => {
    if (/INSERT INTO documents_text/.test(sql)) stop.abort(new Error("called off"));
    return real.call(b.app.db, sql);
  };
  await rejects(followDocuments(b.app, b.project, stop.signal), /called off/);
  b.app.db.prepare = real;
  const some = documentsOf(b.app, b.project.id);
  ok(some.length > 0 && some.length < 120, `${some.length}`);
  await b.follow();
  const all = documentsOf(b.app, b.project.id);
  equal(all.length, 120);
  // Those that had just been written when they were read have another stamp by now.
  const read = (documents: typeof all) => documents.map(({ stamp: _, ...document }) => document);
  deepEqual(read(all.filter(({ path }) => some.some((one) => one.path === path))), read(some));
  equal(findDocuments(b.app, b.project.id, "word").length, 50);
});

Deno.test("documentFacts() sees neither headings nor links inside of code, and both after it", () => {
  const text = "```\n# No\n[[no]] #idea-1\n```\n`#idea-2 [[no]]`\n~~~\n#ticket-3\n~~~~\n#\n\n" +
    `${"x".repeat(20_000)} [[far]]\n## Yes ##\n[[yes]] #idea-4 [a](b.md)\n[[yes]]\n`;
  const { title, links } = documentFacts("a.md", text);
  equal(title, "Yes");
  deepEqual(links.map(({ kind, target }) => `${kind} ${target}`), [
    "idea 4",
    "document yes",
    "document b",
  ]);
});

Deno.test("documentFacts() keeps values as they were written, and knows every way to write a title and a link", () => {
  const of = (text: string) => documentFacts("specs/a.md", text);
  const { title, owner, target } = of("---\ntitle: 2026.10\nowner: 007\ntarget: 1.10\n---\n");
  deepEqual([title, owner, target], ["2026.10", "007", "1.10"]);
  deepEqual(of("---\nowner: null\ntarget: [1, 2]\n---\n").owner, "");
  equal(of("\uFEFF# Saving\n").title, "Saving");
  equal(of("\uFEFF---\ntarget: 2\n---\n# Saving\n").title, "Saving");
  equal(of("Saving games\n============\n\n# Later\n").title, "Saving games");
  equal(of("# First\n\nSecond\n======\n").title, "First");
  const { links, files } = of(
    '[a](b.md "title") [c](<my map.md>) [d][1] [e](../../src/a.ts "t") [f](<../../src/b c.ts>)\n\n' +
      "[1]: ../Far.md 'title'\n[g]: ../../src/d.ts#L3\n[^2]: ../../src/note.ts\n[not]: ../../no.ts this\n",
  );
  deepEqual(links.map(({ target }) => target), ["specs/b", "specs/my map", "far"]);
  deepEqual(files, ["src/a.ts", "src/b c.ts", "src/d.ts"]);
  const bracketed = of(
    "[a](../../app/(shop)/cart.ts) ([b](c(1).md)) [d](un(closed.md) [e](\n../../src/e.ts)\n\n" +
      "[f]: ../../src/f(2).ts\n[g]:\n  ../../src/g.ts\n",
  );
  deepEqual(bracketed.links.map(({ target }) => target), ["specs/c(1)"]);
  deepEqual(bracketed.files, ["app/(shop)/cart.ts", "src/e.ts", "src/f(2).ts", "src/g.ts"]);
});

Deno.test("documents that an earlier version has read are read once more", async () => {
  await using b = await planningBench();
  await b.follow();
  const row = () => ({
    ...b.app.db.prepare("SELECT title, stamp <> '' AS read FROM documents").get(),
  });
  const known = row();
  b.app.db.exec("UPDATE documents SET title = 'As it was read before'");
  b.app.db.exec(migrations.find(({ name }) => name === "0045_documents_anew")!.sql);
  await b.follow();
  deepEqual(row(), known);
});

Deno.test("a document that is renamed while Gaffer is brought up to date stays the same one", async () => {
  await using b = await planningBench({ [SAVING]: "# Saving\n\nGames are saved.\n" });
  await b.follow();
  const id = b.idOf("specs/saving.md");
  b.app.db.exec(migrations.find(({ name }) => name === "0045_documents_anew")!.sql);
  await b.repo.git("mv", SAVING, "planning/kept.md");
  await b.follow();
  equal(b.idOf("kept.md"), id);
});

Deno.test("withStatus() changes one line, and makes front matter where there is none", () => {
  const cases: [string, string][] = [
    ["# A\n", "---\nstatus: approved\n---\n\n# A\n"],
    ["---\nowner: Ana\n---\n# A\n", "---\nowner: Ana\nstatus: approved\n---\n# A\n"],
    [
      "---\nstatus: draft # yet\nowner: Ana\n---\nstatus: x\n",
      "---\nstatus: approved\nowner: Ana\n---\nstatus: x\n",
    ],
    ["---\r\nstatus: draft\r\n---\r\nx", "---\r\nstatus: approved\r\n---\r\nx"],
    ["---\n---\n", "---\nstatus: approved\n---\n"],
    ["", "---\nstatus: approved\n---\n\n"],
  ];
  for (const [before, after] of cases) {
    equal(withStatus(before, "approved"), after, JSON.stringify(before));
    equal(documentFacts("a.md", after).status, "approved", JSON.stringify(before));
  }
});

Deno.test("a status is set in the file, unless it was changed or its front matter can't be read", async () => {
  await using b = await planningBench();
  await b.follow();
  const id = b.idOf("specs/saving.md");
  const { document } = await openDocument(b.app, id, never);
  const first = { status: "review", seen: document.version } as const;
  const { document: after } = await setDocumentStatus(b.app, id, first, never);
  equal(after.status, "review");
  match(await b.repo.read(SAVING), /^---\nstatus: review\n---\n\n# Saving/);
  await rejects(setDocumentStatus(b.app, id, first, never), { code: "conflict" });
  const page = `/documents/${id}`;
  const { version: seen } = after;
  equal((await b.pages.post(`${page}/status`, { status: "approved", seen })).status, 303);
  match(await (await b.pages.get(page)).text(), /Approved/);
  const { version } = getDocument(b.app.db, id);
  const wrong = await b.call("POST", `${page}/status`, { status: "perfect", seen: version });
  equal(wrong.status, 422);
  const done = await b.call("POST", `${page}/status`, { status: "done", seen: version });
  deepEqual([done.status, done.json.status], [200, "done"]);
  await b.repo.commit("Broken", { [SAVING]: "---\na: [\n---\n" });
  const { document: broken } = await openDocument(b.app, id, never);
  const last = { status: "draft", seen: broken.version } as const;
  await rejects(setDocumentStatus(b.app, id, { ...last, status: "review" }, never), {
    code: "conflict",
    message: /front matter can't be read/,
  });
});

Deno.test("of two saves at the same moment one is kept and the other is told", async () => {
  await using b = await planningBench();
  const marker = await b.repo.trapHooks(
    "pre-commit",
    "commit-msg",
    "post-merge",
    "reference-transaction",
  );
  await b.follow();
  const id = b.idOf("specs/saving.md");
  const { document } = await openDocument(b.app, id, never);
  const save = (text: string) => saveDocument(b.app, id, { text, seen: document.version }, never);
  const ends = await Promise.allSettled([save("one\n"), save("two\n")]);
  deepEqual(ends.map(({ status }) => status), ["fulfilled", "rejected"]);
  equal(await b.repo.read(SAVING), "one\n");
  equal(await b.repo.git("rev-list", "--count", "HEAD"), "2");
  equal(await exists(marker), false, "no hook of the repository's ran");
});

Deno.test("a save goes on top of what others commit meanwhile to other files", async () => {
  await using b = await planningBench();
  await b.repo.git("checkout", "-q", "-b", "other");
  await b.follow();
  const id = b.idOf("specs/saving.md");
  const { document } = await openDocument(b.app, id, never);
  await b.repo.commitOn("main", { "code.ts": "new\n" });
  await saveDocument(b.app, id, { text: "mine\n", seen: document.version }, never);
  equal(await b.repo.git("show", "main:code.ts"), "new");
  equal(await b.repo.git("show", `main:${SAVING}`), "mine");
});
