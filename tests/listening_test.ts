/** The address goes on answering, also after the process could open no more files for connections. */
import { match, ok, rejects, strictEqual as equal, throws } from "node:assert";
import { listen, type ListenOptions } from "../server/listening.ts";
import { silentLog } from "../server/log.ts";

const options = (changes: Partial<ListenOptions> = {}): ListenOptions => ({
  hostname: "127.0.0.1",
  port: 0,
  handler: () => Promise.resolve(new Response("here")),
  serveOptions: {},
  log: silentLog,
  ...changes,
});

/** A request whose answer the test gives. */
function asking() {
  const { promise, resolve } = Promise.withResolvers<Response>();
  const asked = Promise.withResolvers<void>();
  const listening = listen(options({
    handler: () => {
      asked.resolve();
      return promise;
    },
  }));
  const answer = fetch(`http://127.0.0.1:${listening.port}`);
  return { listening, answer, asked: asked.promise, resolve };
}

Deno.test("it tells the port that was free, answers, and after a shutdown no more", async () => {
  const listening = listen(options());
  ok(listening.port > 0);
  const url = `http://127.0.0.1:${listening.port}`;
  equal(await (await fetch(url)).text(), "here");
  await listening.shutdown();
  await rejects(fetch(url));
});

Deno.test("a shutdown waits for the answers that are under way", async () => {
  const { listening, answer, asked, resolve } = asking();
  await asked;
  const closed = listening.shutdown();
  resolve(new Response("late"));
  equal(await (await answer).text(), "late");
  await closed;
});

Deno.test("a shutdown does not wait for an answer that takes too long, or for a client that says nothing", async () => {
  const { listening, answer, asked, resolve } = asking();
  using mute = await Deno.connect({ hostname: "127.0.0.1", port: listening.port });
  await mute.write(new TextEncoder().encode("GET / HT"));
  await asked;
  await listening.shutdown(1);
  resolve(new Response("later"));
  equal(await (await answer).text(), "later");
});

Deno.test("an address that is taken, or none of this machine's, is refused with what to do", () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  throws(() => listen(options({ port })), {
    code: "conflict",
    message:
      `Cannot start: port ${port} is in use. Choose another with --port, or 0 for any free one`,
  });
  throws(() => listen(options({ hostname: "192.0.2.1" })), {
    code: "conflict",
    message: /^Cannot start: port 0 of 192\.0\.2\.1 can't be listened on .*--host and --port$/,
  });
});

/** More connections than the process may open files. */
const FILES = 80;

Deno.test({
  name: "a flood of connections that uses up all files ends neither the process nor the address",
  ignore: Deno.build.os === "windows",
  async fn() {
    const entry = new URL("fixtures/listener.ts", import.meta.url).pathname;
    const child = new Deno.Command("sh", {
      args: ["-c", `ulimit -n ${FILES} && exec "$0" "$@"`, Deno.execPath(), "run", "-A", entry],
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const errors = new Response(child.stderr).text();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const port = Number((await reader.read()).value);
    const connect = () => Deno.connect({ hostname: "127.0.0.1", port });
    const flood: Deno.Conn[] = [];
    try {
      while (flood.length < 2 * FILES) flood.push(await connect());
    } catch (error) {
      // Or it was gone again before it could be looked at.
      match(String(error), /refused|reset|not connected/i);
    }
    // One stays: Deno 2.7 would be silent for as long as any of them does.
    const [last, ...others] = flood;
    for (const connection of others) close(connection);
    // It may need a moment, and a browser would ask again, too.
    const signal = AbortSignal.timeout(30_000);
    let answer = "";
    while (answer === "") {
      answer = await fetch(`http://127.0.0.1:${port}`, { signal }).then(
        (response) => response.text(),
        () => new Promise<string>((resolve) => setTimeout(() => resolve(""), 20)),
      );
      signal.throwIfAborted();
    }
    equal(answer, "here");
    close(last!);
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    match(await errors, /connections can't be accepted.*as many files and connections open/s);
  },
});

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    // The other side was first.
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
