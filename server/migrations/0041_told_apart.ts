/** What of a limit was in doubt or reserved when people were told, and what a person says of an MCP server's tools. */
import type { Migration } from "./migration.ts";

export const toldApart: Migration = {
  name: "0041_told_apart",
  sql: `
-- Of what counted as used, what was in doubt, and what was reserved beside it; null: alerts of earlier versions do not tell.
ALTER TABLE alerts ADD COLUMN doubt INTEGER;
ALTER TABLE alerts ADD COLUMN reserved INTEGER;
-- JSON: what its tools bring into a run or let out of it, as a person said; null: the careful view, by how it is reached.
ALTER TABLE mcp_servers ADD COLUMN tags TEXT CHECK (tags IS NULL OR json_valid(tags));
`,
};
