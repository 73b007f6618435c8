/** MCP servers by API and page: added, changed, refused, removed. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import type { McpServers } from "../agents/mcp/servers.ts";
import { tagsOfServer } from "../agents/mcp/tags.ts";
import { MAX_MCP_SERVERS } from "../server/services/mcp_servers.ts";
import { listActiveMcpServers, listMcpServers } from "../server/store/mcp_servers.ts";
import { tempDir } from "./gaffer.ts";
import { TestRepo } from "./git_support.ts";
import { pagesBench } from "./pages_support.ts";
import { testApp } from "./support.ts";

const program = {
  name: "docs",
  transport: "stdio",
  command: "node",
  args: "tools/mcp.mjs\r\n--fast",
  env: "TOKEN=$DOCS_TOKEN\r\nMODE=a=b",
  url: "",
  headers: "",
  timeout_seconds: "30",
  active: "1",
};

Deno.test("a server is added, changed, switched off and removed by forms", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const { id } = app.project();
  const at = `/projects/${id}/mcp-servers`;
  match(await (await pages.get(at)).text(), /This project has no MCP servers yet/);
  equal((await pages.post(at, program)).status, 303);
  const [added] = listMcpServers(app.db, id);
  deepEqual(
    [added!.name, added!.command, added!.args, added!.env, added!.timeoutMs, added!.active],
    [
      "docs",
      "node",
      ["tools/mcp.mjs", "--fast"],
      { TOKEN: "$DOCS_TOKEN", MODE: "a=b" },
      30_000,
      true,
    ],
  );
  const { active: _, ...off } = program;
  const changed = {
    ...off,
    transport: "http",
    url: "https://mcp.example.com/",
    headers: "A: b: c",
  };
  equal((await pages.post(`${at}/${added!.id}`, changed)).status, 303);
  const [now] = listMcpServers(app.db, id);
  deepEqual([now!.command, now!.args, now!.url, now!.headers, now!.active], [
    "",
    [],
    "https://mcp.example.com/",
    { A: "b: c" },
    false,
  ]);
  deepEqual(listActiveMcpServers(app.db, id), []);
  match(await (await pages.get(at)).text(), /switched off/);
  equal((await pages.post(`${at}/${added!.id}/remove`)).status, 303);
  deepEqual(listMcpServers(app.db, id), []);
  equal((await pages.post(`${at}/${added!.id}/remove`)).status, 404);
});

Deno.test("what is wrong with a form stands at its field, beside what was typed", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const at = `/projects/${app.project().id}/mcp-servers`;
  const wrong = [
    [{ name: "My Docs" }, /Use at most 20 lower-case letters/],
    [{ command: "" }, /Write the program to start/],
    [{ transport: "http" }, /Write the address of the server/],
    [{ transport: "http", url: "ftp://a" }, /begins with http/],
    [
      { env: "TOKEN=$DOCS_TOKEN\nmy-name=x" },
      /id="[^"]*env-error"[^]*Name variables with letters, digits and underscores/,
    ],
    [{ timeout_seconds: "soon" }, /timeout_seconds-error/],
  ] as const;
  for (const [changes, words] of wrong) {
    const refused = await pages.post(at, { ...program, ...changes });
    equal(refused.status, 422, JSON.stringify(changes));
    const html = await refused.text();
    match(html, words);
    match(html, /TOKEN=\$DOCS_TOKEN/);
  }
  equal((await pages.post(at, program)).status, 303);
  const twice = await pages.post(at, program);
  equal(twice.status, 409);
  match(await twice.text(), /Another server of this project has this name/);
});

Deno.test("what a server's tools count as is the careful view, until a person says otherwise", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const { id } = app.project();
  const at = `/projects/${id}/mcp-servers`;
  const address = { ...program, transport: "http", url: "https://mcp.example.com/", command: "" };
  equal((await pages.post(at, program)).status, 303);
  equal((await pages.post(at, { ...address, name: "wiki", tags_as: "careful" })).status, 303);
  const [docs, wiki] = listMcpServers(app.db, id);
  deepEqual([docs!.tags, wiki!.tags], [null, null]);
  deepEqual(tagsOfServer(docs!), ["private", "untrusted"]);
  deepEqual(tagsOfServer(wiki!), ["private", "untrusted", "outbound"]);
  const careful = await (await pages.get(at)).text();
  match(careful, /Counts as private data and untrusted input: the careful view\./);
  match(careful, /Counts as private data, untrusted input and way out: the careful view\./);
  const said = { ...address, name: "wiki", tags_as: "said", tag_outbound: "1", tag_private: "1" };
  equal((await pages.post(`${at}/${wiki!.id}`, said)).status, 303);
  deepEqual(listMcpServers(app.db, id)[1]!.tags, ["private", "outbound"]);
  match(await (await pages.get(at)).text(), /private data and way out: as was said here\./);
  const none = { ...address, name: "wiki", tags_as: "said" };
  equal((await pages.post(`${at}/${wiki!.id}`, none)).status, 303);
  deepEqual(listMcpServers(app.db, id)[1]!.tags, []);
  match(await (await pages.get(at)).text(), /Counts as nothing that matters: as was said here\./);
  deepEqual(
    app.events.filter(({ type }) => type.startsWith("mcp_server_")).map(({ data }) =>
      (data as { tags: string[] }).tags.length
    ),
    [2, 3, 2, 0],
    "who said what is in the history",
  );
});

Deno.test("a project has so many servers and no more", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const at = `/projects/${app.project().id}/mcp-servers`;
  for (let n = 1; n <= MAX_MCP_SERVERS; n++) {
    equal((await pages.post(at, { ...program, name: `docs-${n}` })).status, 303);
  }
  const refused = await pages.post(at, { ...program, name: "more" });
  equal(refused.status, 409);
  match(await refused.text(), /a project may have 10/);
});

Deno.test("a trial that leaves tools out shows the others, and names those", async () => {
  await using data = await tempDir();
  await using repo = await TestRepo.make({ "README.md": "one\n" });
  using app = testApp({ config: { dataDir: data.path } });
  const project = app.project({ path: repo.dir });
  const pages = pagesBench(app);
  const at = `/projects/${project.id}/mcp-servers`;
  await pages.post(at, program);
  const [server] = listMcpServers(app.db, project.id);
  const offers = (tools: string[], problems: string[]) => {
    const found = tools.map((name) => ({ name, description: "", inputSchema: {} }));
    const servers = { tools: found, problems, close: () => Promise.resolve() };
    app.agents.serve = () => Promise.resolve(servers as unknown as McpServers);
  };
  const trial = async () => await (await pages.post(`${at}/${server!.id}/try`)).text();
  offers(["mcp__docs__search"], ["Left out: a.b"]);
  match(await trial(), /docs offers 1 tool[^]*Left out: a\.b[^]*mcp__docs__search/);
  offers([], ["Cannot start it"]);
  match(await trial(), /docs could not be started[^]*Cannot start it/);
});
