/** Backups: copies of the database that are made while it is used, checked, and thrown away when they are old. */
import {
  deepStrictEqual as deepEqual,
  match,
  notStrictEqual as notEqual,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { join } from "node:path";
import { type Backup, createBackups, listBackups, newestGoodBackup } from "../server/backup.ts";
import { DAYS_KEPT, superfluous, UPDATES_KEPT, WEEKS_KEPT, writeBackup } from "../server/backup.ts";
import { type Copy, copyHere, copyInThread } from "../server/backup_copy.ts";
import { DAY_MS, HOUR_MS } from "../server/clock.ts";
import { copyDatabase, findDamage, readHistory } from "../server/database_file.ts";
import { type Db, migrate, openDb } from "../server/db.ts";
import { migrations } from "../server/migrations/mod.ts";
import { tempDir } from "./gaffer.ts";

const NOW = "2026-01-02T03:04:05.678Z";
const NOW_MS = Date.parse(NOW);
const never = new AbortController().signal;
const inThread = copyInThread(new URL("../server/backup_worker.ts", import.meta.url));

interface Place extends AsyncDisposable {
  path: string;
  database: string;
  db: Db;
  names(): string[];
}

/** A data folder with a database in use that holds `bytes` of text. */
async function place(bytes = 0): Promise<Place> {
  const temp = await tempDir();
  const database = join(temp.path, "gaffer.db");
  const db = openDb(database);
  migrate(db, NOW);
  for (let at = 0; at < bytes; at += 1_000) note(db, `${at} ${"x".repeat(1_000)}`);
  return {
    path: temp.path,
    database,
    db,
    names: () => [...Deno.readDirSync(join(temp.path, "backups"))].map(({ name }) => name).sort(),
    async [Symbol.asyncDispose]() {
      db.close();
      await temp[Symbol.asyncDispose]();
    },
  };
}

function note(db: Db, value: string): void {
  db.prepare("INSERT INTO settings (key, value, updated_at) VALUES (:key, :value, :now)")
    .run({ key: crypto.randomUUID(), value: JSON.stringify(value), now: NOW });
}

function notesIn(path: string): number {
  const db = openDb(path);
  try {
    return Number(db.prepare("SELECT count(*) AS n FROM settings").get()!.n);
  } finally {
    db.close();
  }
}

/** Overwrites the middle of every page behind the schema. */
function damage(path: string): void {
  const bytes = Deno.readFileSync(path);
  for (let at = 3 * 4096; at < bytes.length; at += 4096) bytes.fill(0x5a, at + 8, at + 2_000);
  Deno.writeFileSync(path, bytes);
}

// ------------------------------------------------------------------ one backup

for (const [where, copy] of [["here", copyHere], ["in a thread", inThread]] as const) {
  Deno.test(`made ${where}, a backup holds everything that was saved, in one file, for its owner alone`, async () => {
    await using p = await place();
    note(p.db, "still in the write-ahead log");
    const backups = createBackups({ dataDir: p.path, nowMs: () => NOW_MS, copy });
    const backup = await backups.make("manual", never);
    deepEqual(p.names(), ["gaffer-2026-01-02T030405.678Z-manual.db"]);
    deepEqual(backup, {
      name: "gaffer-2026-01-02T030405.678Z-manual.db",
      path: join(p.path, "backups", "gaffer-2026-01-02T030405.678Z-manual.db"),
      kind: "manual",
      madeAt: NOW,
      bytes: Deno.statSync(backup.path).size,
    });
    deepEqual(backups.list(), [backup]);
    equal(backups.failure, null);
    equal(Deno.statSync(backup.path).mode! & 0o077, 0);
    equal(findDamage(backup.path, "full"), null);
    deepEqual(readHistory(backup.path), migrations.map(({ name }) => name));
    equal(notesIn(backup.path), 1);
  });
}

Deno.test("the server goes on while a thread copies: what is written meanwhile is not waited for", async () => {
  await using p = await place(1_500_000);
  const before = notesIn(p.database);
  let copying = true;
  const copied = inThread(p.database, join(p.path, "copy.db"), never).finally(() =>
    copying = false
  );
  let writes = 0;
  while (copying) {
    note(p.db, "meanwhile");
    writes++;
    await new Promise((resolve) => setTimeout(resolve));
  }
  equal(await copied, null);
  ok(writes > 2, `${writes} writes`); // waited for, there would be one
  const inCopy = notesIn(join(p.path, "copy.db"));
  ok(inCopy >= before && inCopy <= before + writes);
  equal(notesIn(p.database), before + writes);
});

Deno.test("an existing file is not overwritten", async () => {
  await using p = await place();
  const to = join(p.path, "mine.db");
  await Deno.writeTextFile(to, "mine");
  await rejects(writeBackup(p.database, to, copyHere, never), {
    code: "conflict",
    message: `Cannot back up to ${to}: it exists. Name another file`,
  });
  equal(await Deno.readTextFile(to), "mine");
});

Deno.test("a folder that is not there is named", async () => {
  await using p = await place();
  const to = join(p.path, "nowhere", "mine.db");
  await rejects(writeBackup(p.database, to, copyHere, never), {
    code: "invalid",
    message: /^Cannot back up to .*nowhere: there is no such folder\. Make it first$/,
  });
});

// ------------------------------------------------------------------ what can go wrong

/** Copies half of it and then fails. */
const failing = (message: string): Copy => async (from, to) => {
  await Deno.writeFile(to, (await Deno.readFile(from)).subarray(0, 4096));
  throw new Error(message);
};

Deno.test("a backup that fails leaves nothing, says why, and the one before stays", async () => {
  for (const kind of ["daily", "manual"] as const) {
    await using p = await place();
    let copy: Copy = copyHere;
    let nowMs = NOW_MS;
    const options = { dataDir: p.path, nowMs: () => nowMs, copy: ((...a) => copy(...a)) as Copy };
    const backups = createBackups(options);
    const good = await backups.make(kind, never);
    nowMs += DAY_MS;
    copy = failing("database or disk is full");
    await rejects(backups.make(kind, never), {
      code: "unavailable",
      message: /^Cannot back up to .*: the disk with the data folder is full\. Free some space/,
    });
    deepEqual(p.names(), [good.name]);
    match(backups.failure!.message, /disk with the data folder is full/);
    equal(backups.failure!.at, "2026-01-03T03:04:05.678Z");
    copy = copyHere;
    await backups.make(kind, never);
    equal(backups.failure, null);
    equal(p.names().length, 2);
  }
});

Deno.test("what the thread meets is told as well, and of its half copy nothing is left", async () => {
  await using p = await place();
  const to = join(p.path, "copy.db");
  await rejects(inThread(join(p.path, "nothing.db"), to, never), /No such file or directory/);
  await rejects(Deno.stat(to), Deno.errors.NotFound);
  const broken = copyInThread(new URL(`data:text/javascript,throw new Error("out of paper")`));
  await rejects(broken(p.database, to, never), /the thread that copies failed: .*out of paper/);
});

Deno.test("a damaged database is not taken for a backup, and what to do is said", async () => {
  await using p = await place(200_000);
  p.db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const backups = createBackups({ dataDir: p.path, nowMs: () => NOW_MS });
  const good = await backups.make("update", never);
  damage(p.database);
  notEqual(findDamage(p.database, "full"), null);
  await rejects(backups.make("daily", never), {
    code: "conflict",
    message: /^Cannot back up: the database is damaged \(.+\)\. Stop Gaffer and restore the newest/,
  });
  deepEqual(p.names(), [good.name]);
});

Deno.test("a copy that turns out to be damaged gets no name", async () => {
  await using p = await place();
  const copy: Copy = async (from, to, signal) => {
    await copyHere(from, to, signal);
    return "row 7 missing from index ideas_by_time";
  };
  const backups = createBackups({ dataDir: p.path, nowMs: () => NOW_MS, copy });
  await rejects(backups.make("daily", never), /damaged \(row 7 missing from index ideas_by_time\)/);
  deepEqual(p.names(), []);
});

Deno.test("one at a time: a second one is refused while the first is made", async () => {
  await using p = await place();
  const held = Promise.withResolvers<void>();
  const copy: Copy = async (...args) => {
    await held.promise;
    return await copyHere(...args);
  };
  const backups = createBackups({ dataDir: p.path, nowMs: () => NOW_MS, copy });
  const first = backups.make("daily", never);
  await rejects(backups.make("manual", never), { code: "conflict", message: /is being made/ });
  held.resolve();
  await first;
  deepEqual(p.names(), ["gaffer-2026-01-02T030405.678Z-daily.db"]);
});

Deno.test("a backup that is stopped is no failure, and leaves nothing behind", async () => {
  await using p = await place(500_000);
  const stop = new AbortController();
  const backups = createBackups({ dataDir: p.path, nowMs: () => NOW_MS, copy: inThread });
  const made = backups.make("daily", stop.signal);
  stop.abort(new Error("Gaffer stops"));
  await rejects(made, /Gaffer stops/);
  equal(backups.failure, null);
  deepEqual(p.names(), []);
});

Deno.test("what a killed process left half made is removed, what another is making is not", async () => {
  await using p = await place();
  const folder = join(p.path, "backups");
  await Deno.mkdir(folder);
  const left = "gaffer-2026-01-01T030405.678Z-daily.db.part";
  const journal = `${left}-journal`;
  const others = ["gaffer-2026-01-02T030300.000Z-manual.db.part", "mine.db.part"];
  for (const name of [left, journal, ...others]) {
    await Deno.writeTextFile(join(folder, name), "half");
  }
  const old = new Date(NOW_MS - 2 * HOUR_MS);
  const fresh = new Date(NOW_MS - 1_000);
  for (const name of [left, journal]) await Deno.utime(join(folder, name), old, old);
  await Deno.utime(join(folder, others[0]!), fresh, fresh);
  await Deno.utime(join(folder, others[1]!), old, old);
  const { name } = await createBackups({ dataDir: p.path, nowMs: () => NOW_MS })
    .make("daily", never);
  deepEqual(p.names(), [name, ...others].sort());
});

Deno.test("files that are none of ours are no backups", async () => {
  await using p = await place();
  deepEqual(listBackups(p.path), [], "there is not even a folder");
  await Deno.mkdir(join(p.path, "backups", "gaffer-2026-01-02T030405.678Z-daily.db"), {
    recursive: true,
  });
  for (const name of ["gaffer.db", "gaffer-2026-01-02T030405.678Z-daily.db.part", "notes.txt"]) {
    await Deno.writeTextFile(join(p.path, "backups", name), "");
  }
  deepEqual(listBackups(p.path), []);
});

Deno.test("the newest good backup is the newest that is not damaged itself", async () => {
  await using p = await place(200_000);
  let nowMs = NOW_MS;
  const backups = createBackups({ dataDir: p.path, nowMs: () => nowMs++ });
  const made = [];
  for (let n = 0; n < 3; n++) made.push(await backups.make("manual", never));
  deepEqual(backups.list(), made.toReversed());
  damage(made[2]!.path);
  await Deno.writeTextFile(made[1]!.path, "not a database at all");
  deepEqual(newestGoodBackup(p.path), made[0]);
  await Deno.remove(made[0]!.path);
  equal(newestGoodBackup(p.path), null);
});

// ------------------------------------------------------------------ rotation

const backup = (kind: Backup["kind"], atMs: number): Backup => {
  const madeAt = new Date(atMs).toISOString();
  return { name: `${madeAt} ${kind}`, path: "", kind, madeAt, bytes: 1 };
};
const newestFirst = (backups: Backup[]): Backup[] =>
  backups.toSorted((a, b) => a.madeAt < b.madeAt ? 1 : -1);

Deno.test("of the scheduled ones the newest of 7 days and of 4 weeks stay", () => {
  // A Friday; two a day, for two months.
  const all = newestFirst(
    Array.from({ length: 120 }, (_, n) => backup("daily", NOW_MS - n * 12 * HOUR_MS)),
  );
  const gone = new Set(superfluous(all, NOW_MS));
  const kept = all.filter((one) => !gone.has(one)).map(({ madeAt }) => madeAt.slice(0, 13));
  deepEqual(kept, [
    "2026-01-02T03",
    "2026-01-01T15",
    "2025-12-31T15",
    "2025-12-30T15",
    "2025-12-29T15",
    "2025-12-28T15", // the Sunday that ended the week before
    "2025-12-27T15",
    "2025-12-21T15",
    "2025-12-14T15",
  ]);
  ok(kept.length <= DAYS_KEPT + WEEKS_KEPT);
});

Deno.test("day after day, there are never more, and nothing goes that is needed later", () => {
  let kept: Backup[] = [];
  for (let day = 0; day < 400; day++) {
    kept = newestFirst([...kept, backup("daily", NOW_MS + day * DAY_MS)]);
    const gone = new Set(superfluous(kept, NOW_MS + day * DAY_MS));
    kept = kept.filter((one) => !gone.has(one));
    ok(kept.length <= DAYS_KEPT + WEEKS_KEPT);
    const ages = kept.map(({ madeAt }) =>
      Math.round((NOW_MS + day * DAY_MS - Date.parse(madeAt)) / DAY_MS)
    );
    deepEqual(ages.slice(0, 7), [0, 1, 2, 3, 4, 5, 6].slice(0, day + 1));
    if (day > 40) ok(ages.at(-1)! >= 15, `the oldest is of ${ages.at(-1)} days ago`);
  }
});

Deno.test("a machine that was off for months keeps what it has", () => {
  const old = [0, 1, 2].map((day) => backup("daily", NOW_MS - (200 + day) * DAY_MS));
  deepEqual(superfluous(newestFirst([...old, backup("daily", NOW_MS)]), NOW_MS), []);
});

Deno.test("those of a clock that was wrong push none out, and are not pushed out", () => {
  const wrong = Array.from(
    { length: 20 },
    (_, day) => backup("daily", NOW_MS + (400 + day) * DAY_MS),
  );
  const right = Array.from({ length: 5 }, (_, day) => backup("daily", NOW_MS - day * DAY_MS));
  deepEqual(superfluous(newestFirst([...wrong, ...right]), NOW_MS), []);
});

Deno.test("of those before updates the newest 3 stay, those that were asked for all of them", () => {
  const all = newestFirst([
    ...Array.from({ length: 6 }, (_, n) => backup("update", NOW_MS - n * HOUR_MS)),
    ...Array.from({ length: 30 }, (_, n) => backup("manual", NOW_MS - n * DAY_MS)),
  ]);
  const gone = superfluous(all, NOW_MS);
  deepEqual(gone.map(({ kind }) => kind), Array(6 - UPDATES_KEPT).fill("update"));
  ok(gone.every(({ madeAt }) => Date.parse(madeAt) <= NOW_MS - UPDATES_KEPT * HOUR_MS));
});

Deno.test("a new backup takes the place of those that nobody needs any more", async () => {
  await using p = await place();
  let nowMs = NOW_MS;
  const backups = createBackups({ dataDir: p.path, nowMs: () => nowMs });
  for (let n = 0; n < 3; n++) {
    await backups.make("daily", never);
    nowMs += HOUR_MS;
  }
  deepEqual(backups.list().map(({ madeAt }) => madeAt), ["2026-01-02T05:04:05.678Z"]);
});

// ------------------------------------------------------------------ files

Deno.test("a copy that could not be made is not there", async () => {
  await using p = await place();
  const to = join(p.path, "copy.db");
  await Deno.writeTextFile(
    join(p.path, "text"),
    "This is no database, but long enough. ".repeat(9),
  );
  for (const from of ["text", "nothing"]) {
    try {
      copyDatabase(join(p.path, from), to);
      throw new Error("it was copied");
    } catch (error) {
      match(String(error), /not a database|No such file/);
    }
    await rejects(Deno.stat(to), Deno.errors.NotFound);
  }
});

Deno.test("other programs' databases are told from Gaffer's", async () => {
  await using temp = await tempDir();
  const cases: [string, string][] = [
    ["empty", ""],
    ["other", "CREATE TABLE things (x TEXT)"],
    ["laravel", "CREATE TABLE migrations (id INTEGER, migration TEXT, batch INTEGER)"],
  ];
  for (const [name, sql] of cases) {
    const path = join(temp.path, name);
    const db = openDb(path);
    db.exec(sql);
    db.close();
    equal(readHistory(path), null, name);
  }
});
