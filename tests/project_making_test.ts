/** New projects of templates: the whole of one, refusals that leave nothing, and every place where a crash can cut in. */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
  throws,
} from "node:assert";
import { join } from "node:path";
import { createRepository } from "../agents/git/new_repository.ts";
import { within } from "../server/db.ts";
import { agentFor } from "../server/services/definitions.ts";
import { placeProject, readyProject } from "../server/services/project_making.ts";
import type { NewFromTemplate } from "../server/services/project_making_plan.ts";
import { beginMaking, mendMakings } from "../server/services/project_mending.ts";
import { makeIdeas, offerIdeas } from "../server/services/document_ideas.ts";
import { openDocument } from "../server/services/documents.ts";
import { mendProjects } from "../server/services/mend_projects.ts";
import { makingFolder } from "../server/services/new_folder.ts";
import {
  importTemplate,
  projectTemplate,
  trustTemplate,
} from "../server/services/project_templates.ts";
import { findOrigin } from "../server/store/document_ideas.ts";
import { listIdeas } from "../server/store/ideas.ts";
import { listProjects } from "../server/store/projects.ts";
import { listMakings } from "../server/store/project_makings.ts";
import { never, personGit } from "./git_support.ts";
import { tempDir } from "./gaffer.ts";
import { type TestApp, testApp } from "./support.ts";

interface Bench extends AsyncDisposable {
  app: TestApp;
  dir: string;
  path: string;
  make(changes?: Partial<NewFromTemplate>): ReturnType<typeof readyProject>;
  /** Names in the folder around the project. */
  around(): string[];
}

async function bench(): Promise<Bench> {
  const dir = await tempDir();
  const data = await tempDir();
  const app = testApp({ config: { dataDir: data.path } });
  const path = join(Deno.realPathSync(dir.path), "thing");
  return {
    app,
    path,
    dir: dir.path,
    make: (changes = {}) =>
      readyProject(app, {
        template: "custom",
        seen: null,
        path,
        answers: { name: "Thing", description: "A thing." },
        documents: [],
        ideas: true,
        commandsAllowed: false,
        setupNetwork: false,
        toolchainsAllowed: false,
        ...changes,
      }, never),
    around: () => [...Deno.readDirSync(dir.path)].map(({ name }) => name).sort(),
    async [Symbol.asyncDispose]() {
      app[Symbol.dispose]();
      await dir[Symbol.asyncDispose]();
      await data[Symbol.asyncDispose]();
    },
  };
}

Deno.test("createRepository() writes nothing where one of the files would lie outside the folder", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "new");
  await Deno.mkdir(path);
  for (const outside of ["../up", "a/../../up", "/up", "a//b", "", "a\0"]) {
    const files = [{ path: "inside", content: "" }, { path: outside, content: "" }];
    await rejects(createRepository({ path, files, message: "Begin", signal: never }), {
      message: /lies outside/,
    });
  }
  deepEqual([...Deno.readDirSync(path)], []);
  deepEqual([...Deno.readDirSync(dir.path)].map(({ name }) => name), ["new"]);
});

const ideasOf = (app: TestApp) =>
  app.db.prepare("SELECT title FROM ideas ORDER BY number").all().map(({ title }) => String(title));

Deno.test("a project of a template is a repository with one commit, agents that work, and its roadmap's ideas", async () => {
  await using b = await bench();
  const project = placeProject(b.app, await b.make());
  deepEqual([project.name, project.path, project.baseBranch], ["Thing", b.path, "main"]);
  deepEqual(project.commands.map(({ name, command }) => [name, command]), [
    ["build", "sh build.sh"],
    ["test", "sh test.sh"],
  ]);
  equal(project.commandsAllowed, false);
  equal(await personGit(b.path, "status", "--porcelain"), "");
  match(await personGit(b.path, "log", "--format=%s"), /^Begin Thing$/);
  const files = (await personGit(b.path, "ls-files")).split("\n");
  for (
    const file of [
      "CLAUDE.md",
      ".gitignore",
      ".claude/agents/feature-dev.md",
      "planning/architecture.md",
    ]
  ) {
    ok(files.includes(file), file);
  }
  equal((await Deno.stat(join(b.path, "test.sh"))).mode! & 0o111, 0o111);
  const agent = agentFor(b.app, "feature-dev", project.id);
  deepEqual([agent.projectId, agent.trusted], [project.id, true]);
  match(agent.text, /In a project whose technology you have to find out/);
  equal(ideasOf(b.app).length, 2);
  deepEqual([b.around(), listMakings(b.app.db)], [["thing"], []]);
  ok(b.app.events.some(({ type }) => type === "project_made"));
});

