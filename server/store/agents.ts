/** Agents and the versions of their definitions, as they are saved; what is built in may not be there. */
import { type Db, newId, type Row, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Agent, AgentVersion } from "../records.ts";
import type { AgentOrigin } from "../states.ts";

/** The repository's file that a definition was taken from, in the content that this is the hash of. */
export interface SourceFile {
  path: string;
  hash: string;
}

export type NewVersion = Pick<AgentVersion, "text" | "origin" | "note"> & {
  /** By default who acts. */
  savedBy?: string;
};

/** Most agents that are listed. */
const AGENTS_MAX = 500;
/** Most versions of one agent that are listed. */
export const VERSIONS_MAX = 200;

const SELECT = `
  SELECT a.*, v.text, v.origin,
    a.path IS NULL OR EXISTS (SELECT 1 FROM trusted t
      WHERE t.project_id = a.project_id AND t.kind = 'agent' AND t.path = a.path
        AND t.hash = a.file_hash) AS trusted
  FROM agents a JOIN agent_versions v ON v.agent_id = a.id AND v.version = a.version`;

export function findAgent(db: Db, id: string): Agent | null {
  const row = db.prepare(`${SELECT} WHERE a.id = :id`).get({ id });
  return row ? agentFromRow(row) : null;
}

/** That of exactly this scope; `projectId` null: the global one. */
export function findAgentNamed(db: Db, name: string, projectId: string | null): Agent | null {
  const row = db.prepare(`
    ${SELECT} WHERE a.name = :name AND coalesce(a.project_id, '') = coalesce(:projectId, '')
  `).get({ name, projectId });
  return row ? agentFromRow(row) : null;
}

/** The one that works in a project under a name, as it is saved: the project's own where it is trusted, else the global one. */
export function findAgentInForce(db: Db, name: string, projectId: string): Agent | null {
  const rows = db.prepare(`
    ${SELECT} WHERE a.name = :name AND coalesce(a.project_id, '') IN (:projectId, '')
    ORDER BY a.project_id IS NULL
  `).all({ name, projectId });
  return rows.map(agentFromRow).find(({ trusted }) => trusted) ?? null;
}

/** By name, the global ones first. */
export function listSavedAgents(db: Db): Agent[] {
  return db.prepare(`${SELECT} ORDER BY a.name, a.project_id LIMIT ${AGENTS_MAX}`).all()
    .map(agentFromRow);
}

/** Its first version with it. Throws `conflict` when the scope has one of that name. */
export function insertAgent(
  tx: Tx,
  agent: { name: string; projectId: string | null; file?: SourceFile },
  version: NewVersion,
): Agent {
  const { name, projectId } = agent;
  if (findAgentNamed(tx.db, name, projectId)) {
    const where = projectId === null ? "" : " in this project";
    throw new AppError("conflict", `Cannot add the agent: there is one named "${name}"${where}`);
  }
  const id = projectId === null ? name : newId("agent");
  tx.db.prepare(`
    INSERT INTO agents (id, name, project_id, path, file_hash, version, created_at, updated_at)
    VALUES (:id, :name, :projectId, :path, :hash, 1, :now, :now)
  `).run({ id, name, projectId, ...columnsOf(agent.file ?? null), now: tx.now });
  insertVersion(tx, id, 1, version);
  return findAgent(tx.db, id)!;
}

/**
 * Saves the next version. Throws `conflict` unless the present one is `after`: somebody saved meanwhile. Where it
 * comes from a repository, `file` says from which file; else it is a person's from now on.
 */
export function addVersion(
  tx: Tx,
  id: string,
  after: number,
  version: NewVersion,
  file: SourceFile | null = null,
): Agent {
  const changed = tx.db.prepare(`
    UPDATE agents SET version = version + 1, path = :path, file_hash = :hash, updated_at = :now
    WHERE id = :id AND version = :after RETURNING version
  `).get({ id, after, ...columnsOf(file), now: tx.now });
  if (!changed) {
    const { savedBy, version } = getVersion(tx.db, id, findAgent(tx.db, id)!.version);
    throw new AppError(
      "conflict",
      `Cannot save the definition: ${savedBy} has saved version ${version} since you opened it. ` +
        `Compare yours with it, then save again`,
    );
  }
  insertVersion(tx, id, after + 1, version);
  return findAgent(tx.db, id)!;
}

const columnsOf = (file: SourceFile | null) => ({
  path: file?.path ?? null,
  hash: file?.hash ?? null,
});

function insertVersion(tx: Tx, id: string, version: number, saved: NewVersion): void {
  const { text, origin, note, savedBy = tx.actor } = saved;
  tx.db.prepare(`
    INSERT INTO agent_versions (agent_id, version, text, origin, note, saved_by, saved_at)
    VALUES (:id, :version, :text, :origin, :note, :savedBy, :now)
  `).run({ id, version, text, origin, note, savedBy, now: tx.now });
}

export function setActive(tx: Tx, id: string, active: boolean): void {
  tx.db.prepare("UPDATE agents SET active = :active, updated_at = :now WHERE id = :id")
    .run({ id, active: Number(active), now: tx.now });
}

/** Throws `not_found`. */
export function getVersion(db: Db, agentId: string, version: number): AgentVersion {
  const found = findVersion(db, agentId, version);
  if (found) return found;
  throw new AppError("not_found", `The agent "${agentId}" has no version ${version}`);
}

export function findVersion(db: Db, agentId: string, version: number): AgentVersion | null {
  const row = db.prepare(`
    SELECT * FROM agent_versions WHERE agent_id = :agentId AND version = :version
  `).get({ agentId, version });
  return row ? versionFromRow(row) : null;
}

/** Newest first. */
export function listVersions(db: Db, agentId: string): AgentVersion[] {
  return db.prepare(`
    SELECT * FROM agent_versions WHERE agent_id = :agentId
    ORDER BY version DESC LIMIT ${VERSIONS_MAX}
  `).all({ agentId }).map(versionFromRow);
}

/**
 * The agent whose work waits because it was disabled, where that is so: the project's own before the global one.
 */
export function findDisabled(db: Db, name: string, projectId: string): Agent | null {
  const inForce = findAgentInForce(db, name, projectId);
  return inForce && !inForce.active ? inForce : null;
}

function agentFromRow(row: Row): Agent {
  return {
    id: String(row.id),
    name: String(row.name),
    projectId: row.project_id as string | null,
    active: row.active === 1,
    file: row.path === null ? null : { path: String(row.path), hash: String(row.file_hash) },
    trusted: row.trusted === 1,
    version: Number(row.version),
    origin: row.origin as AgentOrigin,
    text: String(row.text),
    updatedAt: String(row.updated_at),
  };
}

function versionFromRow(row: Row): AgentVersion {
  return {
    agentId: String(row.agent_id),
    version: Number(row.version),
    text: String(row.text),
    origin: row.origin as AgentOrigin,
    note: String(row.note),
    savedBy: String(row.saved_by),
    savedAt: String(row.saved_at),
  };
}
