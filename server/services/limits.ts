/** The verbs of limits: a person sets one, changes it or takes it away. */
import { type App } from "../app.ts";
import { transact } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Limit } from "../records.ts";
import { deleteLimit, findLimit, type LimitKey, putLimit } from "../store/limits.ts";
import { findProject } from "../store/projects.ts";
import { limitsChanged } from "./budgets.ts";
import { listAgents } from "./definitions.ts";
import { limitName } from "./limit_words.ts";

/** A limit with a new amount; null takes it away. */
export type LimitChange = LimitKey & { amount: number | null };

/**
 * Changes limits, all or none; what waited and has room now goes on. Throws `invalid` for a project or an agent that
 * does not exist.
 */
export function changeLimits(app: App, changes: readonly LimitChange[]): void {
  transact(app, (tx) => {
    let changed = false;
    for (const change of changes) {
      const { amount, ...key } = change;
      const before = findLimit(tx.db, key);
      if ((before?.amount ?? null) === amount) continue;
      if (amount !== null) requireScope(app, key);
      const limit = amount === null ? deleteLimit(tx, key)! : putLimit(tx, { ...key, amount });
      changed = true;
      tx.emit({
        type: amount === null ? "limit_removed" : "limit_set",
        projectId: key.scope === "project" ? key.scopeId : null,
        data: { ...key, amount, before: before?.amount ?? null, name: limitName(tx.db, limit) },
      });
    }
    if (changed) limitsChanged(tx);
  });
}

function requireScope(app: App, { scope, scopeId }: Pick<Limit, "scope" | "scopeId">): void {
  if (scope === "project" && !findProject(app.db, scopeId)) {
    throw unknownScope(`there is no project with the id "${scopeId}"`);
  }
  if (scope === "agent" && !listAgents(app).some(({ name }) => name === scopeId)) {
    throw unknownScope(`there is no agent with the name "${scopeId}"`);
  }
}

const unknownScope = (why: string): AppError =>
  new AppError("invalid", `Cannot set the limit: ${why}`, [{ field: "scope_id", message: why }]);