Deno.test("a roadmap's ideas are linked to its rows: nothing is made of them again, and each says where it is from", async () => {
  await using b = await bench();
  const project = placeProject(b.app, await b.make());
  const ideas = listIdeas(b.app.db, { projectId: project.id, limit: 10 });
  const { documentId, path } = findOrigin(b.app.db, ideas[0]!.id)!;
  // Found by its id before anybody has looked at the files.
  const { document, items } = await offerIdeas(b.app, documentId, null, never);
  deepEqual([document.id, document.path], [documentId, path]);
  deepEqual(
    items.map(({ made, like }) => [made?.title, like]),
    ideasOf(b.app).map((title) => [title, null]),
  );
  deepEqual(
    makeIdeas(b.app, await openDocument(b.app, documentId, never), {
      items: items.map(({ key, title, description }) => ({ key, title, description })),
      refine: false,
    }),
    [],
  );
  equal(b.app.jobs().filter(({ kind }) => kind === "advance_idea").length, ideas.length);
});

Deno.test("a roadmap that was renamed before anybody looked at it has its ideas all the same", async () => {
  await using b = await bench();
  const project = placeProject(b.app, await b.make());
  const [idea] = listIdeas(b.app.db, { projectId: project.id, limit: 10 });
  const { documentId, path } = findOrigin(b.app.db, idea!.id)!;
  await personGit(b.path, "mv", `planning/${path}`, "planning/roadmaps/renamed.md");
  const someone = ["-c", "user.name=Ana", "-c", "user.email=ana@example.com"];
  await personGit(b.path, ...someone, "commit", "-m", "Rename");
  const { document, items } = await offerIdeas(b.app, documentId, null, never);
  equal(document.path, "roadmaps/renamed.md");
  ok(items.length > 0 && items.every(({ made }) => made !== null));
});

Deno.test("an empty folder is used, and ideas are left out where a person wants none", async () => {
  await using b = await bench();
  await Deno.mkdir(b.path);
  placeProject(b.app, await b.make({ ideas: false }));
  deepEqual(ideasOf(b.app), []);
  ok((await Deno.stat(join(b.path, ".git"))).isDirectory);
});

Deno.test("what the new .gitignore or a person's own ignores is committed all the same, where the template has it", async () => {
  await using b = await bench();
  const text = projectTemplate(b.app, "custom").text.replace("id: custom", "id: ignoring")
    .replace("      build/\n", "      /planning/\n      .claude/\n      *.sh\n");
  trustTemplate(b.app, "ignoring", importTemplate(b.app, text).hash);
  placeProject(b.app, await b.make({ template: "ignoring" }));
  const files = (await personGit(b.path, "ls-files")).split("\n");
  for (const file of ["test.sh", "planning/architecture.md", ".claude/agents/reviewer.md"]) {
    ok(files.includes(file), file);
  }
});

Deno.test("documents of a person's come along, with their roadmap's ideas and the agents that they name", async () => {
  await using b = await bench();
  const documents = [
    {
      path: "roadmaps/ours.md",
      text: "---\ntype: roadmap\n---\n# Ours\n\n| Outcome |\n|---|\n| Flies |\n",
    },
    { path: "specs/wings.md", text: "# Wings\n\n## Agents\n\n- wing-dev: builds wings\n" },
  ];
  const project = placeProject(b.app, await b.make({ documents }));
  deepEqual(ideasOf(b.app), ["Flies"]);
  equal(agentFor(b.app, "wing-dev", project.id).projectId, project.id);
  equal(await Deno.readTextFile(join(b.path, "planning/specs/wings.md")), documents[1]!.text);
});

const refusals: [what: string, changes: (b: Bench) => Partial<NewFromTemplate>, says: RegExp][] = [
  [
    "a folder with something in it",
    (b) => (Deno.mkdirSync(b.path), Deno.writeTextFileSync(join(b.path, "mine.txt"), "x"), {}),
    /it is not empty \("mine\.txt" is there\)/,
  ],
  [
    "a file of that name",
    (b) => (Deno.writeTextFileSync(b.path, "x"), {}),
    /there is a file of that name/,
  ],
  [
    "a link of that name",
    (b) => (Deno.symlinkSync("/tmp", b.path), {}),
    /there is a link of that name/,
  ],
  [
    "a folder around it that is not there",
    (b) => ({ path: join(b.dir, "a/b") }),
    /the folder around it, ".*\/a", is not there/,
  ],
  ["a path that is not full", () => ({ path: "thing" }), /not a full path/],
  ["a name with a dot first", (b) => ({ path: join(b.dir, ".thing") }), /without a dot first/],
  [
    "Gaffer's own data folder",
    (b) => ({ path: join(b.app.config.dataDir, "x") }),
    /inside Gaffer's own data folder/,
  ],
  [
    "an answer that is missing",
    () => ({ answers: {} }),
    /"answers\.name": Give the project a name/,
  ],
  ["a template that there is not", () => ({ template: "cobol" }), /no project template "cobol"/],
  ["a template that has changed since", () => ({ seen: "other" }), /has changed since you looked/],
];

