/** What must hold besides once all work has come to rest: everything is done, and nothing waits or is held. */
import { deepStrictEqual as deepEqual } from "node:assert";
import type { Rows } from "../journey_support.ts";

export function checkRest(rows: Rows): void {
  const none: [what: string, sql: string][] = [
    [
      "job is at work or waits",
      `SELECT id, kind, status, errors FROM jobs
      WHERE status IN ('executing', 'available', 'retryable')
        OR status = 'scheduled' AND kind NOT IN ('prune', 'backup')`,
    ],
    ["job was given up", "SELECT id, kind, errors FROM jobs WHERE status = 'discarded'"],
    [
      "idea is open",
      `SELECT title, status FROM ideas
      WHERE status NOT IN ('converted', 'rejected')`,
    ],
    ["ticket is open", "SELECT title, status FROM tickets WHERE status <> 'done'"],
    [
      "question is open",
      `SELECT questions.id FROM questions JOIN ideas ON ideas.id = idea_id
      WHERE questions.status = 'pending' AND ideas.status <> 'rejected'`,
    ],
    ["run is open", "SELECT id, status FROM runs WHERE status IN ('queued', 'running', 'waiting')"],
    ["worktree is left", "SELECT path, status FROM worktrees WHERE status <> 'removed'"],
    ["subtask is open", "SELECT title, status FROM subtasks WHERE status <> 'done'"],
    [
      "request is half done",
      "SELECT key FROM idempotency_keys WHERE status NOT BETWEEN 200 AND 299",
    ],
  ];
  for (const [what, sql] of none) deepEqual(rows.all(sql), [], `no ${what}`);
}
