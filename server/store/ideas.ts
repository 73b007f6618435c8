import { type Db, newId, type Row, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Idea, Plan } from "../records.ts";
import { type FailureReason, ideaMoves, type IdeaStatus, sourcesOf } from "../states.ts";
import { takeNumber } from "./projects.ts";

export type NewIdea =
  & Pick<Idea, "projectId" | "title" | "description" | "priority" | "tags">
  & { /** Taken for it before by `takeNumber`; absent: the next one. */ number?: number };

const emptyPlan: Plan = { acceptance: [], subtasks: [], findings: [] };

export function insertIdea(tx: Tx, idea: NewIdea): Idea {
  const id = newId("idea");
  tx.db.prepare(`
    INSERT INTO ideas (id, project_id, number, title, description, priority, tags, plan, created_by, created_at, updated_at)
    VALUES (:id, :projectId, :number, :title, :description, :priority, :tags, :plan, :actor, :now, :now)
  `).run({
    id,
    projectId: idea.projectId,
    number: idea.number ?? takeNumber(tx, idea.projectId, "idea"),
    title: idea.title,
    description: idea.description,
    priority: idea.priority,
    tags: JSON.stringify(idea.tags),
    plan: JSON.stringify(emptyPlan),
    actor: tx.actor,
    now: tx.now,
  });
  return getIdea(tx.db, id);
}

/** What may change along with a move. */
export interface IdeaMoveDetails {
  reason?: string;
  failure?: FailureReason | null;
  /** A person's words, for the history too. */
  feedback?: string;
  /** A person takes it up again, for the history. */
  again?: true;
  /** Starts another refinement. */
  nextRound?: boolean;
  ticketId?: string;
}

/** Moves one idea along `ideaMoves`. Throws `conflict` if its status does not lead to `to`. */
export function moveIdea(tx: Tx, id: string, to: IdeaStatus, details: IdeaMoveDetails = {}): Idea {
  const from = sourcesOf(ideaMoves, to);
  const row = tx.db.prepare(`
    UPDATE ideas SET status = :to, updated_at = :now, reason = :reason, failure = :failure,
      feedback = coalesce(:feedback, feedback), round = round + :nextRound, ticket_id = coalesce(:ticketId, ticket_id)
    WHERE id = :id AND status IN (SELECT value FROM json_each(:from)) RETURNING *
  `).get({
    id,
    to,
    now: tx.now,
    from: JSON.stringify(from),
    reason: details.reason ?? "",
    failure: details.failure ?? null,
    feedback: details.feedback ?? null,
    nextRound: Number(details.nextRound ?? false),
    ticketId: details.ticketId ?? null,
  });
  if (!row) {
    const { number, status } = getIdea(tx.db, id);
    throw new AppError(
      "conflict",
      `Cannot move idea #${number} to "${to}": it is "${status}", and only ${
        from.map((s) => `"${s}"`).join(", ")
      } may go there`,
    );
  }
  const idea = ideaFromRow(row);
  tx.emit({
    type: "idea_moved",
    projectId: idea.projectId,
    ideaId: id,
    data: {
      to,
      ...(details.reason ? { reason: details.reason } : {}),
      ...(details.feedback ? { words: details.feedback } : {}),
      ...(details.again ? { again: true } : {}),
    },
  });
  return idea;
}

export interface IdeaChanges {
  title?: string;
  description?: string;
  priority?: number;
  tags?: string[];
  plan?: Plan;
}

export function updateIdea(tx: Tx, id: string, changes: IdeaChanges): Idea {
  const before = getIdea(tx.db, id);
  const row = tx.db.prepare(`
    UPDATE ideas SET title = :title, description = :description, priority = :priority, tags = :tags,
      plan = :plan, updated_at = :now WHERE id = :id RETURNING *
  `).get({
    id,
    title: changes.title ?? before.title,
    description: changes.description ?? before.description,
    priority: changes.priority ?? before.priority,
    tags: JSON.stringify(changes.tags ?? before.tags),
    plan: JSON.stringify(changes.plan ?? before.plan),
    now: tx.now,
  });
  return ideaFromRow(row!);
}

/** Adds what a turn of one of its runs cost. */
export function addIdeaCost(tx: Tx, id: string, microUsd: number): void {
  tx.db.prepare("UPDATE ideas SET cost_micro_usd = cost_micro_usd + :microUsd WHERE id = :id")
    .run({ id, microUsd });
}

