/** A person may let a project's setup command use the network. */
import type { Migration } from "./migration.ts";

export const setupNetwork: Migration = {
  name: "0005_setup_network",
  sql: `
ALTER TABLE projects ADD COLUMN setup_network INTEGER NOT NULL DEFAULT 0
  CHECK (setup_network IN (0, 1));
`,
};
