import {
  deepStrictEqual as deepEqual,
  match,
  notStrictEqual as notEqual,
  ok,
  strictEqual as equal,
} from "node:assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Api } from "../server/api.ts";
import { type Db, transact } from "../server/db.ts";
import { AppError } from "../server/errors.ts";
import { WAIT_MS } from "../server/idempotency.ts";
import {
  findAnswer,
  KEYS_KEPT_MS,
  pruneKeys,
  storeAnswer,
} from "../server/store/idempotency_keys.ts";
import { bareApp } from "./bare_app.ts";
import { noteSite } from "./fixtures/note_site.ts";
import { tempDir } from "./gaffer.ts";
import { type Bench, bench } from "./http_support.ts";

const made = z.object({ number: z.number(), name: z.string(), updated_at: z.string() });
const input = z.strictObject({ name: z.string() });

interface Factory extends Bench {
  /** How many things were really made. */
  made(): number;
  /** Holds every request before its transaction until it is called. */
  hold(): () => void;
  /** Resolves when a request has come to where it is held. */
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
        {
          summary: "Make",
          body: () => input,
          out: () => made,
          status: 201,
          versioned: true,
          async prepare() {
            reached.resolve();
            await gate;
          },
        },
        ({ body, c }) => {
          if (body.name === "taken") throw new AppError("conflict", "Cannot make it: it is there");
          count++;
          if (body.name === "long") return { number: count, name: "x".repeat(1e6), updated_at: "" };
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

/** Every event that was written, by type. */
const written = (db: Db): string[] =>
  db.prepare("SELECT type FROM events ORDER BY seq").all().map((row) => String(row.type));

Deno.test("a request that failed on the server changed nothing, and is done when it is repeated", async () => {
  using app = bareApp();
  let isBroken = true;
  const site = noteSite(app, () => {
    if (isBroken) throw new Error("failed after the change");
  });
  const first = await site.post("/notes", {}, key("k"));
  equal(first.status, 500);
  deepEqual([written(app.db), findAnswer(app.db, "owner k")], [[], null]);
  isBroken = false;
  const again = await site.post("/notes", {}, key("k"));
  deepEqual([again.status, again.headers.get("idempotency-replayed")], [201, null]);
  deepEqual(written(app.db), ["note", "note"]);
});

Deno.test("an answer that is too long to be kept takes back what it was for", async () => {
  using f = factory();
  equal((await f.post("/things", { name: "long" }, key("k"))).status, 500);
  equal(findAnswer(f.app.db, "owner k"), null);
  equal((await f.post("/things", { name: "a" }, key("k"))).status, 201);
});

for (
  const { killed, atCommit, done } of [
    { killed: "between its beginning and its commit", atCommit: "before", done: false },
    { killed: "between its commit and its answer", atCommit: "after", done: true },
  ]
) {
  Deno.test(`a process killed ${killed} leaves ${done ? "all" : "nothing"} of a request, and its repetition is answered`, async () => {
    await using dir = await tempDir();
    const path = join(dir.path, "gaffer.db");
    const { signal } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-prompt",
        fileURLToPath(new URL("fixtures/cut_off_post.ts", import.meta.url)),
        path,
        atCommit,
      ],
      stdout: "null",
      stderr: "inherit",
    }).output();
    equal(signal, "SIGKILL");
    using app = bareApp({ path });
    deepEqual(written(app.db), done ? ["note", "note"] : []);
    const site = noteSite(app);
    const response = await site.post("/notes", {}, key("cut-off"));
    equal(response.status, 201);
    equal(response.headers.get("idempotency-replayed"), done ? "true" : null);
    deepEqual(await response.json(), { notes: 2 });
    equal(response.headers.get("location"), "/notes/2");
    deepEqual(written(app.db), ["note", "note"], "it was done once");
  });
}

Deno.test("even a second process that knows nothing of the first does not do it twice", async () => {
  using f = factory();
  const release = f.hold();
  const slow = f.post("/things", { name: "a" }, key("k"));
  await f.reached;
  const next = bench({
    app: f.app,
    api: (api) =>
      api.post(
        "/things",
        { summary: "Make", body: () => input, out: () => made },
        ({ app }) => {
          transact(app, (tx) => tx.emit({ type: "made" }));
          return { number: 1, name: "a", updated_at: "" };
        },
      ),
  });
  equal((await next.post("/things", { name: "a" }, key("k"))).status, 200);
  release();
  equal((await slow).status, 500, "its key is taken, so that it is taken back");
  deepEqual(written(f.app.db), ["made"]);
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
  const answer = { requestHash: "h", status: 200, body: "{}" };
  app.tx((tx) => storeAnswer(tx, "owner old", answer));
  app.advance(1);
  app.tx((tx) => storeAnswer(tx, "owner new", answer));
  app.advance(KEYS_KEPT_MS);
  equal(app.tx((tx) => pruneKeys(tx, 100)), 1);
  equal(findAnswer(app.db, "owner old"), null);
  ok(findAnswer(app.db, "owner new"));
});
