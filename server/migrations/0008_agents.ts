/** Agents as data: their definitions in versions, what of a repository a person trusts, and trial runs. */
import { agentOrigins } from "../states.ts";
import { type Migration, oneOf } from "./migration.ts";

export const agents: Migration = {
  name: "0008_agents",
  sql: `
-- A global agent's id is its name; one of a project has an id of its own.
CREATE TABLE agents (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  project_id TEXT REFERENCES projects (id),
  active INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
  -- The repository's file that it was taken from: in force only while a person trusts that. Null: a person's own.
  path TEXT CHECK (path IS NULL OR project_id IS NOT NULL),
  -- Of that file's content when it was trusted.
  file_hash TEXT CHECK ((file_hash IS NULL) = (path IS NULL)),
  version INTEGER NOT NULL CHECK (version > 0),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  CHECK (project_id IS NOT NULL OR id = name)
) STRICT;
CREATE UNIQUE INDEX agents_by_name ON agents (name, coalesce(project_id, ''));

-- Appended, never edited: a run tells which of them it worked with.
CREATE TABLE agent_versions (
  agent_id TEXT NOT NULL REFERENCES agents (id),
  version INTEGER NOT NULL,
  text TEXT NOT NULL,
  origin TEXT NOT NULL CHECK (origin IN ${oneOf(agentOrigins)}),
  note TEXT NOT NULL DEFAULT '',
  saved_by TEXT NOT NULL,
  saved_at TEXT NOT NULL,
  PRIMARY KEY (agent_id, version)
) STRICT, WITHOUT ROWID;

-- Trust is in exactly this content; it goes with it.
CREATE TABLE trusted (
  project_id TEXT NOT NULL REFERENCES projects (id),
  kind TEXT NOT NULL CHECK (kind IN ('agent', 'mcp', 'settings')),
  path TEXT NOT NULL,
  hash TEXT NOT NULL,
  trusted_by TEXT NOT NULL,
  trusted_at TEXT NOT NULL,
  PRIMARY KEY (project_id, kind, path)
) STRICT, WITHOUT ROWID;

ALTER TABLE runs ADD COLUMN agent_id TEXT REFERENCES agents (id);
ALTER TABLE runs ADD COLUMN agent_version INTEGER CHECK ((agent_version IS NULL) = (agent_id IS NULL));
-- A trial only shows what an agent would hand in: nothing follows from it.
ALTER TABLE runs ADD COLUMN trial INTEGER NOT NULL DEFAULT 0 CHECK (trial IN (0, 1));
CREATE INDEX runs_by_agent ON runs (agent, created_at);
DROP INDEX runs_one_active_per_ticket;
CREATE UNIQUE INDEX runs_one_active_per_ticket ON runs (ticket_id)
  WHERE ticket_id IS NOT NULL AND trial = 0 AND status IN ('queued', 'running', 'waiting');
`,
};
