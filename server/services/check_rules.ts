/** The verb of a project's checks: a person says how they run and which are required. */
import type { App } from "../app.ts";
import { transact } from "../db.ts";
import { type CheckRules, commandNames } from "../records.ts";
import { getCheckRules, putCheckRules } from "../store/check_rules.ts";
import { getProject } from "../store/projects.ts";
import { requireRulesUnlocked } from "./locked_settings.ts";

/** For checks that begin later. The history names what changed, and no value. Throws `not_found`. */
export function setCheckRules(app: App, projectId: string, rules: CheckRules): CheckRules {
  return transact(app, (tx) => {
    getProject(tx.db, projectId);
    const before = getCheckRules(tx.db, projectId);
    requireRulesUnlocked(tx.db, projectId, changedFields(before, rules));
    const saved = putCheckRules(tx, projectId, rules);
    const fields = changedFields(before, saved);
    if (fields.length > 0) {
      tx.emit({ type: "check_rules_changed", projectId, data: { fields } });
    }
    return saved;
  });
}

function changedFields(before: CheckRules, now: CheckRules): string[] {
  const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
  const own = [
    ...["required", "rerunFailed", "baselineBlocks", "findingsBack"] as const,
    ...["baselineFirst", "agentReviews"] as const,
  ]
    .filter((field) => !same(before[field], now[field]));
  const ofCommands = commandNames.flatMap((name) =>
    (["timeoutMs", "folder", "env", "reports"] as const)
      .filter((field) => !same(before.commands[name][field], now.commands[name][field]))
      .map((field) => `${name}.${field}`)
  );
  return [...own, ...ofCommands];
}
