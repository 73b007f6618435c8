/**
 * What has been changed in the agents' memories: the files are the truth, these rows are their history. A run's own
 * change is there once, whatever became of the server in between.
 */
import type { Migration } from "./migration.ts";

export const memory: Migration = {
  name: "0007_memory",
  sql: `
CREATE TABLE memory_changes (
  id TEXT PRIMARY KEY,
  memory TEXT NOT NULL,
  path TEXT NOT NULL,
  diff TEXT NOT NULL,
  run_id TEXT REFERENCES runs (id),
  call_id TEXT,
  by TEXT NOT NULL,
  at TEXT NOT NULL,
  UNIQUE (run_id, call_id, path)
) STRICT;
CREATE INDEX memory_changes_of ON memory_changes (memory, at);
`,
};
