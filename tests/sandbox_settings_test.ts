/** What a person sets of sandboxes, over the API and on the pages of agents, and what a run is given of it. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  strictEqual as equal,
} from "node:assert";
import { createHttp } from "../server/http.ts";
import { projectsApi } from "../server/routes/projects.tsx";
import { advanceIdea } from "../server/services/refinement.ts";
import { saveDefinition } from "../server/services/agent_changes.ts";
import { formValues } from "../server/services/definition_form.ts";
import { agentOf } from "../server/services/definitions.ts";
import { submitIdea } from "../server/services/ideas.ts";
import { createRunHost } from "../server/services/run_host.ts";
import { beginRun } from "../server/services/runs.ts";
import { updateProject } from "../server/store/projects.ts";
import { findStart } from "../server/store/run_log.ts";
import { listIdeaRuns } from "../server/store/runs.ts";
import { tempDir } from "./gaffer.ts";
import { TestRepo } from "./git_support.ts";
import { noAssets } from "./http_support.ts";
import { pagesBench } from "./pages_support.ts";
import { catalog, type TestApp, testApp } from "./support.ts";

// deno-lint-ignore no-explicit-any
type Json = any;

// ---------------------------------------------------------------- a project's, over the API

function projectsBench(app: TestApp) {
  const http = createHttp(app, {
    assets: noAssets,
    mountApi: projectsApi,
    mountPages: () => {},
    renderError: () => "",
  });
  return async (method: string, path: string, body?: unknown) => {
    const answer = await http.request(`/api/v1${path}`, {
      method,
      ...body !== undefined && {
        headers: {
          "content-type": "application/json",
          ...method === "PATCH" && { "if-match": "*" },
        },
        body: JSON.stringify(body),
      },
    });
    return { status: answer.status, json: await answer.json() as Json };
  };
}

const settingsOf = ({ hosts, toolchains, limits }: Json) => ({ hosts, toolchains, limits });

Deno.test("hosts, tools and limits of a project's sandboxes are set and taken back over the API", async () => {
  await using data = await tempDir();
  await using repo = await TestRepo.make();
  using app = testApp({ config: { dataDir: data.path } });
  const call = projectsBench(app);
  const plain = await call("POST", "/projects", { path: repo.dir });
  equal(plain.status, 201, JSON.stringify(plain.json));
  deepEqual(settingsOf(plain.json), { hosts: [], toolchains: [], limits: {} });

  const at = `/projects/${plain.json.id}`;
  const set = {
    hosts: ["registry.npmjs.org", "*.example.com", "registry.lan:4873", "[fd00::1]:80"],
    toolchains: [repo.root],
    limits: { memory_mb: 2_048, open_files: 64 },
  };
  deepEqual(settingsOf((await call("PATCH", at, set)).json), set);
  deepEqual(settingsOf((await call("PATCH", at, { name: "Other" })).json), set, "they stay");
  deepEqual(settingsOf((await call("GET", at)).json), set);
  const { json } = await call("PATCH", at, { limits: { processes: 32 } });
  deepEqual(json.limits, { processes: 32 }, "the limits are all of them");
  const none = { hosts: [], toolchains: [], limits: {} };
  deepEqual(settingsOf((await call("PATCH", at, none)).json), none);

  await call("DELETE", at);
  const again = await call("POST", "/projects", { path: repo.dir, ...set });
  deepEqual(settingsOf(again.json), set, "from its first moment on");
});

Deno.test("settings of a sandbox that are wrong are refused by their names, and change nothing", async () => {
  await using data = await tempDir();
  await using repo = await TestRepo.make();
  using app = testApp({ config: { dataDir: data.path } });
  const call = projectsBench(app);
  await Deno.symlink(data.path, repo.beside("to data"));
  await Deno.writeTextFile(repo.beside("a file"), "");
  const { json: { id } } = await call("POST", "/projects", {
    path: repo.dir,
    hosts: ["a.example"],
  });
  const wrong: [changes: Json, field: string, why: RegExp][] = [
    [{ hosts: ["https://a.example"] }, "hosts.0", /"https:\/\/a\.example" is no host/],
    [{ hosts: ["a.example", "a.*.example"] }, "hosts.1", /is no host/],
    [{ hosts: ["a.example:0"] }, "hosts.0", /is no host/],
    [{ hosts: ["127.1"] }, "hosts.0", /is no host/],
    [{ hosts: Array(101).fill("a.example") }, "hosts", /100/],
    [{ hosts: "a.example" }, "hosts", /a list/],
    [{ toolchains: ["bin"] }, "toolchains", /is no absolute path/],
    [{ toolchains: [data.path] }, "toolchains", /is Gaffer's data folder/],
    [{ toolchains: [repo.beside("to data")] }, "toolchains", /is Gaffer's data folder/],
    [{ toolchains: [repo.beside("a file")] }, "toolchains", /is no folder of this machine/],
    [{ toolchains: ["/"] }, "toolchains", /is everything/],
    [{ toolchains: Array(21).fill(repo.root) }, "toolchains", /20/],
    [{ limits: { memory_mb: 255 } }, "limits.memory_mb", /from 256 to 1048576/],
    [{ limits: { cpu_seconds: 1.5 } }, "limits.cpu_seconds", /a whole number from 10/],
    [{ limits: { memory_mb: null } }, "limits.memory_mb", /or nothing/],
    [{ limits: { threads: 5 } }, "limits.threads", /threads|unknown|no such/],
  ];
  for (const [changes, field, why] of wrong) {
    const { status, json } = await call("PATCH", `/projects/${id}`, changes);
    const text = JSON.stringify(changes).slice(0, 100);
    equal(status, 422, text);
    deepEqual(json.errors.map((error: Json) => error.field), [field], text);
    match(json.errors[0].message, why, text);
  }
  const { json } = await call("GET", `/projects/${id}`);
  deepEqual(settingsOf(json), { hosts: ["a.example"], toolchains: [], limits: {} });
});

// ---------------------------------------------------------------- an agent's, on its page

const builtIn = catalog.text("bugfix-dev")!;
const withHosts = (hosts: string[], text = builtIn) =>
  text.replace("\ntools:", `\nallowed_hosts: ${JSON.stringify(hosts)}\ntools:`);

Deno.test("hosts of an agent are kept from its form, and what is no host is refused beside its field", async () => {
  using app = testApp();
  const { http, get } = pagesBench(app);
  const { tools, ...values } = formValues(builtIn, "bugfix-dev.md");
  const save = (hosts: string, version: number) => {
    const fields = { ...values, view: "form", version: String(version), note: "" };
    const body = new URLSearchParams({ ...fields, allowed_hosts: hosts });
    for (const tool of tools!.split(", ")) if (tool !== "submit_result") body.append("tools", tool);
    return Promise.resolve(http.request("/agents/bugfix-dev", { method: "POST", body }));
  };
  equal((await save("registry.npmjs.org\r\nregistry.lan:4873\r\n", 1)).status, 303);
  match(
    agentOf(app, "bugfix-dev").text,
    /allowed_hosts:\n *- registry\.npmjs\.org\n *- registry\.lan:4873\n/,
  );
  const page = await (await get("/agents/bugfix-dev")).text();
  match(page, /<dt>Hosts<\/dt><dd>registry\.npmjs\.org, registry\.lan:4873<\/dd>/);
  match(page, /registry\.npmjs\.org\nregistry\.lan:4873<\/textarea>/);

  const refused = await save("https://registry.npmjs.org", 2);
  equal(refused.status, 422);
  const html = await refused.text();
  match(html, /id="definition-allowed_hosts-error"[^>]*>\s*expected a list of at most 100 hosts/);
  match(html, /<details[^>]*id="definition-further"[^>]*open/, "what is wrong is not folded away");
  equal(agentOf(app, "bugfix-dev").version, 2);
});

Deno.test("the page of an agent says why hosts that are named are not reached", async () => {
  using app = testApp();
  const { get } = pagesBench(app);
  const shown = async (name: string) => await (await get(`/agents/${name}`)).text();
  saveDefinition(app, "bugfix-dev", { text: withHosts(["a.example"]), after: 1 });
  doesNotMatch(await shown("bugfix-dev"), /a\.example; but/);
  app.agents.confinement = "process";
  match(await shown("bugfix-dev"), /a\.example; but not here, where there is no sandbox/);
  const text = withHosts(["a.example"], catalog.text("researcher")!);
  saveDefinition(app, "researcher", { text, after: 1 });
  match(await shown("researcher"), /a\.example; but it has no commands that could reach them/);
});

// ---------------------------------------------------------------- what a run is given

/** A run of the researcher, who may run commands here. */
function researching(
  app: TestApp,
  path: string,
  changes: Parameters<TestApp["project"]>[0] = {},
) {
  const text = withHosts(["a.example"], catalog.text("researcher")!)
    .replace(/^tools: /m, "tools: Bash, ");
  if (agentOf(app, "researcher").version === 1) {
    saveDefinition(app, "researcher", { text, after: 1 });
  }
  const project = app.project({ path, ...changes });
  const idea = submitIdea(app, { projectId: project.id, title: "Greet people" });
  advanceIdea(app, idea.id);
  const { id } = listIdeaRuns(app.db, idea.id).find((run) => run.purpose === "research")!;
  app.tx((tx) => beginRun(tx, id));
  const host = createRunHost(() => app);
  return {
    id,
    project,
    prepare: async () => {
      const prepared = await host.prepare(id, new AbortController().signal);
      await prepared.servers.close();
      return prepared;
    },
  };
}

