/** In which order tickets start: what each needs to be done before, when it may begin, how many at once. */
import { startModes, ticketStarts } from "../states.ts";
import { type Migration, oneOf } from "./migration.ts";

export const order: Migration = {
  name: "0015_order",
  sql: `
-- A ticket starts when all that it needs is done. That no way leads round in a circle is checked by the one writer.
CREATE TABLE ticket_needs (
  ticket_id TEXT NOT NULL REFERENCES tickets (id),
  needs_id TEXT NOT NULL REFERENCES tickets (id),
  added_by TEXT NOT NULL,
  added_at TEXT NOT NULL,
  PRIMARY KEY (ticket_id, needs_id),
  CHECK (ticket_id <> needs_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX ticket_needs_of ON ticket_needs (needs_id);

-- Only of tickets for which a person said something about it. Without starts the project's rule holds.
CREATE TABLE ticket_starts (
  ticket_id TEXT PRIMARY KEY REFERENCES tickets (id),
  starts TEXT CHECK (starts IN ${oneOf(ticketStarts)}),
  not_before TEXT,
  -- The ticket that it was a part of.
  split_from TEXT REFERENCES tickets (id)
) STRICT, WITHOUT ROWID;

-- A project's, by its id, and the one for all, by ''. Hours: a cron expression that opens, and for how long.
CREATE TABLE start_rules (
  scope TEXT PRIMARY KEY,
  starts TEXT NOT NULL CHECK (starts IN ${oneOf(startModes)}),
  at_once INTEGER NOT NULL CHECK (at_once BETWEEN 0 AND 1000),
  opens TEXT NOT NULL,
  open_minutes INTEGER NOT NULL CHECK (open_minutes BETWEEN 0 AND 10080),
  time_zone TEXT NOT NULL,
  updated_by TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  CHECK ((opens = '') = (open_minutes = 0))
) STRICT, WITHOUT ROWID;
`,
};
