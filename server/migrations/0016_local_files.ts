/** A person may name ignored files that a project's worktrees get a copy of. */
import type { Migration } from "./migration.ts";

export const localFiles: Migration = {
  name: "0016_local_files",
  sql: `
ALTER TABLE projects ADD COLUMN local_files TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(local_files));
`,
};
