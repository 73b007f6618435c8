/** Everything the main job needs: projects, ideas, tickets, runs, queue, history. */
import {
  approvalStatuses,
  checkStatuses,
  ideaStatuses,
  jobStatuses,
  projectStatuses,
  questionStatuses,
  runStatuses,
  subtaskStatuses,
  ticketStatuses,
  ticketSteps,
  ticketTypes,
  worktreeStatuses,
} from "../states.ts";
import { type Migration, oneOf } from "./migration.ts";

export const mainJob: Migration = {
  name: "0001_main_job",
  sql: `
CREATE TABLE projects (
  id TEXT PRIMARY KEY,
  slug TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  path TEXT NOT NULL,
  base_branch TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ${oneOf(projectStatuses)}),
  commands_allowed INTEGER NOT NULL DEFAULT 0 CHECK (commands_allowed IN (0, 1)),
  sample INTEGER NOT NULL DEFAULT 0 CHECK (sample IN (0, 1)),
  next_idea INTEGER NOT NULL DEFAULT 1,
  next_ticket INTEGER NOT NULL DEFAULT 1,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX projects_one_per_path ON projects (path) WHERE status = 'active';

CREATE TABLE project_commands (
  project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  name TEXT NOT NULL CHECK (name IN ('setup', 'build', 'test')),
  command TEXT NOT NULL CHECK (length(command) BETWEEN 1 AND 2000),
  timeout_ms INTEGER NOT NULL CHECK (timeout_ms > 0),
  PRIMARY KEY (project_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE ideas (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id),
  number INTEGER NOT NULL,
  title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
  description TEXT NOT NULL DEFAULT '',
  status TEXT NOT NULL DEFAULT 'submitted' CHECK (status IN ${oneOf(ideaStatuses)}),
  priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
  tags TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(tags)),
  plan TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(plan)),
  round INTEGER NOT NULL DEFAULT 1,
  feedback TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  failure TEXT,
  ticket_id TEXT REFERENCES tickets (id),
  cost_micro_usd INTEGER NOT NULL DEFAULT 0,
  created_by TEXT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (project_id, number),
  CHECK (status NOT IN ('rejected', 'stuck') OR reason <> ''),
  CHECK ((status = 'converted') = (ticket_id IS NOT NULL))
) STRICT;
CREATE INDEX ideas_by_status ON ideas (status, updated_at);

CREATE TABLE questions (
  id TEXT PRIMARY KEY,
  idea_id TEXT NOT NULL REFERENCES ideas (id),
  number INTEGER NOT NULL,
  round INTEGER NOT NULL,
  text TEXT NOT NULL,
  why TEXT NOT NULL DEFAULT '',
  options TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(options)),
  status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ${oneOf(questionStatuses)}),
  answer TEXT NOT NULL DEFAULT '',
  asked_by TEXT NOT NULL,
  run_id TEXT REFERENCES runs (id),
  created_at TEXT NOT NULL,
  decided_at TEXT,
  UNIQUE (idea_id, number),
  CHECK (status <> 'answered' OR answer <> '')
) STRICT;
CREATE INDEX questions_pending ON questions (created_at) WHERE status = 'pending';

CREATE TABLE tickets (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id),
  number INTEGER NOT NULL,
  idea_id TEXT REFERENCES ideas (id),
  type TEXT NOT NULL CHECK (type IN ${oneOf(ticketTypes)}),
  title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
  description TEXT NOT NULL DEFAULT '',
  acceptance TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(acceptance)),
  status TEXT NOT NULL DEFAULT 'queued' CHECK (status IN ${oneOf(ticketStatuses)}),
  step TEXT CHECK (step IN ${oneOf(ticketSteps)}),
  priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
  round INTEGER NOT NULL DEFAULT 0,
  guidance TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  failure TEXT,
  branch TEXT,
  base_commit TEXT,
  head_commit TEXT,
  merge_commit TEXT,
  merge_message TEXT NOT NULL DEFAULT '',
  merge_wait TEXT NOT NULL DEFAULT '',
  approved_by TEXT NOT NULL DEFAULT '',
  review_summary TEXT NOT NULL DEFAULT '',
  review_verdicts TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(review_verdicts)),
  cost_micro_usd INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  started_at TEXT,
  done_at TEXT,
  UNIQUE (project_id, number),
  CHECK (status <> 'blocked' OR (reason <> '' AND failure IS NOT NULL)),
  CHECK (status <> 'done' OR merge_commit IS NOT NULL),
  CHECK (status <> 'in_progress' OR step IS NOT NULL)
) STRICT;
CREATE INDEX tickets_by_status ON tickets (status, priority, created_at);

CREATE TABLE subtasks (
  id TEXT PRIMARY KEY,
  ticket_id TEXT NOT NULL REFERENCES tickets (id),
  position INTEGER NOT NULL,
  title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
  description TEXT NOT NULL DEFAULT '',
  complexity TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ${oneOf(subtaskStatuses)}),
  summary TEXT NOT NULL DEFAULT '',
  started_at TEXT,
  done_at TEXT,
  UNIQUE (ticket_id, position)
) STRICT;

CREATE TABLE runs (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id),
  agent TEXT NOT NULL,
  purpose TEXT NOT NULL CHECK (purpose IN
    ('clarify', 'research', 'estimate', 'prioritize', 'develop', 'fix', 'change', 'review', 'explain')),
  idea_id TEXT REFERENCES ideas (id),
  ticket_id TEXT REFERENCES tickets (id),
  subtask_id TEXT REFERENCES subtasks (id),
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
  CHECK ((idea_id IS NULL) <> (ticket_id IS NULL)),
  CHECK (status <> 'failed' OR failure IS NOT NULL)
) STRICT;
CREATE INDEX runs_by_idea ON runs (idea_id, round) WHERE idea_id IS NOT NULL;
CREATE INDEX runs_by_ticket ON runs (ticket_id, created_at) WHERE ticket_id IS NOT NULL;
CREATE INDEX runs_active ON runs (created_at) WHERE status IN ('queued', 'running', 'waiting');
CREATE INDEX runs_by_time ON runs (created_at);
-- One ticket never has two active runs.
CREATE UNIQUE INDEX runs_one_active_per_ticket ON runs (ticket_id)
  WHERE ticket_id IS NOT NULL AND status IN ('queued', 'running', 'waiting');

-- What each request cost, with the rates that were applied: the ground of every sum.
CREATE TABLE turn_usage (
  run_id TEXT NOT NULL REFERENCES runs (id),
  number INTEGER NOT NULL,
  turn INTEGER NOT NULL,
  model TEXT NOT NULL,
  demo INTEGER NOT NULL CHECK (demo IN (0, 1)),
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cache_write_5m_tokens INTEGER NOT NULL,
  cache_write_1h_tokens INTEGER NOT NULL,
  cache_read_tokens INTEGER NOT NULL,
  cost_micro_usd INTEGER NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (run_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX turn_usage_by_time ON turn_usage (at);

CREATE TABLE approvals (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id),
  call_id TEXT NOT NULL,
  tool TEXT NOT NULL,
  detail TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ${oneOf(approvalStatuses)}),
  reason TEXT NOT NULL DEFAULT '',
  created_at TEXT NOT NULL,
  decided_at TEXT,
  decided_by TEXT,
  UNIQUE (run_id, call_id)
) STRICT;
CREATE INDEX approvals_pending ON approvals (created_at) WHERE status = 'pending';

CREATE TABLE worktrees (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id),
  ticket_id TEXT NOT NULL UNIQUE REFERENCES tickets (id),
  path TEXT NOT NULL UNIQUE,
  branch TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'allocated' CHECK (status IN ${oneOf(worktreeStatuses)}),
  set_up INTEGER NOT NULL DEFAULT 0 CHECK (set_up IN (0, 1)),
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE checks (
  id TEXT PRIMARY KEY,
  ticket_id TEXT NOT NULL REFERENCES tickets (id),
  name TEXT NOT NULL CHECK (name IN ('setup', 'build', 'test')),
  commit_id TEXT NOT NULL,
  baseline INTEGER NOT NULL CHECK (baseline IN (0, 1)),
  command TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ${oneOf(checkStatuses)}),
  exit_code INTEGER,
  duration_ms INTEGER NOT NULL,
  report TEXT CHECK (report IS NULL OR json_valid(report)),
  tail TEXT NOT NULL DEFAULT '',
  output_path TEXT,
  unconfined INTEGER NOT NULL DEFAULT 0 CHECK (unconfined IN (0, 1)),
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX checks_by_ticket ON checks (ticket_id, created_at);

-- Done is evidence, not a claim: review needs a diff, and a build row and a test row for exactly this commit.
CREATE TRIGGER tickets_review_needs_evidence
BEFORE UPDATE OF status ON tickets
WHEN NEW.status = 'review' AND OLD.status <> 'review' AND (
  NEW.head_commit IS NULL OR NEW.base_commit IS NULL OR NEW.head_commit = NEW.base_commit
  OR NOT EXISTS (SELECT 1 FROM checks c WHERE c.ticket_id = NEW.id AND c.name = 'build'
    AND c.commit_id = NEW.head_commit AND c.baseline = 0 AND c.status IN ('passed', 'skipped'))
  OR NOT EXISTS (SELECT 1 FROM checks c WHERE c.ticket_id = NEW.id AND c.name = 'test'
    AND c.commit_id = NEW.head_commit AND c.baseline = 0 AND c.status IN ('passed', 'skipped'))
)
BEGIN SELECT RAISE(ABORT, 'review needs a changed commit with a build and a test result'); END;

CREATE TABLE review_findings (
  id TEXT PRIMARY KEY,
  ticket_id TEXT NOT NULL REFERENCES tickets (id),
  run_id TEXT NOT NULL REFERENCES runs (id),
  severity TEXT NOT NULL CHECK (severity IN ('blocking', 'major', 'minor', 'note')),
  path TEXT,
  line INTEGER,
  message TEXT NOT NULL,
  suggestion TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX review_findings_by_ticket ON review_findings (ticket_id);

CREATE TABLE comments (
  id TEXT PRIMARY KEY,
  ticket_id TEXT NOT NULL REFERENCES tickets (id),
  path TEXT,
  line INTEGER,
  side TEXT NOT NULL DEFAULT 'new' CHECK (side IN ('old', 'new')),
  body TEXT NOT NULL CHECK (body <> ''),
  sent INTEGER NOT NULL DEFAULT 0 CHECK (sent IN (0, 1)),
  author TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX comments_by_ticket ON comments (ticket_id, created_at);

-- History of everything and log of every run in one growing sequence: its number is the id of the
-- server-sent events, so a page or client that was away asks for what came after its last number.
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  type TEXT NOT NULL,
  project_id TEXT,
  idea_id TEXT,
  ticket_id TEXT,
  run_id TEXT,
  number INTEGER,
  data TEXT NOT NULL CHECK (json_valid(data)),
  CHECK ((run_id IS NULL) = (number IS NULL))
) STRICT;
CREATE UNIQUE INDEX events_of_run ON events (run_id, number) WHERE run_id IS NOT NULL;
CREATE INDEX events_of_ticket ON events (ticket_id, seq) WHERE ticket_id IS NOT NULL;
CREATE INDEX events_of_idea ON events (idea_id, seq) WHERE idea_id IS NOT NULL;
CREATE INDEX events_of_history ON events (seq) WHERE run_id IS NULL;

CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  args TEXT NOT NULL CHECK (json_valid(args)),
  queue TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ${oneOf(jobStatuses)}),
  priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
  attempt INTEGER NOT NULL DEFAULT 0,
  max_attempts INTEGER NOT NULL CHECK (max_attempts > 0),
  unique_key TEXT,
  concurrency_key TEXT,
  project_id TEXT,
  scheduled_at TEXT NOT NULL,
  lease_token TEXT,
  lease_expires_at TEXT,
  leased_by TEXT,
  errors TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(errors)),
  created_at TEXT NOT NULL,
  finished_at TEXT,
  CHECK ((status = 'executing') = (lease_token IS NOT NULL))
) STRICT;
-- claim() reads in this order and stops at the first row; without the index every claim sorts the backlog.
CREATE INDEX jobs_claim ON jobs (queue, priority, scheduled_at, id) WHERE status = 'available';
CREATE INDEX jobs_due ON jobs (scheduled_at) WHERE status IN ('scheduled', 'retryable');
CREATE INDEX jobs_executing ON jobs (concurrency_key) WHERE status = 'executing';
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;
-- At most one job of a key waits; one more may be asked for while one executes, so no change is missed.
CREATE UNIQUE INDEX jobs_unique ON jobs (unique_key)
  WHERE unique_key IS NOT NULL AND status IN ('scheduled', 'available', 'retryable');

CREATE TABLE settings (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL CHECK (json_valid(value)),
  updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Answers to POSTs that carried an Idempotency-Key, so that a repeated one is answered and not done again.
CREATE TABLE idempotency_keys (
  key TEXT PRIMARY KEY,
  request_hash TEXT NOT NULL,
  status INTEGER NOT NULL,
  body TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (created_at);
`,
};
