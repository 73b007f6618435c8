/** What a repository's trusted file says by now, where that is no longer what was trusted. */
import type { Migration } from "./migration.ts";

export const projectConfigNews: Migration = {
  name: "0043_project_config_news",
  sql: `
-- Only of projects whose file is trusted; gone as soon as it says what was trusted, or nobody trusts it.
CREATE TABLE project_config_news (
  project_id TEXT PRIMARY KEY REFERENCES projects (id),
  -- Of the file as it is; '' where it is gone.
  hash TEXT NOT NULL,
  noticed_at TEXT NOT NULL,
  -- 1: a person has seen it, and does with what was trusted.
  kept INTEGER NOT NULL CHECK (kept IN (0, 1))
) STRICT, WITHOUT ROWID;
`,
};
