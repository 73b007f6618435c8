/**
 * An MCP server that knows only an older protocol, for tests. Whatever comes before `initialize` it leaves without an
 * answer ("silent"), or ends at ("ends").
 */
const [manner] = Deno.args;

const answers: Record<string, unknown> = {
  initialize: {
    protocolVersion: "2025-06-18",
    capabilities: { tools: {} },
    serverInfo: { name: "older", version: "1.0.0" },
  },
  "tools/list": { tools: [{ name: "look", inputSchema: { type: "object" } }] },
};

let begun = false;
const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
let rest = "";
for await (const chunk of lines) {
  const parts = (rest + chunk).split("\n");
  rest = parts.pop()!;
  for (const part of parts) {
    const { id, method } = JSON.parse(part);
    begun ||= method === "initialize";
    if (!begun && manner === "ends") Deno.exit(1);
    const result = begun ? answers[method] : undefined;
    if (result) console.log(JSON.stringify({ jsonrpc: "2.0", id, result }));
  }
}
