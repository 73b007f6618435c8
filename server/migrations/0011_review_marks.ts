/** What a person has seen of a review, and what became of suggestions. */
import type { Migration } from "./migration.ts";

export const reviewMarks: Migration = {
  name: "0011_review_marks",
  sql: `
-- A file that a person has viewed, in that content: with another one it is to be viewed again.
CREATE TABLE review_ticks (
  actor TEXT NOT NULL,
  ticket_id TEXT NOT NULL REFERENCES tickets (id),
  path TEXT NOT NULL,
  content TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (actor, ticket_id, path)
) STRICT, WITHOUT ROWID;

-- The newest commit that a person has looked at, and the one of the look before: what came between is new.
CREATE TABLE review_looks (
  actor TEXT NOT NULL,
  ticket_id TEXT NOT NULL REFERENCES tickets (id),
  commit_id TEXT NOT NULL,
  before_commit TEXT,
  at TEXT NOT NULL,
  PRIMARY KEY (actor, ticket_id)
) STRICT, WITHOUT ROWID;

-- The commit whose line a remark is about, and the one that its suggestion became.
ALTER TABLE comments ADD COLUMN commit_id TEXT;
ALTER TABLE comments ADD COLUMN applied_commit TEXT;
ALTER TABLE review_findings ADD COLUMN commit_id TEXT;
ALTER TABLE review_findings ADD COLUMN applied_commit TEXT;
`,
};