/** Throws `not_found`. */
export function getIdea(db: Db, id: string): Idea {
  const row = db.prepare("SELECT * FROM ideas WHERE id = :id").get({ id });
  if (!row) throw new AppError("not_found", `No idea with the id "${id}"`);
  return ideaFromRow(row);
}

export function findIdea(db: Db, id: string): Idea | null {
  const row = db.prepare("SELECT * FROM ideas WHERE id = :id").get({ id });
  return row ? ideaFromRow(row) : null;
}

export function findIdeaByNumber(db: Db, projectId: string, number: number): Idea | null {
  const row = db.prepare(
    "SELECT * FROM ideas WHERE project_id = :projectId AND number = :number",
  ).get({ projectId, number });
  return row ? ideaFromRow(row) : null;
}

/** Which ideas a list shows; every field narrows it. */
export interface IdeaFilter {
  projectId?: string;
  /** Empty: all. */
  statuses?: IdeaStatus[];
  /** Words in title or description. */
  text?: string;
  sort?: "newest" | "oldest" | "priority";
  limit: number;
  /** Skip up to and including this idea. */
  after?: { key: string; id: string };
}

/** One page of ideas; the sort key of each is `ideaSortKey`. */
export function listIdeas(db: Db, filter: IdeaFilter): Idea[] {
  const params = {
    projectId: filter.projectId ?? null,
    statuses: filter.statuses?.length ? JSON.stringify(filter.statuses) : null,
    text: filter.text ? `%${filter.text.replace(/[\\%_]/g, "\\$&")}%` : null,
    afterKey: filter.after?.key ?? null,
    afterId: filter.after?.id ?? null,
    limit: filter.limit,
  };
  const where = `
    (:projectId IS NULL OR project_id = :projectId)
    AND (:statuses IS NULL OR status IN (SELECT value FROM json_each(:statuses)))
    AND (:text IS NULL OR title LIKE :text ESCAPE '\\' OR description LIKE :text ESCAPE '\\')`;
  const rows = filter.sort === "oldest"
    ? db.prepare(`SELECT * FROM ideas WHERE ${where}
        AND (:afterKey IS NULL OR (created_at, id) > (:afterKey, :afterId))
        ORDER BY created_at, id LIMIT :limit`).all(params)
    : filter.sort === "priority"
    ? db.prepare(`SELECT * FROM ideas WHERE ${where}
        AND (:afterKey IS NULL OR (priority || created_at, id) > (:afterKey, :afterId))
        ORDER BY priority || created_at, id LIMIT :limit`).all(params)
    : db.prepare(`SELECT * FROM ideas WHERE ${where}
        AND (:afterKey IS NULL OR (created_at, id) < (:afterKey, :afterId))
        ORDER BY created_at DESC, id DESC LIMIT :limit`).all(params);
  return rows.map(ideaFromRow);
}

/** What a cursor remembers of the last idea of a page. */
export const ideaSortKey = (idea: Idea, sort: IdeaFilter["sort"]): string =>
  sort === "priority" ? `${idea.priority}${idea.createdAt}` : idea.createdAt;

export function countIdeas(db: Db, projectId: string | null): Record<IdeaStatus, number> {
  const counts: Record<IdeaStatus, number> = {
    submitted: 0,
    refining: 0,
    questions: 0,
    ready: 0,
    converted: 0,
    rejected: 0,
    stuck: 0,
  };
  const rows = db.prepare(`
    SELECT status, count(*) AS n FROM ideas
    WHERE :projectId IS NULL OR project_id = :projectId GROUP BY status
  `).all({ projectId });
  for (const row of rows) counts[row.status as IdeaStatus] = Number(row.n);
  return counts;
}

function ideaFromRow(row: Row): Idea {
  return {
    id: String(row.id),
    projectId: String(row.project_id),
    number: Number(row.number),
    title: String(row.title),
    description: String(row.description),
    status: row.status as IdeaStatus,
    priority: Number(row.priority),
    tags: JSON.parse(String(row.tags)),
    plan: { ...emptyPlan, ...JSON.parse(String(row.plan)) },
    round: Number(row.round),
    feedback: String(row.feedback),
    reason: String(row.reason),
    failure: row.failure as FailureReason | null,
    ticketId: row.ticket_id as string | null,
    costMicroUsd: Number(row.cost_micro_usd),
    createdBy: String(row.created_by),
    createdAt: String(row.created_at),
    updatedAt: String(row.updated_at),
  };
}
