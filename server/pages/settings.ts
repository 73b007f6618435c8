import type { SettingsPageProps } from "../../views/settings.tsx";
import { agentsHold } from "../services/agents.ts";
import { lastSeq } from "../store/events.ts";
import { VERSION } from "../version.ts";
import { type PageRequest, shellOf } from "./shell.ts";

export function settingsPage(request: PageRequest): SettingsPageProps {
  const { app } = request;
  const { model, active } = app.agents.status();
  return {
    shell: shellOf(request),
    live: { path: "/live/settings", after: lastSeq(app.db) },
    model,
    held: agentsHold(app),
    active,
    maxRuns: app.config.maxRuns,
    version: VERSION,
    dataDir: app.config.dataDir,
    backups: app.backups.list(),
    backupFailure: app.backups.failure,
    backupEveryHours: app.config.backupEveryHours,
  };
}
