/** Who is asked about the web, and when: before a run's first request, since no call of its tools passes the executor. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import { Executor } from "../agents/executor.ts";
import type { Hands } from "../agents/hands_client.ts";
import { ALL_TAGS_RULE } from "../agents/permissions/tags.ts";
import type { McpServers } from "../agents/mcp/servers.ts";
import type {
  ApprovalQuestion,
  Permissions,
  RunEventBody,
  ToolSpec,
  ToolTag,
} from "../agents/protocol.ts";
import type { RunHost } from "../agents/runtime.ts";
import { toolSpec } from "../agents/tools/registry.ts";
import { WEB_CALL_ID, webTags, webToolSpec } from "../agents/web/web_tools.ts";
import { permissionsFor, runContext, runSpec } from "./loop_support.ts";

const tool = (name: "WebSearch" | "WebFetch", hosts: string[] = []): ToolSpec =>
  webToolSpec(name, hosts)!;

interface Asked {
  mayBegin: () => Promise<boolean>;
  executor: Executor;
  asked: Record<string, ApprovalQuestion>;
}

/** The server's side of a run with these tools, whose log has these events. */
function gate(
  names: string[],
  { log = [], permissions = {}, web = [tool("WebSearch")], tagsAllowed, servers }: {
    log?: RunEventBody[];
    permissions?: Partial<Permissions>;
    web?: ToolSpec[];
    tagsAllowed?: () => boolean;
    servers?: McpServers;
  } = {},
): Asked {
  const setup = { resultName: "researcher" } as const;
  const tools = [...names.map((name) => toolSpec(name, setup)), ...web];
  const asked: Record<string, ApprovalQuestion> = {};
  const host = {
    append: () => {},
    mayGoOn: () => true,
    checkpoint: () => Promise.resolve(null),
    approval(_runId: string, { id }: { id: string }, question: ApprovalQuestion) {
      asked[id] = question;
      return { status: "pending", reason: "" };
    },
  } as unknown as RunHost;
  const executor = new Executor({
    context: {
      ...runContext({
        spec: runSpec({ tools }),
        permissions: { ...permissionsFor("researcher"), ...permissions },
        ...servers && { servers },
      }),
      log,
      tagsAllowed,
    },
    host,
    hands: {
      tool: (_place: unknown, { call, cwd }: { call: { id: string }; cwd: string }) =>
        Promise.resolve({
          result: { callId: call.id, content: "text", isError: false, durationMs: 0 },
          cwd,
        }),
    } as unknown as Hands,
    confinement: { kind: "bubblewrap", hint: "" },
    nowMs: () => 0,
    signal: new AbortController().signal,
  });
  return { mayBegin: () => executor.mayBegin(), executor, asked };
}

const decided = (granted: boolean): RunEventBody => ({
  type: "approval_decided",
  callId: WEB_CALL_ID,
  granted,
  reason: "not on this one",
  by: "owner",
});
const read = { id: "r", name: "Read", input: { file_path: "a" } };

Deno.test("a run that may read what is private waits before its first request, with what would leave", async () => {
  const { mayBegin, asked } = gate(["Read", "Grep", "submit_result"], {
    web: [tool("WebSearch", ["docs.rs"])],
  });
  equal(await mayBegin(), false);
  const { rule, detail } = asked[WEB_CALL_ID]!;
  equal(rule, ALL_TAGS_RULE);
  match(detail, /WebSearch \(3 a request\)/);
  match(detail, /private, with Read, Grep/);
  match(detail, /Domains: docs\.rs\./);
});

