/** A start gets at its database: what it puts in order, what it makes first, and what it refuses to touch. */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { join } from "node:path";
import { type Backups, createBackups } from "../server/backup.ts";
import { type DataFolder, openDataFolder } from "../server/data_folder.ts";
import { readHistory } from "../server/database_file.ts";
import { type Db, openDb } from "../server/db.ts";
import { AppError } from "../server/errors.ts";
import type { Log } from "../server/log.ts";
import type { Migration } from "../server/migrations/mod.ts";
import { openDatabase } from "../server/open_database.ts";
import { restoreSteps } from "../server/restore.ts";
import { tempDir } from "./gaffer.ts";

const NOW = "2026-01-02T03:04:05.678Z";
const never = new AbortController().signal;

interface Place extends AsyncDisposable {
  path: string;
  database: string;
  folder: DataFolder;
  backups: Backups;
  lines: string[];
  open(steps?: readonly Migration[]): Promise<Db>;
  /** Ends the database as a server that was killed does, and takes the folder anew. */
  killed(): void;
}

async function place(): Promise<Place> {
  const temp = await tempDir();
  const lines: string[] = [];
  let nowMs = Date.parse(NOW);
  const say = (message: string) => void lines.push(message);
  const log: Log = { info: say, warn: say, error: say };
  const p: Place = {
    path: temp.path,
    database: join(temp.path, "gaffer.db"),
    folder: openDataFolder(temp.path, NOW),
    backups: createBackups({ dataDir: temp.path, nowMs: () => nowMs++ }),
    lines,
    open: (steps) => openDatabase({ folder: p.folder, backups: p.backups, log, steps }),
    killed() {
      p.folder.abandon();
      p.folder = openDataFolder(temp.path, NOW);
      ok(p.folder.unclean);
    },
    async [Symbol.asyncDispose]() {
      p.folder.release();
      await temp[Symbol.asyncDispose]();
    },
  };
  return p;
}

async function refusal(p: Place, steps?: readonly Migration[]): Promise<AppError> {
  try {
    (await p.open(steps)).close();
  } catch (error) {
    ok(error instanceof AppError, String(error));
    return error;
  }
  throw new Error("The database was opened");
}

const one = { name: "0001_notes", sql: "CREATE TABLE notes (text TEXT NOT NULL) STRICT" };
const two = { name: "0002_more", sql: "INSERT INTO notes VALUES ('by the second step')" };
const notes = (db: Db): unknown[] =>
  db.prepare("SELECT text FROM notes ORDER BY rowid").all().map(({ text }) => text);

/** The last page is of no use any more: nothing that a start reads by itself is on it. */
function damage(path: string): void {
  const bytes = Deno.readFileSync(path);
  bytes.fill(0x5a, bytes.length - 4096);
  Deno.writeFileSync(path, bytes);
}

// ------------------------------------------------------------------ in order

Deno.test("a new folder gets a database, for its owner alone, and no backup of nothing", async () => {
  await using p = await place();
  const db = await p.open();
  db.close();
  equal(Deno.statSync(p.database).mode! & 0o077, 0);
  deepEqual(p.backups.list(), []);
});

Deno.test("a database that is up to date is opened without a backup", async () => {
  await using p = await place();
  for (let n = 0; n < 2; n++) (await p.open([one])).close();
  deepEqual(p.backups.list(), []);
});

Deno.test("before an older database is brought up to date it is backed up as it was", async () => {
  await using p = await place();
  const before = await p.open([one]);
  before.exec("INSERT INTO notes VALUES ('mine')");
  before.close();
  const db = await p.open([one, two]);
  deepEqual(notes(db), ["mine", "by the second step"]);
  db.close();
  const [backup, ...more] = p.backups.list();
  deepEqual([backup!.kind, more.length], ["update", 0]);
  deepEqual(readHistory(backup!.path), ["0001_notes"]);
  const saved = openDb(backup!.path);
  deepEqual(notes(saved), ["mine"]);
  saved.close();
  match(p.lines.join("\n"), /was backed up before .*\n.*brought up to date/);
});

Deno.test("without a backup the database is not brought up to date", async () => {
  await using p = await place();
  (await p.open([one])).close();
  await Deno.writeTextFile(join(p.path, "backups"), "a file where the folder should be");
  match((await refusal(p, [one, two])).message, /^Cannot back up to .*exists/i);
  await Deno.remove(join(p.path, "backups"));
  const db = await p.open([one]);
  deepEqual(notes(db), [], "the step was not made");
  db.close();
});

Deno.test("a step that fails leaves the database as it was, and its backup", async () => {
  await using p = await place();
  (await p.open([one])).close();
  const wrong = { name: "0002_wrong", sql: "INSERT INTO notes VALUES ('half'); SELECT lacking" };
  await rejects(p.open([one, wrong]), /Cannot apply the migration "0002_wrong"/);
  const db = await p.open([one, two]);
  deepEqual(notes(db), ["by the second step"]);
  db.close();
});

Deno.test("the database of a newer Gaffer is refused before anything is done with it", async () => {
  await using p = await place();
  (await p.open([one, two])).close();
  const before = await Deno.readFile(p.database);
  const { code, message } = await refusal(p, [one]);
  equal(code, "conflict");
  match(message, /has the migration "0002_more", which this version of Gaffer does not know/);
  deepEqual(await Deno.readFile(p.database), before);
  deepEqual(p.backups.list(), []);
});