Deno.test("a run has the hosts of its first event in each of its lives, and the project's tools and limits of now", async () => {
  await using data = await tempDir();
  await using repo = await TestRepo.make();
  using app = testApp({ config: { dataDir: data.path } });
  const handsLimits = { memory_mb: 512, cpu_seconds: 60 };
  const run = await researching(app, repo.dir, {
    hosts: ["b.example"],
    toolchains: ["/opt/a"],
    handsLimits,
  });
  const first = await run.prepare();
  deepEqual(first.place.reach, { by: run.id, hosts: ["a.example"] });
  deepEqual(first.place.toolchains, ["/opt/a"]);
  deepEqual(first.place.limits, { memoryBytes: 512 * 1024 ** 2, cpuSeconds: 60 });
  deepEqual(first.permissions.checkHosts, ["b.example"]);
  deepEqual(findStart(app.db, run.id)!.tags, ["outbound"]);
  match(first.spec.system, /it reaches these hosts alone[^\n]*a\.example/);

  const changed = withHosts(["c.example"], catalog.text("researcher")!);
  saveDefinition(app, "researcher", { text: changed, after: 2 });
  app.tx((tx) => updateProject(tx, run.project.id, { hosts: ["d.example"], toolchains: [] }));
  const second = await run.prepare();
  deepEqual(second.place.reach, first.place.reach);
  deepEqual(second.permissions, first.permissions);
  equal(second.place.toolchains, undefined);
});

Deno.test("a run that began without a way out gets none, and without a sandbox no run has one", async () => {
  await using data = await tempDir();
  await using repo = await TestRepo.make();
  using app = testApp({ config: { dataDir: data.path } });
  app.agents.confinement = "process";
  const run = await researching(app, repo.dir, { hosts: ["b.example"] });
  for (const confinement of ["process", "bubblewrap"] as const) {
    app.agents.confinement = confinement;
    const { place, permissions, spec } = await run.prepare();
    equal(place.reach, undefined);
    deepEqual(permissions.checkHosts, []);
    doesNotMatch(spec.system, /a\.example/);
  }
  equal(findStart(app.db, run.id)!.tags, undefined);
});
