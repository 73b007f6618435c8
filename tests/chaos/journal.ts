/** A record of every move of every job, kept by the database itself, in the transaction that moves it. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";

/** Has the database of a data folder, which no server uses now, write down what becomes of each job. */
export function keepJournal(dataDir: string): void {
  const db = new DatabaseSync(join(dataDir, "gaffer.db"));
  db.exec(`
    CREATE TABLE job_moves (
      move INTEGER PRIMARY KEY AUTOINCREMENT,
      job_id INTEGER NOT NULL,
      came TEXT,
      went TEXT NOT NULL,
      boot TEXT,
      key TEXT,
      -- Whether its queue was paused.
      paused INTEGER NOT NULL DEFAULT 0,
      at_ms INTEGER NOT NULL
    ) STRICT;
    INSERT INTO job_moves (job_id, went, boot, key, at_ms)
      SELECT id, status, leased_by, concurrency_key, 0 FROM jobs ORDER BY id;
    CREATE TRIGGER job_made AFTER INSERT ON jobs BEGIN
      INSERT INTO job_moves (job_id, came, went, boot, key, at_ms)
      VALUES (NEW.id, NULL, NEW.status, NEW.leased_by, NEW.concurrency_key,
        CAST(unixepoch('subsec') * 1000 AS INTEGER));
    END;
    CREATE TRIGGER job_moved AFTER UPDATE OF status ON jobs WHEN NEW.status <> OLD.status BEGIN
      INSERT INTO job_moves (job_id, came, went, boot, key, paused, at_ms)
      VALUES (NEW.id, OLD.status, NEW.status, NEW.leased_by, NEW.concurrency_key,
        EXISTS (SELECT 1 FROM queue_pauses WHERE queue = NEW.queue),
        CAST(unixepoch('subsec') * 1000 AS INTEGER));
    END;`);
  db.close();
}