// ------------------------------------------------------------------ damage

Deno.test("after a kill damage is found, the newest good backup is named, and nothing is touched", async () => {
  await using p = await place();
  const db = await p.open();
  const insert = db.prepare("INSERT INTO settings VALUES (:key, :value, :now)");
  for (let n = 0; n < 500; n++) insert.run({ key: `key${n}`, value: '"some text"', now: NOW });
  const backup = await p.backups.make("daily", never);
  db.close();
  p.killed();
  damage(p.database);
  const before = await Deno.readFile(p.database);
  const { code, message } = await refusal(p);
  equal(code, "conflict");
  match(message, new RegExp(`^Cannot open the database ${p.database}: it is damaged \\(.+\\)\\. `));
  match(message, new RegExp(`It is left as it is\\. The newest good backup is of ${NOW}\\. `));
  ok(message.endsWith(`To restore it: gaffer restore ${backup.path} --data ${p.path}`), message);
  deepEqual(await Deno.readFile(p.database), before);
  match((await refusal(p)).message, /it is damaged/, "and so at every further start");
});

Deno.test("without a good backup what may still be done is said", async () => {
  await using p = await place();
  (await p.open()).close();
  await Deno.writeTextFile(p.database, "This is no database. ".repeat(300));
  const { message } = await refusal(p);
  match(
    message,
    /it is damaged \(file is not a database\)\. It is left as it is\. There is no good/,
  );
  match(message, /sqlite3 .*gaffer\.db \.recover$/);
  match(await Deno.readTextFile(p.database), /^This is no database/);
});

Deno.test("after a kill a database that is whole is opened with everything that was saved", async () => {
  await using p = await place();
  const db = await p.open([one]);
  db.exec("INSERT INTO notes VALUES ('saved')");
  // What a killed server leaves: the log beside the database.
  for (const name of ["gaffer.db", "gaffer.db-wal"]) {
    await Deno.copyFile(join(p.path, name), join(p.path, `${name}.kept`));
  }
  db.close();
  for (const name of ["gaffer.db", "gaffer.db-wal"]) {
    await Deno.rename(join(p.path, `${name}.kept`), join(p.path, name));
  }
  p.killed();
  const again = await p.open([one]);
  deepEqual(notes(again), ["saved"]);
  again.close();
});

Deno.test("a database that is gone or empty is no new one where there are backups or a log", async () => {
  for (const how of ["gone", "empty"] as const) {
    await using p = await place();
    (await p.open()).close();
    const { path } = await p.backups.make("daily", never);
    await Deno.remove(p.database);
    if (how === "empty") await Deno.writeTextFile(p.database, "");
    const { code, message } = await refusal(p);
    equal(code, "conflict");
    match(message, new RegExp(`it is ${how}, and there are backups\\. To restore it: gaffer rest`));
    ok(message.includes(path));
    match(message, /To begin anew, move the backups away$/);
    await Deno.remove(join(p.path, "backups"), { recursive: true });
    await Deno.writeTextFile(`${p.database}-wal`, "something");
    match((await refusal(p)).message, new RegExp(`it is ${how}, but its log .*-wal is there`));
    await Deno.remove(`${p.database}-wal`);
    (await p.open()).close();
  }
});

Deno.test("a path with a space is quoted in the command that is proposed", async () => {
  await using temp = await tempDir();
  const path = join(temp.path, "my data");
  const folder = openDataFolder(path, NOW);
  const backups = createBackups({ dataDir: path, nowMs: () => Date.parse(NOW) });
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const options = { folder, backups, log };
  (await openDatabase(options)).close();
  await backups.make("manual", never);
  await Deno.remove(join(path, "gaffer.db"));
  await rejects(
    openDatabase(options),
    (error: Error) => error.message.includes(`--data '${path}'`),
  );
  folder.release();
});

Deno.test("a database that can't be written is refused with what to do", async () => {
  await using p = await place();
  await Deno.mkdir(p.database);
  const { code, message } = await refusal(p);
  equal(code, "invalid");
  match(message, /^Cannot open the database .*: .*directory.*\. Give the user that runs Gaffer/i);
});

// ------------------------------------------------------------------ restores that were cut off

Deno.test("a restore that was cut off is finished, or the person is told that it changed nothing", async () => {
  await using p = await place();
  const db = await p.open([one]);
  db.exec("INSERT INTO notes VALUES ('old')");
  const { path } = await p.backups.make("manual", never);
  db.exec("INSERT INTO notes VALUES ('new')");
  db.close();
  const steps = restoreSteps(p.path, path, Date.parse(NOW));
  const history = [one];
  // Gaffer's own history is not the one of this database.
  const within = steps.filter((_, index) => index !== 1);
  for (const step of within.slice(0, 2)) step();
  const untouched = await p.open(history);
  deepEqual(notes(untouched), ["old", "new"]);
  untouched.close();
  match(p.lines.at(-1)!, /a restore was cut off before it changed anything: run it again/);
  for (const step of within.slice(0, 6)) step();
  const restored = await p.open(history);
  deepEqual(notes(restored), ["old"]);
  restored.close();
  match(p.lines.at(-1)!, /a restore that was cut off has been finished/);
});

Deno.test("a first start says nothing of migrations: there is nothing that they change", async () => {
  await using p = await place();
  (await p.open()).close();
  deepEqual(p.lines, []);
});
