/** Writes that share a COMMIT: what is asked for in one turn of the event loop. */
import { deepStrictEqual as deepEqual, match, rejects, strictEqual as equal } from "node:assert";
import { transactSoon } from "../server/db.ts";
import { enqueue, listJobs } from "../queue/queue.ts";
import { actingAs } from "../server/app.ts";
import { bareApp } from "./bare_app.ts";

const job = (ticketId: string) => ({ kind: "advance_ticket", args: { ticketId } }) as const;
const tickets = (app: ReturnType<typeof bareApp>) =>
  listJobs(app.db, { limit: 99 }).map(({ args }) => args.ticketId).reverse();

/** Every text that reaches the database outside of prepared statements. */
function executed(app: ReturnType<typeof bareApp>): string[] {
  const texts: string[] = [];
  const { exec } = app.db;
  app.db.exec = (sql) => {
    texts.push(sql);
    exec(sql);
  };
  return texts;
}

Deno.test("what is asked for in one turn shares one commit, and is told after it", async () => {
  using app = bareApp();
  const texts = executed(app);
  const ids = await Promise.all(
    ["a", "b", "c"].map(async (ticketId) => {
      await Promise.resolve();
      const id = await transactSoon(app, (tx) => enqueue(tx, job(ticketId)));
      equal(app.db.inTransaction, false);
      return id;
    }),
  );
  equal(new Set(ids).size, 3);
  deepEqual(tickets(app), ["a", "b", "c"]);
  equal(texts.filter((sql) => sql === "COMMIT").length, 1);
});

Deno.test("nothing is written before the turn is over, and a later turn has a commit of its own", async () => {
  using app = bareApp();
  const texts = executed(app);
  const first = transactSoon(app, (tx) => enqueue(tx, job("a")));
  await Promise.resolve();
  deepEqual([tickets(app), texts], [[], []]);
  await first;
  await transactSoon(app, (tx) => enqueue(tx, job("b")));
  deepEqual(texts, ["BEGIN IMMEDIATE", "COMMIT", "BEGIN IMMEDIATE", "COMMIT"]);
});

Deno.test("one that throws is undone and rejected alone: its rows, its events and its bells", async () => {
  using app = bareApp();
  const heard: string[] = [];
  app.hub.subscribe((message) =>
    heard.push(message.kind === "event" ? message.event.type : message.kind)
  );
  const [first, second, third] = await Promise.allSettled([
    transactSoon(app, (tx) => {
      tx.emit({ type: "first" });
      return enqueue(tx, job("a"));
    }),
    transactSoon(app, (tx) => {
      tx.emit({ type: "second" });
      enqueue(tx, job("b"));
      throw new Error("no");
    }),
    transactSoon(actingAs(app, "ada"), (tx) => tx.emit({ type: "third" }).actor),
  ]);
  equal(first.status, "fulfilled");
  match(String((second as PromiseRejectedResult).reason), /no/);
  equal((third as PromiseFulfilledResult<string>).value, "ada");
  deepEqual(tickets(app), ["a"]);
  deepEqual(heard, ["first", "jobs", "third"]);
  const types = app.db.prepare("SELECT type FROM events ORDER BY seq").all().map((row) => row.type);
  deepEqual(types, ["first", "third"]);
});

Deno.test("when the commit fails all are rejected, and nothing is written", async () => {
  using app = bareApp();
  const { exec } = app.db;
  app.db.exec = (sql) => {
    if (sql === "COMMIT") throw new Error("database or disk is full");
    exec(sql);
  };
  const both = ["a", "b"].map((id) => transactSoon(app, (tx) => enqueue(tx, job(id))));
  for (const one of both) await rejects(one, { code: "unavailable" });
  app.db.exec = exec;
  app.db.fault = null;
  deepEqual(tickets(app), []);
});

Deno.test("a full disk ends the whole transaction, whichever of its parts meets it", async () => {
  using app = bareApp();
  const both = [
    transactSoon(app, (tx) => enqueue(tx, job("a"))),
    transactSoon(app, () => {
      throw new Error("database or disk is full");
    }),
  ];
  for (const one of both) await rejects(one, { code: "unavailable" });
  deepEqual(tickets(app), []);
});

Deno.test("an asynchronous function is refused", async () => {
  using app = bareApp();
  await rejects(transactSoon(app, () => Promise.resolve()), /was given an async function/);
});
