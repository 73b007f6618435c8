/** The proxy between a sandbox and the hosts that somebody has allowed: what it lets through, and what not. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { isExplicit, isHostRule, readHostRule, rulesFor } from "../agents/permissions/hosts.ts";
import { kindOfAddress } from "../agents/proxy/addresses.ts";
import { outerEnvironment, OuterProxies } from "../agents/proxy/outer.ts";
import type { Connect } from "../agents/proxy/connect.ts";
import { type Duplex, writeAll } from "../agents/proxy/pipe.ts";
import { Proxy, type ProxyOptions } from "../agents/proxy/proxy.ts";
import { readRequest } from "../agents/proxy/request.ts";
import { Uses } from "../agents/proxy/uses.ts";

// ---------------------------------------------------------------- rules

Deno.test("readHostRule() takes names, patterns and addresses, with a port or without", () => {
  const read: [string, string, number | null][] = [
    ["registry.npmjs.org", "registry.npmjs.org", null],
    ["Registry.NPMjs.org.", "registry.npmjs.org", null],
    ["*.example.com", "*.example.com", null],
    ["*", "*", null],
    ["*:8443", "*", 8443],
    ["registry.lan:4873", "registry.lan", 4873],
    ["192.168.1.5:5000", "192.168.1.5", 5000],
    ["[::1]:4873", "::1", 4873],
    ["localhost:4873", "localhost", 4873],
  ];
  for (const [text, host, port] of read) deepEqual(readHostRule(text), { host, port }, text);
  const refused = [
    ...[
      "",
      "http://a.example",
      "a.example/path",
      "a b",
      "user@a.example",
      "a..example",
      "-a.example",
    ],
    ...["*.*.example", "a*.example", "*.1", "a.example:0", "a.example:65536", "a.example:x", "::1"],
    ...["127.1", "0x7f.1", "2130706433", "256.1.1.1", "[1.2.3.4]:80", "[::1", "ümlaut.example"],
  ];
  deepEqual(refused.filter(isHostRule), []);
});

Deno.test("rulesFor() permits the web's ports, or the one that a rule names", () => {
  const permits = (rule: string, host: string, port: number) =>
    rulesFor([rule], host, port).length > 0;
  ok(permits("a.example", "a.example", 443) && permits("a.example", "A.example.", 80));
  ok(!permits("a.example", "a.example", 8080) && !permits("a.example", "b.example", 443));
  ok(permits("a.example:8080", "a.example", 8080) && !permits("a.example:8080", "a.example", 443));
  ok(permits("*.example", "a.example", 443) && !permits("*.example", "example", 443));
  ok(!permits("http://a.example", "a.example", 443), "what can't be read permits nothing");
  const explicit = ["a.example:1", "*.example:1", "*:1", "a.example"].map((text) =>
    isExplicit(readHostRule(text)!)
  );
  deepEqual(explicit, [true, false, false, false]);
});

Deno.test("kindOfAddress() tells public addresses from all others, however they are written", () => {
  const kinds = {
    public: ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"],
    inner: ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "fd00::1"]
      .concat("203.0.113.80", "::ffff:10.0.0.1", "::ffff:c0a8:1"),
    own: ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1"],
    never: ["0.0.0.0", "0.1.2.3", "169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "ff02::1"]
      .concat("224.0.0.1", "255.255.255.255", "240.0.0.1", "fd00:ec2::254", "168.63.129.16")
      .concat("100.100.100.200", "2002:7f00:1::", "2001:0:7f00:1::", "::7f00:1", "::", "fec0::1")
      .concat("64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "fe80::1%eth0", "localhost", ""),
  };
  for (const [kind, addresses] of Object.entries(kinds)) {
    for (const address of addresses) equal(kindOfAddress(address), kind, address);
  }
});

// ---------------------------------------------------------------- requests

Deno.test("readRequest() reads a head one way or not at all", () => {
  const forward = readRequest(
    "POST http://a.example:8080/x?y=1 HTTP/1.1\r\nHost: a.example:8080\r\nContent-Length: 5\r\n" +
      "Proxy-Authorization: Basic x\r\nConnection: X-Gone\r\nX-Gone: 1\r\nX-Kept: 2",
  );
  deepEqual(forward, {
    kind: "forward",
    to: { host: "a.example", port: 8080 },
    method: "POST",
    path: "/x?y=1",
    headers: ["content-length: 5", "x-kept: 2"],
    bodyBytes: 5,
  });
  deepEqual(readRequest("CONNECT [2606::1]:443 HTTP/1.1"), {
    kind: "tunnel",
    to: { host: "2606::1", port: 443 },
  });
  const path = (target: string) => (readRequest(`GET ${target} HTTP/1.1`) as { path: string }).path;
  deepEqual([path("http://a.example"), path("http://a.example?q")], ["/", "/?q"]);

  const refused: [string, RegExp][] = [
    ["GET /relative HTTP/1.1", /only whole http/],
    ["GET https://a.example/ HTTP/1.1", /only whole http/],
    ["GET file:///etc/passwd HTTP/1.1", /only whole http/],
    ["GET http://a.example/#x HTTP/1.1", /only whole http/],
    ["GET http://a.example\\@b.example/ HTTP/1.1", /only whole http/],
    ["GET http://a.example@b.example/ HTTP/1.1", /can't be read/],
    ["GET http://a.example:80@b.example/ HTTP/1.1", /can't be read/],
    ["GET http://a%2eexample/ HTTP/1.1", /can't be read/],
    ["GET http://127.1/ HTTP/1.1", /can't be read/],
    ["GET http://2130706433/ HTTP/1.1", /can't be read/],
    ["GET http://0x7f.0.0.1/ HTTP/1.1", /can't be read/],
    ["GET http://0177.0.0.1/ HTTP/1.1", /can't be read/],
    ["CONNECT a.example HTTP/1.1", /can't be read/],
    ["CONNECT a.example:0 HTTP/1.1", /can't be read/],
    ["CONNECT a.example:443/path HTTP/1.1", /can't be read/],
    ["CONNECT user@a.example:443 HTTP/1.1", /can't be read/],
    ["connect a.example:443 HTTP/1.1", /no request/],
    ["GET http://a.example/ HTTP/2.0", /no request/],
    ["GET  http://a.example/ HTTP/1.1", /no request/],
    ["GET http://a.example/ HTTP/1.1\r\nHost: b.example", /another host/],
    ["GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nHost: a.example", /another host/],
    ["GET http://a.example/ HTTP/1.1\r\nHost : a.example", /headers can't be read/],
    ["GET http://a.example/ HTTP/1.1\r\nX: 1\r\n folded", /headers can't be read/],
    ["GET http://a.example/ HTTP/1.1\r\nX: 1\nHost: b.example", /headers can't be read/],
    ["POST http://a.example/ HTTP/1.1\r\nTransfer-Encoding: chunked", /without a length/],
    ["POST http://a.example/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2", /two lengths/],
    ["POST http://a.example/ HTTP/1.1\r\nContent-Length: -1", /length can't be read/],
    [`GET http://a.example/ HTTP/1.1${"\r\nX: 1".repeat(101)}`, /too many headers/],
  ];
  for (const [head, why] of refused) {
    let read: unknown;
    try {
      read = readRequest(head);
    } catch (error) {
      match(String(error), why, head);
      continue;
    }
    ok(false, `${head} was read as ${JSON.stringify(read)}`);
  }
});

// ---------------------------------------------------------------- the proxy

interface TestProxy extends AsyncDisposable {
  proxy: Proxy;
  /** Addresses that were connected to. */
  connected: string[];
  /** Sends these bytes, and gives all that comes back until the connection ends. */
  send(...parts: (string | Uint8Array)[]): Promise<string>;
  open(): Promise<Deno.UnixConn>;
}

