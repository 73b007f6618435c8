/** What a new user meets with a first project of their own: the forms say what is true, and lead on. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  ok,
  strictEqual as equal,
} from "node:assert";
import type { VNode } from "preact";
import { renderPage } from "../views/layout.tsx";
import { createHttp } from "../server/http.ts";
import { projectsApi } from "../server/routes/projects.tsx";
import { runsApi } from "../server/routes/runs.tsx";
import { submitIdea } from "../server/services/ideas.ts";
import type { Project } from "../server/records.ts";
import { getProject, listProjects } from "../server/store/projects.ts";
import { addRunTags } from "../server/store/run_tags.ts";
import { tempDir } from "./gaffer.ts";
import { TestRepo } from "./git_support.ts";
import { noAssets } from "./http_support.ts";
import * as a from "./pages_fixture.ts";
import { followPage, pagesBench } from "./pages_support.ts";
import { clarifying } from "./runs_support.ts";
import { samplePages } from "./sample_pages.tsx";
import { type TestApp, testApp } from "./support.ts";

const NOW = "2026-01-02T03:04:05.000Z";
const none = new URLSearchParams();
const shown = (path: string, changes: Parameters<typeof a.shell>[0] = {}): string =>
  renderPage(samplePages[path]!(a.shell(changes), none) as VNode);
const noSandbox = { confinement: { kind: "process", hint: "" } } as const;

Deno.test("what the sample costs is said of the model that will work on it", () => {
  match(shown("/start", { demo: true }), /for \$0/);
  const real = shown("/start", { demo: false });
  match(real, /costs what any idea costs/);
  doesNotMatch(real, /\$0|[Dd]emo model/);
});

Deno.test("an installer that is proposed for setup comes with what the network means, and is off", () => {
  const page = shown("/projects/new");
  match(page, /This command needs the network; what runs during setup can then reach it/);
  match(page, /<input type="checkbox" name="setup_network" value="1" id=/);
  match(page, /tickets will block at their setup/);
  doesNotMatch(page, /commands_allowed/, "in a sandbox there is nothing to allow");
});

Deno.test("without a sandbox the form offers to allow the commands, and says that the network can't be cut", () => {
  const page = shown("/projects/new", noSandbox);
  match(page, /<input type="checkbox" name="commands_allowed" value="1" id=/);
  match(page, /without one the network can(?:'|&#39;)t be cut/);
  doesNotMatch(page, /tickets will block at their setup/);
});

Deno.test("the form of a project promises no parser that there is not", () => {
  doesNotMatch(shown("/projects/new"), /JUnit/);
});

Deno.test("the pages of idea, ticket and run lead to their project", () => {
  for (const path of ["/ideas/idea_save", "/tickets/tkt_save", "/runs/run_dev"]) {
    match(shown(path), /<dt>Project<\/dt><dd><a href="\/projects\/prj_game">/, path);
  }
});

Deno.test("a ticket that may not run commands is led on by one button, with guidance out of the way", () => {
  const page = shown("/tickets/tkt_not_allowed");
  for (const { command } of a.project().commands) ok(page.includes(`<code>${command}</code>`));
  match(page, /action="\/tickets\/tkt_not_allowed\/allow-commands"/);
  doesNotMatch(page, /tkt_not_allowed\/guide/);
});

Deno.test("with several projects quick-add shows the one it goes to beside the title", () => {
  const page = shown("/ideas");
  ok(a.shell().projects.length > 1);
  const choice = page.indexOf('name="project_id"');
  ok(choice > page.indexOf('name="title"'));
  ok(choice < page.indexOf("Description, priority, tags"), "it is not folded away");
});

/** What the form in a page would send: its texts, its choices, and its checked boxes. */
function fieldsOf(page: string): Record<string, string> {
  const form = /<form method="post" action="\/projects[^"]*"[\s\S]*?<\/form>/.exec(page)![0];
  const inputs = [...form.matchAll(/<input([^>]*)>/g)].map(([, attributes]) => attributes!);
  const attribute = (of: string, name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(of)?.[1];
  return Object.fromEntries(
    inputs
      .filter((input) => !/type="checkbox"/.test(input) || /\bchecked\b/.test(input))
      .map((input) => [attribute(input, "name")!, attribute(input, "value") ?? ""]),
  );
}

