/** What of Gaffer's environment an MCP server is given, and how it is kept out of what comes back. */
import { maskedOutput } from "../permissions/masked_output.ts";
import type { McpServerConfig } from "../protocol.ts";

const VARIABLE = /^\$([A-Za-z_][A-Za-z0-9_]*)$/;
/** A part of a value that is shorter says nothing by itself: `Bearer`. */
const MIN_PART_CHARS = 12;

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
 * Takes those values out of a text, whatever their variables are called: a server may say what it was given, and a
 * model, or a transcript, is not to have it. Of `Bearer abc…` also what follows the word.
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
    secrets.push([variable, value]);
    const parts = value.split(/\s+/).filter((part) => part !== value);
    for (const part of parts) if (part.length >= MIN_PART_CHARS) secrets.push([variable, part]);
  }
  return maskedOutput(secrets).clean;
}
