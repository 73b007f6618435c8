/** A project may push to a forge and open pull requests there; what the forge says of them comes back. */
import { forgeCheckStatuses, forgeKinds, pullStatuses } from "../states.ts";
import { type Migration, oneOf } from "./migration.ts";

export const forges: Migration = {
  name: "0020_forges",
  sql: `
-- Of projects for which a person named one. token: the name of a variable of Gaffer's environment, never a secret.
CREATE TABLE forges (
  project_id TEXT PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ${oneOf(forgeKinds)}),
  api_url TEXT NOT NULL CHECK (length(api_url) BETWEEN 1 AND 500),
  repository TEXT NOT NULL CHECK (length(repository) BETWEEN 1 AND 300),
  remote_url TEXT NOT NULL CHECK (length(remote_url) BETWEEN 1 AND 500),
  token TEXT NOT NULL CHECK (token GLOB '$[A-Za-z_]*'),
  takes_merge INTEGER NOT NULL CHECK (takes_merge IN (0, 1)),
  updated_by TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row for each time that a ticket's work went to a forge. commit_id: what a person last said shall be there;
-- pushed: what is known to have arrived; sent: all that may have, on record before it is sent.
CREATE TABLE pull_requests (
  id TEXT PRIMARY KEY,
  ticket_id TEXT NOT NULL REFERENCES tickets (id),
  kind TEXT NOT NULL CHECK (kind IN ${oneOf(forgeKinds)}),
  repository TEXT NOT NULL,
  branch TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'opening' CHECK (status IN ${oneOf(pullStatuses)}),
  commit_id TEXT NOT NULL,
  pushed TEXT,
  sent TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(sent)),
  number INTEGER CHECK (number > 0),
  url TEXT NOT NULL DEFAULT '',
  -- Commit at the branch there, when it was last looked at.
  head TEXT,
  merge_commit TEXT,
  -- What is in the way and how to mend it; stopped: nothing happens until a person says so.
  error TEXT NOT NULL DEFAULT '',
  stopped INTEGER NOT NULL DEFAULT 0 CHECK (stopped IN (0, 1)),
  failures INTEGER NOT NULL DEFAULT 0,
  looked_at TEXT,
  changed_at TEXT NOT NULL,
  asked_by TEXT NOT NULL,
  asked_at TEXT NOT NULL,
  ended_at TEXT,
  CHECK (status NOT IN ('open', 'merged') OR number IS NOT NULL),
  CHECK (status <> 'merged' OR merge_commit IS NOT NULL),
  CHECK (stopped = 0 OR error <> ''),
  CHECK ((status IN ('opening', 'open')) = (ended_at IS NULL))
) STRICT;
CREATE INDEX pull_requests_of ON pull_requests (ticket_id, asked_at);
CREATE UNIQUE INDEX pull_requests_one_open ON pull_requests (ticket_id) WHERE ended_at IS NULL;

-- What the forge's own checks say of the pushed commit; replaced with each look.
CREATE TABLE pull_request_checks (
  pull_request_id TEXT NOT NULL REFERENCES pull_requests (id),
  key TEXT NOT NULL,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ${oneOf(forgeCheckStatuses)}),
  summary TEXT NOT NULL,
  url TEXT NOT NULL,
  commit_id TEXT NOT NULL,
  PRIMARY KEY (pull_request_id, key)
) STRICT, WITHOUT ROWID;

-- What people and programs said there, each once by the forge's own id. comment_id: a person took it up.
CREATE TABLE pull_request_remarks (
  id TEXT PRIMARY KEY,
  pull_request_id TEXT NOT NULL REFERENCES pull_requests (id),
  forge_id TEXT NOT NULL,
  author TEXT NOT NULL,
  path TEXT,
  line INTEGER,
  side TEXT NOT NULL CHECK (side IN ('old', 'new')),
  body TEXT NOT NULL,
  verdict TEXT CHECK (verdict IN ('approved', 'changes_requested')),
  url TEXT NOT NULL,
  at TEXT NOT NULL,
  -- Its line is a line of this.
  commit_id TEXT NOT NULL,
  seen_at TEXT NOT NULL,
  comment_id TEXT,
  UNIQUE (pull_request_id, forge_id)
) STRICT;
`,
};
