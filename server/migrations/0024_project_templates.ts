/** Project templates that are not built in, and new projects that are being made of one. */
import { templateSources } from "../states.ts";
import { type Migration, oneOf } from "./migration.ts";

export const projectTemplates: Migration = {
  name: "0024_project_templates",
  sql: `
-- The file as it was imported, or made of a project. Inert until somebody trusts exactly this text.
CREATE TABLE project_templates (
  id TEXT PRIMARY KEY,
  text TEXT NOT NULL,
  hash TEXT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ${oneOf(templateSources)}),
  -- NULL: nobody does.
  trusted_by TEXT,
  trusted_at TEXT CHECK ((trusted_at IS NULL) = (trusted_by IS NULL)),
  saved_by TEXT NOT NULL,
  saved_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A row lives while its project is made: what a crash leaves behind of that is told by it.
CREATE TABLE project_makings (
  id TEXT PRIMARY KEY,
  -- Where the project is to be, and the folder beside it in which it is made.
  path TEXT NOT NULL,
  folder TEXT NOT NULL UNIQUE,
  -- Its first commit; NULL: its files are not whole yet.
  commit_id TEXT,
  -- What becomes rows, as JSON.
  plan TEXT NOT NULL,
  made_by TEXT NOT NULL,
  started_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`,
};
