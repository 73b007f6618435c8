/**
 * The whole queue: an order that ages, limits per project, crashes that count, recurring jobs, queues that a
 * person paused, and figures for the page. The age step is that of queue/rows.ts.
 */
import { jobStatuses } from "../states.ts";
import { type Migration, oneOf } from "./migration.ts";

export const queue: Migration = {
  name: "0003_queue",
  sql: `
CREATE TABLE new_jobs (
  -- Pruning leaves the newest row there, so no id is given twice.
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  args TEXT NOT NULL CHECK (json_valid(args)),
  queue TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ${oneOf(jobStatuses)}),
  priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
  attempt INTEGER NOT NULL DEFAULT 0,
  max_attempts INTEGER NOT NULL CHECK (max_attempts > 0),
  -- Deaths of the process while it executed the job, since it last ended an attempt or got on.
  crashes INTEGER NOT NULL DEFAULT 0,
  unique_key TEXT,
  concurrency_key TEXT,
  project_id TEXT,
  scheduled_at TEXT NOT NULL,
  -- Due time in milliseconds plus an hour per step of priority: one order is both priority and ageing.
  claim_order INTEGER NOT NULL,
  -- Jobs that one limit per project holds up together. Names of queues have no spaces.
  lane TEXT NOT NULL CHECK (lane = queue || ' ' || coalesce(project_id, '')),
  started_at TEXT,
  lease_token TEXT,
  lease_expires_at TEXT,
  leased_by TEXT,
  errors TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(errors)),
  created_at TEXT NOT NULL,
  finished_at TEXT,
  CHECK ((status = 'executing') = (lease_token IS NOT NULL))
) STRICT;
INSERT INTO new_jobs (id, kind, args, queue, status, priority, attempt, max_attempts, unique_key,
  concurrency_key, project_id, scheduled_at, claim_order, lane, lease_token, lease_expires_at,
  leased_by, errors, created_at, finished_at)
SELECT id, kind, args, queue, status, priority, attempt, max_attempts, unique_key,
  concurrency_key, project_id, scheduled_at,
  coalesce(CAST(round(unixepoch(scheduled_at, 'subsec') * 1000) AS INTEGER), 0) + priority * 3600000,
  queue || ' ' || coalesce(project_id, ''), lease_token, lease_expires_at, leased_by, errors, created_at,
  finished_at
FROM jobs;
DROP TABLE jobs;
ALTER TABLE new_jobs RENAME TO jobs;

-- claim() looks at the first of each lane, so a lane at its limit costs the same however long it is. The last
-- two columns let it step over those that may not run without reading their rows.
CREATE INDEX jobs_claim ON jobs (lane, claim_order, id, concurrency_key, crashes)
  WHERE status = 'available';
CREATE INDEX jobs_due ON jobs (scheduled_at, queue, status) WHERE status IN ('scheduled', 'retryable');
CREATE INDEX jobs_executing ON jobs (queue, project_id, concurrency_key, crashes)
  WHERE status = 'executing';
CREATE INDEX jobs_finished ON jobs (finished_at, id, queue, status, scheduled_at, started_at)
  WHERE finished_at IS NOT NULL;
CREATE INDEX jobs_discarded ON jobs (id) WHERE status = 'discarded';
-- At most one job of a kind and key waits.
CREATE UNIQUE INDEX jobs_unique ON jobs (unique_key, kind)
  WHERE unique_key IS NOT NULL AND status IN ('scheduled', 'available', 'retryable');

CREATE TABLE queue_pauses (
  queue TEXT PRIMARY KEY,
  paused_at TEXT NOT NULL,
  paused_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Recurring jobs. A job is asked for and next_at moved on in one transaction: no time fires twice or is lost.
CREATE TABLE schedules (
  name TEXT PRIMARY KEY,
  cron TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  kind TEXT NOT NULL,
  args TEXT NOT NULL CHECK (json_valid(args)),
  priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
  project_id TEXT,
  catch_up TEXT NOT NULL CHECK (catch_up IN ${oneOf(["once", "all", "skip"])}),
  next_at TEXT,
  last_at TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL;
`,
};
