/**
 * Entry of a proxy's process: one for each sandbox whose commands may reach hosts. A process of its own, so that
 * nothing that goes through it takes the server's thread or memory, and so that it ends with its sandbox.
 */
import { setPriority } from "node:os";
import { NICENESS } from "../hands_config.ts";
import { readLines } from "../lines.ts";
import { OuterProxies } from "./outer.ts";
import { Proxy } from "./proxy.ts";
import { type FromProxy, PROXY_ARGUMENT, type ProxyConfig, SETTLE } from "./protocol.ts";

const MAX_LINE_BYTES = 256 * 1024;
/** All but the network. */
const given = ["run", "read", "write", "env", "sys", "ffi", "import"] as const;

/** Serves until standard input ends. */
export async function proxyMain(): Promise<void> {
  setPriority(NICENESS);
  const lines = readLines(Deno.stdin.readable, MAX_LINE_BYTES);
  const first = await lines.next();
  if (first.done) Deno.exit(0);
  const { socket, rules, own, outer } = JSON.parse(first.value) as ProxyConfig;
  const listener = Deno.listen({ transport: "unix", path: socket });
  giveUp();
  const proxy = new Proxy({ rules, own, outer: new OuterProxies(outer) });
  void proxy.serve(listener);
  tell({ type: "ready" });
  for await (const line of lines) {
    if (line === SETTLE) tell({ type: "uses", uses: proxy.uses.take() });
  }
  Deno.exit(0);
}

function giveUp(): void {
  for (const name of given) {
    // The types do not know "import" yet.
    const { state } = Deno.permissions.revokeSync({ name } as Deno.PermissionDescriptor);
    if (state === "granted") throw new Error(`could not give up the right to "${name}"`);
  }
}

function tell(message: FromProxy): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(message)}\n`);
  for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
}

// As a part of the executable it is main.ts that starts it.
if (import.meta.main && Deno.args[0] === PROXY_ARGUMENT) {
  await proxyMain();
}