const names: Record<string, string[]> = {
  "a.example": ["8.8.8.8"],
  "inner.example": ["10.0.0.1"],
  "own.example": ["127.0.0.1"],
  "cloud.example": ["169.254.169.254"],
  "both.example": ["10.0.0.1", "8.8.4.4"],
  "mapped.example": ["::ffff:127.0.0.1"],
  localhost: ["127.0.0.1"],
};

/** With a server behind it that any address leads to; it sends back what it gets, after "got: ". */
function testProxy(
  rules: string[],
  { env = {}, ...options }: Partial<ProxyOptions> & { env?: Record<string, string> } = {},
): TestProxy {
  const dir = Deno.makeTempDirSync({ prefix: "gaffer-test-" });
  const path = `${dir}/socket`;
  const listener = Deno.listen({ transport: "unix", path });
  const host = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connected: string[] = [];
  void (async () => {
    for await (const conn of host) void echo(conn);
  })();
  const connect: Connect = async ({ hostname, port }) => {
    connected.push(`${hostname} ${port}`);
    return await Deno.connect({ hostname: "127.0.0.1", port: host.addr.port });
  };
  const proxy = new Proxy({
    rules,
    own: { port: 4242, addresses: ["192.168.1.2"] },
    outer: new OuterProxies(outerEnvironment(env)),
    resolve: (name) =>
      names[name] ? Promise.resolve(names[name]) : Promise.reject(new Error("ENOTFOUND")),
    connect,
    ...options,
  });
  const served = proxy.serve(listener);
  const open = () => Deno.connect({ transport: "unix", path });
  return {
    proxy,
    connected,
    open,
    async send(...parts) {
      using conn = await open();
      for (const part of parts) {
        await writeAll(conn, typeof part === "string" ? new TextEncoder().encode(part) : part);
      }
      return await readAll(conn);
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      host.close();
      await served;
      await Deno.remove(dir, { recursive: true });
    },
  };
}

