import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal, throws } from "node:assert";
import { setImmediate } from "node:timers/promises";
import type { RequestContext } from "../server/api.ts";
import {
  createEventStreams,
  DRAIN_MS,
  type EventStreams,
  HEARTBEAT_MS,
  lastEventId,
  MAX_STREAMS,
  MAX_WAITING_BYTES,
  type SseClient,
  type SseMessage,
} from "../server/sse.ts";
import { type BareApp, bareApp } from "./bare_app.ts";
import { type Bench, bench, listen, raw } from "./http_support.ts";

interface StreamBench extends Bench {
  streams: EventStreams;
  /** Open clients in the order in which they came. */
  clients: SseClient[];
  /** How many subscriptions were ended. */
  ended(): number;
  /** Records a fact and tells the open streams. */
  happen(data: string): void;
}

/** A page /stream that behaves as the real ones: first what was missed, then what happens. */
function streamBench({ app = bareApp() }: { app?: BareApp } = {}): StreamBench {
  const streams = createEventStreams(app.timers);
  const log: Required<Pick<SseMessage, "id" | "data">>[] = [];
  const clients: SseClient[] = [];
  const live = new Set<SseClient>();
  let ended = 0;
  const follow = (c: RequestContext) =>
    streams.open(c, (client) => {
      const after = lastEventId(c) ?? log.length;
      for (const message of log.filter((m) => m.id > after)) client.send(message);
      clients.push(client);
      live.add(client);
      return () => {
        ended++;
        live.delete(client);
      };
    });
  const b = bench({ app, pages: (pages) => void pages.get("/stream", follow) });
  return {
    ...b,
    streams,
    clients,
    ended: () => ended,
    happen(data) {
      const message = { id: log.length + 1, data };
      log.push(message);
      for (const client of live) client.send(message);
    },
    [Symbol.dispose]() {
      streams.closeAll();
      b[Symbol.dispose]();
    },
  };
}

/** All that the stream says until it ends. */
const rest = async (response: Response): Promise<string> => await response.text();

Deno.test("messages arrive as frames with id, name and data, lines of any kind kept apart", async () => {
  using b = streamBench();
  const response = await b.http.request("/stream");
  equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  equal(response.headers.get("cache-control"), "no-store, no-transform");
  const [client] = b.clients;
  ok(client!.send({ data: "plain" }));
  ok(client!.send({ id: 7, event: "run.turn", data: "one\ntwo\r\nthree\rdata: four\n" }));
  ok(client!.send({ id: 0, data: "" }));
  client!.close();
  equal(
    await rest(response),
    "retry: 1000\n\n" +
      "data: plain\n\n" +
      "id: 7\nevent: run.turn\ndata: one\ndata: two\ndata: three\ndata: data: four\ndata: \n\n" +
      "id: 0\ndata: \n\n",
  );
});

Deno.test("a name that could break out of its line is a mistake of the caller", async () => {
  using b = streamBench();
  const response = await b.http.request("/stream");
  for (const event of ["a\nb", "", "a b", "a:b"]) {
    throws(() => b.clients[0]!.send({ event, data: "x" }), TypeError);
  }
  b.clients[0]!.close();
  equal(await rest(response), "retry: 1000\n\n");
});

Deno.test("after a cut the client gets what it missed and then what happens, each once", async () => {
  using b = streamBench();
  const first = await b.http.request("/stream");
  b.happen("a");
  b.happen("b");
  b.clients[0]!.close();
  match(await rest(first), /id: 1\ndata: a\n\nid: 2\ndata: b\n\n$/);
  b.happen("c"); // while nobody listens
  const second = await b.http.request("/stream", { headers: { "last-event-id": "1" } });
  b.happen("d");
  b.clients[1]!.close();
  equal(
    await rest(second),
    "retry: 1000\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\nid: 4\ndata: d\n\n",
  );
});

Deno.test("the first connection starts where the page was rendered, a cut one where it was cut", async () => {
  using b = streamBench();
  for (const data of ["a", "b", "c"]) b.happen(data);
  const seen = async (path: string, headers = {}) => {
    const response = await b.http.request(path, { headers });
    b.clients.at(-1)!.close();
    return [...(await rest(response)).matchAll(/data: (\w)/g)].map((m) => m[1]);
  };
  deepEqual(await seen("/stream"), []);
  deepEqual(await seen("/stream?after=0"), ["a", "b", "c"]);
  deepEqual(await seen("/stream?after=2"), ["c"]);
  deepEqual(await seen("/stream?after=0", { "last-event-id": "2" }), ["c"]);
});

Deno.test("an id that is no number is refused and opens nothing", async () => {
  using b = streamBench();
  for (const id of ["x", "-1", "1.5", "1e3", "9".repeat(16)]) {
    const response = await b.http.request("/stream", { headers: { "last-event-id": id } });
    equal(response.status, 422, id);
  }
  equal((await b.http.request("/stream?after=x")).status, 422);
  equal(b.streams.count, 0);
  deepEqual(b.app.waitingTimers(), []);
});

