/** What of Gaffer's environment an MCP server is given, and how it is kept out of what comes back. */
import { maskedOutput } from "../permissions/masked_output.ts";
import { SECRET_NAME } from "../permissions/redact.ts";
import type { McpServerConfig } from "../protocol.ts";

const VARIABLE = /^\$([A-Za-z_][A-Za-z0-9_]*)$/;
/** What is shorter is a word (`production`), or says nothing by itself (`Bearer`), unless its name says that it is secret. */
const MIN_SECRET_CHARS = 12;

/**
 * What stands for the server's own environment: `$NAME` is the value of that variable, so that no secret has to be
 * written down where a page shows it. Throws when there is no such variable.
 */
export function valuesOf(given: Record<string, string>, server: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const variable = VARIABLE.exec(value)?.[1];
      if (variable === undefined) return [name, value];
      const found = Deno.env.get(variable);
      if (found !== undefined) return [name, found];
      throw new Error(
        `Cannot start the MCP server "${server}": Gaffer's environment has no variable ${variable}. ` +
          "Set it where Gaffer is started",
      );
    }),
  );
}

/**
 * Takes those values out of a text: a server may say what it was given, and a model, or a transcript, is not to have it.
 * Of `Bearer abc…` also what follows the word. Words and paths stay, but for those of a variable with a secret's name.
 */
export function withoutOwnValues(
  { env, headers }: Pick<McpServerConfig, "env" | "headers">,
  read: (name: string) => string | undefined = (name) => Deno.env.get(name),
): (text: string) => string {
  const secrets: [name: string, value: string][] = [];
  for (const given of [...Object.values(env), ...Object.values(headers)]) {
    const variable = VARIABLE.exec(given)?.[1];
    const value = variable && read(variable)?.trim();
    if (!value) continue;
    if (SECRET_NAME.test(variable) || isLikeSecret(value)) secrets.push([variable, value]);
    const parts = value.split(/\s+/).filter((part) => part !== value);
    for (const part of parts) if (isLikeSecret(part)) secrets.push([variable, part]);
  }
  return maskedOutput(secrets).clean;
}

const isLikeSecret = (text: string): boolean =>
  text.length >= MIN_SECRET_CHARS && !text.startsWith("/");
