import {
  deepStrictEqual as deepEqual,
  match,
  notStrictEqual as notEqual,
  ok,
  strictEqual as equal,
} from "node:assert";
import { z } from "zod";
import type { Api } from "../server/api.ts";
import { AppError } from "../server/errors.ts";
import { WAIT_MS } from "../server/idempotency.ts";
import { findAnswer, KEYS_KEPT_MS, pruneKeys, takeKey } from "../server/store/idempotency_keys.ts";
import { bareApp } from "./bare_app.ts";
import { type Bench, bench } from "./http_support.ts";

const made = z.object({ number: z.number(), name: z.string(), updated_at: z.string() });
const input = z.strictObject({ name: z.string() });

interface Factory extends Bench {
  /** How many things were really made. */
  made(): number;
  /** Holds every request in the handler until it is called. */
  hold(): () => void;
  /** Resolves when a request has reached the handler that holds it. */
  reached: Promise<void>;
}

/** An API that makes a numbered thing per request. */
function factory(): Factory {
  let count = 0;
  let gate = Promise.resolve();
  const reached = Promise.withResolvers<void>();
  const app = bareApp();
  const api = (api: Api) => {
    api
      .post(
        "/things",
        { summary: "Make", body: () => input, out: () => made, status: 201, versioned: true },
        async ({ body, c }) => {
          reached.resolve();
          await gate;
          if (body.name === "taken") throw new AppError("conflict", "Cannot make it: it is there");
          count++;
          if (body.name === "bug") throw new Error("failed after the change");
          c.header("Location", `/things/${count}`);
          return { number: count, name: body.name, updated_at: `at ${count}` };
        },
      )
      .get("/things", { summary: "Count", out: () => z.number() }, () => ++count);
  };
  return {
    ...bench({ app, api, timers: app.timers }),
    made: () => count,
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
    reached: reached.promise,
  };
}

const key = (value: string) => ({ "idempotency-key": value });

Deno.test("a repeated request is answered with the first answer and not done again", async () => {
  using f = factory();
  const first = await f.post("/things", { name: "a" }, key("k1"));
  const again = await f.post("/things", { name: "a" }, key("k1"));
  equal(f.made(), 1);
  equal(first.headers.get("idempotency-replayed"), null);
  equal(again.headers.get("idempotency-replayed"), "true");
  equal(again.status, 201);
  for (const name of ["content-type", "etag", "location"]) {
    ok(first.headers.get(name));
    equal(again.headers.get(name), first.headers.get(name), name);
  }
  notEqual(again.headers.get("x-request-id"), first.headers.get("x-request-id"));
  deepEqual(await again.json(), await first.json());
});

Deno.test("without a key, or with another one, the work is done each time", async () => {
  using f = factory();
  await f.post("/things", { name: "a" });
  await f.post("/things", { name: "a" });
  await f.post("/things", { name: "a" }, key("k1"));
  await f.post("/things", { name: "a" }, key("k2"));
  equal(f.made(), 4);
});

Deno.test("a key that came with another body, path or query is refused", async () => {
  using f = factory();
  await f.post("/things", { name: "a" }, key("k"));
  for (
    const [path, body] of [["/things", { name: "b" }], ["/things?x=1", { name: "a" }]] as const
  ) {
    const response = await f.post(path, body, key("k"));
    equal(response.status, 422);
    const problem = await response.json();
    match(problem.detail, /came with a different request before/);
    equal(problem.errors[0].field, "Idempotency-Key");
  }
  equal(f.made(), 1);
});

Deno.test("a key that is empty, too long or not plain text is refused", async () => {
  using f = factory();
  for (const value of ["", "x".repeat(256), "with space", "é"]) {
    const response = await f.post("/things", { name: "a" }, key(value));
    equal(response.status, 422, JSON.stringify(value));
    equal((await response.json()).errors[0].field, "Idempotency-Key");
  }
  equal((await f.post("/things", { name: "a" }, key("x".repeat(255)))).status, 201);
  equal(f.made(), 1);
});

