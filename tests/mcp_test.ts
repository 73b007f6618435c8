/** MCP servers of a run: what is read of them, and that whatever they do ends their tools and not the run. */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { ChildTransport } from "../agents/mcp/child_transport.ts";
import { connectMcp, MAX_MCP_RESULT_CHARS, type McpConnection } from "../agents/mcp/connection.ts";
import { McpServers } from "../agents/mcp/servers.ts";
import { type FailedStart, startProblem } from "../agents/mcp/start_problem.ts";
import { isMcpEntry, listsMcpTool, mcpToolName, readMcpToolName } from "../agents/mcp/names.ts";
import { inOwnGroup } from "../agents/process_group.ts";
import { withoutOwnValues } from "../agents/mcp/own_values.ts";
import type { McpServerConfig } from "../agents/protocol.ts";
import { testHands, TestPlace } from "./place_support.ts";

const never = new AbortController().signal;
const root = new URL("../", import.meta.url).pathname;

function child(program: string, args: string[]): Deno.ChildProcess {
  const { program: first, ...command } = inOwnGroup(program, args);
  return new Deno.Command(first, { ...command, stdin: "piped", stdout: "piped", stderr: "piped" })
    .spawn();
}
const fixture = () =>
  child(Deno.execPath(), ["run", "-A", `--config=${root}deno.json`, `${root}tests/mcp_fixture.ts`]);

async function connected(): Promise<McpConnection & AsyncDisposable> {
  const connection = await connectMcp("fixture", new ChildTransport(fixture()), never);
  return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close() });
}
const patient = { signal: never, timeoutMs: 60_000 };

Deno.test("the tools of a server have names for the model, and what can't be named is left out", () => {
  equal(mcpToolName("docs", "search_pages"), "mcp__docs__search_pages");
  equal(mcpToolName("docs", "search.pages"), null);
  equal(mcpToolName("docs", "x".repeat(60)), null);
  deepEqual(readMcpToolName("mcp__docs__search__all"), { server: "docs", tool: "search__all" });
  equal(readMcpToolName("Read"), null);
  for (const listed of ["mcp", "mcp__docs", "mcp__docs__search"]) {
    ok(isMcpEntry(listed));
    ok(listsMcpTool([listed], "mcp__docs__search"));
  }
  ok(!listsMcpTool(["Read", "mcp__other", "mcp__docs__read"], "mcp__docs__search"));
  for (const entry of ["mcp__", "mcp__A", "Read", "mcp__docs__"]) ok(!isMcpEntry(entry), entry);
});

Deno.test("a server's tools are listed with their schemas and answer", async () => {
  await using server = await connected();
  deepEqual(server.tools.map(({ name }) => name), [
    ...["add", "see", "environment", "refuse", "hang", "die", "flood", "flood_line"]
      .map((name) => `mcp__fixture__${name}`),
  ]);
  const [add] = server.tools;
  equal(add!.readOnly, true);
  equal(add!.description, "Adds two numbers");
  equal(add!.inputSchema.type, "object");
  deepEqual(await server.call("add", { a: 2, b: 3 }, patient), { content: "5", isError: false });
  deepEqual(await server.call("refuse", {}, patient), { content: "not today", isError: true });
});

Deno.test("wrong input and an unknown tool are told to the model", async () => {
  await using server = await connected();
  for (const [tool, input] of [["add", { a: "two" }], ["fly", {}]] as const) {
    const { content, isError } = await server.call(tool, input, patient);
    equal(isError, true);
    ok(content.length > 10, content);
  }
});

Deno.test("a tool that does not answer is given up, and the server's others go on", async () => {
  await using server = await connected();
  const answer = await server.call("hang", {}, { signal: never, timeoutMs: 50 });
  equal(answer.isError, true);
  match(answer.content, /"fixture" gave no result: it did not answer within 0\.05 s/);
  equal((await server.call("add", { a: 1, b: 1 }, patient)).content, "2");
});

Deno.test("a server that ends takes its tools with it, and says its last words", async () => {
  await using server = await connected();
  const answer = await server.call("die", {}, patient);
  equal(answer.isError, true);
  const after = await server.call("add", { a: 1, b: 1 }, patient);
  match(after.content, /gave no result: it ended\. It said: I have had enough/);
  equal(after.isError, true);
});

