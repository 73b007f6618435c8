/** Routes of a project's MCP servers. */
import type { Hono } from "hono";
import type { z } from "zod";
import { McpServersPage } from "../../views/mcp_servers.tsx";
import { mcpServersHref } from "../../views/links.ts";
import { type Api, type Env, pageOf, requestSignal, validate } from "../api.ts";
import { mcpServerInput } from "../inputs.ts";
import { mcpServerJson, mcpServerSchema, mcpTrialSchema } from "../outputs/mcp_servers.ts";
import { mcpServersPage, readMcpForm, refusedMcpForm } from "../pages/mcp_servers.ts";
import {
  addMcpServer,
  changeMcpServer,
  removeMcpServer,
  tryMcpServer,
} from "../services/mcp_servers.ts";
import { getMcpServer, listMcpServers, type NewMcpServer } from "../store/mcp_servers.ts";
import { getProject } from "../store/projects.ts";
import { act, done, pageRequest, type PageTools, readForm, show } from "./page.ts";

export function mcpServersApi(api: Api): void {
  api
    .get("/projects/:id/mcp-servers", {
      summary: "Servers of tools that the project's agents may use",
      out: pageOf(mcpServerSchema),
    }, ({ app, params }) => {
      const { id } = getProject(app.db, params.id!);
      return { items: listMcpServers(app.db, id).map(mcpServerJson), next: null };
    })
    .post("/projects/:id/mcp-servers", {
      summary: "Add an MCP server",
      body: mcpServerInput,
      out: mcpServerSchema,
      status: 201,
    }, ({ app, params, body }) => mcpServerJson(addMcpServer(app, params.id!, settingsOf(body))))
    .patch("/mcp-servers/:id", {
      summary: "Replace all settings of an MCP server, for runs that begin later",
      body: mcpServerInput,
      out: mcpServerSchema,
      current: (app, id) => mcpServerJson(getMcpServer(app.db, id)),
    }, ({ app, params, body }) => mcpServerJson(changeMcpServer(app, params.id!, settingsOf(body))))
    .delete("/mcp-servers/:id", {
      summary: "Remove an MCP server; answers with it",
      out: mcpServerSchema,
    }, ({ app, params }) => mcpServerJson(removeMcpServer(app, params.id!)))
    .post("/mcp-servers/:id/try", {
      summary: "Start an MCP server as a run would, and list its tools",
      out: mcpTrialSchema,
      prepare: ({ app, params }) => tryMcpServer(app, params.id!, requestSignal()),
    }, ({ prepared: { tools, problems } }) => ({
      problems,
      tools: tools.map(({ name, description, inputSchema }) => ({
        name,
        description,
        input_schema: inputSchema,
      })),
    }));
}

const settingsOf = (
  { timeout_ms: timeoutMs, ...input }: z.infer<ReturnType<typeof mcpServerInput>>,
): Omit<NewMcpServer, "projectId"> => ({ ...input, timeoutMs });

export function mcpServerPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get(
    "/projects/:id/mcp-servers",
    (c) =>
      show(c, <McpServersPage {...mcpServersPage(pageRequest(c, tools), c.req.param("id"))} />),
  );

  pages.post("/projects/:id/mcp-servers", async (c) => {
    const projectId = c.req.param("id");
    const form = await readForm(c);
    return await act(
      () => {
        const input = validate(mcpServerInput, readMcpForm(form), "form");
        const { name } = addMcpServer(c.var.app, projectId, settingsOf(input));
        return done(c, mcpServersHref(projectId), `MCP server "${name}" added`);
      },
      (refusal) => {
        const refused = { serverId: null, form: refusedMcpForm(form, refusal) };
        const page = mcpServersPage(pageRequest(c, tools), projectId, { refused });
        return show(c, <McpServersPage {...page} />, refusal.status);
      },
    );
  });

  pages.post("/projects/:id/mcp-servers/:server", async (c) => {
    const { id: projectId, server: serverId } = c.req.param();
    const form = await readForm(c);
    return await act(
      () => {
        const input = validate(mcpServerInput, readMcpForm(form), "form");
        const { name } = changeMcpServer(c.var.app, serverId, settingsOf(input));
        return done(c, mcpServersHref(projectId), `MCP server "${name}" saved`);
      },
      (refusal) => {
        const refused = { serverId, form: refusedMcpForm(form, refusal) };
        const page = mcpServersPage(pageRequest(c, tools), projectId, { refused });
        return show(c, <McpServersPage {...page} />, refusal.status);
      },
    );
  });

  pages.post("/projects/:id/mcp-servers/:server/remove", (c) => {
    const { name, projectId } = removeMcpServer(c.var.app, c.req.param("server"));
    return done(c, mcpServersHref(projectId), `MCP server "${name}" removed`);
  });

  pages.post("/projects/:id/mcp-servers/:server/try", async (c) => {
    const { id: projectId, server: serverId } = c.req.param();
    const { tools: found, problems } = await tryMcpServer(c.var.app, serverId, requestSignal());
    const trial = { server: getMcpServer(c.var.app.db, serverId), tools: found, problems };
    const page = mcpServersPage(pageRequest(c, tools), projectId, {
      trial: { ...trial, tools: [...found] },
    });
    return show(c, <McpServersPage {...page} />);
  });
}