Deno.test("of concurrent requests with one key one works, the others wait for its answer", async () => {
  using f = factory();
  const release = f.hold();
  const all = Array.from({ length: 20 }, () => f.post("/things", { name: "a" }, key("k")));
  await f.reached;
  release();
  const responses = await Promise.all(all);
  equal(f.made(), 1);
  equal(responses.filter((r) => r.headers.get("idempotency-replayed") === null).length, 1);
  const bodies = await Promise.all(responses.map((r) => r.text()));
  deepEqual(new Set(bodies).size, 1);
});

Deno.test("another request with the key of one that is being worked on is refused at once", async () => {
  using f = factory();
  const release = f.hold();
  const first = f.post("/things", { name: "a" }, key("k"));
  await f.reached;
  equal((await f.post("/things", { name: "b" }, key("k"))).status, 422);
  release();
  equal((await first).status, 201);
});

Deno.test("a repeated request does not wait for ever", async () => {
  using f = factory();
  const release = f.hold();
  const first = f.post("/things", { name: "a" }, key("k"));
  await f.reached;
  const second = f.post("/things", { name: "a" }, key("k"));
  while (f.app.waitingTimers().length === 0) await Promise.resolve();
  f.app.advance(WAIT_MS);
  const response = await second;
  equal(response.status, 409);
  match((await response.json()).detail, /still being worked on/);
  release();
  equal((await first).status, 201);
  deepEqual(f.app.waitingTimers(), []);
});

Deno.test("a refused request frees its key: corrected, it may use it again", async () => {
  using f = factory();
  equal((await f.post("/things", { name: "taken" }, key("k"))).status, 409);
  equal((await f.post("/things", { wrong: 1 }, key("k"))).status, 422);
  const response = await f.post("/things", { name: "a" }, key("k"));
  equal(response.status, 201);
  equal(response.headers.get("idempotency-replayed"), null);
});

Deno.test("when the first of concurrent requests is refused, the work is still not done twice", async () => {
  using f = factory();
  const release = f.hold();
  const all = Array.from({ length: 5 }, () => f.post("/things", { name: "taken" }, key("k")));
  await f.reached;
  release();
  deepEqual((await Promise.all(all)).map((r) => r.status), Array(5).fill(409));
  equal(f.made(), 0);
});

Deno.test("a request that failed on the server is not done again, since nobody knows how far it came", async () => {
  using f = factory();
  const first = await f.post("/things", { name: "bug" }, key("k"));
  const again = await f.post("/things", { name: "bug" }, key("k"));
  deepEqual([first.status, again.status], [500, 500]);
  equal(again.headers.get("idempotency-replayed"), "true");
  equal(f.made(), 1);
});

Deno.test("after a kill in the middle of a request its repetition is told so instead of being done", async () => {
  using f = factory();
  const release = f.hold();
  const cut = f.post("/things", { name: "a" }, key("k"));
  await f.reached;
  // The next process on the same database: it knows of no request that is being worked on.
  const next = bench({
    app: f.app,
    api: (api) =>
      api.post("/things", { summary: "Make", body: () => input, out: () => made }, () => {
        throw new Error("must not be done");
      }),
  });
  const response = await next.post("/things", { name: "a" }, key("k"));
  equal(response.status, 409);
  match((await response.json()).detail, /was cut off. Look, and if it was not done/);
  release();
  await cut;
});

Deno.test("reads pay no attention to the key", async () => {
  using f = factory();
  const get = () => f.http.request("/api/v1/things", { headers: key("k") });
  deepEqual([await (await get()).json(), await (await get()).json()], [1, 2]);
  equal(findAnswer(f.app.db, "owner k"), null);
});

Deno.test("an unknown path with a key is a plain 404 and leaves nothing behind", async () => {
  using f = factory();
  equal((await f.post("/nothing", {}, key("k"))).status, 404);
  equal(findAnswer(f.app.db, "owner k"), null);
});

Deno.test("keys are forgotten after a day, not before", () => {
  using app = bareApp();
  app.tx((tx) => takeKey(tx, "owner old", "h"));
  app.advance(1);
  app.tx((tx) => takeKey(tx, "owner new", "h"));
  app.advance(KEYS_KEPT_MS);
  equal(app.tx((tx) => pruneKeys(tx, 100)), 1);
  equal(findAnswer(app.db, "owner old"), null);
  ok(findAnswer(app.db, "owner new"));
});
