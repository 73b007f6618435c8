/** An MCP server on standard input and output, for tests: good tools, and some that misbehave. */
import { McpServer } from "@modelcontextprotocol/server";
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";

const server = new McpServer({ name: "fixture", version: "1.0.0" });
const text = (text: string) => ({ content: [{ type: "text" as const, text }] });

server.registerTool("add", {
  description: "Adds two numbers",
  inputSchema: z.object({ a: z.number(), b: z.number() }),
  annotations: { readOnlyHint: true },
}, ({ a, b }) => text(String(a + b)));

server.registerTool("see", {
  description: "Says what it sees of the machine",
  inputSchema: z.object({ path: z.string() }),
}, ({ path }) => {
  try {
    return text(Deno.readTextFileSync(path));
  } catch (error) {
    return text(`nothing: ${(error as Error).name}`);
  }
});

server.registerTool(
  "environment",
  { description: "Lists variables", inputSchema: z.object({}) },
  () => text(Object.keys(Deno.env.toObject()).sort().join(" ")),
);

server.registerTool("refuse", { description: "Refuses", inputSchema: z.object({}) }, () => ({
  ...text("not today"),
  isError: true,
}));

server.registerTool(
  "hang",
  { description: "Never answers", inputSchema: z.object({}) },
  () => new Promise(() => {}),
);

server.registerTool("die", { description: "Ends", inputSchema: z.object({}) }, () => {
  console.error("I have had enough");
  Deno.exit(3);
});

server.registerTool(
  "flood",
  { description: "A lot", inputSchema: z.object({}) },
  () => text("x".repeat(1_000_000)),
);

server.registerTool(
  "flood_line",
  { description: "Too much", inputSchema: z.object({}) },
  () => text("x".repeat(4_000_000)),
);

await server.connect(new StdioServerTransport());
