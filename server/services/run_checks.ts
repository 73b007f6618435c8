/** The project's checks as an agent may run them, by `run_checks`: setup belongs to the worktree, not to the agent. */
import type { RunCommand } from "../../agents/runtime.ts";
import type { App } from "../app.ts";
import type { Project, ProjectCommand, Run } from "../records.ts";
import { getCheckRules } from "../store/check_rules.ts";
import { getTicket } from "../store/tickets.ts";
import { baselineOf } from "./checks.ts";
import { commandOf } from "./command_rules.ts";

const checksOf = (project: Project) => project.commands.filter(({ name }) => name !== "setup");

/**
 * As the person's settings have them: in which folder, with which variables, and what failed before. Throws `conflict`
 * where a variable has no value.
 */
export function readyChecks(app: App, run: Run, project: Project): RunCommand[] {
  const rules = getCheckRules(app.db, project.id);
  const ticket = run.ticketId && !rules.baselineBlocks ? getTicket(app.db, run.ticketId) : null;
  return checksOf(project).map((command) => {
    const { spec, secrets } = commandOf(command, rules.commands[command.name]);
    const base = ticket && baselineOf(app, ticket, command.name);
    return {
      name: command.name,
      ...spec,
      secrets,
      reports: rules.commands[command.name].reports,
      ...base?.status === "failed" && base.report && { base: base.report },
    };
  });
}

/** As the agent reads them: with the folder in which each runs. */
export function toldChecks(app: App, project: Project): ProjectCommand[] {
  const { commands: rules } = getCheckRules(app.db, project.id);
  return checksOf(project).map((command) => {
    const { folder } = rules[command.name];
    return folder === "" ? command : { ...command, command: `${command.command} (in ${folder}/)` };
  });
}
