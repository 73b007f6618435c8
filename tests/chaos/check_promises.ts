/** Whatever was answered with success is true, and was done once. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
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
    default:
      // Can be asked for several times of the same thing: these are counted.
  }
}

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
  change_ticket: `SELECT ticket_id AS subject, count(*) AS times FROM runs
    WHERE purpose = 'change' GROUP BY ticket_id`,
  retry: `SELECT ticket_id AS subject, count(*) AS times FROM events WHERE type = 'ticket_moved'
    AND json_extract(data, '$.from') = 'blocked' AND actor = 'owner' GROUP BY ticket_id`,
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
