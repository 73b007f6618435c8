/** Commands of a sandbox reach the hosts that somebody has allowed, through a proxy, and nothing else. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import type { Place } from "../agents/protocol.ts";
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

Deno.test(
  "a command gets to the host that a rule names, and the call tells of it",
  { ignore },
  async () => {
    await using server = registry();
    await using place = new TestPlace();
    await using hands = testHands("auto");
    const at = reaching(place, [`localhost:${server.port}`]);
    const { content, isError, hosts } = await hands.use(
      at,
      "Bash",
      bash(
        `${web(`localhost:${server.port}/a`)} -d hello; ${web(`localhost:${server.port}/b`)}; ${
          web("example.com/")
        }`,
      ),
    );
    ok(!isError, content);
    match(content, /you sent hello\s*you sent/);
    deepEqual(server.asked, ["POST /a", "GET /b"]);
    deepEqual(hosts, [
      { host: "localhost", port: server.port, allowed: true, count: 2 },
      {
        host: "example.com",
        port: 80,
        allowed: false,
        why: "it is not among the hosts that are allowed",
        count: 1,
      },
    ]);
    match(content, /\[Not reached: example\.com:80: it is not among the hosts that are allowed\]$/);
  },
);
