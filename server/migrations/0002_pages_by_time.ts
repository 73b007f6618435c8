/**
 * Measured with 1,000 ideas and tickets: Home sums the month's costs from the index alone (16 ms before), and
 * lists of ideas and tickets read their first page instead of sorting them all.
 */
import type { Migration } from "./migration.ts";

export const pagesByTime: Migration = {
  name: "0002_pages_by_time",
  sql: `
CREATE INDEX turn_usage_costs ON turn_usage (at, cost_micro_usd);
DROP INDEX turn_usage_by_time;
CREATE INDEX ideas_by_time ON ideas (created_at, id);
CREATE INDEX tickets_by_urgency ON tickets (priority || created_at, id);
`,
};
