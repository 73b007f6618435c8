/** What stands around every page. */
import type { Beside } from "../../views/beside.tsx";
import type { Flash, Shell } from "../../views/shell.ts";
import { listPauses } from "../../queue/pauses.ts";
import type { App } from "../app.ts";
import { isLoopback } from "../auth.ts";
import { shownAlerts } from "../services/alerts.ts";
import { listProjects } from "../store/projects.ts";
import { readSetting } from "../store/settings.ts";
import { countNeeds } from "./needs.ts";

/** What a request says about the page it wants. */
export interface PageRequest {
  app: App;
  asset: (path: string) => string;
  /** The project that the page is narrowed to. */
  projectId: string | null;
  flash: Flash | null;
  /** Of an item's page: the list that the person came from. */
  beside?: Beside | null;
}

export function shellOf({ app, asset, projectId, flash, beside = null }: PageRequest): Shell {
  const { model, refused, confinement } = app.agents.status();
  return {
    nowMs: app.clock.nowMs(),
    asset,
    exposedAt: isLoopback(app.config.host) ? null : app.config.host,
    demo: model.kind === "demo",
    storage: app.db.fault,
    held: readSetting(app.db, "agents_hold"),
    alerts: shownAlerts(app),
    paused: listPauses(app.db),
    refused,
    confinement,
    projects: listProjects(app.db).map(({ id, name }) => ({ id, name })),
    projectId,
    counts: countNeeds(app, projectId),
    flash,
    beside,
  };
}
