/** Who paused a run or a ticket, so that a restart knows it too; and where a run was forked from. */
import type { Migration } from "./migration.ts";

export const runControl: Migration = {
  name: "0004_run_control",
  sql: `
-- A running one lets go at its next event and is then waiting; nothing but a person lets it go on.
ALTER TABLE runs ADD COLUMN paused_by TEXT
  CHECK (paused_by IS NULL OR status IN ('running', 'waiting'));
ALTER TABLE tickets ADD COLUMN paused_by TEXT
  CHECK (paused_by IS NULL OR status IN ('queued', 'in_progress'));
-- The log of a forked run begins with the other run's events up to the end of that turn.
ALTER TABLE runs ADD COLUMN forked_from_run TEXT REFERENCES runs (id);
ALTER TABLE runs ADD COLUMN forked_at_turn INTEGER
  CHECK ((forked_at_turn IS NULL) = (forked_from_run IS NULL) AND forked_at_turn >= 0);
-- A run's page counts what people wrote to it, each time that it is rendered.
CREATE INDEX events_notes ON events (run_id, number) WHERE type = 'note';
`,
};
