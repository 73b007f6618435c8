/**
 * What somebody on a forge had said of the whole may be taken back there; and what a check said of a commit for one
 * ticket is known for another whose base that is.
 */
import type { Migration } from "./migration.ts";

export const saidElsewhere: Migration = {
  name: "0039_said_elsewhere",
  sql: `
-- Of remarks with a verdict: when Gaffer first saw that it does not stand any more.
ALTER TABLE pull_request_remarks ADD COLUMN withdrawn_at TEXT CHECK (withdrawn_at IS NULL OR verdict IS NOT NULL);
-- A digest of all that a person set for the command: under other settings it may say something else. '': not known.
ALTER TABLE checks ADD COLUMN settings TEXT NOT NULL DEFAULT '';
-- A failing merge asks what is known of its base before it runs anything there.
CREATE INDEX checks_of_commit ON checks (commit_id, name) WHERE settings <> '';
`,
};
