import { type Db, newId, type Row, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { McpServer } from "../records.ts";

export type NewMcpServer = Omit<McpServer, "id" | "createdAt" | "updatedAt">;

export function insertMcpServer(tx: Tx, server: NewMcpServer): McpServer {
  const id = newId("mcp");
  tx.db.prepare(`
    INSERT INTO mcp_servers (id, project_id, name, transport, command, args, env, url, headers, timeout_ms,
      active, tags, created_at, updated_at)
    VALUES (:id, :projectId, :name, :transport, :command, :args, :env, :url, :headers, :timeoutMs, :active,
      :tags, :now, :now)
  `).run({ id, projectId: server.projectId, ...columnsOf(server), now: tx.now });
  return getMcpServer(tx.db, id);
}

export function updateMcpServer(
  tx: Tx,
  id: string,
  server: Omit<NewMcpServer, "projectId">,
): McpServer {
  tx.db.prepare(`
    UPDATE mcp_servers SET name = :name, transport = :transport, command = :command, args = :args, env = :env,
      url = :url, headers = :headers, timeout_ms = :timeoutMs, active = :active, tags = :tags, updated_at = :now
    WHERE id = :id
  `).run({ id, ...columnsOf(server), now: tx.now });
  return getMcpServer(tx.db, id);
}

export function deleteMcpServer(tx: Tx, id: string): void {
  tx.db.prepare("DELETE FROM mcp_servers WHERE id = :id").run({ id });
}

/** Throws `not_found`. */
export function getMcpServer(db: Db, id: string): McpServer {
  const row = db.prepare("SELECT * FROM mcp_servers WHERE id = :id").get({ id });
  if (!row) throw new AppError("not_found", `No MCP server with the id "${id}"`);
  return serverFromRow(row);
}

/** By name. */
export function listMcpServers(db: Db, projectId: string): McpServer[] {
  return db.prepare("SELECT * FROM mcp_servers WHERE project_id = :projectId ORDER BY name")
    .all({ projectId }).map(serverFromRow);
}

/** Those that runs get tools of. */
export const listActiveMcpServers = (db: Db, projectId: string): McpServer[] =>
  listMcpServers(db, projectId).filter((server) => server.active);

export const countMcpServers = (db: Db, projectId: string): number =>
  Number(
    db.prepare("SELECT count(*) AS n FROM mcp_servers WHERE project_id = :projectId")
      .get({ projectId })!.n,
  );

export const mcpServerNameTaken = (
  db: Db,
  { projectId, name, exceptId = "" }: { projectId: string; name: string; exceptId?: string },
): boolean =>
  db.prepare(`
    SELECT 1 FROM mcp_servers WHERE project_id = :projectId AND name = :name AND id <> :exceptId
  `).get({ projectId, name, exceptId }) !== undefined;

const columnsOf = (server: Omit<NewMcpServer, "projectId">) => ({
  name: server.name,
  transport: server.transport,
  command: server.command,
  args: JSON.stringify(server.args),
  env: JSON.stringify(server.env),
  url: server.url,
  headers: JSON.stringify(server.headers),
  timeoutMs: server.timeoutMs,
  active: Number(server.active),
  tags: server.tags ? JSON.stringify(server.tags) : null,
});

function serverFromRow(row: Row): McpServer {
  return {
    id: String(row.id),
    projectId: String(row.project_id),
    name: String(row.name),
    transport: row.transport as McpServer["transport"],
    command: String(row.command),
    args: JSON.parse(String(row.args)),
    env: JSON.parse(String(row.env)),
    url: String(row.url),
    headers: JSON.parse(String(row.headers)),
    timeoutMs: Number(row.timeout_ms),
    active: row.active === 1,
    tags: row.tags === null ? null : JSON.parse(String(row.tags)),
    createdAt: String(row.created_at),
    updatedAt: String(row.updated_at),
  };
}
