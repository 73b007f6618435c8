/** An MCP server on standard input and output, for tests, that lists what can't be sent, tells what it was given, floods. */
const object = { type: "object" };
const tools = [
  { name: "tell", description: `Knows ${Deno.env.get("PATH")}`, inputSchema: object },
  { name: "tell", description: "once more", inputSchema: object },
  { name: "a.b", inputSchema: object },
  {
    name: "either",
    inputSchema: { ...object, anyOf: [{ required: ["a"] }], oneOf: [], title: "x" },
  },
  { name: "large", inputSchema: { ...object, description: "x".repeat(20_000) } },
  { name: "flood", inputSchema: object },
];
const say = (message: object) => console.log(JSON.stringify({ jsonrpc: "2.0", ...message }));

const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
let rest = "";
for await (const chunk of lines) {
  const parts = (rest + chunk).split("\n");
  rest = parts.pop()!;
  for (const part of parts) answer(JSON.parse(part));
}

function answer({ id, method, params }: { id: number; method: string; params: { name: string } }) {
  if (method === "initialize") {
    const serverInfo = { name: "hostile", version: "1.0.0" };
    say({ id, result: { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo } });
  } else if (method === "tools/list") say({ id, result: { tools } });
  else if (method === "tools/call") {
    const data = "x".repeat(1_000_000);
    const params_ = { level: "info", data };
    if (params.name === "flood") {
      for (;;) say({ method: "notifications/message", params: params_ });
    }
    say({ id, result: { content: [{ type: "text", text: `PATH=${Deno.env.get("PATH")}` }] } });
  } else if (id !== undefined) say({ id, error: { code: -32601, message: "unknown" } });
}
