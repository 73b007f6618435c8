/** The one entry: `serve` (default), `version`, and the confined child processes that the server starts. */
const [command = "serve"] = Deno.args;

// Loaded on demand: the hands must start in milliseconds, without the server's code.
if (command === "__hands") {
  const { handsMain } = await import("./agents/hands.ts");
  await handsMain(Deno.args.slice(1));
} else if (command === "__proxy") {
  const { proxyMain } = await import("./agents/proxy/entry.ts");
  await proxyMain();
} else if (command === "__diagrams") {
  const { diagramsMain } = await import("./agents/diagrams/entry.ts");
  await diagramsMain();
} else {
  const { runCommand } = await import("./server/command.ts");
  // Not left to when nothing is open any more: a client that does not read would keep a server that has ended.
  Deno.exit(await runCommand(Deno.args, new URL("./", import.meta.url)));
}
