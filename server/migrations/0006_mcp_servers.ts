/** Servers of tools that a project's agents may use. */
import { type Migration, oneOf } from "./migration.ts";

export const mcpServers: Migration = {
  name: "0006_mcp_servers",
  sql: `
CREATE TABLE mcp_servers (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id),
  name TEXT NOT NULL,
  transport TEXT NOT NULL CHECK (transport IN ${oneOf(["stdio", "http"])}),
  command TEXT NOT NULL DEFAULT '',
  args TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(args)),
  env TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(env)),
  url TEXT NOT NULL DEFAULT '',
  headers TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(headers)),
  timeout_ms INTEGER NOT NULL CHECK (timeout_ms > 0),
  active INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  CHECK ((transport = 'stdio') = (command <> '')),
  CHECK ((transport = 'http') = (url <> ''))
) STRICT;
-- Its tools are called by it.
CREATE UNIQUE INDEX mcp_servers_name ON mcp_servers (project_id, name);
`,
};
