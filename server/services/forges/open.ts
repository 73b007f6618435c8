/** The forge that a project's settings name, with the token that is in Gaffer's environment. */
import { AppError } from "../../errors.ts";
import type { ForgeSettings } from "../../records.ts";
import type { ForgeKind } from "../../states.ts";
import type { ForgeAccess } from "./client.ts";
import type { Forge } from "./forge.ts";
import { gitea } from "./gitea.ts";
import { github } from "./github.ts";
import { gitlab } from "./gitlab.ts";

/** What every one of them is given. */
export type Access = Omit<ForgeAccess, "name" | "headers">;

const makers: Record<ForgeKind, (access: Access) => Forge> = { github, gitlab, gitea };

export interface OpenForge {
  forge: Forge;
  token: string;
}

export interface OpenOptions {
  nowMs: () => number;
  /** Of one answer. */
  timeoutMs?: number;
  /** Where tokens are; Gaffer's own environment by default. */
  variable?: (name: string) => string | undefined;
}

/** Throws `invalid` where the environment lacks the variable. Asks nothing of the forge. */
export function openForge(
  { kind, apiUrl, repository, token: variable }: ForgeSettings,
  { nowMs, timeoutMs, variable: read = (name) => Deno.env.get(name) }: OpenOptions,
): OpenForge {
  const token = read(variable.slice(1))?.trim();
  if (!token) {
    throw new AppError(
      "invalid",
      `Cannot reach the forge: Gaffer's environment has no variable ${variable.slice(1)}. ` +
        "Set it to a token where Gaffer is started, and start it again",
      [{ field: "token", message: "Gaffer's environment has no such variable" }],
    );
  }
  return {
    token,
    forge: makers[kind]({ apiUrl, repository, variable, token, nowMs, timeoutMs }),
  };
}
