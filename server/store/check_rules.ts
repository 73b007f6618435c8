/** How a project's commands run and what counts as evidence; a project that nobody set anything for has the defaults. */
import { type Db, type Row, type Tx } from "../db.ts";
import { type CheckRules, type CommandName, commandNames, type CommandRules } from "../records.ts";

const plainCommand: CommandRules = { timeoutMs: null, folder: "", env: {}, reports: [] };

export function getCheckRules(db: Db, projectId: string): CheckRules {
  const row = db.prepare("SELECT * FROM check_rules WHERE project_id = :projectId")
    .get({ projectId });
  const rows = db.prepare("SELECT * FROM command_rules WHERE project_id = :projectId")
    .all({ projectId });
  const of = (name: CommandName): CommandRules => {
    const found = rows.find((row) => row.name === name);
    return found ? commandFromRow(found) : plainCommand;
  };
  return {
    required: row ? JSON.parse(String(row.required)) : [],
    rerunFailed: row?.rerun_failed !== 0,
    baselineBlocks: row?.baseline_blocks === 1,
    findingsBack: row?.findings_back === 1,
    baselineFirst: row?.baseline_first !== 0,
    agentReviews: row?.agent_reviews !== 0,
    commands: { setup: of("setup"), build: of("build"), test: of("test") },
  };
}

export function putCheckRules(tx: Tx, projectId: string, rules: CheckRules): CheckRules {
  tx.db.prepare(`
    INSERT INTO check_rules (project_id, required, rerun_failed, baseline_blocks, findings_back, baseline_first,
      agent_reviews)
    VALUES (:projectId, :required, :rerunFailed, :baselineBlocks, :findingsBack, :baselineFirst, :agentReviews)
    ON CONFLICT (project_id) DO UPDATE SET required = :required, rerun_failed = :rerunFailed,
      baseline_blocks = :baselineBlocks, findings_back = :findingsBack, baseline_first = :baselineFirst,
      agent_reviews = :agentReviews
  `).run({
    projectId,
    required: JSON.stringify(commandNames.filter((name) => rules.required.includes(name))),
    rerunFailed: Number(rules.rerunFailed),
    baselineBlocks: Number(rules.baselineBlocks),
    findingsBack: Number(rules.findingsBack),
    baselineFirst: Number(rules.baselineFirst),
    agentReviews: Number(rules.agentReviews),
  });
  for (const name of commandNames) {
    const { timeoutMs, folder, env, reports } = rules.commands[name];
    tx.db.prepare(`
      INSERT INTO command_rules (project_id, name, timeout_ms, folder, env, reports)
      VALUES (:projectId, :name, :timeoutMs, :folder, :env, :reports)
      ON CONFLICT (project_id, name) DO UPDATE SET timeout_ms = :timeoutMs, folder = :folder, env = :env,
        reports = :reports
    `).run({
      projectId,
      name,
      timeoutMs,
      folder,
      env: JSON.stringify(env),
      reports: JSON.stringify(reports),
    });
  }
  return getCheckRules(tx.db, projectId);
}

const commandFromRow = (row: Row): CommandRules => ({
  timeoutMs: row.timeout_ms as number | null,
  folder: String(row.folder),
  env: JSON.parse(String(row.env)),
  reports: JSON.parse(String(row.reports)),
});
