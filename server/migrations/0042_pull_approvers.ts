/** The text of a pull request names who approved the work: kept true there when somebody else did. */
import type { Migration } from "./migration.ts";

export const pullApprovers: Migration = {
  name: "0042_pull_approvers",
  sql: `
-- Whom Gaffer last wrote into its text there; '': nobody. On record before it is sent.
ALTER TABLE pull_requests ADD COLUMN approver TEXT NOT NULL DEFAULT '';
-- Of those that are open by now it was not kept: most likely who approved the ticket last.
UPDATE pull_requests SET approver = (SELECT approved_by FROM tickets WHERE tickets.id = ticket_id)
WHERE number IS NOT NULL AND ended_at IS NULL;
`,
};
