/** The page that tells how Gaffer is set up, and the little that is done there. */
import type { Hono } from "hono";
import { SettingsPage } from "../../views/settings.tsx";
import type { Env } from "../api.ts";
import { settingsPage } from "../pages/settings.ts";
import { resumeAgents } from "../services/agents.ts";
import { backUpNow } from "../services/backups.ts";
import { done, pageRequest, type PageTools, show } from "./page.ts";

export function settingsPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/settings", (c) => show(c, <SettingsPage {...settingsPage(pageRequest(c, tools))} />));
  pages.post("/settings/resume-agents", (c) => {
    resumeAgents(c.var.app);
    return done(c, "/settings", "The agents work again");
  });
  pages.post("/settings/back-up", async (c) => {
    const { name } = await backUpNow(c.var.app);
    return done(c, "/settings", `Backed up: ${name}`);
  });
}
