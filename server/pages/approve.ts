import type { ApprovePageProps } from "../../views/approve.tsx";
import type { Approval } from "../records.ts";
import { getRun } from "../store/runs.ts";
import { type PageRequest, shellOf } from "./shell.ts";
import { subjectOf } from "./subjects.ts";

export function approvePage(
  request: PageRequest,
  approval: Approval,
): Omit<ApprovePageProps, "action"> {
  const run = getRun(request.app.db, approval.runId);
  return { shell: shellOf(request), approval, run, subject: subjectOf(request.app, run)! };
}
