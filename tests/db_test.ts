/** The database: how it is opened, brought up to date, and written to. */
import {
  deepStrictEqual as deepEqual,
  match,
  notStrictEqual as notEqual,
  ok,
  strictEqual as equal,
  throws,
} from "node:assert";
import { createHub, type HubMessage } from "../server/hub.ts";
import {
  migrate,
  newId,
  newTimedId,
  openDb,
  transact,
  type Transactor,
  within,
} from "../server/db.ts";
import { AppError } from "../server/errors.ts";
import { migrations } from "../server/migrations/mod.ts";
import { bareApp } from "./bare_app.ts";
import { tempDir } from "./gaffer.ts";
import { join } from "node:path";

const NOW = "2026-01-02T03:04:05.678Z";

// ------------------------------------------------------------------ opening

Deno.test("what was acknowledged survives a power cut, and foreign keys hold", async () => {
  await using temp = await tempDir();
  const db = openDb(`${temp.path}/gaffer.db`);
  const pragma = (name: string) => Object.values(db.prepare(`PRAGMA ${name}`).get()!)[0];
  equal(pragma("journal_mode"), "wal");
  equal(pragma("synchronous"), 2, "FULL");
  equal(pragma("foreign_keys"), 1);
  equal(pragma("trusted_schema"), 0);
  db.close();
});