for (const [what, changes, says] of refusals) {
  Deno.test(`a new project is refused for ${what}, and nothing is left of it`, async () => {
    await using b = await bench();
    const asked = changes(b);
    const before = b.around();
    await rejects(() => b.make(asked), { message: says });
    deepEqual([b.around(), listMakings(b.app.db), listProjects(b.app.db)], [before, [], []]);
  });
}

Deno.test("what comes to be in the folder's place meanwhile stays, and nothing is left of the project", async () => {
  await using b = await bench();
  const ready = await b.make();
  await Deno.mkdir(b.path);
  await Deno.writeTextFile(join(b.path, "mine.txt"), "mine");
  throws(() => placeProject(b.app, ready), { code: "conflict", message: /not empty/ });
  deepEqual([b.around(), listProjects(b.app.db), ideasOf(b.app)], [["thing"], [], []]);
  equal(await Deno.readTextFile(join(b.path, "mine.txt")), "mine");
  await mendMakings(b.app, never);
  deepEqual(listMakings(b.app.db), []);
});

/** What a crash leaves, as a later process finds it: the same rows and folders, and nothing that is under way. */
const afterCrash = (b: Bench): TestApp => ({ ...b.app, db: Object.create(b.app.db) }) as TestApp;

Deno.test("a crash before the first file leaves a row, which goes away", async () => {
  await using b = await bench();
  beginMaking(b.app, { path: b.path, folder: makingFolder(b.path, "0123abcd"), plan: "{}" });
  deepEqual(await mendMakings(b.app, never), [], "what is under way is left alone");
  equal(listMakings(b.app.db).length, 1);
  deepEqual(await mendMakings(afterCrash(b), never), []);
  deepEqual([b.around(), listMakings(b.app.db)], [[], []]);
});

Deno.test("a crash among the files leaves a folder beside, which goes away", async () => {
  await using b = await bench();
  const folder = makingFolder(b.path, "0123abcd");
  beginMaking(b.app, { path: b.path, folder, plan: "{}" });
  await Deno.mkdir(join(folder, "src"), { recursive: true });
  await Deno.writeTextFile(join(folder, "src/half.txt"), "ha");
  await mendMakings(afterCrash(b), never);
  deepEqual([b.around(), listMakings(b.app.db)], [[], []]);
});

Deno.test("a crash before the folder is in place leaves nothing: the next try makes it anew", async () => {
  await using b = await bench();
  await b.make();
  equal(b.around().length, 1);
  const app = afterCrash(b);
  await mendMakings(app, never);
  deepEqual([b.around(), listMakings(app.db)], [[], []]);
  placeProject(app, await b.make());
  deepEqual(b.around(), ["thing"]);
});

Deno.test("a crash after the folder is in place: the next try finds the project whole, and makes no second", async () => {
  await using b = await bench();
  const ready = await b.make();
  ok("making" in ready);
  await Deno.rename(ready.making.folder, b.path);
  const app = afterCrash(b);
  const [project] = await mendMakings(app, never);
  deepEqual([project!.path, project!.name], [b.path, "Thing"]);
  deepEqual([listProjects(app.db).length, ideasOf(b.app).length, listMakings(app.db)], [1, 2, []]);
  equal(agentFor(app, "reviewer", project!.id).trusted, true);
  await rejects(() => b.make(), { code: "conflict", message: /already the project "Thing"/ });
});

Deno.test("a project that a crash has left without rows gets them, though a person has committed there meanwhile", async () => {
  await using b = await bench();
  const ready = await b.make();
  ok("making" in ready);
  await Deno.rename(ready.making.folder, b.path);
  await Deno.writeTextFile(join(b.path, "mine.txt"), "mine");
  await personGit(b.path, "add", "--all");
  const me = ["-c", "user.name=Pat Person", "-c", "user.email=pat@example.org"];
  await personGit(b.path, ...me, "commit", "-q", "-m", "Mine");
  const [project] = await mendMakings(afterCrash(b), never);
  equal(project?.path, b.path);
  deepEqual([b.around(), listMakings(b.app.db)], [["thing"], []]);
});

