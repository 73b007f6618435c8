/** MCP servers through a real server: configured by API and page, used by an agent, refused, given up, gone. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { McpServer, WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server";
import { z } from "zod";
import { ALL_TAGS_RULE } from "../agents/permissions/tags.ts";
import { findSandbox } from "../agents/find_sandbox.ts";
import { type ClaudeRequest, startFakeClaude } from "./fake_claude/mod.ts";
import { Client, type Json, startGaffer, tempDir } from "./gaffer.ts";
import {
  greetCommands,
  greetDeveloper,
  greetRepo,
  greetScripts,
  greetTicket,
} from "./greet_story.ts";
import {
  addProject,
  calls,
  grantAll,
  logOf,
  patch,
  play,
  runsOf,
  settled,
} from "./journey_support.ts";
import { Mortal } from "./mortal.ts";
import { processesWith } from "./place_support.ts";

const { kind } = await findSandbox("auto");
const hasNode = await new Deno.Command("node", {
  args: ["--version"],
  stdout: "null",
  stderr: "null",
})
  .output().then(({ success }) => success, () => false);

/** A server of tools in the person's repository: JSON-RPC by hand, so that the sandbox needs node alone. */
const SERVER = `
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\\n");
const schema = { type: "object", properties: { path: { type: "string" } } };
const tools = ["greeting", "slow", "see", "token"].map((name) => ({ name, description: name, inputSchema: schema }));
const text = (text) => ({ content: [{ type: "text", text }] });
const doing = {
  greeting: () => text("say hello to the world"),
  see: ({ path }) => { try { return text(readFileSync(path, "utf8")); } catch (e) { return text("nothing: " + e.code); } },
  token: () => text([process.env.TOKEN, process.env.ANTHROPIC_API_KEY ?? "no key"].join(" ")),
};
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (method === "initialize") say({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} },
    serverInfo: { name: "docs", version: "1" } } });
  else if (method === "tools/list") say({ id, result: { tools } });
  else if (method === "tools/call" && params.name !== "slow") say({ id, result: doing[params.name](params.arguments) });
  else if (method !== "tools/call" && id !== undefined) say({ id, error: { code: -32601, message: "unknown" } });
}
`;

/** An MCP server over HTTP in this process. */
function overHttp(): { url: string; seen: string[] } & AsyncDisposable {
  const seen: string[] = [];
  const http = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      seen.push(request.headers.get("authorization") ?? "");
      const server = new McpServer({ name: "sums", version: "1.0.0" });
      server.registerTool("add", {
        description: "Adds",
        inputSchema: z.object({ a: z.number(), b: z.number() }),
      }, ({ a, b }) => ({ content: [{ type: "text", text: String(a + b) }] }));
      const transport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: undefined,
      });
      await server.connect(transport);
      return await transport.handleRequest(request);
    },
  );
  return {
    url: `http://127.0.0.1:${http.addr.port}/mcp`,
    seen,
    [Symbol.asyncDispose]: () => http.shutdown(),
  };
}

