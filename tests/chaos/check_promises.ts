/** Whatever was answered with success is true, and was done once. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import type { FakeClaude } from "../fake_claude/mod.ts";
import type { Rows } from "../journey_support.ts";
import type { Accepted, Person } from "./person.ts";

export function checkPromises(rows: Rows, person: Person): void {
  for (const act of person.accepted) checkEffect(rows, act);
  checkCounts(rows, person);
}

function checkEffect(rows: Rows, { kind, subject, answer, body, key }: Accepted): void {
  const one = (sql: string, ...values: string[]) =>
    rows.all(sql, ...values).map((row) => ({ ...row }));
  switch (kind) {
    case "submit":
      return deepEqual(
        one("SELECT id FROM ideas WHERE title = ?", subject),
        [{ id: answer.id }],
        key,
      );
    case "answer":
    case "skip": {
      const status = kind === "answer" ? "answered" : "skipped";
      deepEqual(
        one("SELECT status, answer FROM questions WHERE id = ?", subject),
        [{ status, answer: body.answer ?? "" }],
        key,
      );
      const told = `SELECT type FROM events WHERE type LIKE 'question_%'
        AND json_extract(data, '$.questionId') = ?`;
      return deepEqual(one(told, subject), [{ type: `question_${status}` }], key);
    }
    case "approve_idea":
      return deepEqual(
        one("SELECT id FROM tickets WHERE idea_id = ?", subject),
        [{ id: answer.id }],
        key,
      );
    case "comment":
      return deepEqual(
        one("SELECT id FROM comments WHERE ticket_id = ? AND body = ?", subject, body.body),
        [{ id: answer.id }],
        key,
      );
    case "reject_idea": {
      deepEqual(
        one("SELECT status, reason FROM ideas WHERE id = ?", subject),
        [{ status: "rejected", reason: body.reason }],
        key,
      );
      const active = `SELECT id, status FROM runs WHERE idea_id = ?
        AND status IN ('queued', 'running', 'waiting')`;
      return deepEqual(one(active, subject), [], `${key} ends its runs`);
    }
    case "approve_ticket":
      return equal(rows.one("SELECT approved_by FROM tickets WHERE id = ?", subject), "owner", key);
    case "message":
      return equal(
        rows.one(NOTES, subject, body.message),
        1,
        `${key} is in the run's log once`,
      );
    case "cancel_run":
      return equal(rows.one("SELECT status FROM runs WHERE id = ?", subject), "cancelled", key);
    case "cancel_job":
      return equal(rows.one("SELECT status FROM jobs WHERE id = ?", subject), "cancelled", key);
    case "retry_job":
      return ok(rows.one(HURRIED, subject) > 0, `${key} made the job available`);
    case "grant":
    case "deny": {
      const status = kind === "grant" ? "granted" : "denied";
      deepEqual(
        one("SELECT status, decided_by FROM approvals WHERE id = ?", subject),
        [{ status, decided_by: "owner" }],
        key,
      );
      return deepEqual(
        one(DECISIONS, subject).map(({ granted }) => granted),
        [kind === "grant" ? 1 : 0],
        `${key} is in the run's log once`,
      );
    }
    default:
      // Can be asked for several times of the same thing: these are counted.
  }
}

/** Of a run's log: what a person told its agent. */
const NOTES = `SELECT count(*) FROM events WHERE run_id = ? AND type = 'note'
  AND data ->> 'by' = 'owner' AND data ->> 'text' = ?`;
/** Of the journal. */
const HURRIED = `SELECT count(*) FROM job_moves
  WHERE job_id = ? AND came IN ('scheduled', 'retryable') AND went = 'available'`;
const DECISIONS = `SELECT data ->> 'granted' AS granted FROM events JOIN approvals
  ON approvals.run_id = events.run_id AND approvals.call_id = data ->> 'callId'
  WHERE type = 'approval_decided' AND approvals.id = ?`;

/** How often something of a type was told of by what a person did, by what it is about. */
const told = (type: string, subject: string, condition = "true") => `
  SELECT ${subject} AS subject, count(*) AS times FROM events
  WHERE type = '${type}' AND actor = 'owner' AND ${condition} GROUP BY subject`;
const moved = (from: string, to: string) =>
  told("ticket_moved", "ticket_id", `data ->> 'from' IN (${from}) AND data ->> 'to' IN (${to})`);

/** An idea's moves do not say where it came from: the move before does. */
const ideaMoves = (from: string) => `
  SELECT idea_id AS subject, count(*) AS times FROM (
    SELECT idea_id, data ->> 'to' AS went,
      lag(data ->> 'to') OVER (PARTITION BY idea_id ORDER BY seq) AS came
    FROM events WHERE type = 'idea_moved')
  WHERE came = '${from}' AND went = 'refining' GROUP BY idea_id`;

const counted = {
  change_idea: ideaMoves("ready"),
  refine: ideaMoves("stuck"),
  change_ticket: moved("'review'", "'in_progress'"),
  retry: moved("'blocked', 'cancelled'", "'queued', 'in_progress', 'review'"),
  cancel_ticket: told("ticket_moved", "ticket_id", "data ->> 'to' = 'cancelled'"),
  pause_ticket: told("ticket_paused", "ticket_id"),
  resume_ticket: told("ticket_resumed", "ticket_id"),
  // A ticket's runs are paused with it.
  pause_run: told("run_paused", "data ->> 'runId'", "ticket_id IS NULL"),
  resume_run: told("run_resumed", "data ->> 'runId'", "ticket_id IS NULL"),
  pause_queue: told("queue_paused", "data ->> 'queue'"),
  resume_queue: told("queue_resumed", "data ->> 'queue'"),
} as const;

function checkCounts(rows: Rows, person: Person): void {
  for (const [kind, sql] of Object.entries(counted) as [keyof typeof counted, string][]) {
    const times = new Map<string, number>(
      rows.all(sql).map((row) => [row.subject, row.times]),
    );
    const subjects = person.accepted.filter((act) => act.kind === kind).map((act) => act.subject);
    for (const subject of new Set([...times.keys(), ...subjects])) {
      const { least, most } = person.bounds(kind, subject);
      const found = times.get(subject) ?? 0;
      ok(
        least <= found && found <= most,
        `${kind} of ${subject} happened ${found} times, not ${least} to ${most}`,
      );
    }
  }
}

/** What a person told an agent was in its next request, unless its run had none after that. */
export function checkHeard(rows: Rows, { accepted }: Person, fake: FakeClaude): void {
  for (const { kind, key, subject, body } of accepted) {
    if (kind !== "message") continue;
    const answered = rows.one(HEARD, subject, body.message);
    const isHeard = fake.requests.some(({ request }) =>
      request !== null && JSON.stringify(request.body.messages).includes(body.message)
    );
    ok(isHeard || answered === 0, `${key} was heard by its agent`);
  }
}

/** Turns that were asked for after a note of this text, and answered. */
const HEARD = `SELECT count(*) FROM events AS note
  JOIN events AS asked ON asked.run_id = note.run_id AND asked.number > note.number
    AND asked.type = 'turn_started'
  JOIN events AS had ON had.run_id = note.run_id AND had.number > asked.number
    AND had.type = 'turn_finished' AND had.data ->> 'turn' = asked.data ->> 'turn'
  WHERE note.run_id = ? AND note.type = 'note' AND note.data ->> 'text' = ?`;
