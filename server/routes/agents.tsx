import { z } from "zod";
import {
  type Api,
  pageOf,
  pageQuery,
  readCursor,
  type RequestContext,
  requestSignal,
  toPage,
  validate,
} from "../api.ts";
import {
  agentChangesInput,
  copyAgentInput,
  distrustInput,
  newAgentInput,
  restoreInput,
  trialInput,
  trustInput,
} from "../inputs.ts";
import { once } from "../once.ts";
import {
  addedAgentSchema,
  agentFiguresJson,
  agentFiguresSchema,
  agentJson,
  agentSchema,
  repositoryAgentJson,
  repositoryAgentSchema,
  versionJson,
  versionSchema,
} from "../outputs/agents.ts";
import { runJson, runSchema } from "../outputs/runs.ts";
import { figuresOf } from "../pages/agents.ts";
import {
  changeAgent,
  copyToProject,
  createAgent,
  resetAgent,
  restoreVersion,
  setAgentActive,
} from "../services/agent_changes.ts";
import { agentOf, listAgents } from "../services/definitions.ts";
import { startTrial } from "../services/trials.ts";
import { distrustFile, fileToTrust, repositoryAgents, trustFile } from "../services/trust.ts";
import { getVersion, listVersions } from "../store/agents.ts";
import { listAgentRuns } from "../store/agent_runs.ts";

const runsQuery = once(() =>
  pageQuery().extend({
    trial: z.enum(["true", "false"]).default("false").describe("Trial runs instead of real ones"),
  })
);
const agentsQuery = once(() => z.object({ project_id: z.string().max(64).optional() }));

export function agentsApi(api: Api): void {
  api.describe({
    method: "get",
    path: "/agents/{id}/export",
    tags: ["agents"],
    summary: "The definition as a file for `.claude/agents`",
    request: { params: z.object({ id: z.string() }) },
    responses: { 200: { description: "The file", content: { "text/markdown": {} } } },
  });
  api.hono.get("/agents/:id/export", (c) => exportedAgent(c, c.req.param("id")));
  api
    .get("/agents", {
      summary: "The agents and their definitions",
      query: agentsQuery,
      out: () => z.object({ items: z.array(agentSchema()), next: z.null() }),
    }, ({ app, query }) => ({
      items: listAgents(app)
        .filter((a) => !query.project_id || !a.projectId || a.projectId === query.project_id)
        .map((a) => agentJson(app, a)),
      next: null,
    }))
    .post(
      "/agents",
      {
        summary: "Add an agent from a definition, also one of `.claude/agents`",
        body: newAgentInput,
        out: addedAgentSchema,
        status: 201,
      },
      ({ app, body }) => {
        const { agent, assumed } = createAgent(app, {
          text: body.text,
          projectId: body.project_id,
          kind: body.kind,
        });
        return { agent: agentJson(app, agent), assumed };
      },
    )
    .get("/agents/:id", {
      summary: "One agent",
      out: agentSchema,
      versioned: true,
    }, ({ app, params }) => agentJson(app, agentOf(app, params.id!)))
    .patch("/agents/:id", {
      summary: "Save the agent's next version, or enable or disable it",
      body: agentChangesInput,
      out: agentSchema,
      current: (app, id) => agentJson(app, agentOf(app, id)),
    }, ({ app, params, body }) => agentJson(app, changeAgent(app, params.id!, body)))
    .delete("/agents/:id", {
      summary: "Disable an agent; nothing of it is deleted",
      out: agentSchema,
    }, ({ app, params }) => agentJson(app, setAgentActive(app, params.id!, false)))
    .get("/agents/:id/versions", {
      summary: "What was saved of the definition, newest first",
      out: () => z.object({ items: z.array(versionSchema()), next: z.null() }),
    }, ({ app, params }) => {
      const { id } = agentOf(app, params.id!);
      return { items: listVersions(app.db, id).map(versionJson), next: null };
    })
    .get("/agents/:id/versions/:version", {
      summary: "One version",
      out: versionSchema,
    }, ({ app, params }) => {
      const { version } = validate(restoreInput, { version: params.version }, "path");
      return versionJson(getVersion(app.db, agentOf(app, params.id!).id, version));
    })
    .get("/agents/:id/runs", {
      summary: "The agent's runs, newest first",
      query: runsQuery,
      out: pageOf(runSchema),
    }, ({ app, params, query }) => {
      const rows = listAgentRuns(app.db, agentOf(app, params.id!), {
        trial: query.trial === "true",
        limit: query.limit + 1,
        after: readCursor(query.cursor),
      });
      return toPage(rows, query.limit, (run) => run.createdAt, (run) => runJson(app, run));
    })
    .get("/agents/:id/figures", {
      summary:
        "How the agent did in its last results: how often it succeeded, its median cost and time",
      out: agentFiguresSchema,
    }, ({ app, params }) => agentFiguresJson(figuresOf(app, agentOf(app, params.id!))))
    .post("/agents/:id/restore", {
      summary: "Make an earlier version the present one again, as a new version",
      body: restoreInput,
      out: agentSchema,
    }, ({ app, params, body }) => agentJson(app, restoreVersion(app, params.id!, body.version)))
    .post("/agents/:id/reset", {
      summary: "Go back to the definition that comes with Gaffer",
      out: agentSchema,
    }, ({ app, params }) => agentJson(app, resetAgent(app, params.id!)))
    .post("/agents/:id/copy", {
      summary: "Give a project an agent of its own, which begins as a copy",
      body: copyAgentInput,
      out: agentSchema,
      status: 201,
    }, ({ app, params, body }) => agentJson(app, copyToProject(app, params.id!, body.project_id)))
    .post("/agents/:id/trials", {
      summary: "Try the agent on an idea or ticket; nothing follows from it but its cost",
      body: trialInput,
      out: runSchema,
      status: 201,
    }, ({ app, params, body }) =>
      runJson(
        app,
        startTrial(
          app,
          params.id!,
          "idea_id" in body ? { ideaId: body.idea_id } : { ticketId: body.ticket_id },
        ),
      ))
    .get("/projects/:id/agent-files", {
      summary: "The agents that the project's repository brings along",
      tag: "agents",
      out: () => z.object({ items: z.array(repositoryAgentSchema()), next: z.null() }),
    }, async ({ app, params }) => {
      const files = await repositoryAgents(app, params.id!, requestSignal());
      return { items: files.map(repositoryAgentJson), next: null };
    })
    .post(
      "/projects/:id/agent-files/trust",
      {
        summary: "Use such an agent in the project, as long as its file stays as it is",
        tag: "agents",
        body: trustInput,
        out: agentSchema,
        prepare: ({ app, params, body }) =>
          fileToTrust(app, params.id!, body.path, requestSignal()),
      },
      ({ app, params, body, prepared }) =>
        agentJson(app, trustFile(app, params.id!, prepared, body.hash)),
    )
    .post("/projects/:id/agent-files/distrust", {
      summary: "Use such an agent no more",
      tag: "agents",
      body: distrustInput,
      out: () => z.object({ path: z.string() }),
    }, ({ app, params, body }) => {
      distrustFile(app, params.id!, body.path);
      return { path: body.path };
    });
}

/** The definition as it is saved, to be put into a `.claude/agents` folder. */
export function exportedAgent(c: RequestContext, id: string): Response {
  const { name, text } = agentOf(c.var.app, id);
  return c.body(text, 200, {
    "content-type": "text/markdown; charset=utf-8",
    "content-disposition": `attachment; filename="${name}.md"`,
  });
}
