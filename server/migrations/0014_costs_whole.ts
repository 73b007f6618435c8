/** Months that are long over, and what else was missing of costs. */
import type { Migration } from "./migration.ts";

export const costsWhole: Migration = {
  name: "0014_costs_whole",
  sql: `
-- Months of which nobody asks for single days any more; their rows of usage_days are gone.
CREATE TABLE usage_months (
  month TEXT NOT NULL,
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
  web_searches INTEGER NOT NULL DEFAULT 0,
  cost_micro_usd INTEGER NOT NULL,
  PRIMARY KEY (month, project_id, agent, model, subject_id)
) STRICT, WITHOUT ROWID;

-- Who let the runs of a project have private data, untrusted input and a way out together; null: each run asks.
ALTER TABLE projects ADD COLUMN tags_allowed_by TEXT;
ALTER TABLE projects ADD COLUMN tags_allowed_at TEXT;

-- So far only a limit was ever applied; its undo now says so, as one of several kinds.
ALTER TABLE advice ADD COLUMN title TEXT NOT NULL DEFAULT '';
UPDATE advice SET title = 'A monthly limit' WHERE state = 'applied';
UPDATE advice SET title = key WHERE title = '';
UPDATE advice SET undo = json_set(undo, '$.type', 'month_limit') WHERE state = 'applied';
`,
};
