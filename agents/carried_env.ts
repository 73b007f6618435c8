/**
 * Variables that are handed into a sandbox by the environment of what starts it, never by its arguments: those every
 * user of the machine can read. Out there they have names that mean nothing to any program (one called LD_PRELOAD
 * would be obeyed by bubblewrap itself); inside a shell gives them their own.
 */
import { AppError } from "../server/errors.ts";

export interface CarriedEnv {
  /** For who starts the sandbox. */
  env: Record<string, string>;
  /** Lines for the shell inside, before it becomes the program. */
  script: string;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Throws `conflict` for a name that a shell can't export, or a value that no variable can have. */
export function carriedEnv(variables: Readonly<Record<string, string>>): CarriedEnv {
  const env: Record<string, string> = {};
  const lines: string[] = [];
  for (const [index, [name, value]] of Object.entries(variables).entries()) {
    if (!NAME.test(name) || value.includes("\0")) {
      throw new AppError(
        "conflict",
        `Cannot set the variable ${
          JSON.stringify(name)
        }: a name has letters, digits and underscores, and no digit first`,
      );
    }
    const carrier = `GAFFER_CARRIED_${index}`;
    env[carrier] = value;
    lines.push(`${name}="$${carrier}"; export ${name}; unset ${carrier};`);
  }
  return { env, script: lines.join(" ") };
}
