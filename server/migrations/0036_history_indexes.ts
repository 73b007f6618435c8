/**
 * What happened with an idea or a ticket is looked up without the logs of its runs, which are most of all events:
 * they need not stand in these indexes, and whoever reads a history need not step over them.
 */
import type { Migration } from "./migration.ts";

export const historyIndexes: Migration = {
  name: "0036_history_indexes",
  sql: `
DROP INDEX events_of_ticket;
DROP INDEX events_of_idea;
CREATE INDEX events_of_ticket ON events (ticket_id, seq) WHERE run_id IS NULL AND ticket_id IS NOT NULL;
CREATE INDEX events_of_idea ON events (idea_id, seq) WHERE run_id IS NULL AND idea_id IS NOT NULL;
-- Beside its history, the commits that its runs have made.
CREATE INDEX events_checkpoints_of_ticket ON events (ticket_id, seq) WHERE type = 'checkpoint';
`,
};
