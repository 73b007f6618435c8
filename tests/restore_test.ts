/** Putting a backup in the place of the database, and a kill at every moment of it. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal, throws } from "node:assert";
import { join } from "node:path";
import { copyDatabase, findDamage } from "../server/database_file.ts";
import { type Db, migrate, openDb } from "../server/db.ts";
import { AppError } from "../server/errors.ts";
import { migrations } from "../server/migrations/mod.ts";
import { finishRestore, restoreBackup, restoreSteps } from "../server/restore.ts";
import { tempDir } from "./gaffer.ts";

const NOW = "2026-01-02T03:04:05.678Z";
const NOW_MS = Date.parse(NOW);
const ASIDE = join("backups", "replaced-2026-01-02T030405.678Z");

function setState(db: Db, value: string): void {
  db.prepare(`INSERT INTO settings (key, value, updated_at) VALUES ('state', :value, :now)
    ON CONFLICT (key) DO UPDATE SET value = :value`).run({
    value: JSON.stringify(value),
    now: NOW,
  });
}

function stateOf(path: string): string {
  equal(findDamage(path, "full"), null);
  const db = openDb(path);
  try {
    return JSON.parse(
      String(db.prepare("SELECT value FROM settings WHERE key = 'state'").get()!.value),
    );
  } finally {
    db.close();
  }
}

interface Place extends AsyncDisposable {
  /** The data folder. */
  path: string;
  database: string;
  /** A backup, in a folder of its own. */
  backup: string;
  names(): string[];
}

/**
 * A backup with the state "old", and a data folder whose server was killed after it had saved "new": that
 * is in the write-ahead log alone.
 */
