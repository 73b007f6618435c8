/** Ids of planning documents outlive their files: those come back, or go on under another name. */
import type { Migration } from "./migration.ts";

export const documentsGone: Migration = {
  name: "0026_documents_gone",
  sql: `
-- A document whose file is gone. A file of the same path gets its id again, and so does one of the same text that
-- appears elsewhere soon after.
CREATE TABLE documents_gone (
  project_id TEXT NOT NULL REFERENCES projects (id),
  path TEXT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  -- Of its last text, in bytes.
  bytes INTEGER NOT NULL,
  version TEXT NOT NULL,
  gone_at TEXT NOT NULL,
  PRIMARY KEY (project_id, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX documents_gone_by_time ON documents_gone (project_id, gone_at);
`,
};
