/** How the commands of a template's projects run, and what counts as evidence for their tickets. */
import { SECOND_MS } from "../../server/clock.ts";
import {
  type CheckRules,
  type CommandName,
  commandNames,
  type CommandRules,
} from "../../server/records.ts";
import type { ProjectTemplate, TemplateInput } from "./template.ts";

type Command = ProjectTemplate["commands"][number];

const plain: CommandRules = { timeoutMs: null, folder: "", env: {}, reports: [] };

/** Rules as the template and those of its commands that hold say; null: it says nothing of them. */
export function checksOf(
  { checks }: Pick<ProjectTemplate, "checks">,
  commands: readonly Command[],
): CheckRules | null {
  const own = commands.filter((command) => isCheck(command.name) && saysMore(command));
  if (checks === undefined && own.length === 0) return null;
  const of = (name: CommandName): CommandRules => {
    const said = own.find((command) => command.name === name);
    if (!said) return plain;
    const { timeout_seconds: seconds, folder, env, reports } = said;
    return { timeoutMs: seconds === null ? null : seconds * SECOND_MS, folder, env, reports };
  };
  return {
    required: checks?.required ?? [],
    rerunFailed: checks?.rerun_failed ?? true,
    baselineBlocks: checks?.baseline_blocks ?? false,
    findingsBack: checks?.findings_back ?? false,
    baselineFirst: checks?.baseline_first ?? true,
    agentReviews: checks?.agent_reviews ?? true,
    commands: { setup: of("setup"), build: of("build"), test: of("test") },
  };
}

/** What a template says of them; what is as by default is left out. */
export function checksInput(
  { commands: _, ...rules }: CheckRules,
): Pick<TemplateInput, "checks"> {
  const { required, rerunFailed, baselineBlocks, findingsBack, baselineFirst, agentReviews } =
    rules;
  const checks = {
    ...required.length > 0 && { required },
    ...!rerunFailed && { rerun_failed: false },
    ...baselineBlocks && { baseline_blocks: true },
    ...findingsBack && { findings_back: true },
    ...!baselineFirst && { baseline_first: false },
    ...!agentReviews && { agent_reviews: false },
  };
  return Object.keys(checks).length > 0 ? { checks } : {};
}

/** Whether a command of that name is one of the project's checks: others are for people to read. */
export const isCheck = (name: string): name is CommandName =>
  (commandNames as readonly string[]).includes(name);

export const saysMore = ({ timeout_seconds, folder, env, reports }: Command): boolean =>
  timeout_seconds !== null || folder !== "" || Object.keys(env).length > 0 || reports.length > 0;

/** Of one command, for people: "in web, at most 60 s, CI=1, reports of out/*.xml"; empty: nothing. */
export function commandWords(
  { timeout_seconds: seconds, folder, env, reports }: Pick<
    Command,
    "timeout_seconds" | "folder" | "env" | "reports"
  >,
): string {
  return [
    folder && `in ${folder}`,
    seconds !== null && `at most ${seconds} s`,
    ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
    reports.length > 0 && `reports of ${reports.join(", ")}`,
  ].filter(Boolean).join(", ");
}

/** Of a template's or project's checks as a whole, for people. */
export function checkWords(rules: Omit<CheckRules, "commands">): string[] {
  return [
    rules.required.length > 0 && `No ticket does without ${rules.required.join(", ")}`,
    !rules.rerunFailed && "Checks that failed in tests alone are not run again",
    rules.baselineBlocks && "What failed before a ticket has to be mended by it",
    rules.findingsBack && "Blocking findings go back to the developer once",
    !rules.baselineFirst && "The base branch is checked only once something fails",
    !rules.agentReviews && "People review without the reviewer",
  ].filter((words) => words !== false);
}