Deno.test("one that has nothing private, or has its word, asks nobody", async () => {
  const cases: [string, Asked][] = [
    ["no private tool", gate(["submit_result"])],
    ["no web tool", gate(["Read", "submit_result"], { web: [] })],
    ["allowed beforehand", gate(["Read"], { permissions: { web: "allowed" } })],
    ["allowed for the project", gate(["Read"], { tagsAllowed: () => true })],
    ["granted", gate(["Read"], { log: [decided(true)] })],
    ["denied", gate(["Read"], { log: [decided(false)] })],
  ];
  for (const [what, { mayBegin, asked }] of cases) {
    equal(await mayBegin(), true, what);
    deepEqual(asked, {}, what);
  }
});

Deno.test("a rule about the tools asks before the first request too, whatever was allowed beforehand", async () => {
  for (const rule of ["WebSearch", "web*", "websearch(*)"]) {
    const { mayBegin, asked } = gate(["submit_result"], {
      permissions: { requireApproval: [rule], web: "allowed" },
    });
    equal(await mayBegin(), false, rule);
    equal(asked[WEB_CALL_ID]!.rule, rule);
  }
});

Deno.test("a yes covers what the run reads afterwards; without one, reading would be the third of the three", async () => {
  const granted = gate(["Read"], { log: [decided(true)] });
  equal((await granted.executor.tools(1, [read])).suspended, false);
  const denied = gate(["Read"], { log: [decided(false)] });
  equal((await denied.executor.tools(1, [read])).suspended, false, "there is no way out");
  // What came in by other means is still judged call by call.
  const mcp = { ...toolSpec("Glob"), tags: ["private"] as const };
  const alone = gate([], { web: [tool("WebSearch"), mcp], log: [] });
  equal(await alone.mayBegin(), false);
});

Deno.test("where the project allows all three nobody is asked, and the log tells that they came together", async () => {
  let isAllowed = true;
  const { mayBegin, executor, asked } = gate(["Read"], { tagsAllowed: () => isAllowed });
  equal(await mayBegin(), true);
  const { results } = await executor.tools(1, [read]);
  equal(results[0]!.together, true, "and the log tells that they were together");
  isAllowed = false;
  const again = await executor.tools(2, [{ ...read, id: "again" }]);
  deepEqual([again.suspended, Object.keys(asked)], [false, []], "what it has had, it has had");
});

Deno.test("a server that is reached over the network since the run began is taken for a way out", async () => {
  const name = "mcp__docs__find";
  const input = { type: "object" };
  const began: ToolSpec = {
    ...{ name, description: "", inputSchema: input, readOnly: true },
    tags: ["private", "untrusted"],
  };
  const find = { id: "f", name, input: {} };
  const server = (tags: ToolTag[]) =>
    ({
      tools: [{ ...began, tool: "find", tags }],
      timeoutMs: () => 1_000,
      call: () => Promise.resolve({ content: "found", isError: false }),
    }) as unknown as McpServers;
  const same = gate([], { web: [began], servers: server(["private", "untrusted"]) });
  equal((await same.executor.tools(1, [find])).suspended, false);
  const moved = gate([], { web: [began], servers: server(["private", "untrusted", "outbound"]) });
  equal((await moved.executor.tools(1, [find])).suspended, true);
  equal(moved.asked.f!.rule, ALL_TAGS_RULE);
  const loosened = gate(["Read"], { servers: server([]), web: [{ ...began, tags: webTags }] });
  equal((await loosened.executor.tools(1, [find])).suspended, false);
  equal((await loosened.executor.tools(2, [read])).suspended, true, "what it was, it still is");
});

Deno.test("no call of the model's reaches the executor by these names", async () => {
  const { executor } = gate(["Read"], { permissions: { web: "allowed" } });
  for (const name of ["WebSearch", "web_search"]) {
    const { results } = await executor.tools(1, [{ id: name, name, input: { query: "x" } }]);
    match(results[0]!.content, new RegExp(`^No such tool available: ${name}\\.`));
    deepEqual(results[0]!.tags, undefined);
  }
});

Deno.test("the tags of the web are those of a stranger's tool", () => {
  deepEqual([tool("WebSearch").tags, tool("WebFetch").tags], [webTags, webTags]);
});
