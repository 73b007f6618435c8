/** Deploying: a run of the deployer on a merged ticket. */
import { runStatuses } from "../states.ts";
import { type Migration, oneOf } from "./migration.ts";

const runColumns =
  "id, project_id, agent, purpose, idea_id, ticket_id, subtask_id, ask_id, round, " +
  "status, model, demo, wait_reason, failure, error, result, turns, input_tokens, output_tokens, " +
  "cache_write_5m_tokens, cache_write_1h_tokens, cache_read_tokens, cost_micro_usd, max_turns, " +
  "max_cost_micro_usd, worked_ms, created_at, started_at, finished_at, paused_by, " +
  "forked_from_run, forked_at_turn, agent_id, agent_version, trial, web_searches";

export const deploying: Migration = {
  name: "0031_deploying",
  // Other tables refer to the one that is made anew.
  rebuilds: true,
  sql: `
-- A run may deploy: SQLite changes no CHECK of a table that is there.
CREATE TABLE new_runs (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id),
  agent TEXT NOT NULL,
  purpose TEXT NOT NULL CHECK (purpose IN
    ('clarify', 'research', 'estimate', 'prioritize', 'develop', 'fix', 'change', 'review', 'explain', 'plan', 'deploy')),
  idea_id TEXT REFERENCES ideas (id),
  ticket_id TEXT REFERENCES tickets (id),
  subtask_id TEXT REFERENCES subtasks (id),
  ask_id TEXT REFERENCES planning_asks (id),
  round INTEGER NOT NULL,
  status TEXT NOT NULL DEFAULT 'queued' CHECK (status IN ${oneOf(runStatuses)}),
  model TEXT NOT NULL,
  demo INTEGER NOT NULL CHECK (demo IN (0, 1)),
  wait_reason TEXT NOT NULL DEFAULT '',
  failure TEXT,
  error TEXT NOT NULL DEFAULT '',
  result TEXT NOT NULL DEFAULT 'null' CHECK (json_valid(result)),
  turns INTEGER NOT NULL DEFAULT 0,
  input_tokens INTEGER NOT NULL DEFAULT 0,
  output_tokens INTEGER NOT NULL DEFAULT 0,
  cache_write_5m_tokens INTEGER NOT NULL DEFAULT 0,
  cache_write_1h_tokens INTEGER NOT NULL DEFAULT 0,
  cache_read_tokens INTEGER NOT NULL DEFAULT 0,
  cost_micro_usd INTEGER NOT NULL DEFAULT 0,
  max_turns INTEGER NOT NULL,
  max_cost_micro_usd INTEGER NOT NULL,
  worked_ms INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  started_at TEXT,
  finished_at TEXT,
  paused_by TEXT CHECK (paused_by IS NULL OR status IN ('running', 'waiting')),
  forked_from_run TEXT REFERENCES runs (id),
  forked_at_turn INTEGER
    CHECK ((forked_at_turn IS NULL) = (forked_from_run IS NULL) AND forked_at_turn >= 0),
  agent_id TEXT REFERENCES agents (id),
  agent_version INTEGER CHECK ((agent_version IS NULL) = (agent_id IS NULL)),
  trial INTEGER NOT NULL DEFAULT 0 CHECK (trial IN (0, 1)),
  web_searches INTEGER NOT NULL DEFAULT 0,
  CHECK ((idea_id IS NOT NULL) + (ticket_id IS NOT NULL) + (ask_id IS NOT NULL) = 1),
  CHECK (status <> 'failed' OR failure IS NOT NULL)
) STRICT;
INSERT INTO new_runs (rowid, ${runColumns}) SELECT rowid, ${runColumns} FROM runs ORDER BY rowid;
DROP TABLE runs;
ALTER TABLE new_runs RENAME TO runs;
CREATE INDEX runs_by_idea ON runs (idea_id, round) WHERE idea_id IS NOT NULL;
CREATE INDEX runs_by_ticket ON runs (ticket_id, created_at) WHERE ticket_id IS NOT NULL;
CREATE UNIQUE INDEX runs_by_ask ON runs (ask_id) WHERE ask_id IS NOT NULL;
CREATE INDEX runs_active ON runs (created_at) WHERE status IN ('queued', 'running', 'waiting');
CREATE INDEX runs_by_time ON runs (created_at);
CREATE INDEX runs_by_agent ON runs (agent, created_at);
CREATE INDEX runs_trials ON runs (agent_id, created_at) WHERE trial = 1;
-- Those that go on when their agent is enabled.
CREATE INDEX runs_waiting ON runs (agent, created_at) WHERE status = 'waiting';
-- One ticket never has two active runs.
CREATE UNIQUE INDEX runs_one_active_per_ticket ON runs (ticket_id)
  WHERE ticket_id IS NOT NULL AND trial = 0 AND status IN ('queued', 'running', 'waiting');
`,
};
