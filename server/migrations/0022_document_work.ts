/** What follows from planning documents: ideas made of them, and which of them the code has left behind. */
import type { Migration } from "./migration.ts";

export const documentWork: Migration = {
  name: "0022_document_work",
  sql: `
-- Which part of a document an idea was made of. By the document's id, which outlives its row in the index; words as
-- they are compared (document_items.ts), so that nothing is made of the same words twice.
CREATE TABLE document_ideas (
  document_id TEXT NOT NULL,
  words TEXT NOT NULL,
  section_words TEXT NOT NULL,
  -- Counts the same words in the same section.
  nth INTEGER NOT NULL,
  project_id TEXT NOT NULL REFERENCES projects (id),
  idea_id TEXT NOT NULL UNIQUE REFERENCES ideas (id),
  -- As they were then, to be shown.
  path TEXT NOT NULL,
  section TEXT NOT NULL,
  PRIMARY KEY (document_id, words, section_words, nth)
) STRICT, WITHOUT ROWID;

-- An idea whose number is being written into its document's line. It is made when that is in the file; whatever a
-- crash leaves here, the next look at the document mends.
CREATE TABLE document_idea_plans (
  project_id TEXT NOT NULL REFERENCES projects (id),
  number INTEGER NOT NULL,
  document_id TEXT NOT NULL,
  words TEXT NOT NULL,
  section_words TEXT NOT NULL,
  section TEXT NOT NULL,
  path TEXT NOT NULL,
  title TEXT NOT NULL,
  description TEXT NOT NULL,
  planned_by TEXT NOT NULL,
  PRIMARY KEY (project_id, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX document_idea_plans_of ON document_idea_plans (document_id, words, section_words);

-- Files and globs from the repository's root that a document describes.
CREATE TABLE document_files (
  document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
  pattern TEXT NOT NULL,
  PRIMARY KEY (document, pattern)
) STRICT, WITHOUT ROWID;

-- Commit of the base branch at which a document was approved, and up to which its files were looked at since.
CREATE TABLE document_approvals (
  document_id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id),
  approved_commit TEXT NOT NULL,
  seen_commit TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX document_approvals_of ON document_approvals (project_id);

-- Commits since then that changed what it describes; the newest has the highest position.
CREATE TABLE document_drift (
  document_id TEXT NOT NULL REFERENCES document_approvals (document_id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  by TEXT NOT NULL,
  at TEXT NOT NULL,
  subject TEXT NOT NULL,
  -- JSON list of paths.
  files TEXT NOT NULL,
  PRIMARY KEY (document_id, position)
) STRICT, WITHOUT ROWID;

-- Which files each describes is read off all of them at the next look.
UPDATE documents SET stamp = '';
`,
};
