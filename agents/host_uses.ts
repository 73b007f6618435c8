/** What commands asked their proxy for, in words for the model and for whoever reads a check's output. */
import type { HostUse } from "./protocol.ts";

const MAX_NAMED = 10;

/** One line; null: nothing was refused. */
export function hostsNote(uses: readonly HostUse[]): string | null {
  const failed = uses.filter(({ why }) => why !== undefined);
  if (failed.length === 0) return null;
  const named = failed.slice(0, MAX_NAMED).map((use) => `${hostText(use)}: ${use.why}`);
  const more = failed.length > MAX_NAMED ? `; and ${failed.length - MAX_NAMED} more` : "";
  return `[Not reached: ${named.join("; ")}${more}]`;
}

/** A host with its port, as people write it. */
export function hostText({ host, port }: Pick<HostUse, "host" | "port">): string {
  if (host === "") return "no readable host";
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