Deno.test("one connection writes: only db.ts opens one, only a start does, and all others just read", async () => {
  const root = join(import.meta.dirname!, "..");
  const [opening, starting]: string[][] = [[], []];
  for (const folder of ["server", "server/store", "server/services", "queue", "agents"]) {
    for await (const { name, isFile } of Deno.readDir(join(root, folder))) {
      if (!isFile) continue;
      const text = await Deno.readTextFile(join(root, folder, name));
      for (const [, how] of text.matchAll(/new DatabaseSync\((.*)\)/g)) {
        opening!.push(`${name}${how!.includes("readOnly: true") ? " reads" : " writes"}`);
      }
      if (/[^.\w]openDb\(/.test(text.replace("function openDb(", ""))) starting!.push(name);
    }
  }
  // The other one is of a restore, to a copy that is nobody's database yet.
  const written = ["database_file.ts writes", "db.ts writes"];
  deepEqual(opening!.sort(), ["database_file.ts reads", ...written]);
  deepEqual(starting, ["open_database.ts"]);
});

Deno.test("a write waits for another process's lock instead of failing at once", async () => {
  await using temp = await tempDir();
  const path = `${temp.path}/gaffer.db`;
  const db = openDb(path);
  db.exec("CREATE TABLE notes (text TEXT) STRICT");
  const other = new Worker(new URL("fixtures/lock_database.ts", import.meta.url), {
    type: "module",
  });
  const locked = new Promise((resolve) => other.onmessage = resolve);
  other.postMessage(path);
  await locked;
  // It holds the lock for a while that it measures itself: this thread waits inside of SQLite now.
  db.prepare("INSERT INTO notes VALUES (:text)").run({ text: "ours" });
  deepEqual(db.prepare("SELECT text FROM notes ORDER BY rowid").all().map((row) => row.text), [
    "theirs",
    "ours",
  ]);
  other.terminate();
  db.close();
});

// ------------------------------------------------------------------ migrations

const steps = [
  { name: "0001_notes", sql: "CREATE TABLE notes (text TEXT NOT NULL) STRICT;" },
  {
    name: "0002_first",
    sql: "INSERT INTO notes VALUES ('first'); INSERT INTO notes VALUES ('second');",
  },
];

function notes(db: ReturnType<typeof openDb>): unknown[] {
  return db.prepare("SELECT text FROM notes ORDER BY rowid").all().map((row) => row.text);
}

Deno.test("an empty database gets all steps in order, and each only once", () => {
  const db = openDb(":memory:");
  deepEqual(migrate(db, NOW, steps), ["0001_notes", "0002_first"]);
  deepEqual(migrate(db, NOW, steps), []);
  deepEqual(notes(db), ["first", "second"]);
  deepEqual(
    db.prepare("SELECT number, name, applied_at FROM migrations").all().map((row) => ({ ...row })),
    [
      { number: 1, name: "0001_notes", applied_at: NOW },
      { number: 2, name: "0002_first", applied_at: NOW },
    ],
  );
  db.close();
});

Deno.test("an older database gets only what it lacks", () => {
  const db = openDb(":memory:");
  migrate(db, NOW, steps.slice(0, 1));
  db.exec("INSERT INTO notes VALUES ('mine')");
  deepEqual(migrate(db, NOW, steps), ["0002_first"]);
  deepEqual(notes(db), ["mine", "first", "second"]);
  db.close();
});

Deno.test("a step that fails leaves the database as the step before made it", () => {
  const db = openDb(":memory:");
  const wrong = { name: "0003_wrong", sql: "INSERT INTO notes VALUES ('half'); SELECT lacking;" };
  throws(() => migrate(db, NOW, [...steps, wrong]), (error: unknown) => {
    ok(error instanceof Error && error.cause instanceof Error);
    equal(error.message, 'Cannot apply the migration "0003_wrong"');
    match(error.cause.message, /no such column: lacking/);
    return true;
  });
  equal(db.inTransaction, false);
  deepEqual(notes(db), ["first", "second"]);
  deepEqual(migrate(db, NOW, [...steps, { ...wrong, sql: "DELETE FROM notes" }]), ["0003_wrong"]);
  deepEqual(notes(db), []);
  db.close();
});

Deno.test("a database that a newer Gaffer wrote is refused and left as it is", async () => {
  await using temp = await tempDir();
  const path = `${temp.path}/gaffer.db`;
  const newer = openDb(path);
  migrate(newer, NOW, steps);
  newer.close();
  const db = openDb(path);
  throws(() => migrate(db, NOW, steps.slice(0, 1)), (error: unknown) => {
    ok(error instanceof AppError);
    equal(error.code, "conflict");
    match(error.message, /has the migration "0002_first", which this version .* does not know/);
    match(error.message, /Start the version that made it, or a newer one/);
    return true;
  });
  deepEqual(notes(db), ["first", "second"]);
  equal(db.prepare("SELECT count(*) AS n FROM migrations").get()!.n, 2);
  db.close();
});

Deno.test("a database with another history is refused", () => {
  const db = openDb(":memory:");
  migrate(db, NOW, steps);
  const [first, second] = steps;
  throws(() => migrate(db, NOW, [{ ...first!, name: "0001_others" }, second!]), {
    code: "conflict",
    message: /"0001_notes"/,
  });
  db.close();
});

Deno.test("the steps that Gaffer brings along fit together and have each a name of its own", () => {
  const db = openDb(":memory:");
  const names = migrations.map((step) => step.name);
  deepEqual(migrate(db, NOW), names);
  equal(new Set(names).size, names.length);
  deepEqual(db.prepare("PRAGMA foreign_key_check").all(), []);
  deepEqual({ ...db.prepare("PRAGMA integrity_check").get() }, { integrity_check: "ok" });
  db.close();
});

// ------------------------------------------------------------------ transact()

interface Writing extends Transactor, Disposable {
  messages: HubMessage[];
  settings(): unknown[];
}

function writing(): Writing {
  const db = openDb(":memory:");
  migrate(db, NOW);
  const hub = createHub((error) => {
    throw error;
  });
  const messages: HubMessage[] = [];
  hub.subscribe((message) => messages.push(message));
  return {
    db,
    hub,
    messages,
    clock: { nowMs: () => Date.parse(NOW) },
    actor: "owner",
    settings: () => db.prepare("SELECT key FROM settings ORDER BY key").all().map((row) => row.key),
    [Symbol.dispose]: () => db.close(),
  };
}

const SET = "INSERT INTO settings (key, value, updated_at) VALUES (:key, '1', :now)";

Deno.test("transact() writes everything at one time, and tells of it afterwards", () => {
  using app = writing();
  const order: string[] = [];
  app.hub.subscribe(() => order.push("published"));
  const given = transact(app, (tx) => {
    tx.afterCommit(() => order.push(`after commit, in transaction: ${app.db.inTransaction}`));
    tx.db.prepare(SET).run({ key: "a", now: tx.now });
    tx.emit({ type: "agents_held", data: { reason: "billing" } });
    order.push("written");
    equal(tx.now, NOW);
    equal(tx.nowMs, Date.parse(NOW));
    equal(app.messages.length, 0, "nothing is told before it is on disk");
    return "given back";
  });
  equal(given, "given back");
  deepEqual(app.settings(), ["a"]);
  deepEqual(order, ["written", "published", "after commit, in transaction: false"]);
  deepEqual(app.messages, [{
    kind: "event",
    event: {
      seq: 1,
      at: NOW,
      actor: "owner",
      type: "agents_held",
      projectId: null,
      ideaId: null,
      ticketId: null,
      runId: null,
      number: null,
      data: { reason: "billing" },
    },
  }]);
});

Deno.test("when the work throws, nothing of it is left and nobody hears of it", () => {
  using app = writing();
  let called = false;
  const fault = new Error("in the middle");
  throws(
    () =>
      transact(app, (tx) => {
        tx.afterCommit(() => called = true);
        tx.db.prepare(SET).run({ key: "a", now: tx.now });
        tx.emit({ type: "agents_held" });
        throw fault;
      }),
    (error) => error === fault,
  );
  deepEqual(app.settings(), []);
  equal(app.db.prepare("SELECT count(*) AS n FROM events").get()!.n, 0);
  deepEqual(app.messages, []);
  equal(called, false);
  equal(app.db.inTransaction, false);
});

Deno.test("a statement that the database refuses takes the whole transaction back", () => {
  using app = writing();
  throws(
    () =>
      transact(app, (tx) => {
        tx.db.prepare(SET).run({ key: "a", now: tx.now });
        tx.db.prepare(SET).run({ key: "a", now: tx.now });
      }),
    /UNIQUE constraint failed/,
  );
  deepEqual(app.settings(), []);
  transact(app, (tx) => tx.db.prepare(SET).run({ key: "b", now: tx.now }));
  deepEqual(app.settings(), ["b"], "the next one works");
});

Deno.test("a transaction inside another is refused, and takes the outer one with it", () => {
  using app = writing();
  throws(
    () =>
      transact(app, (tx) => {
        tx.db.prepare(SET).run({ key: "a", now: tx.now });
        transact(app, () => {});
      }),
    /transact\(\) inside transact\(\): pass the Tx on instead/,
  );
  deepEqual(app.settings(), []);
  equal(app.db.inTransaction, false);
});

Deno.test("within(): what several verbs write is one transaction, under each one's name, and told after it", () => {
  using app = writing();
  const heard: string[] = [];
  app.hub.subscribe((message) =>
    message.kind === "event" && heard.push(`${message.event.actor} ${message.event.type}`)
  );
  const note = (as: Transactor, key: string) =>
    transact(as, (tx) => {
      tx.db.prepare(SET).run({ key, now: tx.now });
      tx.emit({ type: key });
      if (key === "bad") throw new Error("no");
    });
  const work = (fails: boolean) =>
    transact(app, (tx) => {
      note(within(tx, app), "a");
      note(within(tx, { ...app, actor: "developer" }), "b");
      throws(() => note(within(tx, app), "bad"), /^Error: no$/);
      deepEqual([app.settings(), heard], [["a", "b"], []], "of what threw, nothing is left");
      if (fails) throw new Error("in the end");
    });
  throws(() => work(true), /in the end/);
  deepEqual([app.settings(), heard], [[], []]);
  work(false);
  deepEqual([app.settings(), heard], [["a", "b"], ["owner a", "developer b"]]);
});

Deno.test("within(): what comes after the end of the transaction is refused", () => {
  using app = writing();
  const late = transact(app, (tx) => within(tx, app));
  throws(() => transact(late, () => {}), /The transaction that this was to be part of is over/);
});

Deno.test("an async function is refused, and what it wrote before its first await is taken back", () => {
  using app = writing();
  throws(
    () =>
      transact(app, async (tx) => {
        tx.db.prepare(SET).run({ key: "a", now: tx.now });
        await Promise.resolve();
      }),
    /transact\(\) was given an async function/,
  );
  deepEqual(app.settings(), []);
});

Deno.test("events are numbered through all, and from 1 in each run", () => {
  using app = writing();
  const numbers = transact(
    app,
    (tx) =>
      [undefined, "run_a", "run_b", "run_a", undefined, "run_a"].map((runId) => {
        const { seq, number } = tx.emit({ type: "note", ...(runId ? { runId } : {}) });
        return [seq, number];
      }),
  );
  deepEqual(numbers, [[1, null], [2, 1], [3, 1], [4, 2], [5, null], [6, 3]]);
  deepEqual(transact(app, (tx) => tx.emit({ type: "note", runId: "run_b" }).number), 2);
});

Deno.test("a number that was taken back is not missed: the next event has it", () => {
  using app = writing();
  const emit = (fails: boolean) =>
    transact(app, (tx) => {
      const { seq, number } = tx.emit({ type: "note", runId: "run_a" });
      if (fails) throw new Error("fails");
      return [seq, number];
    });
  deepEqual(emit(false), [1, 1]);
  throws(() => emit(true));
  deepEqual(emit(false), [2, 2]);
});

Deno.test("an event's data comes back as it was given", () => {
  using app = writing();
  const data = { text: "“quoted”, \\ and \u0000", list: [1, null, { deep: true }] };
  transact(app, (tx) => tx.emit({ type: "note", data }));
  deepEqual(JSON.parse(String(app.db.prepare("SELECT data FROM events").get()!.data)), data);
});

// ------------------------------------------------------------------ ids

Deno.test("ids say what they are of, have one length, and never repeat", () => {
  const ids = Array.from({ length: 1_000 }, () => newId("idea"));
  for (const id of ids) match(id, /^idea_[0-9a-z]{16}$/);
  equal(new Set(ids).size, ids.length);
  notEqual(newId("run").slice(4), newId("run").slice(4));
});

Deno.test("a statement takes its values by name, however often and wherever the names stand", () => {
  using app = bareApp();
  const { db } = app;
  const statement = db.prepare(`
    SELECT :b AS b, :a AS a, :b AS again, ':c' AS text, ":d" AS quoted -- :e
      /* :f */ FROM (SELECT 1 AS ":d") WHERE :a = 'x'
  `);
  const row = { b: 2, a: "x", again: 2, text: ":c", quoted: 1 };
  deepEqual({ ...statement.get({ a: "x", b: 2 }) }, row);
  deepEqual({ ...statement.get({ b: 2, a: "x" }) }, row);
  equal(statement.get({ b: 2 }), undefined, "what is not given is NULL");
});

Deno.test("a statement refuses a value of no parameter, and one that is undefined", () => {
  using app = bareApp();
  const { db } = app;
  throws(() => db.prepare("SELECT :a").get({ b: 1 }), /no such parameter/);
  throws(() => db.prepare("SELECT :a + 1").get({ a: undefined as never }), /undefined/);
});

Deno.test("newTimedId() gives ids of the same form that are in the order of their moments", () => {
  const moments = [0, 1, Date.parse("2026-11-27"), Date.parse("2026-11-27") + 1, 2 ** 42 - 1];
  const ids = moments.map((ms) => newTimedId("run", ms));
  for (const id of ids) match(id, /^run_[0-9a-z]{16}$/);
  deepEqual(ids.toSorted(), ids);
  const sameMoment = Array.from({ length: 1_000 }, () => newTimedId("run", moments[2]!));
  equal(new Set(sameMoment).size, 1_000);
});
