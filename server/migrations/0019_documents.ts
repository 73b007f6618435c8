/** Documents of a project's `planning/` folder: an index of them. The files are what holds. */
import { documentSaves } from "../states.ts";
import { type Migration, oneOf } from "./migration.ts";

export const documents: Migration = {
  name: "0019_documents",
  sql: `
-- Where a project's documents are saved: as commits on its base branch, or only in the person's folder.
CREATE TABLE planning_settings (
  project_id TEXT PRIMARY KEY REFERENCES projects (id),
  saves TEXT NOT NULL CHECK (saves IN ${oneOf(documentSaves)}),
  updated_by TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A row per file. Made anew from the file whenever its stamp differs. A number, since a copy of the database may
-- count unnamed rows anew, and documents_text goes by it.
CREATE TABLE documents (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  project_id TEXT NOT NULL REFERENCES projects (id),
  path TEXT NOT NULL,
  title TEXT NOT NULL,
  type TEXT NOT NULL,
  status TEXT NOT NULL,
  owner TEXT NOT NULL,
  target TEXT NOT NULL,
  -- What is wrong with its front matter, or with the file; empty: nothing.
  problem TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  stamp TEXT NOT NULL,
  version TEXT NOT NULL,
  indexed_at TEXT NOT NULL,
  UNIQUE (project_id, path)
) STRICT;

-- kind document: a name in [[…]] or a path, in lower case; idea and ticket: a number.
CREATE TABLE document_links (
  document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('document', 'idea', 'ticket')),
  target TEXT NOT NULL,
  PRIMARY KEY (document, kind, target)
) STRICT, WITHOUT ROWID;
-- What links may call a document, in lower case; rank 0 its path, 1 its title, 2 its file's name. The lowest counts.
CREATE TABLE document_names (
  project_id TEXT NOT NULL,
  key TEXT NOT NULL,
  rank INTEGER NOT NULL,
  document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
  PRIMARY KEY (project_id, key, rank, document)
) STRICT, WITHOUT ROWID;
CREATE INDEX document_names_of ON document_names (document);
CREATE INDEX document_links_to ON document_links (kind, target);

-- What somebody has typed and not saved. base: the text that was opened, to tell what was changed meanwhile.
CREATE TABLE document_drafts (
  project_id TEXT NOT NULL REFERENCES projects (id),
  path TEXT NOT NULL,
  actor TEXT NOT NULL,
  text TEXT NOT NULL,
  seen TEXT NOT NULL,
  -- NULL: it was another one already when the first words were typed.
  base TEXT,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (project_id, path, actor)
) STRICT, WITHOUT ROWID;

-- Saves that are no commits; git has the others.
CREATE TABLE document_saves (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  project_id TEXT NOT NULL REFERENCES projects (id),
  path TEXT NOT NULL,
  text TEXT NOT NULL,
  saved_by TEXT NOT NULL,
  saved_at TEXT NOT NULL
) STRICT;
CREATE INDEX document_saves_of ON document_saves (project_id, path, number);

CREATE VIRTUAL TABLE documents_text USING fts5 (title, body, tokenize = 'unicode61 remove_diacritics 2');
`,
};
