/** The log of the fake Claude server beside the database: nothing is bought twice, nothing sent that is refused. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import { createHash } from "node:crypto";
import type { FakeClaude, RecordedRequest } from "../fake_claude/mod.ts";
import type { Json } from "../gaffer.ts";
import type { Rows } from "../journey_support.ts";

/** Refusals that a chaos run scripts; any other is a fault of the request. */
const scripted: ReadonlySet<number> = new Set([429, 500, 529]);

export function checkClaude(rows: Rows, fake: FakeClaude): void {
  for (const { number, status, error } of fake.requests) {
    if (status === 0 || status === 200) continue;
    ok(
      scripted.has(status) && !error?.message.startsWith("Cannot answer"),
      `Claude refused request ${number}: ${status} ${error?.message}`,
    );
  }
  const logged = new Map<string, Json>(
    rows.all(`
      SELECT json_extract(data, '$.requestId') AS request, json_extract(data, '$.content') AS content,
        run_id FROM events WHERE type = 'turn_finished'`).map((row) => [row.request, row]),
  );
  checkAnswers(fake, logged);
  checkBoughtOnce(rows, fake, logged);
  equal(
    rows.one("SELECT count(*) FROM events WHERE type = 'turn_started'") >= fake.accepted.length,
    true,
    "no request goes out before the log says so",
  );
}

/** What the log has is what Claude said. */
function checkAnswers(fake: FakeClaude, logged: Map<string, Json>): void {
  const byId = new Map(fake.requests.map((request) => [request.requestId, request]));
  for (const [requestId, { content }] of logged) {
    const { message, number } = byId.get(requestId)!;
    deepEqual(JSON.parse(content), message!.content, `answer ${number} as it was logged`);
  }
}

/** A conversation whose answer was logged is never asked for again, unless by another run of the same work. */
function checkBoughtOnce(rows: Rows, fake: FakeClaude, logged: Map<string, Json>): void {
  const bought = new Map<string, RecordedRequest>();
  for (const recorded of fake.requests) {
    if (!recorded.request) continue;
    const conversation = digestOf(recorded);
    const before = bought.get(conversation);
    if (before) {
      const { run_id } = logged.get(before.requestId);
      ok(
        hasSuccessor(rows, run_id),
        `request ${recorded.number} of ${recorded.request.agent} asks for what request ` +
          `${before.number} had bought for run ${run_id}`,
      );
    }
    if (logged.has(recorded.requestId)) bought.set(conversation, recorded);
  }
}

/** The run failed, and the same work was begun anew: the first request of the two is the same. */
function hasSuccessor(rows: Rows, runId: string): boolean {
  return rows.one(
    `
    SELECT count(*) FROM runs JOIN runs AS later USING (purpose)
    WHERE runs.id = ? AND runs.status IN ('failed', 'cancelled') AND later.rowid > runs.rowid
      AND later.idea_id IS runs.idea_id AND later.ticket_id IS runs.ticket_id
      AND later.subtask_id IS runs.subtask_id`,
    runId,
  ) > 0;
}

const digests = new WeakMap<RecordedRequest, string>();

/** The same for the same turn of the same conversation; a cache marker that has moved is no difference. */
function digestOf(recorded: RecordedRequest): string {
  let digest = digests.get(recorded);
  if (digest === undefined) {
    const { system, body } = recorded.request!;
    digest = createHash("sha256").update(JSON.stringify([system, body.messages])).digest("base64");
    digests.set(recorded, digest);
  }
  return digest;
}
