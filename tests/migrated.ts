/**
 * A database with today's schema, without its history: 25 migrations take thirty times as long as a copy of what they
 * make. They are what db_test.ts and the tests of each are about.
 */
import { join } from "node:path";
import { timeText } from "../server/clock.ts";
import { type Db, migrate, openDb } from "../server/db.ts";

let image: Uint8Array<ArrayBuffer> | undefined;

/** Opens a database in memory, or a file: one that exists is brought up to date as a start does it. */
export function migratedDb(path: string, nowMs: number): Db {
  image ??= makeImage(timeText(nowMs));
  if (path === ":memory:") return openDb(path, image);
  try {
    Deno.writeFileSync(path, image, { createNew: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  const db = openDb(path);
  migrate(db, timeText(nowMs));
  return db;
}

/** Where a database's file says how it is written and read: 1 in the one way, 2 with a log beside it. */
const [WRITE_VERSION, READ_VERSION] = [18, 19];

function makeImage(now: string): Uint8Array<ArrayBuffer> {
  const dir = Deno.makeTempDirSync({ prefix: "gaffer-schema-" });
  try {
    const path = join(dir, "gaffer.db");
    const db = openDb(path);
    db.exec("PRAGMA synchronous = OFF");
    migrate(db, now);
    db.close();
    const bytes = Deno.readFileSync(path);
    bytes[WRITE_VERSION] = bytes[READ_VERSION] = 1;
    return bytes;
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}