Deno.test({
  name:
    "a project's MCP servers give its developer tools: used, refused, given up; they end with the run",
  ignore: kind === "process" || !hasNode,
  async fn() {
    await using sums = overHttp();
    await using data = await tempDir();
    const asks: [string, Record<string, unknown>][] = [
      ["mcp__docs__greeting", {}],
      ["mcp__docs__slow", {}],
      ["mcp__docs__see", { path: `${data.path}/gaffer.db` }],
      ["mcp__docs__token", {}],
      ["mcp__sums__add", { a: 2, b: 3 }],
      ["mcp__docs__fly", {}],
    ];
    const develop = (request: ClaudeRequest) => {
      const ask = asks[request.turn - 1];
      if (ask) return calls(ask);
      // Then it does its work as if it had just begun.
      const begins = request.turn === asks.length + 1;
      return greetDeveloper(begins ? { ...request, results: [] } : request);
    };
    await using fake = startFakeClaude({ reply: play({ ...greetScripts, develop }) });
    await using repo = await greetRepo({ "tools/mcp.mjs": SERVER });
    await using gaffer = await startGaffer({
      dataDir: data.path,
      env: {
        ANTHROPIC_API_KEY: fake.apiKey,
        ANTHROPIC_BASE_URL: fake.url,
        DOCS_TOKEN: "a-token-of-the-person",
      },
    });
    const client = new Client(gaffer.url);
    await using _granting = await grantAll(client);
    const project = await addProject(client, repo, greetCommands);
    await patch(client, `/projects/${project.id}`, { tags_allowed: false });
    const servers = `/projects/${project.id}/mcp-servers`;
    const docs = await client.post(servers, {
      name: "docs",
      transport: "stdio",
      command: "node",
      args: ["tools/mcp.mjs"],
      env: { TOKEN: "$DOCS_TOKEN" },
      timeout_ms: 1_000,
    });
    await client.post(servers, {
      name: "sums",
      transport: "http",
      url: sums.url,
      headers: { Authorization: "$DOCS_TOKEN" },
    });
    await client.post(servers, { name: "gone", transport: "stdio", command: "no-such-program" });

    const tried = await client.post(`/mcp-servers/${docs.id}/try`);
    deepEqual(tried.problems, []);
    deepEqual(tried.tools.map((tool: Json) => tool.name), [
      "mcp__docs__greeting",
      "mcp__docs__slow",
      "mcp__docs__see",
      "mcp__docs__token",
    ]);
    const page = await (await fetch(`${gaffer.url}/projects/${project.id}/mcp-servers`)).text();
    match(page, /node tools\/mcp\.mjs/);
    ok(!page.includes("a-token-of-the-person"));

    const ticket = await client.post(`/projects/${project.id}/tickets`, greetTicket);
    const after = await client.until(`/tickets/${ticket.id}`, settled);
    equal(after.status, "review");
    const run = (await runsOf(client, { ticket_id: ticket.id })).find((r) =>
      r.purpose === "develop"
    )!;
    const log = await logOf(client, run.id);
    const results = log.filter((e) => e.type === "tool_finished").map((e) => e.body.result);
    deepEqual(results.slice(0, 6).map(({ isError }: Json) => isError), [
      ...[false, true, false, false, false, true],
    ]);
    const [greeting, slow, see, token, sum, fly] = results.map(({ content }: Json) => content);
    equal(greeting, "say hello to the world");
    match(slow, /"docs" gave no result: it did not answer within 1 s/);
    equal(see, "nothing: ENOENT");
    equal(token, "[redacted: $DOCS_TOKEN] no key", "it got that very token");
    equal(sum, "5");
    const asked = log.filter((e) => e.type === "approval_requested").map(({ body }) => body);
    deepEqual(asked.map(({ rule, detail }) => [rule, detail]), [[ALL_TAGS_RULE, "a: 2\nb: 3"]]);
    const shown = await (await fetch(`${gaffer.url}/runs/${run.id}`)).text();
    for (const tag of ["private data", "untrusted input", "way out"]) {
      ok(shown.includes(`<span class="tag">${tag}</span>`), tag);
    }
    match(fly, /No such tool available: mcp__docs__fly/);
    ok(sums.seen.every((header) => header === "a-token-of-the-person"));
    const started = log.find((e) => e.type === "started")!;
    match(started.body.serverProblems.join(), /Cannot start the MCP server "gone"/);
    const names = started.body.spec.tools.map((tool: Json) => tool.name);
    const tagsOf = (server: string) =>
      started.body.spec.tools.find(({ name }: Json) => name.startsWith(`mcp__${server}__`)).tags;
    deepEqual(tagsOf("docs"), ["private", "untrusted"]);
    deepEqual(tagsOf("sums"), ["private", "untrusted", "outbound"]);
    ok(names.includes("mcp__docs__slow") && !names.some((name: string) => name.includes("gone")));
    equal(processesWith("tools/mcp.mjs"), 0, "they ended with the run");
  },
});

Deno.test({
  name:
    "a server that is killed leaves no program of an MCP server, and the run goes on with a new one",
  ignore: kind === "process" || !hasNode,
  async fn() {
    await using data = await tempDir();
    const develop = (request: ClaudeRequest) => {
      if (request.turn === 1) return calls(["mcp__docs__slow", {}]);
      if (request.turn === 2) return calls(["mcp__docs__greeting", {}]);
      return greetDeveloper(request.turn === 3 ? { ...request, results: [] } : request);
    };
    await using fake = startFakeClaude({ reply: play({ ...greetScripts, develop }) });
    await using repo = await greetRepo({ "tools/mcp.mjs": SERVER });
    await using mortal = new Mortal(data.path, {
      ANTHROPIC_API_KEY: fake.apiKey,
      ANTHROPIC_BASE_URL: fake.url,
    });
    await mortal.start();
    const project = await addProject(mortal.client, repo, greetCommands);
    await mortal.client.post(`/projects/${project.id}/mcp-servers`, {
      name: "docs",
      transport: "stdio",
      command: "node",
      args: ["tools/mcp.mjs"],
      timeout_ms: 60_000,
    });
    const ticket = await mortal.client.post(`/projects/${project.id}/tickets`, greetTicket);
    // Waits until nothing that works in the data folder is left before it starts again.
    await mortal.killAt("the slow call", ({ type }) => type === "tool_started");
    equal((await mortal.client.until(`/tickets/${ticket.id}`, settled)).status, "review");
    const run = (await runsOf(mortal.client, { ticket_id: ticket.id }))
      .find(({ purpose }) => purpose === "develop")!;
    const results = (await logOf(mortal.client, run.id)).filter((e) => e.type === "tool_finished")
      .map((e) => e.body.result);
    match(results[0].content, /^This call was interrupted by a restart/);
    equal(results[1].content, "say hello to the world");
  },
});
