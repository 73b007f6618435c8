/** Writes that share a COMMIT: what is asked for in one turn of the event loop. */
import { deepStrictEqual as deepEqual, match, rejects, strictEqual as equal } from "node:assert";
import { doApart, transact, transactSoon, type Tx, writeWaiting } from "../server/db.ts";
import { enqueue, listJobs } from "../queue/queue.ts";
import { actingAs } from "../server/app.ts";
import { bareApp } from "./bare_app.ts";
import { setImmediate } from "node:timers";

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

Deno.test("works of which none is refused are done once and need no savepoints, the others once more with them", async () => {
  using app = bareApp();
  const done: string[] = [];
  const save = (id: string) => (tx: Tx) => {
    done.push(id);
    enqueue(tx, job(id));
    if (id === "no") throw new Error("no");
  };
  const all = (ids: string[]) => Promise.allSettled(ids.map((id) => transactSoon(app, save(id))));
  await all(["a", "b"]);
  deepEqual(done.splice(0), ["a", "b"]);
  const [before, no, after] = await all(["c", "no", "d"]);
  deepEqual([before, no, after].map((one) => one!.status), ["fulfilled", "rejected", "fulfilled"]);
  deepEqual(done.splice(0), ["c", "no", "c", "no", "d"]);
  deepEqual(tickets(app), ["a", "b", "c", "d"]);
});

Deno.test("what a work keeps to itself of a part that was refused leaves nothing of the part", async () => {
  using app = bareApp();
  const refusals: unknown[] = [];
  const careless = (tx: Tx) => {
    try {
      doApart(tx, (part) => {
        part.emit({ type: "half" });
        throw new Error("no");
      }, { refused: (error) => refusals.push(error) });
    } catch {
      // As if nothing had happened.
    }
    tx.emit({ type: "careless" });
  };
  await Promise.all([
    transactSoon(app, careless),
    transactSoon(app, (tx) => void tx.emit({ type: "other" })),
  ]);
  const types = app.db.prepare("SELECT type FROM events ORDER BY seq").all().map((row) => row.type);
  deepEqual([types, refusals.length], [["careless", "other"], 1]);
});

Deno.test("a run's events are numbered without a gap, whatever is undone between them", async () => {
  using app = bareApp();
  const event = { type: "step", runId: "run_1" };
  const step = (tx: Tx) => tx.emit(event).number;
  equal(transact(app, step), 1);
  await rejects(transactSoon(app, (tx) => {
    step(tx);
    throw new Error("no");
  }));
  equal(transact(app, step), 2);
  transact(app, (tx) => {
    equal(step(tx), 3);
    doApart(tx, (part) => {
      equal(step(part), 4);
      throw new Error("no");
    }, { refused: () => {} });
    equal(step(tx), 4);
  });
  const settled = await Promise.allSettled([
    transactSoon(app, step),
    transactSoon(app, (tx) => {
      step(tx);
      throw new Error("no");
    }),
    transactSoon(app, step),
  ]);
  deepEqual(settled.map((one) => one.status === "fulfilled" ? one.value : null), [5, null, 6]);
  const { exec } = app.db;
  app.db.exec = (sql) => {
    if (sql === "COMMIT") throw new Error("database or disk is full");
    exec(sql);
  };
  await rejects(transactSoon(app, step), { code: "unavailable" });
  app.db.exec = exec;
  equal(transact(app, step), 7);
});

Deno.test("an asynchronous function is refused", async () => {
  using app = bareApp();
  await rejects(transactSoon(app, () => Promise.resolve()), /was given an async function/);
});

// ---------------------------------------------------------------- what may wait for a while

const AGES = { patienceMs: 1_000_000 };
const commits = (texts: string[]) => texts.filter((sql) => sql === "COMMIT").length;

Deno.test("what may wait is written with what comes next, before it, in one commit", async () => {
  using app = bareApp();
  const texts = executed(app);
  const first = transactSoon(app, (tx) => enqueue(tx, job("a")), AGES);
  await new Promise(setImmediate);
  deepEqual([tickets(app), commits(texts)], [[], 0]);
  const second = transactSoon(app, (tx) => enqueue(tx, job("b")), AGES);
  await transactSoon(app, (tx) => enqueue(tx, job("c")));
  await Promise.all([first, second]);
  deepEqual([tickets(app), commits(texts)], [["a", "b", "c"], 1]);
});

Deno.test("what may wait shares a commit that is due already", async () => {
  using app = bareApp();
  const texts = executed(app);
  const due = transactSoon(app, (tx) => enqueue(tx, job("a")));
  await Promise.all([due, transactSoon(app, (tx) => enqueue(tx, job("b")), AGES)]);
  deepEqual([tickets(app), commits(texts)], [["a", "b"], 1]);
});

Deno.test("what may wait comes before what is written at once: nothing overtakes it", async () => {
  using app = bareApp();
  const waits = transactSoon(app, (tx) => enqueue(tx, job("a")), AGES);
  transact(app, (tx) => enqueue(tx, job("b")));
  deepEqual(tickets(app), ["a", "b"]);
  await waits;
  const due = [
    transactSoon(app, (tx) => enqueue(tx, job("c")), AGES),
    transactSoon(app, (tx) => enqueue(tx, job("d"))),
  ];
  transact(app, (tx) => enqueue(tx, job("e")));
  deepEqual(tickets(app), ["a", "b", "c", "d", "e"]);
  await Promise.all(due);
});

Deno.test("what may wait is written by itself when nothing comes, and at once when it is asked for", async () => {
  using app = bareApp();
  await transactSoon(app, (tx) => enqueue(tx, job("a")), { patienceMs: 1 });
  deepEqual(tickets(app), ["a"]);
  const waits = transactSoon(app, (tx) => enqueue(tx, job("b")), AGES);
  writeWaiting(app.db);
  deepEqual(tickets(app), ["a", "b"]);
  await waits;
  writeWaiting(app.db); // nothing waits
});

Deno.test("what may wait and is refused leaves what comes next as it is", async () => {
  using app = bareApp();
  const refused = transactSoon(app, () => {
    throw new Error("no");
  }, AGES);
  const [no, yes] = await Promise.allSettled([
    refused,
    transactSoon(app, (tx) => enqueue(tx, job("b"))),
  ]);
  deepEqual([no.status, yes.status, tickets(app)], ["rejected", "fulfilled", ["b"]]);
});