/** Answers each piece, until "bye". */
async function echo(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  try {
    while (true) {
      const read = await conn.read(buffer);
      if (read === null) break;
      const text = new TextDecoder().decode(buffer.subarray(0, read));
      await writeAll(conn, new TextEncoder().encode(`got: ${text}`));
      if (text.includes("bye")) break;
    }
  } finally {
    conn.close();
  }
}

async function readAll(conn: Pick<Duplex, "read">): Promise<string> {
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  while (true) {
    const read = await conn.read(buffer).catch(() => null);
    if (read === null) return text;
    text += new TextDecoder().decode(buffer.subarray(0, read));
  }
}

const connectTo = (target: string) => `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`;

Deno.test("Proxy opens a tunnel to the address that it has checked", async () => {
  await using at = testProxy(["a.example"]);
  const answer = await at.send(`${connectTo("a.example:443")}hello bye`);
  equal(answer, "HTTP/1.1 200 Connection established\r\n\r\ngot: hello bye");
  deepEqual(at.connected, ["8.8.8.8 443"]);
  deepEqual(at.proxy.uses.take(), [{ host: "a.example", port: 443, allowed: true, count: 1 }]);
  deepEqual(at.proxy.uses.take(), []);
});

Deno.test("Proxy passes one plain request on, as its address says, and nothing behind it", async () => {
  await using at = testProxy(["a.example"]);
  const answer = await at.send(
    "POST http://a.example/x HTTP/1.1\r\nHost: a.example\r\nProxy-Authorization: Basic c2VjcmV0\r\n" +
      "Content-Length: 3\r\n\r\nbye" +
      "GET http://inner.example/ HTTP/1.1\r\nHost: inner.example\r\n\r\n",
  );
  equal(
    answer,
    "got: POST /x HTTP/1.1\r\nhost: a.example\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbye",
  );
});

/** Rules, what is asked for, and what is said of it. */
const refusals: [what: string, rules: string[], target: string, says: RegExp][] = [
  ["a host that is not listed", ["a.example"], "b.example:443", /not among the hosts/],
  ["another port", ["a.example"], "a.example:22", /port 22 of it is not among/],
  ["the web's ports of a rule with its own", ["a.example:8080"], "a.example:443", /not among/],
  ["a name for this machine", ["own.example"], "own.example:443", /an address of this machine/],
  ["a name for this machine, by an explicit rule", ["own.example:80"], "own.example:80", /address/],
  ["loopback by name", ["*"], "localhost:443", /an address of this machine/],
  ["loopback by number", ["*"], "127.0.0.1:80", /an address of this machine/],
  ["loopback in IPv6", ["*"], "[::1]:80", /an address of this machine/],
  ["loopback, mapped", ["*"], "[::ffff:127.0.0.1]:80", /an address of this machine/],
  ["a name that leads to loopback, mapped", ["*"], "mapped.example:80", /an address of this/],
  ["the metadata address", ["*", "169.254.169.254:80"], "169.254.169.254:80", /an address of/],
  ["a name for it", ["*", "cloud.example:80"], "cloud.example:80", /an address of this machine/],
  ["a private address", ["*"], "10.0.0.1:443", /a private network, which only a rule/],
  ["a name for one", ["*.example"], "inner.example:443", /that names the host with its port/],
  ["Gaffer by an explicit rule", ["localhost:4242"], "localhost:4242", /an address of this/],
  ["Gaffer by this machine's address", ["192.168.1.2:4242"], "192.168.1.2:4242", /an address of/],
  ["everything at once", ["0.0.0.0:80"], "0.0.0.0:80", /an address of this machine/],
  ["a name that nobody has", ["*"], "gone.example:443", /no host of this name/],
];

Deno.test("Proxy refuses what no rule permits, and what leads inside", async () => {
  for (const [what, rules, target, says] of refusals) {
    await using at = testProxy(rules);
    const answer = await at.send(connectTo(target));
    match(answer, /^HTTP\/1\.1 403 /, what);
    match(answer, says, what);
    deepEqual(at.connected, [], what);
    const [use] = at.proxy.uses.take();
    deepEqual([use?.allowed, use?.count], [false, 1], what);
    match(use?.why ?? "", says, what);
  }
});

