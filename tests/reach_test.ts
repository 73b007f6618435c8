/** Commands of a sandbox reach the hosts that somebody has allowed, through a proxy, and nothing else. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import type { Place } from "../agents/protocol.ts";
import type { Launch } from "../agents/hands_launch.ts";
import { confinements, noSignal, testHands, TestPlace } from "./place_support.ts";

const [{ ignore }] = confinements;

/** A server on this machine that says who asked. */
function registry() {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    asked.push(`${request.method} ${pathname}`);
    if (pathname.endsWith("/info/refs")) {
      return new Response(`${"a".repeat(40)}\trefs/heads/main\n`);
    }
    if (pathname === "/away") return Response.redirect("http://127.0.0.1:1/inner");
    return new Response(`you sent ${await request.text()}`);
  });
  return {
    asked,
    port: server.addr.port,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const reaching = (place: TestPlace, hosts: string[], by = "run_1"): Place => ({
  ...place.place,
  reach: { by, hosts },
});
const bash = (command: string) => ({ command, timeout: 30_000 });
const web = (host: string) => `curl -sS -m 10 --noproxy "" http://${host}`;

const notListed = "it is not among the hosts that are allowed";

Deno.test(
  "a command gets to the host that a rule names, and the call tells of it",
  { ignore },
  async () => {
    await using server = registry();
    await using place = new TestPlace();
    await using hands = testHands("auto");
    const at = reaching(place, [`localhost:${server.port}`]);
    const here = `localhost:${server.port}`;
    const { content, isError, hosts } = await hands.use(
      at,
      "Bash",
      bash(
        `${web(`${here}/a`)} -d hello; ${web(`${here}/b`)} -p; ${web("example.com/")}; ` +
          `no_proxy= NO_PROXY= git ls-remote http://${here}/repo`,
      ),
    );
    ok(!isError, content);
    match(content, /you sent hello\s*you sent/);
    match(content, /aaaa\trefs\/heads\/main/);
    deepEqual(server.asked, ["POST /a", "GET /b", "GET /repo/info/refs", "GET /repo/HEAD"]);
    deepEqual(hosts, [
      { host: "localhost", port: server.port, allowed: true, count: 4 },
      { host: "example.com", port: 80, allowed: false, why: notListed, count: 1 },
    ]);
    match(content, /\[Not reached: example\.com:80: it is not among the hosts that are allowed\]$/);

    const next = await hands.use(at, "Bash", bash("true"));
    equal(next.hosts, undefined, "what was told is not told again");
  },
);

Deno.test(
  "the programs that a build fetches with find the proxy by the environment, and nothing of the server's",
  {
    ignore,
  },
  async () => {
    await using place = new TestPlace();
    const proxy = "http://user:hush@proxy.invalid:3128";
    // The first for files of tests that run beside this one, with the same environment: they talk to this machine.
    const values = { NO_PROXY: "127.0.0.1,localhost,::1", HTTPS_PROXY: proxy, http_proxy: proxy };
    const before = Object.keys(values).map((name) => [name, Deno.env.get(name)] as const);
    for (const [name, value] of Object.entries(values)) Deno.env.set(name, value);
    try {
      await using hands = testHands("auto");
      const { content } = await hands.use(
        reaching(place, ["a.example"]),
        "Bash",
        bash(
          "env | grep -iE 'proxy|CA_STORE' | sort; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n' | grep hush.*proxy",
        ),
      );
      ok(!content.includes("user:hush") && !content.includes("proxy.invalid"), content);
      for (const name of ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"]) {
        match(content, new RegExp(`^${name}=http://127\\.0\\.0\\.1:3128$`, "m"));
      }
      match(content, /^no_proxy=localhost,127\.0\.0\.1,::1$/m);
      match(content, /^DENO_TLS_CA_STORE=system,mozilla$/m, "certificates are the machine's, too");
    } finally {
      for (const [name, value] of before.toReversed()) {
        if (value === undefined) Deno.env.delete(name);
        else Deno.env.set(name, value);
      }
    }
  },
);

Deno.test("each run has a way of its own, with its own hosts, and who has none has no proxy", {
  ignore,
}, async () => {
  await using server = registry();
  await using place = new TestPlace();
  const launches: Launch[] = [];
  await using hands = testHands("auto", { launch: (launch) => (launches.push(launch), launch) });
  const ask = bash(web(`localhost:${server.port}/x`));
  const first = await hands.use(reaching(place, [`localhost:${server.port}`]), "Bash", ask);
  ok(!first.isError, first.content);
  const second = await hands.use(reaching(place, ["a.example"], "run_2"), "Bash", ask);
  match(second.content, /not among the hosts/);
  const third = await hands.use(
    place.place,
    "Bash",
    bash(
      `curl -sS -m 5 -x http://127.0.0.1:3128 http://localhost:${server.port}/; ls /run/gaffer; env | grep -i proxy`,
    ),
  );
  match(third.content, /refused|connect/i);
  ok(!/PROXY|^proxy$/m.test(third.content), third.content);
  deepEqual(server.asked, ["GET /x"]);
  equal(launches.length, 3);
  const sockets = launches.map(({ args }) =>
    args.filter((one) => /\/proxy-[0-9a-f]{8}$/.test(one))
  );
  deepEqual(sockets.map((paths) => new Set(paths).size), [1, 1, 0]);
  ok(sockets[0]![0] !== sockets[1]![0]);
  await hands.release(place.dir);
  for (const [path] of sockets) if (path) ok(!place.exists(path), "it is gone with its hands");
});

Deno.test("a project's command has the project's hosts, and its output says what was refused", {
  ignore,
}, async () => {
  await using server = registry();
  await using place = new TestPlace();
  await using hands = testHands("auto");
  const at = reaching(place, [`127.0.0.1:${server.port}`], "checks");
  const spec = {
    ...{ cwd: "", timeoutMs: 30_000, env: {} },
    command: `${web(`127.0.0.1:${server.port}/package`)} && ${web("registry.invalid/")} -f`,
  };
  let live = "";
  const result = await hands.command(at, spec, {
    ...{ signal: noSignal, unconfinedAllowed: false },
    onOutput: (text) => live += text,
  });
  ok(result.exitCode !== 0);
  deepEqual(server.asked, ["GET /package"]);
  const note = `[Not reached: registry.invalid:80: ${notListed}]`;
  ok(result.output.endsWith(note), result.output);
  ok(live.includes(note), live);
  equal(result.hosts?.length, 2);
});

Deno.test("a proxy that has ended is replaced, with its hands", { ignore }, async () => {
  await using server = registry();
  await using place = new TestPlace();
  await using hands = testHands("auto");
  const at = reaching(place, [`localhost:${server.port}`]);
  const ask = bash(web(`localhost:${server.port}/x`));
  await hands.use(at, "Bash", ask);
  const [pid] = proxies();
  Deno.kill(pid!, "SIGKILL");
  // Its end becomes known while other calls are made.
  while (proxies().includes(pid!)) await hands.use(at, "Glob", { pattern: "*" });
  let again = await hands.use(at, "Bash", ask);
  if (again.isError) again = await hands.use(at, "Bash", ask);
  ok(!again.isError, again.content);
  await hands.close();
  deepEqual(proxies(), []);
});

/** Processes that this one has started as proxies. */
function proxies(): number[] {
  return [...Deno.readDirSync("/proc")].flatMap(({ name }) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const args = Deno.readTextFileSync(`/proc/${name}/cmdline`).split("\0");
      const [, parent] = /^PPid:\s+(\d+)$/m.exec(Deno.readTextFileSync(`/proc/${name}/status`)) ??
        [];
      return args.includes("__proxy") && Number(parent) === Deno.pid ? [Number(name)] : [];
    } catch {
      return []; // it ended
    }
  });
}

Deno.test("without a sandbox no way is given: nothing could hold a command to it", async () => {
  await using place = new TestPlace();
  await using hands = testHands("off");
  const at = reaching(place, ["a.example"]);
  const { content, hosts } = await hands.use(at, "Bash", bash("env | grep -ci proxy"));
  match(content, /^Exit code 1\n0$/);
  deepEqual([hosts, proxies()], [undefined, []]);
});
