import { join } from "node:path";
import { shellQuote } from "../../agents/git/git_error.ts";
import type { SettingsPageProps } from "../../views/settings.tsx";
import { agentsHold } from "../services/agents.ts";
import { knownQuirks } from "../services/models.ts";
import { lastSeq } from "../store/events.ts";
import { VERSION } from "../version.ts";
import { type PageRequest, shellOf } from "./shell.ts";

export function settingsPage(request: PageRequest): SettingsPageProps {
  const { app } = request;
  const { model, active } = app.agents.status();
  const { dataDir } = app.config;
  const backups = app.backups.list();
  return {
    shell: shellOf(request),
    live: { path: "/live/settings", after: lastSeq(app.db) },
    model,
    lacking: knownQuirks(app),
    held: agentsHold(app),
    active,
    maxRuns: app.config.maxRuns,
    version: VERSION,
    dataDir,
    backups,
    backupFailure: app.backups.failure,
    backupEveryHours: app.config.backupEveryHours,
    timeZone: app.config.timeZone,
    restoreCommand: restoreCommand(dataDir, backups[0]?.name),
  };
}

/** For a shell; in a checkout it is to be run there. */
function restoreCommand(dataDir: string, newest: string | undefined): string {
  const gaffer = Deno.build.standalone ? shellQuote(Deno.execPath()) : "deno task start";
  const file = newest === undefined ? "FILE" : shellQuote(join(dataDir, "backups", newest));
  return `${gaffer} restore ${file} --data ${shellQuote(dataDir)}`;
}
