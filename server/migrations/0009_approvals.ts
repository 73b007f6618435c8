/** What a person is shown before they decide, and links that let them decide from a notification. */
import type { Migration } from "./migration.ts";

export const approvals: Migration = {
  name: "0009_approvals",
  sql: `
-- What says that a person is asked; '' in rows of the first version, where it was the want of a sandbox.
ALTER TABLE approvals ADD COLUMN rule TEXT NOT NULL DEFAULT '';
-- Of a call that writes a file: the exact change. Null: there is none, or it is too large to show.
ALTER TABLE approvals ADD COLUMN diff TEXT;
-- Each message has a link of its own, of which only the hash is kept; they die with the decision.
CREATE TABLE approval_links (
  token_hash TEXT PRIMARY KEY,
  approval_id TEXT NOT NULL REFERENCES approvals (id),
  created_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX approval_links_approval ON approval_links (approval_id);
-- What the calls of a run have brought into it or let out of it: private data, untrusted input, a way out.
CREATE TABLE run_tags (
  run_id TEXT NOT NULL REFERENCES runs (id),
  tag TEXT NOT NULL,
  PRIMARY KEY (run_id, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX approvals_created ON approvals (created_at);
`,
};
