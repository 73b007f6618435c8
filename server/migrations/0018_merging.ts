/** A merge can be undone; a project says how its tickets are merged, and what becomes of a conflict. */
import { conflictWays, mergeStyles, signKinds, undoStatuses } from "../states.ts";
import { type Migration, oneOf } from "./migration.ts";

export const merging: Migration = {
  name: "0018_merging",
  sql: `
-- One row for each time that a person asked for it. commit_id: the revert, on record before it lands.
CREATE TABLE ticket_undos (
  id TEXT PRIMARY KEY,
  ticket_id TEXT NOT NULL REFERENCES tickets (id),
  merge_commit TEXT NOT NULL,
  why TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ${oneOf(undoStatuses)}),
  commit_id TEXT,
  wait TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  asked_by TEXT NOT NULL,
  asked_at TEXT NOT NULL,
  ended_at TEXT,
  CHECK (status <> 'done' OR commit_id IS NOT NULL),
  CHECK (status <> 'refused' OR reason <> ''),
  CHECK ((status = 'pending') = (ended_at IS NULL))
) STRICT;
CREATE INDEX ticket_undos_of ON ticket_undos (ticket_id, asked_at);
CREATE UNIQUE INDEX ticket_undos_one_pending ON ticket_undos (ticket_id) WHERE status = 'pending';

-- From a commit back to its ticket and its turn.
CREATE INDEX tickets_by_merge ON tickets (merge_commit) WHERE merge_commit IS NOT NULL;
CREATE INDEX events_checkpoints ON events (json_extract(data, '$.commit')) WHERE type = 'checkpoint';

-- Of projects for which a person said something about it.
CREATE TABLE merge_rules (
  project_id TEXT PRIMARY KEY REFERENCES projects (id),
  style TEXT NOT NULL CHECK (style IN ${oneOf(mergeStyles)}),
  on_conflict TEXT NOT NULL CHECK (on_conflict IN ${oneOf(conflictWays)}),
  -- With which key a person lets Gaffer sign what lands; both null: with none.
  sign TEXT CHECK (sign IN ${oneOf(signKinds)}),
  sign_key TEXT CHECK (length(sign_key) BETWEEN 1 AND 1000),
  updated_by TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  CHECK ((sign IS NULL) = (sign_key IS NULL))
) STRICT, WITHOUT ROWID;

-- What a person chose for one ticket; null: the project's rule holds.
CREATE TABLE ticket_merge_rules (
  ticket_id TEXT PRIMARY KEY REFERENCES tickets (id),
  style TEXT CHECK (style IN ${oneOf(mergeStyles)}),
  on_conflict TEXT CHECK (on_conflict IN ${oneOf(conflictWays)})
) STRICT, WITHOUT ROWID;

-- A developer gets one try at a conflict for each state of the base branch. commit_id: what it is given, on record
-- before its branch has it; given: it has.
CREATE TABLE conflict_rounds (
  ticket_id TEXT NOT NULL REFERENCES tickets (id),
  base_tip TEXT NOT NULL,
  commit_id TEXT NOT NULL,
  paths TEXT NOT NULL CHECK (json_valid(paths)),
  given INTEGER NOT NULL DEFAULT 0 CHECK (given IN (0, 1)),
  at TEXT NOT NULL,
  PRIMARY KEY (ticket_id, base_tip)
) STRICT, WITHOUT ROWID;
`,
};
