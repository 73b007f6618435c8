/** From a commit, a line or a file of a project to what it was made for. */
import type { Hono } from "hono";
import { z } from "zod";
import { TracePage } from "../../views/trace.tsx";
import { type Api, type Env, pageOf, requestSignal, validate } from "../api.ts";
import { once } from "../once.ts";
import { traceJson, traceSchema } from "../outputs/traces.ts";
import { shellOf } from "../pages/shell.ts";
import { TRACED_COMMITS, traceOf } from "../services/tracing.ts";
import { getProject } from "../store/projects.ts";
import { act, pageRequest, type PageTools, show } from "./page.ts";

const traceQuery = once(() =>
  z.object({
    commit: z.string().trim().regex(/^[0-9a-fA-F]{4,64}$/, "Write 4 or more digits of its id")
      .optional().describe("An id or its beginning; with a path: look at the file as it was then"),
    path: z.string().min(1).max(4_096).optional().describe("Of a file, from the repository's root"),
    line: z.coerce.number("Write a number").int().min(1).max(10_000_000).optional()
      .describe("From 1; needs a path"),
  }).refine(({ line, path }) => line === undefined || path !== undefined, {
    message: "Name the file that the line is of",
    path: ["path"],
  })
);

export function tracesApi(api: Api): void {
  api.get("/projects/:id/trace", {
    summary:
      "What a commit, a line, or the newest commits of a file were made for: ticket, idea, " +
      `questions, run and turn; of a file at most ${TRACED_COMMITS} commits`,
    tag: "projects",
    query: traceQuery,
    out: pageOf(traceSchema),
  }, async ({ app, params, query }) => {
    const traces = await traceOf(app, params.id!, query, requestSignal());
    return { items: traces.map(traceJson), next: null };
  });
}

export function tracePages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/projects/:id/trace", async (c) => {
    const { app } = c.var;
    const project = getProject(app.db, c.req.param("id"));
    const shell = shellOf(pageRequest(c, tools));
    const { commit, path, line } = c.req.query();
    const values = { commit: commit ?? "", path: path ?? "", line: line ?? "" };
    const asked = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, value.trim() || undefined]),
    );
    const form = { values, message: null, errors: [] };
    if (Object.values(asked).every((value) => value === undefined)) {
      return show(c, <TracePage {...{ shell, project, form, traces: null }} />);
    }
    return await act(
      async () => {
        const query = validate(traceQuery, asked, "form");
        const traces = await traceOf(app, project.id, query, requestSignal());
        return show(c, <TracePage {...{ shell, project, form, traces }} />);
      },
      ({ message, errors, status }) =>
        show(
          c,
          <TracePage {...{ shell, project, form: { values, message, errors }, traces: null }} />,
          status,
        ),
    );
  });
}
