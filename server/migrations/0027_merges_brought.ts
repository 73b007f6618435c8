/** What a forge merged is in the project's own base branch only once somebody brings it there. */
import type { Migration } from "./migration.ts";

export const mergesBrought: Migration = {
  name: "0027_merges_brought",
  sql: `
-- When the merge was first seen in the project's base branch here; NULL: it was not yet. Tickets that need it wait for that.
ALTER TABLE pull_requests ADD COLUMN brought_at TEXT;
-- Nobody knows of those before: what needs them has not waited.
UPDATE pull_requests SET brought_at = ended_at WHERE status = 'merged';
`,
};
