import type { RunPageProps, RunsPageProps } from "../../views/runs.tsx";
import { withQuery } from "../../views/links.ts";
import { readCursor, toPage } from "../api.ts";
import { listRunApprovals } from "../store/approvals.ts";
import { lastSeq } from "../store/events.ts";
import { getRun, listRuns, readRunLog } from "../store/runs.ts";
import { subjectOf } from "./home.ts";
import { type PageRequest, shellOf } from "./shell.ts";
import { activityOf } from "./tickets.ts";

const ROWS_PER_PAGE = 50;

export function runsPage(request: PageRequest, cursor: string | undefined): RunsPageProps {
  const { app, projectId } = request;
  const found = listRuns(app.db, {
    ...(projectId ? { projectId } : {}),
    limit: ROWS_PER_PAGE + 1,
    after: readCursor(cursor),
  });
  const { items, next } = toPage(found, ROWS_PER_PAGE, (run) => run.createdAt, (run) => run);
  return {
    shell: shellOf(request),
    rows: items.map((run) => ({ run, subject: subjectOf(app, run)! })),
    moreHref: next && withQuery("/runs", { project: projectId, cursor: next }),
  };
}

/** `all`: the whole log instead of its newest part. */
export function runPage(request: PageRequest, id: string, all: boolean): RunPageProps {
  const { app } = request;
  const after = lastSeq(app.db);
  const run = getRun(app.db, id);
  const newest = activityOf(app, run);
  return {
    shell: shellOf(request),
    live: { path: `/live/run/${id}`, after },
    run,
    subject: subjectOf(app, run)!,
    approvals: listRunApprovals(app.db, id).filter((approval) => approval.status === "pending"),
    activity: {
      events: all ? readRunLog(app.db, id) : newest.events,
      liveText: newest.liveText,
      allHref: all ? null : `/runs/${id}?all=1`,
    },
  };
}
