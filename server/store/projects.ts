import { type Db, newId, type Row, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { CommandName, Project, ProjectCommand } from "../records.ts";
import { projectMoves, type ProjectStatus, sourcesOf } from "../states.ts";

/** What its sandboxes are given is nothing by default. */
export type NewProject =
  & Pick<
    Project,
    | "slug"
    | "name"
    | "path"
    | "baseBranch"
    | "commands"
    | "commandsAllowed"
    | "setupNetwork"
    | "sample"
  >
  & Partial<Pick<Project, "hosts" | "toolchains" | "localFiles" | "handsLimits">>;

export function insertProject(tx: Tx, project: NewProject): Project {
  const id = newId("project");
  tx.db.prepare(`
    INSERT INTO projects (id, slug, name, path, base_branch, commands_allowed, setup_network, hosts,
      toolchains, local_files, hands_limits, sample, created_at, updated_at)
    VALUES (:id, :slug, :name, :path, :baseBranch, :commandsAllowed, :setupNetwork, :hosts, :toolchains, :localFiles,
      :handsLimits, :sample, :now, :now)
  `).run({
    id,
    slug: project.slug,
    name: project.name,
    path: project.path,
    baseBranch: project.baseBranch,
    commandsAllowed: Number(project.commandsAllowed),
    setupNetwork: Number(project.setupNetwork),
    hosts: JSON.stringify(project.hosts ?? []),
    toolchains: JSON.stringify(project.toolchains ?? []),
    localFiles: JSON.stringify(project.localFiles ?? []),
    handsLimits: JSON.stringify(project.handsLimits ?? {}),
    sample: Number(project.sample),
    now: tx.now,
  });
  replaceCommands(tx, id, project.commands);
  return getProject(tx.db, id);
}

export interface ProjectChanges {
  name?: string;
  baseBranch?: string;
  commandsAllowed?: boolean;
  setupNetwork?: boolean;
  hosts?: string[];
  toolchains?: string[];
  localFiles?: string[];
  /** All of them. */
  handsLimits?: Project["handsLimits"];
  tagsAllowed?: boolean;
  commands?: ProjectCommand[];
}

export function updateProject(tx: Tx, id: string, changes: ProjectChanges): Project {
  const before = getProject(tx.db, id);
  const tagsAllowed = changes.tagsAllowed === undefined
    ? before.tagsAllowed
    : changes.tagsAllowed
    ? before.tagsAllowed ?? { by: tx.actor, at: tx.now }
    : null;
  tx.db.prepare(`
    UPDATE projects SET name = :name, base_branch = :baseBranch,
      commands_allowed = :commandsAllowed, setup_network = :setupNetwork, hosts = :hosts,
      toolchains = :toolchains, local_files = :localFiles, hands_limits = :handsLimits,
      tags_allowed_by = :tagsAllowedBy, tags_allowed_at = :tagsAllowedAt, updated_at = :now
    WHERE id = :id
  `).run({
    id,
    name: changes.name ?? before.name,
    baseBranch: changes.baseBranch ?? before.baseBranch,
    commandsAllowed: Number(changes.commandsAllowed ?? before.commandsAllowed),
    setupNetwork: Number(changes.setupNetwork ?? before.setupNetwork),
    hosts: JSON.stringify(changes.hosts ?? before.hosts),
    toolchains: JSON.stringify(changes.toolchains ?? before.toolchains),
    localFiles: JSON.stringify(changes.localFiles ?? before.localFiles),
    handsLimits: JSON.stringify(changes.handsLimits ?? before.handsLimits),
    tagsAllowedBy: tagsAllowed?.by ?? null,
    tagsAllowedAt: tagsAllowed?.at ?? null,
    now: tx.now,
  });
  if (changes.commands) replaceCommands(tx, id, changes.commands);
  return getProject(tx.db, id);
}

/** Throws `conflict` if its status does not lead to `to`. */
export function moveProject(tx: Tx, id: string, to: ProjectStatus): Project {
  const from = sourcesOf(projectMoves, to);
  const { changes } = tx.db.prepare(`
    UPDATE projects SET status = :to, updated_at = :now
    WHERE id = :id AND status IN (SELECT value FROM json_each(:from))
  `).run({ id, to, now: tx.now, from: JSON.stringify(from) });
  if (changes === 0) {
    const { name, status } = getProject(tx.db, id);
    throw new AppError("conflict", `Cannot make project "${name}" ${to}: it is ${status}`);
  }
  return getProject(tx.db, id);
}

/** Throws `not_found`. */
export function getProject(db: Db, id: string): Project {
  const project = findProject(db, id);
  if (!project) throw new AppError("not_found", `No project with the id "${id}"`);
  return project;
}

export function findProject(db: Db, id: string): Project | null {
  const row = db.prepare("SELECT * FROM projects WHERE id = :id").get({ id });
  return row ? projectFromRow(db, row) : null;
}

export function findProjectByPath(db: Db, path: string): Project | null {
  const row = db.prepare("SELECT * FROM projects WHERE path = :path AND status = 'active'")
    .get({ path });
  return row ? projectFromRow(db, row) : null;
}

/** Most projects that one list returns. */
const PROJECTS_MAX = 500;

export function listProjects(db: Db, status: ProjectStatus = "active"): Project[] {
  return db.prepare(
    `SELECT * FROM projects WHERE status = :status ORDER BY created_at, id LIMIT ${PROJECTS_MAX}`,
  ).all({ status }).map((row) => projectFromRow(db, row));
}

export const slugTaken = (db: Db, slug: string): boolean =>
  db.prepare("SELECT 1 FROM projects WHERE slug = :slug").get({ slug }) !== undefined;

/** Takes the next short number of the project's ideas or tickets. */
export function takeNumber(tx: Tx, projectId: string, of: "idea" | "ticket"): number {
  const row = of === "idea"
    ? tx.db.prepare(
      "UPDATE projects SET next_idea = next_idea + 1 WHERE id = :projectId RETURNING next_idea - 1 AS n",
    ).get({ projectId })
    : tx.db.prepare(
      "UPDATE projects SET next_ticket = next_ticket + 1 WHERE id = :projectId RETURNING next_ticket - 1 AS n",
    ).get({ projectId });
  if (!row) throw new AppError("not_found", `No project with the id "${projectId}"`);
  return Number(row.n);
}

function replaceCommands(tx: Tx, projectId: string, commands: ProjectCommand[]): void {
  tx.db.prepare("DELETE FROM project_commands WHERE project_id = :projectId").run({ projectId });
  for (const { name, command, timeoutMs } of commands) {
    tx.db.prepare(`
      INSERT INTO project_commands (project_id, name, command, timeout_ms)
      VALUES (:projectId, :name, :command, :timeoutMs)
    `).run({ projectId, name, command, timeoutMs });
  }
}

function projectFromRow(db: Db, row: Row): Project {
  const commands = db.prepare(`
    SELECT name, command, timeout_ms FROM project_commands WHERE project_id = :id
    ORDER BY CASE name WHEN 'setup' THEN 0 WHEN 'build' THEN 1 ELSE 2 END
  `).all({ id: row.id! });
  return {
    id: String(row.id),
    slug: String(row.slug),
    name: String(row.name),
    path: String(row.path),
    baseBranch: String(row.base_branch),
    status: row.status as ProjectStatus,
    commands: commands.map((c) => ({
      name: c.name as CommandName,
      command: String(c.command),
      timeoutMs: Number(c.timeout_ms),
    })),
    commandsAllowed: row.commands_allowed === 1,
    setupNetwork: row.setup_network === 1,
    hosts: JSON.parse(String(row.hosts)),
    toolchains: JSON.parse(String(row.toolchains)),
    localFiles: JSON.parse(String(row.local_files)),
    handsLimits: JSON.parse(String(row.hands_limits)),
    tagsAllowed: row.tags_allowed_by === null
      ? null
      : { by: String(row.tags_allowed_by), at: String(row.tags_allowed_at) },
    sample: row.sample === 1,
    createdAt: String(row.created_at),
    updatedAt: String(row.updated_at),
  };
}
