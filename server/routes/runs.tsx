import type { Hono } from "hono";
import { z } from "zod";
import { runHref } from "../../views/links.ts";
import { RunForkPage } from "../../views/run_fork.tsx";
import { RunReplayPage } from "../../views/run_replay.tsx";
import { runMarkdown } from "../../views/run_transcript.ts";
import { RunPage } from "../../views/run.tsx";
import { RunsPage } from "../../views/runs.tsx";
import {
  type Api,
  type Env,
  pageOf,
  pageQuery,
  readCursor,
  type RequestContext,
  toPage,
} from "../api.ts";
import { forkInput, messageInput, pauseInput } from "../inputs.ts";
import { once } from "../once.ts";
import {
  outlookJson,
  outlookSchema,
  runEventJson,
  runEventSchema,
  runJson,
  runSchema,
} from "../outputs/runs.ts";
import { listedRuns, runPage, runsPage } from "../pages/runs.ts";
import { runForkPage } from "../pages/runs_fork.ts";
import { runReplayPage } from "../pages/runs_replay.ts";
import { subjectOf } from "../pages/subjects.ts";
import { cancelRun } from "../services/cancelling.ts";
import { forkRun } from "../services/forking.ts";
import { replayRun } from "../services/replaying.ts";
import { messageRun, outlookOf, pauseRun, resumeRun } from "../services/run_control.ts";
import { listRunEvents, readRunLog } from "../store/run_log.ts";
import { getRun, listRuns } from "../store/runs.ts";
import { besideIn } from "./beside.ts";
import { act, done, pageRequest, type PageTools, readForm, show } from "./page.ts";

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
const replaySchema = once(() =>
  z.object({
    events: z.number().int().describe("Of the log"),
    equal: z.boolean(),
    difference: z.object({
      number: z.number().int(),
      recorded: z.record(z.string(), z.unknown()),
      replayed: z.record(z.string(), z.unknown()).nullable(),
    }).nullable().describe("The first event that came out otherwise"),
  })
);

export function runsApi(api: Api): void {
  api.describe({
    method: "get",
    path: "/runs/{id}/export",
    tags: ["runs"],
    summary: "The run with its whole log as one file",
    request: {
      params: z.object({ id: z.string() }),
      query: z.object({ format: z.enum(["markdown", "json"]).default("markdown") }),
    },
    responses: {
      200: { description: "The file", content: { "text/markdown": {}, "application/json": {} } },
    },
  });
  api.hono.get("/runs/:id/export", (c) => exported(c, c.req.param("id")));
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
      return toPage(rows, query.limit, (run) => run.createdAt, (run) => runJson(app, run));
    })
    .get("/runs/:id", {
      summary: "One run",
      out: runSchema,
    }, ({ app, params }) => runJson(app, getRun(app.db, params.id!)))
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
    .get("/runs/:id/outlook", {
      summary: "What the run would go on from, and what it has left",
      out: outlookSchema,
    }, ({ app, params }) => outlookJson(outlookOf(app.db, getRun(app.db, params.id!))))
    .get("/runs/:id/replay", {
      summary: "Run a finished run's loop over its log once more, without a request to the model",
      out: replaySchema,
    }, async ({ app, params }) => {
      const { events, difference } = await replayRun(app.db, params.id!);
      return { events, equal: difference === null, difference: difference && { ...difference } };
    })
    .post("/runs/:id/cancel", {
      summary: "Stop a run; its ticket blocks, its idea is stuck, until somebody retries",
      out: runSchema,
    }, ({ app, params }) => runJson(app, cancelRun(app, params.id!)))
    .post(
      "/runs/:id/pause",
      {
        summary: "Let a run stop at its next event, until it is resumed",
        body: pauseInput,
        out: runSchema,
      },
      ({ app, params, body }) =>
        runJson(app, pauseRun(app, params.id!, { killTools: body.kill_tools })),
    )
    .post("/runs/:id/resume", {
      summary: "Let a paused run go on from its log",
      out: runSchema,
    }, ({ app, params }) => runJson(app, resumeRun(app, params.id!)))
    .post("/runs/:id/message", {
      summary: "Tell the run's agent something; it reads it with its next request",
      body: messageInput,
      out: runEventSchema,
      status: 201,
    }, ({ app, params, body }) => runEventJson(messageRun(app, params.id!, body.message)))
    .post("/runs/:id/fork", {
      summary: "Start a new run from the end of one of a finished run's turns, with a change",
      body: forkInput,
      out: runSchema,
      status: 201,
    }, ({ app, params, body }) => runJson(app, forkRun(app, params.id!, body.turn, body.message)));
}

