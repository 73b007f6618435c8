/** What must hold of the database whenever its server is killed. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import { jobMoves, type JobStatus } from "../../server/states.ts";
import type { Json } from "../gaffer.ts";
import type { Rows } from "../journey_support.ts";

export function checkDatabase(rows: Rows): void {
  equal(rows.one("PRAGMA integrity_check"), "ok");
  deepEqual(rows.all("PRAGMA foreign_key_check"), []);
  checkEvents(rows);
  checkRuns(rows);
  checkOnce(rows);
  checkJobs(rows);
}

/** Numbered without a gap, in the history and in each run: nothing in between was lost. */
function checkEvents(rows: Rows): void {
  const { count, last } = rows.all("SELECT count(*) AS count, max(seq) AS last FROM events")[0];
  equal(last ?? 0, count, "the history has no gap");
  deepEqual(
    rows.all(`
      SELECT run_id, count(*) AS count, min(number) AS first, max(number) AS last FROM events
      WHERE run_id IS NOT NULL GROUP BY run_id HAVING first <> 1 OR last <> count`),
    [],
    "no run's log has a gap",
  );
}

const FINAL = "('succeeded', 'failed', 'cancelled')";

/** A run begins once, ends once, with what its row says; it asks for no turn that it has. */
function checkRuns(rows: Rows): void {
  deepEqual(
    rows.all(`
      SELECT run_id, count(*) AS ends FROM events WHERE run_id IS NOT NULL AND type IN ${FINAL}
      GROUP BY run_id HAVING ends > 1`),
    [],
    "no run ends twice",
  );
  deepEqual(
    rows.all(`
      SELECT runs.id, runs.status, last.type FROM runs
      LEFT JOIN events AS last ON last.run_id = runs.id AND last.number =
        (SELECT max(number) FROM events WHERE run_id = runs.id)
      WHERE (runs.status IN ${FINAL}) <> coalesce(last.type IN ${FINAL}, 0)
        OR runs.status IN ${FINAL} AND runs.status <> last.type`),
    [],
    "a run's row and the last event of its log say the same",
  );
  deepEqual(
    rows.all(`
      SELECT asked.run_id, asked.number FROM events AS asked JOIN events AS had
        ON had.run_id = asked.run_id AND had.number < asked.number AND had.type = 'turn_finished'
      WHERE asked.type = 'turn_started' AND
        json_extract(asked.data, '$.turn') <= json_extract(had.data, '$.turn')`),
    [],
    "no turn that was answered is asked for again",
  );
  deepEqual(
    rows.all(`
      SELECT done.run_id, done.number FROM events AS done
      WHERE done.type = 'tool_finished' AND NOT EXISTS (
        SELECT 1 FROM events AS begun WHERE begun.run_id = done.run_id
          AND begun.type = 'tool_started' AND begun.number < done.number
          AND json_extract(begun.data, '$.call.id') = json_extract(done.data, '$.result.callId'))`),
    [],
    "what a call brought is logged after its beginning",
  );
}

/** What must be there once, however often it was begun. */
function checkOnce(rows: Rows): void {
  const twice: [what: string, sql: string][] = [
    [
      "events of a run",
      `SELECT run_id, type, coalesce(json_extract(data, '$.result.callId'),
          json_extract(data, '$.call.id'), json_extract(data, '$.turn'), '') AS key, count(*) AS times
        FROM events WHERE type IN ('started', 'turn_finished', 'tool_started', 'tool_finished')
        GROUP BY run_id, type, key HAVING times > 1`,
    ],
    [
      "answers of Claude",
      `SELECT json_extract(data, '$.requestId') AS request, count(*) AS times FROM events
        WHERE type = 'turn_finished' GROUP BY request HAVING times > 1`,
    ],
    [
      "messages of a person",
      `SELECT run_id, data ->> 'text' AS text, count(*) AS times FROM events
        WHERE type = 'note' AND data ->> 'by' = 'owner' GROUP BY run_id, text HAVING times > 1`,
    ],
    [
      "decisions of a person",
      `SELECT run_id, data ->> 'callId' AS call, count(*) AS times FROM events
        WHERE type = 'approval_decided' GROUP BY run_id, call HAVING times > 1`,
    ],
    [
      "checks",
      `SELECT ticket_id, name, commit_id, baseline, count(*) AS times FROM checks
        GROUP BY ticket_id, name, commit_id, baseline HAVING times > 1`,
    ],
    [
      "questions",
      `SELECT idea_id, round, asked_by, text, count(*) AS times FROM questions
        GROUP BY idea_id, round, asked_by, text HAVING times > 1`,
    ],
    [
      "tickets of an idea",
      `SELECT idea_id, count(*) AS times FROM tickets WHERE idea_id IS NOT NULL
        GROUP BY idea_id HAVING times > 1`,
    ],
    [
      "runs of an idea",
      `SELECT idea_id, purpose, round, count(*) AS times FROM runs
        WHERE idea_id IS NOT NULL AND status = 'succeeded'
        GROUP BY idea_id, purpose, round HAVING times > 1`,
    ],
    [
      "runs of a step",
      `SELECT subtask_id, purpose, round, count(*) AS times FROM runs
        WHERE subtask_id IS NOT NULL AND status = 'succeeded'
        GROUP BY subtask_id, purpose, round HAVING times > 1`,
    ],
  ];
  for (const [what, sql] of twice) deepEqual(rows.all(sql), [], `no ${what} are there twice`);
  deepEqual(
    rows.all(`
      SELECT runs.id FROM runs WHERE cost_micro_usd <> (
        SELECT coalesce(sum(cost_micro_usd), 0) FROM turn_usage WHERE run_id = runs.id)`),
    [],
    "a run costs what its turns cost",
  );
}

const ended: ReadonlySet<string> = new Set(["completed", "discarded", "cancelled"]);

/** By the journal: only legal moves, one end, never two jobs of one key at work, none of a dead server. */
function checkJobs(rows: Rows): void {
  deepEqual(
    rows.all("SELECT move, job_id FROM job_moves WHERE went = 'executing' AND paused"),
    [],
    "nothing of a paused queue begins",
  );
  // A server takes up what the one before it left before it begins anything.
  const newest = "(SELECT boot FROM job_moves WHERE went = 'executing' ORDER BY move DESC LIMIT 1)";
  deepEqual(
    rows.all(`SELECT id, kind, leased_by FROM jobs WHERE status = 'executing'
      AND substr(leased_by, 1, 36) <> substr(${newest}, 1, 36)`),
    [],
    "no job counts as executing for a server that is gone",
  );
  const states = new Map<number, JobStatus>();
  const working = new Map<string, number>();
  for (
    const { move, job_id, came, went, key } of rows.all("SELECT * FROM job_moves ORDER BY move")
  ) {
    const where = `move ${move} of job ${job_id}, ${came} to ${went}`;
    const before = states.get(job_id) ?? null;
    equal(came, before, `${where}: it was ${before}`);
    if (before !== null) {
      ok(jobMoves[before].includes(went), `${where}: not a legal move`);
      ok(!ended.has(before), `${where}: it had ended`);
    }
    states.set(job_id, went);
    if (came === "executing") working.delete(key);
    if (went === "executing" && key !== null) {
      equal(working.get(key), undefined, `${where}: another one of "${key}" is at work`);
      working.set(key, job_id);
    }
  }
  const present = new Map(
    rows.all("SELECT id, status FROM jobs").map(({ id, status }: Json) => [id, status]),
  );
  for (const [id, status] of present) equal(states.get(id), status, `job ${id} by its journal`);
}
