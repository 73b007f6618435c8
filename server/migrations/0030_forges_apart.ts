/** What waits for a forge has a queue of its own; a person may have a pull request closed there. */
import type { Migration } from "./migration.ts";

export const forgesApart: Migration = {
  name: "0030_forges_apart",
  sql: `
UPDATE jobs SET queue = 'forges', lane = 'forges ' || coalesce(project_id, '')
WHERE kind = 'follow_pull_request';
-- Who paused the merges' queue held these up, too.
INSERT INTO queue_pauses (queue, paused_at, paused_by)
SELECT 'forges', paused_at, paused_by FROM queue_pauses WHERE queue = 'merges';

-- Who said that it is to be closed on the forge; NULL: nobody did.
ALTER TABLE pull_requests ADD COLUMN close_asked_by TEXT;
`,
};
