/** Tests that failed and then passed on the same commit: a row per test and project. */
import { type Db, type Row, type Tx } from "../db.ts";
import type { FlakyTest } from "../records.ts";

/** Most that a project keeps; those that were seen longest ago make room. */
export const FLAKY_TESTS_MAX = 500;

/** Counts one more time for each. */
export function countFlaky(
  tx: Tx,
  { projectId, ticketId }: { projectId: string; ticketId: string },
  tests: readonly Pick<FlakyTest, "file" | "test">[],
): void {
  for (const { file, test } of tests) {
    tx.db.prepare(`
      INSERT INTO flaky_tests (project_id, file, test, first_at, last_at, ticket_id)
      VALUES (:projectId, :file, :test, :now, :now, :ticketId)
      ON CONFLICT (project_id, file, test) DO UPDATE SET times = times + 1, last_at = :now, ticket_id = :ticketId
    `).run({ projectId, file, test, ticketId, now: tx.now });
  }
  tx.db.prepare(`
    DELETE FROM flaky_tests WHERE project_id = :projectId AND (file, test) IN (
      SELECT file, test FROM flaky_tests WHERE project_id = :projectId
      ORDER BY last_at DESC, file, test LIMIT -1 OFFSET :max)
  `).run({ projectId, max: FLAKY_TESTS_MAX });
}

/** Those seen most often first. */
export function listFlakyTests(db: Db, projectId: string, limit: number): FlakyTest[] {
  return db.prepare(`
    SELECT * FROM flaky_tests WHERE project_id = :projectId ORDER BY times DESC, last_at DESC, file, test
    LIMIT :limit
  `).all({ projectId, limit }).map(flakyFromRow);
}

const flakyFromRow = (row: Row): FlakyTest => ({
  file: String(row.file),
  test: String(row.test),
  times: Number(row.times),
  firstAt: String(row.first_at),
  lastAt: String(row.last_at),
  ticketId: String(row.ticket_id),
});
