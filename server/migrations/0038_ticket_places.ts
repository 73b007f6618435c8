/** Where a person wants a queued ticket to stand among those of its priority, and since when each is in its state. */
import type { Migration } from "./migration.ts";

export const ticketPlaces: Migration = {
  name: "0038_ticket_places",
  sql: `
-- Within a priority the smallest place comes first. By itself it is the time at which the ticket was made, in 1/1024 ms;
-- a person who puts it elsewhere gives it one between its new neighbours, and stands in placed_by.
ALTER TABLE tickets ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tickets ADD COLUMN placed_by TEXT;
ALTER TABLE tickets ADD COLUMN moved_at TEXT NOT NULL DEFAULT '';
UPDATE tickets SET
  place = CAST(round(unixepoch(created_at, 'subsec') * 1000) AS INTEGER) * 1024,
  moved_at = coalesce((SELECT max(at) FROM events
    WHERE events.ticket_id = tickets.id AND run_id IS NULL AND type = 'ticket_moved'), created_at);
DROP INDEX tickets_by_urgency;
CREATE INDEX tickets_by_place ON tickets (priority, place, id);
`,
};
