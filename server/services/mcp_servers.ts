/** The verbs of MCP servers: what gives a project's agents tools of the person's own. */
import type { McpServers } from "../../agents/mcp/servers.ts";
import { tagsOfServer } from "../../agents/mcp/tags.ts";
import type { App } from "../app.ts";
import { transact } from "../db.ts";
import { AppError } from "../errors.ts";
import type { McpServer } from "../records.ts";
import {
  countMcpServers,
  deleteMcpServer,
  getMcpServer,
  insertMcpServer,
  mcpServerNameTaken,
  type NewMcpServer,
  updateMcpServer,
} from "../store/mcp_servers.ts";
import { getProject } from "../store/projects.ts";
import { baseTip } from "./places.ts";
import { viewOf } from "./views.ts";
import { commonDirOf } from "../../agents/git/repository.ts";
import { equipped } from "./equipment.ts";

/** Of one project. Their tools are sent with every request. */
export const MAX_MCP_SERVERS = 10;

type Settings = Omit<NewMcpServer, "projectId">;

/** Throws `conflict` when the name is taken or the project has as many as it may. */
export function addMcpServer(app: App, projectId: string, settings: Settings): McpServer {
  return transact(app, (tx) => {
    const project = getProject(tx.db, projectId);
    if (countMcpServers(tx.db, projectId) >= MAX_MCP_SERVERS) {
      throw new AppError(
        "conflict",
        `Cannot add the MCP server: a project may have ${MAX_MCP_SERVERS}. Remove one that is not used`,
      );
    }
    if (mcpServerNameTaken(tx.db, { projectId, name: settings.name })) {
      throw nameTaken(settings.name);
    }
    const server = insertMcpServer(tx, { ...of(settings), projectId });
    const data = { name: server.name, tags: tagsOfServer(server) };
    tx.emit({ type: "mcp_server_added", projectId: project.id, data });
    return server;
  });
}

/**
 * For runs that begin later. Those at work keep the server that they have; one that waits goes on with the new one, whose
 * tools then count as what either was. Throws `conflict` when the name is taken.
 */
export function changeMcpServer(app: App, id: string, settings: Settings): McpServer {
  return transact(app, (tx) => {
    const { projectId } = getMcpServer(tx.db, id);
    const { name } = settings;
    if (mcpServerNameTaken(tx.db, { projectId, name, exceptId: id })) throw nameTaken(name);
    const server = updateMcpServer(tx, id, of(settings));
    tx.emit({ type: "mcp_server_changed", projectId, data: { name, tags: tagsOfServer(server) } });
    return server;
  });
}

export function removeMcpServer(app: App, id: string): McpServer {
  return transact(app, (tx) => {
    const server = getMcpServer(tx.db, id);
    deleteMcpServer(tx, id);
    tx.emit({
      type: "mcp_server_removed",
      projectId: server.projectId,
      data: { name: server.name },
    });
    return server;
  });
}

/** Starts a server as a run would, beside a checkout of the base branch, and tells what it offers. */
export async function tryMcpServer(
  app: App,
  id: string,
  signal: AbortSignal,
): Promise<Pick<McpServers, "tools" | "problems">> {
  const server = getMcpServer(app.db, id);
  const project = getProject(app.db, server.projectId);
  const commit = await baseTip(project, signal);
  const dir = await viewOf(app, { project, commit, runId: null }, signal);
  const gitDir = await commonDirOf(project.path, signal);
  const place = equipped(project, { dir, access: "read", gitDir });
  const servers = await app.agents.serve(place, [server], signal);
  try {
    const { tools, problems } = servers;
    return { tools, problems };
  } finally {
    await servers.close();
  }
}

/** Only what its transport uses is kept. */
function of(settings: Settings): Settings {
  return settings.transport === "stdio"
    ? { ...settings, url: "", headers: {} }
    : { ...settings, command: "", args: [], env: {} };
}

const nameTaken = (name: string) =>
  new AppError("conflict", `Cannot save the MCP server: this project has one called "${name}"`, [
    { field: "name", message: "Another server of this project has this name" },
  ]);