Deno.test("a start mends what crashes have left: one project whole, the other gone", async () => {
  await using b = await bench();
  const whole = await b.make();
  ok("making" in whole);
  await Deno.rename(whole.making.folder, b.path);
  const folder = makingFolder(join(b.dir, "other"), "0123abcd");
  beginMaking(b.app, { path: join(b.dir, "other"), folder, plan: "{}" });
  await Deno.mkdir(folder);
  await mendProjects(afterCrash(b));
  deepEqual(listProjects(b.app.db).map(({ path }) => path), [b.path]);
  deepEqual([b.around(), listMakings(b.app.db)], [["thing"], []]);
  await mendProjects(b.app);
});

Deno.test("what can't be mended is logged, keeps its row, and stands in nobody's way", async () => {
  await using b = await bench();
  beginMaking(b.app, { path: b.path, folder: join(b.dir, "not-ours"), plan: "{}" });
  await Deno.mkdir(join(b.dir, "not-ours"));
  const warned: string[] = [];
  const log = { ...b.app.log, warn: (message: string) => void warned.push(message) };
  await mendProjects({ ...afterCrash(b), log });
  deepEqual(warned, ["what is left of a new project could not be mended"]);
  deepEqual([b.around(), listMakings(b.app.db).length], [["not-ours"], 1]);
  placeProject(b.app, await b.make());
  deepEqual(b.around(), ["not-ours", "thing"]);
});

Deno.test("the try that comes after such a crash is answered with that project", async () => {
  await using b = await bench();
  const ready = await b.make();
  ok("making" in ready);
  await Deno.rename(ready.making.folder, b.path);
  const app = afterCrash(b);
  const again = await readyProject(app, {
    ...{ template: "custom", seen: null, path: b.path, answers: { name: "Thing" }, documents: [] },
    ...{ ideas: true, commandsAllowed: false, setupNetwork: false, toolchainsAllowed: false },
  }, never);
  ok("project" in again);
  equal(placeProject(app, again).path, b.path);
  equal(listProjects(app.db).length, 1);
});

Deno.test("a folder that somebody else has put there meanwhile is no project of ours, and is left alone", async () => {
  await using b = await bench();
  const ready = await b.make();
  ok("making" in ready);
  await Deno.remove(ready.making.folder, { recursive: true });
  await Deno.mkdir(b.path);
  await personGit(b.path, "init", "-q", "-b", "main");
  const me = ["-c", "user.name=Pat Person", "-c", "user.email=pat@example.org"];
  await personGit(b.path, ...me, "commit", "-q", "--allow-empty", "-m", "Theirs");
  deepEqual(await mendMakings(afterCrash(b), never), []);
  deepEqual([b.around(), listMakings(b.app.db)], [["thing"], []]);
});

Deno.test("where a row can't be written nothing is left, neither rows nor folders", async () => {
  await using b = await bench();
  const ready = await b.make();
  b.app.db.exec(
    "CREATE TEMP TRIGGER full BEFORE INSERT ON ideas BEGIN SELECT RAISE(ABORT, 'no more'); END",
  );
  throws(() => placeProject(b.app, ready), { message: /no more/ });
  deepEqual([b.around(), listProjects(b.app.db), ideasOf(b.app)], [[], [], []]);
  await mendMakings(b.app, never);
  deepEqual(listMakings(b.app.db), []);
});

Deno.test("where a transaction fails at its very end, the folder in place gets its rows by the next try", async () => {
  await using b = await bench();
  const ready = await b.make();
  throws(() =>
    b.app.tx((tx) => {
      placeProject(within(tx, b.app), ready);
      throw new Error("the answer could not be kept");
    })
  );
  deepEqual([b.around(), listProjects(b.app.db)], [["thing"], []]);
  equal((await mendMakings(b.app, never)).length, 1);
  deepEqual([listProjects(b.app.db).length, ideasOf(b.app).length], [1, 2]);
});

Deno.test("an imported template does nothing until somebody has trusted exactly what they saw", async () => {
  await using b = await bench();
  const text = projectTemplate(b.app, "custom").text.replace(/^id: custom$/m, "id: theirs");
  const { hash } = importTemplate(b.app, text);
  const theirs = { template: "theirs" };
  await rejects(() => b.make(theirs), {
    code: "conflict",
    message: /nobody has trusted the template "theirs"/,
  });
  throws(() => trustTemplate(b.app, "theirs", "another"), { code: "conflict" });
  await rejects(() => b.make(theirs), { code: "conflict" });
  deepEqual(b.around(), []);
  trustTemplate(b.app, "theirs", hash);
  placeProject(b.app, await b.make(theirs));
  deepEqual(b.around(), ["thing"]);
  throws(() => importTemplate(b.app, text), {
    code: "conflict",
    message: /there is one named "theirs"/,
  });
  throws(() => importTemplate(b.app, projectTemplate(b.app, "rust").text), {
    code: "conflict",
    message: /"rust" is built in/,
  });
});