const allowances = (app: TestApp) =>
  listProjects(app.db).map(({ setupNetwork, commandsAllowed }) => [setupNetwork, commandsAllowed]);

Deno.test("what is allowed is kept from the form of a new project on, and can be taken back", async () => {
  await using data = await tempDir();
  using app = testApp({ config: { dataDir: data.path } });
  const { get, post } = pagesBench(app);
  await using repo = await TestRepo.make({
    "package.json": '{"dependencies": {"left-pad": "1"}}',
    "package-lock.json": "{}",
  });
  const form = await (await get(`/projects/new?path=${encodeURIComponent(repo.dir)}`)).text();
  const fields = fieldsOf(form);
  deepEqual([fields.setup, "setup_network" in fields], ["npm ci", false]);
  const made = await post("/projects", { ...fields, setup_network: "1", commands_allowed: "1" });
  deepEqual([made.status, allowances(app)], [303, [[true, true]]]);

  const [project] = listProjects(app.db);
  const address = `/projects/${project!.id}`;
  const saved = fieldsOf(await (await get(address)).text());
  deepEqual([saved.setup_network, saved.commands_allowed], ["1", "1"]);
  const refused = await post(address, { ...saved, base_branch: "gone" });
  deepEqual([refused.status, allowances(app)], [422, [[true, true]]]);
  match(await refused.text(), /name="setup_network" value="1" checked/);
  const { setup_network: _, ...others } = saved;
  await post(address, others);
  deepEqual(allowances(app), [[false, true]]);
});

