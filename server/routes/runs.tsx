import type { Hono } from "hono";
import { runHref } from "../../views/links.ts";
import { once } from "../once.ts";
import { RunPage, RunsPage } from "../../views/runs.tsx";
import type { Env } from "../api.ts";
import { runPage, runsPage } from "../pages/runs.ts";
import { done, pageRequest, type PageTools, show } from "./page.ts";
import { z } from "zod";
import { type Api, pageOf, pageQuery, readCursor, toPage } from "../api.ts";
import { runEventJson, runEventSchema, runJson, runSchema } from "../outputs.ts";
import { cancelRun } from "../services/cancelling.ts";
import { getRun, listRunEvents, listRuns } from "../store/runs.ts";

/** Most events that one answer holds. */
const EVENTS_MAX = 500;

const runsQuery = once(() => pageQuery().extend({ project_id: z.string().max(64).optional() }));
const eventsQuery = once(() =>
  z.object({
    after: z.coerce.number().int().min(0).default(0).describe("Number of the last event you have"),
    limit: z.coerce.number().int().min(1).max(EVENTS_MAX).default(EVENTS_MAX),
  })
);
const eventsPage = () =>
  z.object({ items: z.array(runEventSchema()), next: z.string().nullable() });

export function runsApi(api: Api): void {
  api
    .get("/runs", {
      summary: "Runs, newest first",
      query: runsQuery,
      out: pageOf(runSchema),
    }, ({ app, query }) => {
      const rows = listRuns(app.db, {
        projectId: query.project_id,
        limit: query.limit + 1,
        after: readCursor(query.cursor),
      });
      return toPage(rows, query.limit, (run) => run.createdAt, runJson);
    })
    .get("/runs/:id", {
      summary: "One run",
      out: runSchema,
    }, ({ app, params }) => runJson(getRun(app.db, params.id!)))
    .get("/runs/:id/events", {
      summary: "The run's log, in order",
      query: eventsQuery,
      out: eventsPage,
    }, ({ app, params, query }) => {
      const { id } = getRun(app.db, params.id!);
      const events = listRunEvents(app.db, id, { after: query.after, limit: query.limit + 1 });
      const items = events.slice(0, query.limit).map(runEventJson);
      const next = events.length > query.limit ? String(items.at(-1)!.number) : null;
      return { items, next };
    })
    .post("/runs/:id/cancel", {
      summary: "Stop a run; its ticket blocks, its idea is stuck, until somebody retries",
      out: runSchema,
    }, ({ app, params }) => runJson(cancelRun(app, params.id!)));
}

export function runPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/runs", (c) => {
    const cursor = c.req.query("cursor") || undefined;
    return show(c, <RunsPage {...runsPage(pageRequest(c, tools), cursor)} />);
  });
  pages.get("/runs/:id", (c) => {
    const all = c.req.query("all") !== undefined;
    return show(c, <RunPage {...runPage(pageRequest(c, tools), c.req.param("id"), all)} />);
  });
  pages.post("/runs/:id/cancel", (c) => {
    const run = cancelRun(c.var.app, c.req.param("id"));
    return done(c, runHref(run.id), `The ${run.agent} run was stopped`);
  });
}