Deno.test("Proxy lets a rule with one host and one port lead inside, and only there", async () => {
  const asked: [rules: string[], target: string, connected: string][] = [
    [["inner.example:4873"], "inner.example:4873", "10.0.0.1 4873"],
    [["10.0.0.1:4873"], "10.0.0.1:4873", "10.0.0.1 4873"],
    [["localhost:4873"], "localhost:4873", "127.0.0.1 4873"],
    [["127.0.0.1:4873"], "127.0.0.1:4873", "127.0.0.1 4873"],
    [["192.168.1.2:4873"], "192.168.1.2:4873", "192.168.1.2 4873"],
    [["both.example"], "both.example:443", "8.8.4.4 443"],
    [["both.example:443"], "both.example:443", "10.0.0.1 443"],
    [["A.Example."], "a.EXAMPLE.:443", "8.8.8.8 443"],
  ];
  for (const [rules, target, connected] of asked) {
    await using at = testProxy(rules);
    match(await at.send(`${connectTo(target)}bye`), /^HTTP\/1\.1 200 /, target);
    deepEqual(at.connected, [connected], target);
  }
});

Deno.test("Proxy looks a name up once: what it leads to a moment later is not asked", async () => {
  const answers = [["8.8.8.8"], ["127.0.0.1"], ["169.254.169.254"]];
  let looked = 0;
  const resolve = () => Promise.resolve(answers[looked++]!);
  await using at = testProxy(["*.example"], { resolve });
  match(await at.send(`${connectTo("rebinding.example:443")}bye`), /^HTTP\/1\.1 200 /);
  deepEqual([looked, at.connected], [1, ["8.8.8.8 443"]]);
  match(await at.send(connectTo("rebinding.example:443")), /^HTTP\/1\.1 403 /);
  deepEqual([looked, at.connected.length], [2, 1]);
});

const noRequests: [what: string, bytes: string | Uint8Array, status: RegExp][] = [
  ["SOCKS 5", Uint8Array.of(5, 1, 0), /^HTTP\/1\.1 400 /],
  ["SOCKS 4", Uint8Array.of(4, 1, 0, 80, 127, 0, 0, 1, 0), /^HTTP\/1\.1 400 /],
  ["TLS", Uint8Array.of(0x16, 3, 1, 0, 5), /^HTTP\/1\.1 400 /],
  ["another program's words", "SSH-2.0-client\r\n\r\n", /^HTTP\/1\.1 400 /],
  [
    "a request without end",
    `GET http://a.example/ HTTP/1.1\r\nX: ${"x".repeat(17_000)}`,
    /^HTTP\/1\.1 431 /,
  ],
  [
    "a bare line end between headers",
    "GET http://a.example/ HTTP/1.1\nHost: b\r\n\r\n",
    /^HTTP\/1\.1 400 /,
  ],
];

Deno.test("Proxy refuses what is no request to it, and counts it", async () => {
  for (const [what, bytes, status] of noRequests) {
    await using at = testProxy(["*"]);
    match(await at.send(bytes), status, what);
    deepEqual(at.connected, [], what);
    const [use] = at.proxy.uses.take();
    deepEqual([use?.host, use?.port, use?.allowed], ["", 0, false], what);
  }
});

Deno.test("Proxy gives up a head that comes too slowly, and a connection that is silent", async () => {
  await using slow = testProxy(["a.example"], { limits: { headMs: 20 } });
  equal(await slow.send("GET http://a.example/ HT"), "");
  await using silent = testProxy(["a.example"], { limits: { idleMs: 20 } });
  equal(
    await silent.send(connectTo("a.example:443")),
    "HTTP/1.1 200 Connection established\r\n\r\n",
  );
});

Deno.test("Proxy ends what passes too many bytes, and serves so many at a time", async () => {
  await using bytes = testProxy(["a.example"], { limits: { connectionBytes: 10 } });
  const cut = await bytes.send(`${connectTo("a.example:443")}more than ten bytes`);
  ok(!cut.includes("got"), cut);
  await using all = testProxy(["a.example"], { limits: { allBytes: 25 } });
  match(await all.send(`${connectTo("a.example:443")}bye`), /got: bye$/);
  ok(!(await all.send(`${connectTo("a.example:443")}a second time, bye`)).includes("second"));

  await using few = testProxy(["a.example"], { limits: { connections: 1 } });
  using first = await few.open();
  await writeAll(first, new TextEncoder().encode(connectTo("a.example:443")));
  await first.read(new Uint8Array(100));
  match(await few.send(connectTo("a.example:443")), /^HTTP\/1\.1 503 .*too many connections/s);
});

