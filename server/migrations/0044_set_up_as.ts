/** What a ticket's folder was set up with: a setup command that a person names or changes later is run in it, too. */
import type { Migration } from "./migration.ts";

export const setUpAs: Migration = {
  name: "0044_set_up_as",
  sql: `
-- A digest of the project's settings for it; '': nobody knows, or it was not set up yet.
ALTER TABLE worktrees ADD COLUMN set_up_as TEXT NOT NULL DEFAULT '';
`,
};
