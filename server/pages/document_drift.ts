/** Models of what shows which documents are stale. */
import type { DriftNoticeProps } from "../../views/document_drift.tsx";
import type { App } from "../app.ts";
import type { PlanningDocument } from "../records.ts";
import { DRIFT_MAX, staleReasonOf } from "../services/document_drift.ts";

/** As of the last look. `problem`: why that could not be now; null: it could. */
export function driftOf(
  app: App,
  document: PlanningDocument,
  problem: string | null = null,
): DriftNoticeProps {
  const commits = staleReasonOf(app, document)?.commits ?? [];
  const { id, projectId, version } = document;
  return {
    document: { id, projectId, version },
    commits,
    isFull: commits.length === DRIFT_MAX,
    problem,
    nowMs: app.clock.nowMs(),
  };
}
