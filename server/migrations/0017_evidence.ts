/**
 * A project says how its commands run and which it requires; tests that fail and then pass are remembered; and what
 * failed before any change need not keep a ticket from its review.
 */
import type { Migration } from "./migration.ts";

export const evidence: Migration = {
  name: "0017_evidence",
  sql: `
-- A project without a row has the defaults.
CREATE TABLE check_rules (
  project_id TEXT PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
  required TEXT NOT NULL CHECK (json_valid(required)),
  rerun_failed INTEGER NOT NULL CHECK (rerun_failed IN (0, 1)),
  baseline_blocks INTEGER NOT NULL CHECK (baseline_blocks IN (0, 1)),
  findings_back INTEGER NOT NULL CHECK (findings_back IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE command_rules (
  project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  name TEXT NOT NULL CHECK (name IN ('setup', 'build', 'test')),
  timeout_ms INTEGER CHECK (timeout_ms > 0),
  folder TEXT NOT NULL DEFAULT '',
  env TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(env)),
  reports TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(reports)),
  PRIMARY KEY (project_id, name)
) STRICT, WITHOUT ROWID;

ALTER TABLE checks ADD COLUMN rerun_of TEXT REFERENCES checks (id);
ALTER TABLE checks ADD COLUMN flaky TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(flaky));
ALTER TABLE checks ADD COLUMN known_failures INTEGER NOT NULL DEFAULT 0 CHECK (known_failures IN (0, 1));
-- A person had the step taken again: what it said no longer counts.
ALTER TABLE checks ADD COLUMN outdated INTEGER NOT NULL DEFAULT 0 CHECK (outdated IN (0, 1));
-- Never more than one more try.
CREATE UNIQUE INDEX checks_rerun_once ON checks (rerun_of) WHERE rerun_of IS NOT NULL;

CREATE TABLE flaky_tests (
  project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  file TEXT NOT NULL,
  test TEXT NOT NULL,
  times INTEGER NOT NULL DEFAULT 1,
  first_at TEXT NOT NULL,
  last_at TEXT NOT NULL,
  ticket_id TEXT NOT NULL REFERENCES tickets (id),
  PRIMARY KEY (project_id, file, test)
) STRICT, WITHOUT ROWID;

-- Tickets whose blocking findings are with the developer, until a person has the word again.
CREATE TABLE returned_findings (
  ticket_id TEXT PRIMARY KEY REFERENCES tickets (id),
  run_id TEXT NOT NULL REFERENCES runs (id),
  at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Done is evidence, not a claim: review needs a diff, and a build row and a test row for exactly this commit. Where
-- the project requires a step, that it has no command for it is none; and a failure is one only where the untouched
-- base failed in the same step.
DROP TRIGGER tickets_review_needs_evidence;
CREATE TRIGGER tickets_review_needs_evidence
BEFORE UPDATE OF status ON tickets
WHEN NEW.status = 'review' AND OLD.status <> 'review' AND (
  NEW.head_commit IS NULL OR NEW.base_commit IS NULL OR NEW.head_commit = NEW.base_commit
  OR EXISTS (
    SELECT 1 FROM json_each('["build","test"]') step WHERE NOT EXISTS (
      SELECT 1 FROM checks c
      WHERE c.ticket_id = NEW.id AND c.name = step.value AND c.commit_id = NEW.head_commit
        AND c.baseline = 0 AND c.outdated = 0 AND (
          c.status = 'passed'
          OR c.status = 'skipped' AND NOT EXISTS (
            SELECT 1 FROM check_rules r, json_each(r.required) q
            WHERE r.project_id = NEW.project_id AND q.value = step.value)
          OR c.status = 'failed' AND c.known_failures = 1 AND EXISTS (
            SELECT 1 FROM checks b
            WHERE b.ticket_id = NEW.id AND b.name = c.name AND b.commit_id = NEW.base_commit
              AND b.baseline = 1 AND b.status = 'failed')
        )
    )
  )
)
BEGIN SELECT RAISE(ABORT, 'review needs a changed commit with a build and a test result'); END;
`,
};
