/** Nothing that a person typed takes the place of something else that they typed; and moves of documents are remembered. */
import type { Migration } from "./migration.ts";

export const draftForms: Migration = {
  name: "0032_draft_forms",
  sql: `
-- A draft for each form (window, device) in which something is typed, in place of one for each person.
CREATE TABLE document_drafts_by_form (
  project_id TEXT NOT NULL REFERENCES projects (id),
  path TEXT NOT NULL,
  actor TEXT NOT NULL,
  -- Names the form; '': one that has no name.
  form TEXT NOT NULL,
  text TEXT NOT NULL,
  seen TEXT NOT NULL,
  -- NULL: it was another one already when the first words were typed.
  base TEXT,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (project_id, path, actor, form)
) STRICT, WITHOUT ROWID;
INSERT INTO document_drafts_by_form (project_id, path, actor, form, text, seen, base, updated_at)
  SELECT project_id, path, actor, '', text, seen, base, updated_at FROM document_drafts;
DROP TABLE document_drafts;
ALTER TABLE document_drafts_by_form RENAME TO document_drafts;

-- Where a document was before it had its present path, as the index noticed: git knows only what was committed.
CREATE TABLE document_moves (
  document_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  project_id TEXT NOT NULL REFERENCES projects (id),
  from_path TEXT NOT NULL,
  to_path TEXT NOT NULL,
  moved_at TEXT NOT NULL,
  PRIMARY KEY (document_id, position)
) STRICT, WITHOUT ROWID;

-- What a document's status was and became.
CREATE INDEX events_document_status ON events (json_extract(data, '$.documentId'), seq)
  WHERE type = 'document_status_changed';
`,
};
