/** A person may open hosts to a project's commands, show them folders with tools, and set their limits. */
import type { Migration } from "./migration.ts";

export const sandboxSettings: Migration = {
  name: "0013_sandbox_settings",
  sql: `
ALTER TABLE projects ADD COLUMN hosts TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(hosts));
ALTER TABLE projects ADD COLUMN toolchains TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(toolchains));
-- Of what is absent the configuration holds.
ALTER TABLE projects ADD COLUMN hands_limits TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(hands_limits));
`,
};
