/** The pages: every noun's routes on one router, Home, Settings, and the page for refusals. */
import type { Hono } from "hono";
import { ErrorPage } from "../../views/errors.tsx";
import { HomePage } from "../../views/home.tsx";
import { renderPage } from "../../views/layout.tsx";
import { SettingsPage } from "../../views/settings.tsx";
import { StartPage } from "../../views/start.tsx";
import type { Env, RequestContext } from "../api.ts";
import { homePage } from "../pages/home.ts";
import { settingsPage } from "../pages/settings.ts";
import { shellOf } from "../pages/shell.ts";
import type { PageError } from "../problem.ts";
import { resumeAgents } from "../services/agents.ts";
import { backUpNow } from "../services/backups.ts";
import { listProjects } from "../store/projects.ts";
import { agentPages } from "./agent_pages.tsx";
import { approvalPages } from "./approvals.tsx";
import { ideaPages } from "./ideas.tsx";
import { jobPages } from "./jobs.tsx";
import { livePages } from "./live.tsx";
import { checkRulesPages } from "./check_rules.tsx";
import { mcpServerPages } from "./mcp_servers.tsx";
import { memoryPages } from "./memory.tsx";
import { mergingPages } from "./merging.tsx";
import { done, pageRequest, type PageTools, show } from "./page.ts";
import { orderPages } from "./order_pages.tsx";
import { documentEditPages } from "./document_edit.tsx";
import { planningPages } from "./planning.tsx";
import { projectTemplatePages } from "./project_templates.ts";
import { projectPages } from "./projects.tsx";
import { runPages } from "./runs.tsx";
import { reviewPages } from "./reviews.tsx";
import { ticketPages } from "./tickets.tsx";
import { pricePages } from "./prices.tsx";
import { tracePages } from "./traces.tsx";
import { usagePages } from "./usage.tsx";

export function mountPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/", (c) => {
    const request = pageRequest(c, tools);
    if (listProjects(c.var.app.db).length > 0) return show(c, <HomePage {...homePage(request)} />);
    const start = <StartPage shell={shellOf(request)} path="" message={null} errors={[]} />;
    return show(c, start);
  });
  projectPages(pages, tools);
  projectTemplatePages(pages, tools);
  checkRulesPages(pages, tools);
  mcpServerPages(pages, tools);
  ideaPages(pages, tools);
  orderPages(pages, tools);
  ticketPages(pages, tools);
  reviewPages(pages, tools);
  mergingPages(pages, tools);
  tracePages(pages, tools);
  runPages(pages, tools);
  agentPages(pages, tools);
  jobPages(pages, tools);
  usagePages(pages, tools);
  pricePages(pages, tools);
  approvalPages(pages, tools);
  memoryPages(pages, tools);
  planningPages(pages, tools);
  documentEditPages(pages, tools);
  pages.get("/settings", (c) => show(c, <SettingsPage {...settingsPage(pageRequest(c, tools))} />));
  pages.post("/settings/resume-agents", (c) => {
    resumeAgents(c.var.app);
    return done(c, "/settings", "The agents work again");
  });
  pages.post("/settings/back-up", async (c) => {
    const { name } = await backUpNow(c.var.app);
    return done(c, "/settings", `Backed up: ${name}`);
  });
  livePages(pages, tools);
}

/** The page that shows a refusal; what was posted is shown with it, so that nothing typed is lost. */
export async function renderError(
  error: PageError,
  c: RequestContext,
  tools: PageTools,
): Promise<string> {
  const referrer = c.req.header("hx-current-url") ?? c.req.header("referer");
  const back = referrer && URL.canParse(referrer) ? new URL(referrer).pathname : "/";
  return renderPage(
    <ErrorPage
      shell={shellOf(pageRequest(c, tools))}
      status={error.status}
      message={error.message}
      requestId={error.requestId}
      backHref={back}
      kept={await typedTexts(c)}
    />,
  );
}

async function typedTexts(c: RequestContext): Promise<{ label: string; text: string }[]> {
  if (c.req.method !== "POST") return [];
  const form = await c.req.parseBody().catch(() => ({}));
  return Object.entries(form).flatMap(([label, value]) =>
    typeof value === "string" && value.trim().includes(" ") ? [{ label, text: value }] : []
  );
}
