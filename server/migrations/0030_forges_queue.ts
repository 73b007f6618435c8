/** What waits for a forge has a queue of its own: one that is slow holds up no merge. */
import type { Migration } from "./migration.ts";

export const forgesQueue: Migration = {
  name: "0030_forges_queue",
  sql: `
UPDATE jobs SET queue = 'forges', lane = 'forges ' || coalesce(project_id, '')
WHERE kind = 'follow_pull_request';
-- Who paused the merges' queue held these up, too.
INSERT INTO queue_pauses (queue, paused_at, paused_by)
SELECT 'forges', paused_at, paused_by FROM queue_pauses WHERE queue = 'merges';
`,
};
