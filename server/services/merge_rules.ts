/** How a project's tickets are merged, and with which key what lands is signed. */
import {
  checkSigner,
  type Signer,
  signsItself as repositorySigns,
} from "../../agents/git/signing.ts";
import type { App } from "../app.ts";
import { transact } from "../db.ts";
import type { MergeRule, Project } from "../records.ts";
import { getMergeRule, putMergeRule } from "../store/merge_rules.ts";
import { getProject } from "../store/projects.ts";

export { KEY_MAX_CHARS } from "../../agents/git/signing.ts";

/** A rule whose key was looked at. */
export interface CheckedRule {
  projectId: string;
  rule: MergeRule;
}

/** Looks at the key that a rule names. Throws `not_found`, and `invalid` for a key that can't be used. */
export async function checkMergeRule(
  app: App,
  projectId: string,
  rule: Omit<MergeRule, "sign"> & Partial<MergeRule>,
): Promise<CheckedRule> {
  const project = getProject(app.db, projectId);
  const sign = rule.sign ? await checkSigner(rule.sign, writtenFolders(app, project)) : null;
  return { projectId, rule: { ...rule, sign } };
}

/** Sets how tickets of a project are merged from now on. */
export function setMergeRule(app: App, { projectId, rule }: CheckedRule): MergeRule {
  return transact(app, (tx) => {
    getProject(tx.db, projectId);
    putMergeRule(tx, projectId, rule);
    tx.emit({ type: "merge_rule_changed", projectId, data: { ...rule } });
    return getMergeRule(tx.db, projectId);
  });
}

/** With which key what lands in a project is signed now, looked at once more; null: with none. Throws `invalid`. */
export async function signerOf(app: App, project: Project): Promise<Signer | null> {
  const { sign } = getMergeRule(app.db, project.id);
  return sign && await checkSigner(sign, writtenFolders(app, project));
}

/** Whether the person's own commits in a project are signed. */
export const signsItself = (project: Project, signal: AbortSignal): Promise<boolean> =>
  repositorySigns(project.path, signal);

/** Where files are that agents wrote. */
const writtenFolders = (app: App, project: Project): string[] => [project.path, app.config.dataDir];