Deno.test("Proxy tells of a host that does not answer, and closes all when it ends", async () => {
  const connect = () => Promise.reject(new Deno.errors.ConnectionRefused("refused"));
  await using dead = testProxy(["a.example"], { connect });
  match(await dead.send(connectTo("a.example:443")), /^HTTP\/1\.1 502 .*did not answer/s);
  deepEqual(dead.proxy.uses.take(), [
    { host: "a.example", port: 443, allowed: true, why: "it did not answer", count: 1 },
  ]);

  const at = testProxy(["a.example"]);
  const open = await at.open();
  await writeAll(open, new TextEncoder().encode(connectTo("a.example:443")));
  await open.read(new Uint8Array(100));
  await at[Symbol.asyncDispose]();
  equal(await readAll(open), "");
  open.close();
});

// ---------------------------------------------------------------- behind a proxy of the server's own

const outer = { HTTPS_PROXY: "http://us%65r:p%3Aw@proxy.corp:3128", http_proxy: "proxy.corp:3129" };

Deno.test("OuterProxies knows the server's own proxy, and what is not for it", () => {
  const at = (env: Record<string, string>, host: string, port: number) =>
    new OuterProxies(outerEnvironment(env)).for({ host, port })?.host ?? null;
  equal(at(outer, "a.example", 443), "proxy.corp:3128");
  equal(at(outer, "a.example", 80), "proxy.corp:3129");
  equal(at({}, "a.example", 443), null);
  equal(at({ all_proxy: "socks5://x:1080" }, "a.example", 443), null, "SOCKS is not spoken");
  for (const list of ["a.example", ".example", "*.example", "x, a.example:443", "*"]) {
    equal(at({ ...outer, NO_PROXY: list }, "a.example", 443), null, list);
  }
  for (const list of ["b.example", "a.example:80", "xample", ""]) {
    equal(at({ ...outer, no_proxy: list }, "a.example", 443), "proxy.corp:3128", list);
  }
});

Deno.test("Proxy goes through the server's own proxy, with its password, but not to what is inside", async () => {
  const seen: string[] = [];
  const connect: Connect = async ({ hostname, port }) => {
    seen.push(`${hostname} ${port}`);
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    void (async () => {
      using conn = await listener.accept();
      listener.close();
      const buffer = new Uint8Array(4_096);
      const read = await conn.read(buffer) ?? 0;
      seen.push(new TextDecoder().decode(buffer.subarray(0, read)));
      await writeAll(conn, new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\n"));
      await writeAll(conn, buffer.subarray(0, await conn.read(buffer) ?? 0));
    })();
    return await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  };
  await using at = testProxy(["*.example", "inner.example:4873"], { env: outer, connect });
  // Nobody here can look it up; the other proxy can.
  const send = `${connectTo("far.example:443")}hello`;
  using conn = await at.open();
  await writeAll(conn, new TextEncoder().encode(send));
  match(await readAll(conn), /^HTTP\/1\.1 200 Connection established\r\n\r\nhello$/);
  deepEqual(seen, [
    "proxy.corp 3128",
    "CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n" +
    `Proxy-Authorization: Basic ${btoa("user:p:w")}\r\n\r\n`,
  ]);
  seen.length = 0;
  match(await at.send(connectTo("inner.example:443")), /^HTTP\/1\.1 403 /, "it is looked up first");
  deepEqual(seen, []);
  await using any = testProxy(["*"], { env: outer, connect });
  match(
    await any.send(connectTo("far.example:443")),
    /^HTTP\/1\.1 403 .*there is no host of this name/s,
    "nobody has named it, and nobody here knows where it leads",
  );
  deepEqual(seen, []);
  using inside = await at.open();
  await writeAll(inside, new TextEncoder().encode(connectTo("inner.example:4873")));
  await inside.read(new Uint8Array(100));
  equal(seen[0], "10.0.0.1 4873");
});

Deno.test("Uses are grouped, and few enough to be told", () => {
  const uses = new Uses();
  for (let n = 0; n < 3; n++) uses.add({ host: "a.example", port: 443, allowed: true });
  for (let n = 0; n < 60; n++) {
    uses.add({ host: `${n}.example`, port: 443, allowed: false, why: "no" });
  }
  const told = uses.take();
  equal(told.length, 41);
  deepEqual(told[0], { host: "a.example", port: 443, allowed: true, count: 3 });
  deepEqual([told.at(-1)!.host, told.at(-1)!.count], ["", 21]);
});
