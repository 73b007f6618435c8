/** The file of a repository that sets its project's settings, as a person trusted it. */
import type { Migration } from "./migration.ts";

export const projectConfig: Migration = {
  name: "0040_project_config",
  sql: `
-- In force as it was trusted, whatever the file says by now.
CREATE TABLE project_config (
  project_id TEXT PRIMARY KEY REFERENCES projects (id),
  text TEXT NOT NULL,
  -- JSON: the line of each setting that it names.
  lines TEXT NOT NULL CHECK (json_valid(lines)),
  hash TEXT NOT NULL,
  trusted_by TEXT NOT NULL,
  trusted_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`,
};
