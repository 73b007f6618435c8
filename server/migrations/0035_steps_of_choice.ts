/** A project may do without the look at its untouched base, and without the reviewer. */
import type { Migration } from "./migration.ts";

export const stepsOfChoice: Migration = {
  name: "0035_steps_of_choice",
  sql: `
ALTER TABLE check_rules ADD COLUMN baseline_first INTEGER NOT NULL DEFAULT 1 CHECK (baseline_first IN (0, 1));
ALTER TABLE check_rules ADD COLUMN agent_reviews INTEGER NOT NULL DEFAULT 1 CHECK (agent_reviews IN (0, 1));
`,
};
