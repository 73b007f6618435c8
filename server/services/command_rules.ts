/** A project's command as its settings say: where it runs, how long, and with which variables. */
import { join } from "node:path";
import type { CommandSpec } from "../../agents/protocol.ts";
import { isInside } from "../../agents/paths.ts";
import { AppError } from "../errors.ts";
import type { CommandName, CommandRules, ProjectCommand } from "../records.ts";

/** How a value stands for one of Gaffer's own environment. */
const VARIABLE = /^\$([A-Za-z_][A-Za-z0-9_]*)$/;

export interface ReadyCommand {
  name: CommandName;
  spec: CommandSpec;
  /** Values from Gaffer's own environment, by the name that they have there. */
  secrets: Record<string, string>;
}

/**
 * The command for the hands. Throws `conflict`, with the reason that blocks a ticket, when its folder is none in the
 * worktree `dir` (a real path), and when Gaffer's environment lacks a variable.
 */
export async function commandIn(
  dir: string,
  command: ProjectCommand,
  rules: CommandRules,
): Promise<ReadyCommand> {
  if (rules.folder !== "") {
    const real = await Deno.realPath(join(dir, rules.folder)).catch(() => null);
    const isFolder = real !== null && isInside(dir, real) && (await Deno.stat(real)).isDirectory;
    if (!isFolder) {
      throw misconfigured(`run "${command.name}"`, `the commit has no folder "${rules.folder}"`);
    }
  }
  return commandOf(command, rules);
}

/** The same for whoever finds out about the folder later. Throws as `commandIn` for a variable that is missing. */
export function commandOf(command: ProjectCommand, rules: CommandRules): ReadyCommand {
  const secrets: Record<string, string> = {};
  const env = Object.fromEntries(
    Object.entries(rules.env).map(([name, value]) => {
      const variable = VARIABLE.exec(value)?.[1];
      if (variable === undefined) return [name, value];
      const found = Deno.env.get(variable);
      if (found === undefined) {
        const why =
          `Gaffer's environment has no variable ${variable}. Set it where Gaffer is started`;
        throw misconfigured(`run "${command.name}" with ${name}`, why);
      }
      secrets[variable] = found;
      return [name, found];
    }),
  );
  const timeoutMs = rules.timeoutMs ?? command.timeoutMs;
  return {
    name: command.name,
    spec: { command: command.command, cwd: rules.folder, timeoutMs, env },
    secrets,
  };
}

const misconfigured = (doing: string, why: string): AppError =>
  new AppError("conflict", `Cannot ${doing}: ${why}`, [], { failure: "checks_misconfigured" });