export function runPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/runs", (c) => {
    const cursor = c.req.query("cursor") || undefined;
    return show(c, <RunsPage {...runsPage(pageRequest(c, tools), cursor)} />);
  });
  pages.get("/runs/:id", (c) => {
    const query = { all: c.req.query("all") !== undefined, search: c.req.query("q") };
    const id = c.req.param("id");
    const items = ({ project, cursor }: Record<string, string>) =>
      listedRuns(c.var.app, project || null, cursor || undefined);
    const beside = besideIn(c, id, { path: "/runs", items });
    return show(c, <RunPage {...runPage({ ...pageRequest(c, tools), beside }, id, query)} />);
  });
  pages.get("/runs/:id/export", (c) => exported(c, c.req.param("id")));
  pages.get("/runs/:id/replay", async (c) => {
    const page = await runReplayPage(pageRequest(c, tools), c.req.param("id"));
    return show(c, <RunReplayPage {...page} />);
  });
  pages.post("/runs/:id/cancel", (c) => {
    const run = cancelRun(c.var.app, c.req.param("id"));
    return done(c, runHref(run.id), `The ${run.agent} run was stopped`);
  });
  pages.post("/runs/:id/pause", async (c) => {
    const killTools = (await readForm(c)).tools === "kill";
    const run = pauseRun(c.var.app, c.req.param("id"), { killTools });
    const said = run.status === "running" ? "pauses after what it is at" : "is paused";
    return done(c, runHref(run.id), `The ${run.agent} ${said}`);
  });
  pages.post("/runs/:id/resume", (c) => {
    const run = resumeRun(c.var.app, c.req.param("id"));
    return done(c, runHref(run.id), `The ${run.agent} goes on`);
  });
  pages.post("/runs/:id/message", async (c) => {
    const id = c.req.param("id");
    const { message: text = "" } = await readForm(c);
    return await act(() => {
      messageRun(c.var.app, id, text);
      return done(c, runHref(id), "Sent; the agent reads it with its next request");
    }, ({ message, errors, status }) => {
      const refused = { text, message, errors };
      return show(c, <RunPage {...runPage(pageRequest(c, tools), id, { refused })} />, status);
    });
  });
  pages.get("/runs/:id/fork", (c) => {
    const turn = Number(c.req.query("turn") ?? Number.NaN);
    return show(
      c,
      <RunForkPage {...runForkPage(pageRequest(c, tools), c.req.param("id"), { turn })} />,
    );
  });
  pages.post("/runs/:id/fork", async (c) => {
    const id = c.req.param("id");
    const form = await readForm(c);
    return await act(() => {
      const run = forkRun(c.var.app, id, Number(form.turn), form.message ?? "");
      return done(c, runHref(run.id), `Forked: the new ${run.agent} run starts`);
    }, ({ message, errors, status }) => {
      const refused = { text: form.message ?? "", message, errors };
      const page = runForkPage(pageRequest(c, tools), id, { turn: Number(form.turn), refused });
      return show(c, <RunForkPage {...page} />, status);
    });
  });
}

/** The whole log as a file: as it is, or for people. */
function exported(c: RequestContext, id: string): Response {
  const { app } = c.var;
  const run = getRun(app.db, id);
  const events = readRunLog(app.db, id);
  const asJson = c.req.query("format") === "json";
  const name = `run-${id}.${asJson ? "json" : "md"}`;
  const text = asJson
    ? `${JSON.stringify({ run: runJson(app, run), events: events.map(runEventJson) }, null, 2)}\n`
    : runMarkdown(run, subjectOf(app, run)!, events);
  return c.body(text, 200, {
    "content-type": `${asJson ? "application/json" : "text/markdown"}; charset=utf-8`,
    "content-disposition": `attachment; filename="${name}"`,
  });
}
