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
 * Before a run on a ticket begins: what other tickets' checks said of its base, which may have been brought in anew since,
 * becomes this ticket's, too, where nothing is known of it yet. What the work comes to is held against that.
 */
export function takeKnownBases(app: App, run: Run, project: Project): void {
  const ticket = ticketWithBase(app, run, project);
  // What is over gets no new results: a deployment proves nothing of its ticket.
  if (ticket?.status !== "in_progress") return;
  for (const { name } of checksOf(project)) {
    if (!baselineOf(app, ticket, name)) takeKnownBase(app, { project, ticket, name });
  }
}

/**
 * As the person's settings have them: in which folder, with which variables, and what failed before. Throws `conflict`
 * where a variable has no value.
 */
export function readyChecks(app: App, run: Run, project: Project): RunCommand[] {
  const { commands: rules } = getCheckRules(app.db, project.id);
  const ticket = ticketWithBase(app, run, project);
  return checksOf(project).map((command) => {
    const { name } = command;
    const { spec, secrets } = commandOf(command, rules[name]);
    const base = ticket && knownBaseOf(app, ticket, name);
    return {
      name,
      ...spec,
      secrets,
      reports: rules[name].reports,
      ...base?.status === "failed" && base.report && { base: base.report },
    };
  });
}

/** The run's ticket, where what its base said counts; null: there is none, or what failed before blocks. */
function ticketWithBase(app: App, { ticketId }: Run, { id }: Project): Ticket | null {
  return ticketId && !getCheckRules(app.db, id).baselineBlocks ? getTicket(app.db, ticketId) : null;
}

/** What the base said; else what the ticket's earlier one said, of which more is still broken than not. */
const knownBaseOf = (app: App, ticket: Ticket, name: CommandName): Check | null =>
  baselineOf(app, ticket, name) ??
    listChecks(app.db, ticket.id).findLast((check) => check.baseline && check.name === name) ??
    null;

/** As the agent reads them: with the folder in which each runs. */
export function toldChecks(app: App, project: Project): ProjectCommand[] {
  const { commands: rules } = getCheckRules(app.db, project.id);
  return checksOf(project).map((command) => {
    const { folder } = rules[command.name];
    return folder === "" ? command : { ...command, command: `${command.command} (in ${folder}/)` };
  });
}
