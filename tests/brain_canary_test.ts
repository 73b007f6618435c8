/** The canary: a brain that may do more than it should must not go unnoticed. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import { brainPermissions } from "../agents/brains.ts";
import { startFakeClaude } from "./fake_claude/mod.ts";
import { pool, poolFor, root } from "./brain_support.ts";

async function withSecret<T>(work: (file: string) => Promise<T>): Promise<T> {
  const dir = await Deno.makeTempDir({ prefix: "gaffer-canary-" });
  try {
    await Deno.writeTextFile(`${dir}/secret`, "hush");
    const result = await work(`${dir}/secret`);
    deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["secret"]);
    return result;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** A port on which this process listens. */
function listening(): Deno.Listener & { port: number } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return Object.assign(listener, { port: (listener.addr as Deno.NetAddr).port });
}

Deno.test("the canary finds a brain confined, with an endpoint and with the demo model", async () => {
  await using fake = startFakeClaude();
  using listener = listening();
  await withSecret(async (file) => {
    for (const brains of [pool(), poolFor(fake)]) {
      equal(await brains.canary(file, listener.port), null);
      equal(await brains.canary(file, null), null);
      brains.close();
    }
  });
});

const holes: [string, Deno.PermissionOptionsObject, RegExp][] = [
  ["read", { read: true }, /read a file.*start a worker with more rights.*import a file/],
  ["write", { write: true }, /^write a file$/],
  ["run", { run: true }, /^run a command$/],
  ["env", { env: true }, /^read the environment$/],
  ["sys", { sys: true }, /^ask about the system$/],
  ["ffi", { ffi: true }, /^load a native library$/],
  [
    "net",
    { net: true },
    /reach this machine, reach another host, fetch from this machine, fetch from the metadata address, listen on a port/,
  ],
];
for (const [name, wider, expected] of holes) {
  Deno.test(`the canary tells of a brain that has ${name}`, async () => {
    using listener = listening();
    const permissions = { ...brainPermissions({ kind: "demo", paceMs: 0 }), ...wider };
    using brains = pool({ permissions });
    match(await withSecret((file) => brains.canary(file, listener.port)) ?? "confined", expected);
  });
}

Deno.test("the canary tells of a brain that inherited everything", async () => {
  using brains = pool({ permissions: "inherit" as unknown as Deno.PermissionOptionsObject });
  match(await withSecret((file) => brains.canary(file, null)) ?? "confined", /read.*write.*run/);
});

Deno.test("a canary that can't be asked is not a canary that found nothing", async () => {
  using brains = pool({ entry: new URL("agents/no_such_brain.ts", root) });
  match(await withSecret((file) => brains.canary(file, null)) ?? "confined", /could not be tried/);
});
