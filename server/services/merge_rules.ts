/** The one verb of a project's merge rule. */
import type { App } from "../app.ts";
import { transact } from "../db.ts";
import type { MergeRule } from "../records.ts";
import { getMergeRule, putMergeRule } from "../store/merge_rules.ts";
import { getProject } from "../store/projects.ts";

/** Sets how tickets of a project are merged from now on. Throws `not_found`. */
export function setMergeRule(app: App, projectId: string, rule: MergeRule): MergeRule {
  return transact(app, (tx) => {
    getProject(tx.db, projectId);
    putMergeRule(tx, projectId, rule);
    tx.emit({ type: "merge_rule_changed", projectId, data: { ...rule } });
    return getMergeRule(tx.db, projectId);
  });
}