async function place(): Promise<Place> {
  const temp = await tempDir();
  const path = join(temp.path, "data");
  const scratch = join(temp.path, "scratch");
  const backup = join(temp.path, "backup.db");
  for (const folder of [path, scratch]) await Deno.mkdir(folder);
  const db = openDb(join(scratch, "gaffer.db"));
  migrate(db, NOW);
  setState(db, "old");
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  copyDatabase(join(scratch, "gaffer.db"), backup);
  setState(db, "new");
  for (const { name } of Deno.readDirSync(scratch)) {
    Deno.copyFileSync(join(scratch, name), join(path, name));
  }
  db.close();
  return {
    path,
    backup,
    database: join(path, "gaffer.db"),
    names: () => [...Deno.readDirSync(path)].map(({ name }) => name).sort(),
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

Deno.test("a backup takes the place of the database, which is kept with what was only in its log", async () => {
  await using p = await place();
  equal(restoreBackup(p.path, p.backup, NOW_MS), join(p.path, ASIDE));
  deepEqual(p.names(), ["backups", "gaffer.db"]);
  equal(stateOf(p.database), "old");
  equal(stateOf(join(p.path, ASIDE, "gaffer.db")), "new");
  equal(stateOf(p.backup), "old");
});

Deno.test("a restored database counts on from where the one before was: no number comes twice", async () => {
  await using p = await place();
  const project = (path: string, id: string, ideas: number, tickets: number, events: number) => {
    const db = openDb(path);
    db.prepare(`
      INSERT INTO projects (id, slug, name, path, base_branch, next_idea, next_ticket, created_at, updated_at)
      VALUES (:id, :id, :id, :id, 'main', :ideas, :tickets, :now, :now)
    `).run({ id, ideas, tickets, now: NOW });
    db.prepare(
      "INSERT INTO events (seq, at, actor, type, data) VALUES (:seq, :now, 'x', 'x', '{}')",
    )
      .run({ seq: events, now: NOW });
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    db.close();
  };
  project(p.backup, "project_a", 4, 9, 70);
  project(p.backup, "project_kept", 2, 2, 71);
  project(p.database, "project_a", 12, 7, 300);
  project(p.database, "project_gone", 5, 5, 301);
  restoreBackup(p.path, p.backup, NOW_MS);
  const db = openDb(p.database);
  try {
    deepEqual(
      db.prepare("SELECT id, next_idea, next_ticket FROM projects ORDER BY id").all()
        .map(({ id, next_idea, next_ticket }) => [id, next_idea, next_ticket]),
      [["project_a", 12, 9], ["project_kept", 2, 2]],
    );
    const { seq } = db.prepare(`
      INSERT INTO events (at, actor, type, data) VALUES (:now, 'x', 'x', '{}') RETURNING seq
    `).get({ now: NOW })!;
    equal(seq, 302, "open pages have seen all up to 301");
  } finally {
    db.close();
  }
  equal(findDamage(p.database, "full"), null);
});

Deno.test("what was put aside can be restored in turn", async () => {
  await using p = await place();
  const aside = restoreBackup(p.path, p.backup, NOW_MS)!;
  restoreBackup(p.path, join(aside, "gaffer.db"), NOW_MS + 1);
  equal(stateOf(p.database), "new");
});

Deno.test("a folder without a database gets the backup's, and nothing is put aside", async () => {
  await using p = await place();
  for (const name of p.names()) await Deno.remove(join(p.path, name));
  equal(restoreBackup(p.path, p.backup, NOW_MS), null);
  equal(stateOf(p.database), "old");
});

Deno.test("a database that is damaged beyond reading is put aside as it is", async () => {
  await using p = await place();
  await Deno.writeTextFile(p.database, "no database any more");
  await Deno.remove(`${p.database}-wal`);
  restoreBackup(p.path, p.backup, NOW_MS);
  equal(stateOf(p.database), "old");
  equal(await Deno.readTextFile(join(p.path, ASIDE, "gaffer.db")), "no database any more");
});

// ------------------------------------------------------------------ refusals

/** What a refused restore must leave: everything as it was. */
async function refused(
  p: Place,
  from: string,
  code: string,
  message: RegExp,
): Promise<void> {
  const before = await bytesOf(p);
  throws(() => restoreBackup(p.path, from, NOW_MS), (error: unknown) => {
    ok(error instanceof AppError);
    equal(error.code, code);
    match(error.message, message);
    return true;
  });
  deepEqual(await bytesOf(p), before);
}

async function bytesOf(p: Place): Promise<[string, string][]> {
  const digest = async (name: string) => {
    const bytes = await Deno.readFile(join(p.path, name));
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return [name, hash.toHex()] as [string, string];
  };
  // Whoever reads a database makes the index of its log anew.
  return await Promise.all(p.names().filter((name) => !name.endsWith("-shm")).map(digest));
}

Deno.test("a file that is missing, no file, or no database is refused, and nothing changes", async () => {
  await using p = await place();
  const text = join(p.path, "..", "text");
  await Deno.writeTextFile(text, "This is no database, but long enough. ".repeat(50));
  const empty = join(p.path, "..", "empty");
  await Deno.writeTextFile(empty, "");
  await refused(
    p,
    `${p.backup}.gone`,
    "invalid",
    /^Cannot restore .*gone: there is no such file\. Nothing/,
  );
  await refused(p, p.path, "invalid", /: it is no file\. Nothing was changed$/);
  await refused(p, text, "invalid", /: it is not a database\. Nothing was changed$/);
  await refused(p, empty, "invalid", /: it is not a database of Gaffer\. Nothing was changed$/);
  await refused(p, p.database, "invalid", /: it is the database that is in use\. Nothing was/);
});

Deno.test("another program's database is refused", async () => {
  await using p = await place();
  const other = join(p.path, "..", "other.db");
  const db = openDb(other);
  db.exec("CREATE TABLE migrations (id INTEGER PRIMARY KEY, migration TEXT)");
  db.close();
  await refused(p, other, "invalid", /it is not a database of Gaffer/);
});

Deno.test("a damaged backup is refused, wherever the damage is", async () => {
  await using p = await place();
  const whole = await Deno.readFile(p.backup);
  const bad = join(p.path, "..", "bad.db");
  const pages = Math.floor(whole.length / 4096);
  for (
    const at of [1, Math.floor(pages / 4), Math.floor(pages / 2), pages - 2].map((n) => n * 4096)
  ) {
    const bytes = whole.slice();
    bytes.fill(0x5a, at, at + 3_000);
    await Deno.writeFile(bad, bytes);
    await refused(p, bad, "invalid", /: it is damaged \(.+\)\. Nothing was changed$/);
  }
  await Deno.writeFile(bad, whole.subarray(0, 3 * 4096));
  await refused(p, bad, "invalid", /: it is damaged \(.+\)/);
});

Deno.test("the backup of a newer Gaffer is refused, that of an older one is not", async () => {
  await using p = await place();
  const other = join(p.path, "..", "other.db");
  const db = openDb(other);
  migrate(db, NOW, migrations.slice(0, 1));
  db.exec(`INSERT INTO settings (key, value, updated_at) VALUES ('state', '"older"', '${NOW}')`);
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const older = join(p.path, "..", "older.db");
  copyDatabase(other, older);
  db.exec(`INSERT INTO migrations VALUES (9999, '9999_later', '${NOW}')`);
  db.close();
  await refused(p, other, "conflict", /has the migration "9999_later".*Start the version that/);
  restoreBackup(p.path, older, NOW_MS);
  equal(stateOf(p.database), "older");
});

// ------------------------------------------------------------------ kills

Deno.test("a kill at any moment leaves the old database or the new one, and the next start notices", async () => {
  const outcomes: (string | null)[] = [];
  for (let kill = 0;; kill++) {
    await using p = await place();
    const steps = restoreSteps(p.path, p.backup, NOW_MS);
    if (kill > steps.length) break;
    for (const step of steps.slice(0, kill)) step();
    const left = finishRestore(p.path);
    outcomes.push(left);
    const state = stateOf(p.database);
    // The last step only makes sure that the note stays gone.
    const exchanged = left === "finished" || kill >= steps.length - 1;
    equal(state, exchanged ? "old" : "new", `kill ${kill}`);
    if (state === "old") equal(stateOf(join(p.path, ASIDE, "gaffer.db")), "new");
    deepEqual(
      p.names().filter((name) => !/^(backups|gaffer\.db(-wal|-shm)?)$/.test(name)),
      [],
      `kill ${kill}`,
    );
    equal(finishRestore(p.path), null, "there is nothing left to do");
  }
  // Not yet copied, copied, and from the note on until it is gone.
  deepEqual(outcomes.slice(0, 4), [null, null, null, "undone"]);
  deepEqual(new Set(outcomes.slice(4, -2)), new Set(["finished"]));
  deepEqual(outcomes.slice(-2), [null, null]);
});

Deno.test("a kill while a cut-off restore is being finished changes nothing about that", async () => {
  for (let first = 4; first < 13; first++) {
    for (const second of [1, 3, 5, 7]) {
      await using p = await place();
      for (const step of restoreSteps(p.path, p.backup, NOW_MS).slice(0, first)) step();
      // The same steps begin anew, as finishRestore does, and are cut off again.
      const again = restoreSteps(p.path, p.backup, NOW_MS).slice(4, 4 + second);
      if (await exists(`${p.database}.restoring`)) { for (const step of again) step(); }
      finishRestore(p.path);
      equal(stateOf(p.database), "old", `${first}, ${second}`);
      equal(stateOf(join(p.path, ASIDE, "gaffer.db")), "new", `${first}, ${second}`);
    }
  }
});

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

Deno.test("a half copy and a half note are no restore", async () => {
  await using p = await place();
  await Deno.writeTextFile(`${p.database}.restoring`, "SQLite format 3");
  await Deno.writeTextFile(join(p.path, "restore.json.part"), '{"aside": "backu');
  equal(finishRestore(p.path), "undone");
  equal(stateOf(p.database), "new");
  deepEqual(p.names(), ["gaffer.db"]);
});
