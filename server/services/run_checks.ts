/** The project's checks as an agent may run them, by `run_checks`: setup belongs to the worktree, not to the agent. */
import type { RunCommand } from "../../agents/runtime.ts";
import type { App } from "../app.ts";
import type { Check, CommandName, Project, ProjectCommand, Run, Ticket } from "../records.ts";
import { getCheckRules } from "../store/check_rules.ts";
import { listChecks } from "../store/checks.ts";
import { getTicket } from "../store/tickets.ts";
import { baselineOf } from "./checks.ts";
import { takeKnownBase } from "./known_base.ts";
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
    const base = ticket && baseFor(app, { project, ticket, name: command.name });
    return {
      name: command.name,
      ...spec,
      secrets,
      reports: rules.commands[command.name].reports,
      ...base?.status === "failed" && base.report && { base: base.report },
    };
  });
}

/**
 * What the base said, which may have been brought in anew since: what is known of that from other tickets; else what the
 * ticket's earlier one said, of which more is still broken than not. What the work comes to is held against the new one.
 */
function baseFor(
  app: App,
  of: { project: Project; ticket: Ticket; name: CommandName },
): Check | null {
  const { ticket, name } = of;
  const own = () => baselineOf(app, ticket, name);
  // What is over gets no new results: a deployment proves nothing of its ticket.
  const known = own() ?? (ticket.status === "in_progress" && takeKnownBase(app, of) ? own() : null);
  return known ??
    listChecks(app.db, ticket.id).findLast((check) => check.baseline && check.name === name) ??
    null;
}

/** As the agent reads them: with the folder in which each runs. */
export function toldChecks(app: App, project: Project): ProjectCommand[] {
  const { commands: rules } = getCheckRules(app.db, project.id);
  return checksOf(project).map((command) => {
    const { folder } = rules[command.name];
    return folder === "" ? command : { ...command, command: `${command.command} (in ${folder}/)` };
  });
}
