/** The pages: every noun's routes on one router, Home, Settings, and the page for refusals. */
import type { Hono } from "hono";
import { ErrorPage } from "../../views/errors.tsx";
import { HomePage } from "../../views/home.tsx";
import { renderPage } from "../../views/layout.tsx";
import { StartPage } from "../../views/start.tsx";
import type { Env, RequestContext } from "../api.ts";
import type { App } from "../app.ts";
import { messageOf } from "../errors.ts";
import type { Pages } from "../http.ts";
import { homePage } from "../pages/home.ts";
import { shellOf } from "../pages/shell.ts";
import type { PageError } from "../problem.ts";
import { listTrusting } from "../store/project_config.ts";
import { listProjects } from "../store/projects.ts";
import { pageRequest, type PageTools, show } from "./page.ts";

/** Whether trusted configurations have changed. The page does not wait for it: its stream brings what is found. */
async function lookAtConfigs(app: App, projectId: string | null): Promise<void> {
  try {
    if (listTrusting(app.db, projectId, 1).length === 0) return;
    const { noticeConfigs } = await import("../services/config_news.ts");
    await noticeConfigs(app, projectId);
  } catch (error) {
    app.log.warn("trusted configurations could not be looked at", { error: messageOf(error) });
  }
}

/** Mounts the pages of one noun. */
type Mount = (pages: Hono<Env>, tools: PageTools) => void;

export function mountPages(pages: Pages, tools: PageTools): void {
  const late = (firsts: string[], load: () => Promise<Mount>) =>
    pages.late(firsts, async () => {
      const mount = await load();
      return (router) => mount(router, tools);
    });
  pages.get("/", (c) => {
    const request = pageRequest(c, tools);
    const { app } = c.var;
    if (listProjects(app.db).length > 0) {
      void lookAtConfigs(app, request.projectId);
      return show(c, <HomePage {...homePage(request)} />);
    }
    const start = <StartPage shell={shellOf(request)} path="" message={null} errors={[]} />;
    return show(c, start);
  });
  late(["projects"], async () => (await import("./projects.tsx")).projectPages);
  late(["projects"], async () => (await import("./check_rules.tsx")).checkRulesPages);
  late(["projects"], async () => (await import("./project_config.tsx")).projectConfigPages);
  late(["projects"], async () => (await import("./mcp_servers.tsx")).mcpServerPages);
  late(["ideas", "questions"], async () => (await import("./ideas.tsx")).ideaPages);
  late(["tickets", "development"], async () => (await import("./order_pages.tsx")).orderPages);
  late(["development", "tickets"], async () => (await import("./tickets.tsx")).ticketPages);
  late(["tickets"], async () => (await import("./reviews.tsx")).reviewPages);
  late(["projects", "tickets"], async () => (await import("./merging.tsx")).mergingPages);
  late(["tickets"], async () => (await import("./deploying.tsx")).deployingPages);
  late(["tickets"], async () => (await import("./merge_look.tsx")).mergeLookPages);
  late(["tickets"], async () => (await import("./ticket_places.tsx")).ticketPlacesPages);
  late(["projects"], async () => (await import("./traces.tsx")).tracePages);
  late(["runs"], async () => (await import("./runs.tsx")).runPages);
  late(["agents", "projects"], async () => (await import("./agent_pages.tsx")).agentPages);
  late(["jobs", "queues"], async () => (await import("./jobs.tsx")).jobPages);
  late(["usage", "usage.csv"], async () => (await import("./usage.tsx")).usagePages);
  late(["usage"], async () => (await import("./prices.tsx")).pricePages);
  late(["approvals", "approve"], async () => (await import("./approvals.tsx")).approvalPages);
  late(["memory"], async () => (await import("./memory.tsx")).memoryPages);
  late(["planning", "documents"], async () => (await import("./planning.tsx")).planningPages);
  late(["documents"], async () => (await import("./document_edit.tsx")).documentEditPages);
  late(["planning"], async () => (await import("./document_drafts.tsx")).documentDraftsPages);
  late(
    ["planning", "documents"],
    async () => (await import("./document_images.tsx")).documentImagePages,
  );
  late(["planning"], async () => (await import("./document_tree.tsx")).documentTreePages);
  late(["documents"], async () => (await import("./documents_gone.tsx")).documentsGonePages);
  late(["planning"], async () => (await import("./guides.tsx")).guidePages);
  late(["documents"], async () => (await import("./document_ideas.tsx")).documentIdeasPages);
  late(["live"], async () => (await import("./planning_live.tsx")).planningLivePages);
  late(["planning", "documents"], async () => (await import("./exports.tsx")).exportPages);
  late(
    ["documents", "asks", "planning-questions", "suggestions"],
    async () => (await import("./asks.tsx")).asksPages,
  );
  late(["asks", "planning"], async () => (await import("./lost_asks.tsx")).lostAsksPages);
  late(["documents"], async () => (await import("./document_drift.tsx")).documentDriftPages);
  late(["projects"], async () => (await import("./forges.tsx")).forgePages);
  late(["tickets"], async () => (await import("./pull_requests.tsx")).pullRequestPages);
  late(
    ["templates", "projects"],
    async () => (await import("./project_templates.ts")).projectTemplatePages,
  );
  late(["settings"], async () => (await import("./settings.tsx")).settingsPages);
  late(["live"], async () => (await import("./live.tsx")).livePages);
}

/** The page that shows a refusal; what was posted is shown with it, so that nothing typed is lost. */
export async function renderError(
  error: PageError,
  c: RequestContext,
  tools: PageTools,
): Promise<string> {
  const referrer = c.req.header("hx-current-url") ?? c.req.header("referer");
  const from = referrer && URL.canParse(referrer) ? new URL(referrer) : null;
  return renderPage(
    <ErrorPage
      shell={shellOf(pageRequest(c, tools))}
      status={error.status}
      message={error.message}
      requestId={error.requestId}
      backHref={from === null ? "/" : `${from.pathname}${from.search}`}
      kept={await typedTexts(c)}
      isLook={c.req.method === "GET"}
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
