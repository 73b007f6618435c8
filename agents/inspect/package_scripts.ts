/** The scripts that a package names for itself: what an agent can run without having to look for it. */
import { parseJsonc } from "./jsonc.ts";
import { readTracked } from "./inspect.ts";

export interface PackageScript {
  /** As it is run: `npm run build`. */
  run: string;
  /** What it does. */
  command: string;
}

/** Of all files together, in the order of the files. */
const MAX_SCRIPTS = 40;

const sources = [
  { path: "package.json", key: "scripts", run: "npm run" },
  { path: "composer.json", key: "scripts", run: "composer run" },
  { path: "deno.json", key: "tasks", run: "deno task" },
  { path: "deno.jsonc", key: "tasks", run: "deno task" },
] as const;

/** Those of the files at the commit's root; `tracked` are its paths. What can't be read has none. */
export async function packageScripts(
  repo: string,
  commit: string,
  tracked: readonly string[],
  signal: AbortSignal,
): Promise<PackageScript[]> {
  const found: PackageScript[] = [];
  for (const { path, key, run } of sources) {
    if (!tracked.includes(path)) continue;
    const file = await readTracked(repo, commit, path, signal);
    for (const [name, value] of Object.entries(objectIn(file?.text ?? "", key))) {
      const command = typeof value === "string" ? value : (value as { command?: unknown })?.command;
      if (typeof command === "string") found.push({ run: `${run} ${name}`, command });
    }
  }
  return found.slice(0, MAX_SCRIPTS);
}

function objectIn(json: string, key: string): Record<string, unknown> {
  try {
    const value = (parseJsonc(json) as Record<string, unknown> | null)?.[key];
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? value as Record<string, unknown>
      : {};
  } catch {
    return {}; // a file in the making
  }
}