Deno.test("a result is cut to what the model is given; a line beyond all measure ends the server", async () => {
  await using server = await connected();
  const long = await server.call("flood", {}, patient);
  ok(long.content.length < MAX_MCP_RESULT_CHARS + 100);
  match(long.content, /970000 more characters are left out/);
  const broken = await server.call("flood_line", {}, patient);
  equal(broken.isError, true);
  equal((await server.call("add", { a: 1, b: 1 }, patient)).isError, true);
});

Deno.test("a call ends when its run is stopped", async () => {
  await using server = await connected();
  const stop = new AbortController();
  const asked = server.call("hang", {}, { signal: stop.signal, timeoutMs: 60_000 });
  stop.abort(new Error("the run was stopped"));
  await rejects(asked, /the run was stopped/);
});

const hostile = () =>
  child(Deno.execPath(), ["run", "-A", "--no-config", `${root}tests/mcp_hostile_fixture.ts`]);
const config: McpServerConfig = {
  ...{ name: "hostile", transport: "stdio", command: "", args: [], env: {}, url: "" },
  ...{ headers: {}, timeoutMs: 60_000 },
};
const openHostile = () => Promise.resolve(new ChildTransport(hostile()));

Deno.test("a server that lists what can't be sent breaks no request: each name comes once, and what is left out is told", async () => {
  const servers = await McpServers.start([config], openHostile, never);
  deepEqual(
    servers.tools.map(({ name, inputSchema }) => [name, inputSchema]),
    [
      ["mcp__hostile__tell", { type: "object" }],
      ["mcp__hostile__either", { type: "object", title: "x" }],
      ["mcp__hostile__flood", { type: "object" }],
    ],
  );
  deepEqual(servers.problems, [
    'Of the MCP server "hostile" these tools are left out: "tell" (it is listed twice); ' +
    '"a.b" (of that name a model can\'t be told); "large" (its schema is longer than 20000 characters)',
  ]);
  await servers.close();
});

Deno.test("what a server was given of Gaffer's environment comes back in nothing that it says", async () => {
  const given = { env: { ANYTHING: "$DB_PASSWORD" }, headers: {} };
  const clean = withoutOwnValues(given, () => Deno.env.get("PATH"));
  const told = await connectMcp("hostile", new ChildTransport(hostile()), never, { clean });
  const { description } = told.tools[0]!;
  const { content } = await told.call("tell", {}, patient);
  await told.close();
  const kept = "[redacted: $DB_PASSWORD]";
  deepEqual([description, content], [`Knows ${kept}`, `PATH=${kept}`]);
  const dies = child("/bin/sh", ["-c", 'echo "no $PATH" >&2; exit 1']);
  await rejects(connectMcp("x", new ChildTransport(dies), never, { clean }), {
    message: /It said: no \[redacted: \$DB_PASSWORD\]$/,
  });
});

Deno.test("a secret's value is kept back whatever its variable is called, and words and paths are not", () => {
  const cleanOf = (name: string, value: string) =>
    withoutOwnValues({ env: {}, headers: { Authorization: `$${name}` } }, () => value);
  const url = cleanOf("DATABASE_URL", "postgres://me:pw@db/x");
  equal(url("to postgres://me:pw@db/x."), "to [redacted: $DATABASE_URL].");
  const header = cleanOf("PASS", "Bearer abcdefghijkl");
  equal(header("got Bearer abcdefghijkl"), "got [redacted: $PASS]");
  equal(header("token=abcdefghijkl, a Bearer"), "token=[redacted: $PASS], a Bearer");
  equal(cleanOf("DB_PASSWORD", "hush-hush")("it is hush-hush"), "it is [redacted: $DB_PASSWORD]");
  equal(cleanOf("NODE_ENV", "production")("in production"), "in production");
  equal(cleanOf("HOME", "/home/somebody")("/home/somebody/a"), "/home/somebody/a");
  const written = withoutOwnValues({ env: { A: "written down here" }, headers: {} });
  equal(written("written down here"), "written down here");
});

Deno.test("a server that floods is ended, and with it its tools: nobody waits for its time limit", async () => {
  const servers = await McpServers.start([config], openHostile, never);
  const { content, isError } = await servers.call("mcp__hostile__flood", {}, never);
  equal(isError, true);
  match(content, /gave no result: it was ended: it says more than it is asked for/);
  await servers.close();
});

const older = (manner: "silent" | "ends") =>
  child(Deno.execPath(), ["run", "-A", "--no-config", `${root}tests/mcp_older_fixture.ts`, manner]);

