/** What somebody on a forge had said of the whole may be taken back there. */
import type { Migration } from "./migration.ts";

export const verdictsWithdrawn: Migration = {
  name: "0039_verdicts_withdrawn",
  sql: `
-- Of remarks with a verdict: when Gaffer first saw that it does not stand any more.
ALTER TABLE pull_request_remarks ADD COLUMN withdrawn_at TEXT CHECK (withdrawn_at IS NULL OR verdict IS NOT NULL);
`,
};
