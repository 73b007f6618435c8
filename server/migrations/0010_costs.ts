/** Limits on what may be spent, kept before each request, and the sums that the pages of costs are drawn from. */
import { limitPeriods, limitScopes, limitUnits } from "../states.ts";
import { type Migration, oneOf } from "./migration.ts";

export const costs: Migration = {
  name: "0010_costs",
  sql: `
CREATE TABLE limits (
  id TEXT PRIMARY KEY,
  scope TEXT NOT NULL CHECK (scope IN ${oneOf(limitScopes)}),
  -- A project's id or an agent's name; empty: all.
  scope_id TEXT NOT NULL,
  period TEXT NOT NULL CHECK (period IN ${oneOf(limitPeriods)}),
  unit TEXT NOT NULL CHECK (unit IN ${oneOf(limitUnits)}),
  amount INTEGER NOT NULL CHECK (amount >= 0),
  updated_by TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (scope, scope_id, period, unit),
  CHECK ((scope = 'all') = (scope_id = ''))
) STRICT;

-- Kept in the transactions that let a request go and that record its end, so that a limit is checked by one look.
CREATE TABLE usage_windows (
  scope TEXT NOT NULL,
  scope_id TEXT NOT NULL,
  period TEXT NOT NULL,
  -- 2026-11-27 or 2026-11, UTC.
  start TEXT NOT NULL,
  spent_micro_usd INTEGER NOT NULL DEFAULT 0,
  spent_tokens INTEGER NOT NULL DEFAULT 0,
  -- What requests without a known end may have used beyond what was told.
  doubt_micro_usd INTEGER NOT NULL DEFAULT 0,
  doubt_tokens INTEGER NOT NULL DEFAULT 0,
  -- The most that requests on their way can use.
  reserved_micro_usd INTEGER NOT NULL DEFAULT 0,
  reserved_tokens INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (scope, scope_id, period, start)
) STRICT, WITHOUT ROWID;

-- A run has one request on its way at most; its row goes when the request's end is recorded.
CREATE TABLE reservations (
  run_id TEXT PRIMARY KEY REFERENCES runs (id),
  project_id TEXT NOT NULL,
  agent TEXT NOT NULL,
  day TEXT NOT NULL,
  micro_usd INTEGER NOT NULL,
  tokens INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the next request of a run may use that found no room: it is woken when there is.
CREATE TABLE budget_waits (
  run_id TEXT PRIMARY KEY REFERENCES runs (id),
  micro_usd INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE alerts (
  id TEXT PRIMARY KEY,
  limit_id TEXT NOT NULL REFERENCES limits (id) ON DELETE CASCADE,
  start TEXT NOT NULL,
  threshold INTEGER NOT NULL,
  used INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  at TEXT NOT NULL,
  seen_at TEXT,
  seen_by TEXT,
  UNIQUE (limit_id, start, threshold)
) STRICT;
CREATE INDEX alerts_by_time ON alerts (at);

-- What a person changed of the shipped rates: the newest row of a model holds; without a price, the shipped one does.
CREATE TABLE prices (
  id INTEGER PRIMARY KEY,
  model TEXT NOT NULL,
  price TEXT CHECK (price IS NULL OR json_valid(price)),
  long_prompt TEXT CHECK (long_prompt IS NULL OR json_valid(long_prompt)),
  as_of TEXT NOT NULL,
  changed_by TEXT NOT NULL,
  changed_at TEXT NOT NULL
) STRICT;
CREATE INDEX prices_by_model ON prices (model, id);

-- What a person decided about a piece of advice, and how to take it back.
CREATE TABLE advice (
  key TEXT PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('applied', 'dismissed')),
  undo TEXT NOT NULL CHECK (json_valid(undo)),
  decided_by TEXT NOT NULL,
  decided_at TEXT NOT NULL
) STRICT;

-- The day on which a request was sent: it counts on that day, though its answer came after midnight.
ALTER TABLE turn_usage ADD COLUMN day TEXT NOT NULL DEFAULT '';
UPDATE turn_usage SET day = substr(at, 1, 10);
CREATE INDEX turn_usage_by_day ON turn_usage (day);
-- The sums of a day are looked up in usage_windows now.
DROP INDEX turn_usage_costs;

-- Days that are over, rolled up, so that the rows of single requests may go.
CREATE TABLE usage_days (
  day TEXT NOT NULL,
  project_id TEXT NOT NULL,
  agent TEXT NOT NULL,
  model TEXT NOT NULL,
  -- An idea's or a ticket's.
  subject_id TEXT NOT NULL,
  requests INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cache_write_5m_tokens INTEGER NOT NULL,
  cache_write_1h_tokens INTEGER NOT NULL,
  cache_read_tokens INTEGER NOT NULL,
  cost_micro_usd INTEGER NOT NULL,
  PRIMARY KEY (day, project_id, agent, model, subject_id)
) STRICT, WITHOUT ROWID;

INSERT INTO usage_windows (scope, scope_id, period, start, spent_micro_usd, spent_tokens)
SELECT s.scope,
  CASE s.scope WHEN 'all' THEN '' WHEN 'project' THEN r.project_id ELSE r.agent END AS of_what,
  p.period,
  substr(t.day, 1, p.length) AS begins,
  sum(t.cost_micro_usd),
  sum(t.input_tokens + t.output_tokens + t.cache_write_5m_tokens + t.cache_write_1h_tokens
    + t.cache_read_tokens)
FROM turn_usage t JOIN runs r ON r.id = t.run_id,
  (SELECT 'all' AS scope UNION ALL SELECT 'project' UNION ALL SELECT 'agent') s,
  (SELECT 'day' AS period, 10 AS length UNION ALL SELECT 'month', 7) p
WHERE t.demo = 0
GROUP BY s.scope, of_what, p.period, begins;
`,
};