Deno.test("a program that is slow to answer, or knows only an older protocol, is asked for that", async () => {
  const server = await connectMcp("older", new ChildTransport(older("silent")), never, {
    probeMs: 1,
  });
  deepEqual(server.tools.map(({ name }) => name), ["mcp__older__look"]);
  await server.close();
});

Deno.test("a program that ends at the question for the newest protocol is started once more, without it", async () => {
  const config: McpServerConfig = {
    ...{ name: "older", transport: "stdio", command: "", args: [], env: {}, url: "" },
    ...{ headers: {}, timeoutMs: 60_000 },
  };
  let started = 0;
  const open = (make: () => Deno.ChildProcess) => () => {
    started++;
    return Promise.resolve(new ChildTransport(make()));
  };
  const servers = await McpServers.start([config], open(() => older("ends")), never);
  deepEqual([servers.tools.map(({ name }) => name), servers.problems], [["mcp__older__look"], []]);
  equal(started, 2);
  await servers.close();
  started = 0;
  const dead = await McpServers.start([config], open(() => child("false", [])), never);
  match(
    dead.problems.join(),
    /"older": it ended before it had answered\. See whether it is an MCP/,
  );
  equal(started, 2);
});

Deno.test("what kept a server from starting is told with what to do about it", () => {
  const problem = (known: Partial<FailedStart>) =>
    startProblem({
      ...{ error: new Error("Version negotiation probe failed: closed"), lateAfterSeconds: null },
      ...{ ended: false, lastWords: "", ...known },
    });
  match(problem({ lateAfterSeconds: 20, lastWords: "hm" }), /^it did not .* 20 s\. .* said: hm$/);
  const missing = "sh: 1: exec: nosuch: not found";
  match(problem({ ended: true, lastWords: missing }), /no such program.* full path.*: nosuch: not/);
  const status = (code: number) => problem({ error: { data: { status: code } } });
  match(status(401), /HTTP 401\. Give it a header .*Authorization: \$TOKEN/);
  match(status(404), /HTTP 404\. See whether that is the address/);
  match(status(500), /HTTP 500\. See its own log/);
  match(
    problem({ error: new Error("Version negotiation probe failed: tcp connect error: refused") }),
    /^it can't be reached\. See whether it runs.*\(tcp connect error: refused\)$/,
  );
  equal(problem({}), "closed");
});

Deno.test("what is no server is refused with what it said", async () => {
  const mute = child("/bin/sh", ["-c", "echo out of order >&2; exit 1"]);
  await rejects(connectMcp("mute", new ChildTransport(mute), never), {
    message: /^Cannot start the MCP server "mute": .* It said: out of order$/,
  });
  const chatty = child("/bin/sh", ["-c", "yes hello"]);
  await rejects(
    connectMcp("chatty", new ChildTransport(chatty), never),
    /Cannot start the MCP server/,
  );
});

Deno.test("a server that can't be reached as it must be is left out, and says why", async () => {
  await using place = new TestPlace();
  await using hands = testHands("off");
  const problemWith = async (config: Partial<McpServerConfig>) => {
    const servers = await hands.serve(
      place.place,
      [{
        ...{ name: "docs", transport: "http", command: "", args: [], env: {}, url: "" },
        ...{ headers: {}, timeoutMs: 60_000, ...config },
      }],
      never,
    );
    deepEqual(servers.tools, []);
    const answer = await servers.call("mcp__docs__search", {}, never);
    await servers.close();
    equal(servers.problems.length, 1);
    ok(answer.isError && answer.content.startsWith(servers.problems[0]!), answer.content);
    return servers.problems[0]!;
  };
  match(
    await problemWith({ transport: "stdio", command: "true" }),
    /^Cannot start "true": programs of MCP servers run in a sandbox only\. Install bubblewrap/,
  );
  match(
    await problemWith({ url: "http://127.0.0.1:9/", headers: { Authorization: "$NO_SUCH_NAME" } }),
    /"docs": Gaffer's environment has no variable NO_SUCH_NAME\. Set it/,
  );
  // Whoever it points to would get the headers with the secret.
  let followed = 0;
  await using away = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
    followed++;
    return new Response();
  });
  const target = `http://127.0.0.1:${away.addr.port}/`;
  await using http = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => Response.redirect(target, 307),
  );
  match(
    await problemWith({ url: `http://127.0.0.1:${http.addr.port}/mcp` }),
    /^Cannot start the MCP server "docs"/,
  );
  equal(followed, 0);
});