Deno.test("a silent stream is kept alive by comments", async () => {
  using b = streamBench();
  const response = await b.http.request("/stream");
  b.app.advance(3 * HEARTBEAT_MS);
  b.clients[0]!.close();
  equal(await rest(response), "retry: 1000\n\n" + ": still here\n\n".repeat(3));
});

Deno.test("a reader that does not keep up is cut off, gets what waited, and goes on from there", async () => {
  using b = streamBench();
  const response = await b.http.request("/stream");
  const line = "x".repeat(100_000);
  let sent = 0;
  while (b.streams.count === 1) {
    b.happen(line);
    if (++sent > 100) throw new Error("the slow reader is never cut off");
  }
  ok(sent * line.length < MAX_WAITING_BYTES + 3 * line.length, "no more waits than is allowed");
  equal(b.ended(), 1);
  equal(b.clients[0]!.send({ data: "late" }), false);
  const got = [...(await rest(response)).matchAll(/^id: (\d+)$/gm)].map((m) => Number(m[1]));
  deepEqual(got, Array.from({ length: got.length }, (_, i) => i + 1));
  const last = got.at(-1)!;
  ok(last >= 1 && last < sent);
  const second = await b.http.request("/stream", { headers: { "last-event-id": String(last) } });
  b.clients[1]!.close();
  match(await rest(second), new RegExp(`^retry: 1000\n\nid: ${last + 1}\n`));
});

Deno.test("one message larger than the limit still arrives, so that a client always gets on", async () => {
  using b = streamBench();
  const response = await b.http.request("/stream");
  b.happen("x".repeat(2 * MAX_WAITING_BYTES));
  b.happen("y");
  equal(b.streams.count, 0);
  match(await rest(response), /data: x{2000000}\n\n$/);
});

Deno.test("a client that was cut off and reads nothing is dropped in the end", async () => {
  using b = streamBench();
  const response = await b.http.request("/stream");
  b.clients[0]!.close();
  b.app.advance(DRAIN_MS);
  await response.text().then(
    () => {
      throw new Error("the stream should have been dropped");
    },
    (error) => match(String(error), /does not read/),
  );
  deepEqual(b.app.waitingTimers(), []);
});

Deno.test("what fails before the stream begins is answered as an error and leaves nothing behind", async () => {
  const app = bareApp();
  const streams = createEventStreams(app.timers);
  using b = bench({
    app,
    pages: (pages) =>
      void pages.get("/stream", (c) =>
        streams.open(c, () => {
          throw new Error("the store failed");
        })),
  });
  equal((await b.http.request("/stream")).status, 500);
  equal(streams.count, 0);
  deepEqual(app.waitingTimers(), []);
});

Deno.test("there is a limit to open streams, and room again when one is closed", async () => {
  using b = streamBench();
  const open = [];
  for (let i = 0; i < MAX_STREAMS; i++) open.push(await b.http.request("/stream"));
  const refused = await b.http.request("/stream");
  equal(refused.status, 429);
  await open[0]!.body!.cancel();
  equal((await b.http.request("/stream")).status, 200);
});

Deno.test("closeAll() ends every stream and refuses new ones", async () => {
  using b = streamBench();
  const responses = [await b.http.request("/stream"), await b.http.request("/stream")];
  b.streams.closeAll();
  for (const response of responses) equal(await rest(response), "retry: 1000\n\n");
  equal(b.ended(), 2);
  equal((await b.http.request("/stream")).status, 503);
});

// ---------------------------------------------------------------- over a real socket

const streamRequest = (port: number) =>
  `GET /stream HTTP/1.1\nHost: localhost:${port}\nAccept-Encoding: gzip\n\n`;

/** Lets the server's own work go on until something is true. */
async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    if (turn > 200_000) throw new Error("waited for something that never happened");
    await setImmediate();
  }
}

Deno.test("a message reaches a real client at once, and its going is noticed", async () => {
  using b = streamBench();
  await using server = listen(b.http);
  const reading = raw(server.port, streamRequest(server.port), "data: hello");
  await until(() => b.clients.length === 1);
  b.happen("hello");
  match(await reading, /id: 1/);
  await until(() => b.streams.count === 0);
  equal(b.ended(), 1);
  deepEqual(b.app.waitingTimers(), []);
});

Deno.test("a real client that stops reading is cut off before it fills the memory", async () => {
  using b = streamBench();
  await using server = listen(b.http);
  using connection = await Deno.connect({ port: server.port });
  await connection.write(new TextEncoder().encode(
    streamRequest(server.port).replaceAll("\n", "\r\n"),
  ));
  await until(() => b.clients.length === 1);
  let sent = 0;
  await until(() => {
    b.happen("x".repeat(100_000));
    if (++sent > 2_000) throw new Error("200 MB were taken for a client that reads nothing");
    return b.streams.count === 0;
  });
  equal(b.ended(), 1);
});

Deno.test("a server with open streams shuts down once they are closed", async () => {
  using b = streamBench();
  await using server = listen(b.http);
  const reading = raw(server.port, streamRequest(server.port), "0\r\n\r\n");
  await until(() => b.clients.length === 1);
  b.streams.closeAll();
  await reading;
  await server.shutdown();
});