Deno.test("hosts, tools and limits of a project's sandbox are kept from its form, and told what is wrong", async () => {
  await using data = await tempDir();
  using app = testApp({ config: { dataDir: data.path } });
  const { get, post } = pagesBench(app);
  await using repo = await TestRepo.make({ "a.txt": "a" });
  const form = await (await get(`/projects/new?path=${encodeURIComponent(repo.dir)}`)).text();
  match(form, /<details[^>]*id="project-sandbox"[^>]*>/);
  const tools = repo.root;
  const sandbox = {
    hosts: "registry.npmjs.org\r\n\r\n registry.lan:4873 \r\n",
    toolchains: `${tools}\r\n`,
    local_files: ".env\r\nconfig/*.pem\r\n",
    "limits.memory_mb": "2048",
    "limits.cpu_seconds": " 60 ",
  };
  const made = await post("/projects", { ...fieldsOf(form), ...sandbox });
  deepEqual(made.status, 303, await made.text());
  const kept = () => {
    const [{ hosts, toolchains, localFiles, handsLimits }] = listProjects(app.db) as [Project];
    return { hosts, toolchains, localFiles, handsLimits };
  };
  const before = {
    hosts: ["registry.npmjs.org", "registry.lan:4873"],
    toolchains: [tools],
    localFiles: [".env", "config/*.pem"],
    handsLimits: { memory_mb: 2048, cpu_seconds: 60 },
  };
  deepEqual(kept(), before);
  const address = `/projects/${listProjects(app.db)[0]!.id}`;
  const page = await (await get(address)).text();
  match(page, /registry\.npmjs\.org\nregistry\.lan:4873<\/textarea>/);
  match(page, /name="limits.memory_mb"[^>]*value="2048"/);

  const fields = { ...fieldsOf(page), ...sandbox };
  const wrong: [Record<string, string>, RegExp][] = [
    [{ hosts: "https://a.example" }, /"https:\/\/a\.example" is no host: write it as/],
    [{ toolchains: data.path }, /is Gaffer(&#39;|')s data folder/],
    [{ toolchains: "/proc/self" }, /lies in \/proc, which may hold secrets/],
    [{ toolchains: "bin" }, /is no absolute path/],
    [{ toolchains: "/nowhere/tools" }, /is no folder of this machine/],
    [
      { local_files: ".env\n../key" },
      /"\.\.\/key" names no file of the repository: it may name neither \.\./,
    ],
    [{ "limits.memory_mb": "1" }, /Write a whole number from 256 to 1048576, or nothing/],
    [{ "limits.processes": "many" }, /Write a whole number from 32 to 32768, or nothing/],
  ];
  for (const [change, why] of wrong) {
    const refused = await post(address, { ...fields, ...change });
    const text = (await refused.text()).replaceAll("&quot;", '"');
    deepEqual(refused.status, 422, JSON.stringify(change));
    match(text, why);
    match(text, /<details[^>]*id="project-sandbox"[^>]*open/, "what is wrong is not folded away");
    deepEqual(kept(), before);
  }
  await post(address, {
    ...fields,
    hosts: "",
    toolchains: "",
    local_files: "",
    "limits.memory_mb": "",
  });
  deepEqual(kept(), {
    hosts: [],
    toolchains: [],
    localFiles: [],
    handsLimits: { cpu_seconds: 60 },
  });
});

Deno.test("without a sandbox a project's form says that no host is opened", () => {
  match(shown("/projects/prj_game", noSandbox), /nothing can hold commands to a list of hosts/);
  doesNotMatch(shown("/projects/prj_game"), /nothing can hold commands/);
});

Deno.test("that a run may have all three tags is allowed by a person's word, which its pages and the API show", async () => {
  using app = testApp();
  const run = await clarifying(app);
  app.tx((tx) => addRunTags(tx, run.id, ["private", "outbound"]));
  const { get, post } = pagesBench(app);
  const page = async (path: string) => await (await get(path)).text();
  const address = `/projects/${run.projectId}`;
  const allowed = () => getProject(app.db, run.projectId).tagsAllowed;
  const save = async (fields: Record<string, string>) => {
    // Nothing is at the path of this project, and a branch that is named is looked up.
    const { tags_allowed: _, base_branch: __, ...others } = fieldsOf(await page(address));
    const saved = await post(address, { ...others, ...fields });
    equal(saved.status, 303, await saved.text());
  };
  doesNotMatch(await page(`/runs/${run.id}`), /allows all three together/);

  await save({ tags_allowed: "1" });
  deepEqual(allowed(), { by: "owner", at: NOW });
  match(await page(address), /name="tags_allowed" value="1" checked[\s\S]*Allowed by owner/);
  match(await page(`/runs/${run.id}`), /its project allows all three together<\/a>/);
  app.advance(60_000);
  await save({ tags_allowed: "1" });
  deepEqual(allowed(), { by: "owner", at: NOW }, "who said it first");
  await save({});
  equal(allowed(), null);
  deepEqual(
    app.events.filter(({ type }) => type.startsWith("tags_")).map(({ type, actor }) => [
      type,
      actor,
    ]),
    [["tags_allowed", "owner"], ["tags_not_allowed", "owner"]],
  );

  const http = createHttp(app, {
    assets: noAssets,
    mountApi(api) {
      projectsApi(api);
      runsApi(api);
    },
    mountPages: () => {},
    renderError: () => "",
  });
  const seen = await http.request(`/api/v1${address}`);
  const json = await (await http.request(`/api/v1${address}`, {
    method: "PATCH",
    headers: { "content-type": "application/json", "if-match": seen.headers.get("etag")! },
    body: '{"tags_allowed": true}',
  })).json();
  deepEqual([json.tags_allowed, json.tags_allowed_by], [true, "owner"]);
  const { tags } = await (await http.request(`/api/v1/runs/${run.id}`)).json();
  deepEqual(tags, ["private", "outbound"]);
});

Deno.test("the list of projects and a project's page are told of what comes in", async () => {
  using app = testApp();
  const project = app.project();
  const bench = pagesBench(app);
  await using list = await followPage(bench, "/live/projects");
  await using settings = await followPage(bench, `/live/project/${project.id}`);
  submitIdea(app, { projectId: project.id, title: "Greet people" });
  match(await list.next(), /1 open idea/);
  match(await settings.next(), /id="nav"/);
});
