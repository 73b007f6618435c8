/**
 * The API under /api/v1: every noun's routes on one router. A new noun adds one line, with the first parts of all its
 * paths; its pages add theirs in pages.tsx.
 */
import type { Api } from "../api.ts";
import type { EventStreams } from "../sse.ts";

export function mountApi(api: Api, streams: EventStreams): void {
  api.late(["projects"], async () => (await import("./projects.tsx")).projectsApi);
  api.late(["projects"], async () => (await import("./check_rules.tsx")).checkRulesApi);
  api.late(["projects"], async () => (await import("./project_config.tsx")).projectConfigApi);
  api.late(
    ["projects", "mcp-servers"],
    async () => (await import("./mcp_servers.tsx")).mcpServersApi,
  );
  api.late(["projects", "ideas", "questions"], async () => (await import("./ideas.tsx")).ideasApi);
  api.late(
    ["projects", "tickets", "start-rules"],
    async () => (await import("./order.tsx")).orderApi,
  );
  api.late(["projects", "tickets"], async () => (await import("./tickets.tsx")).ticketsApi);
  api.late(["tickets"], async () => (await import("./reviews.tsx")).reviewsApi);
  api.late(["projects", "tickets"], async () => (await import("./merging.tsx")).mergingApi);
  api.late(["tickets"], async () => (await import("./merge_look.tsx")).mergeLookApi);
  api.late(["tickets"], async () => (await import("./ticket_places.tsx")).ticketPlacesApi);
  api.late(["tickets"], async () => (await import("./deploying.tsx")).deployingApi);
  api.late(["projects"], async () => (await import("./traces.tsx")).tracesApi);
  api.late(["agents", "projects"], async () => (await import("./agents.tsx")).agentsApi);
  api.late(["models"], async () => (await import("./models.ts")).modelsApi);
  api.late(["runs"], async () => (await import("./runs.tsx")).runsApi);
  api.late(["approvals"], async () => (await import("./approvals.tsx")).approvalsApi);
  api.late(["memory", "runs"], async () => (await import("./memory.tsx")).memoryApi);
  api.late(["projects", "documents"], async () => (await import("./planning.tsx")).planningApi);
  api.late(
    ["documents", "projects"],
    async () => (await import("./document_edit.tsx")).documentEditApi,
  );
  api.late(["jobs", "queues", "schedules"], async () => (await import("./jobs.tsx")).jobsApi);
  api.late(["usage", "limits", "alerts"], async () => (await import("./usage.tsx")).usageApi);
  api.late(["advice"], async () => (await import("./advice.ts")).adviceApi);
  api.late(["prices"], async () => (await import("./prices.tsx")).pricesApi);
  api.late(["system"], async () => (await import("./system.ts")).systemApi);
  api.late(["projects"], async () => (await import("./document_drafts.tsx")).documentDraftsApi);
  api.late(
    ["projects", "documents"],
    async () => (await import("./documents_gone.tsx")).documentsGoneApi,
  );
  api.late(["projects"], async () => (await import("./document_images.tsx")).documentImagesApi);
  api.late(["projects"], async () => (await import("./guides.tsx")).guidesApi);
  api.late(["documents"], async () => (await import("./document_ideas.tsx")).documentIdeasApi);
  api.late(["documents", "projects"], async () => (await import("./exports.tsx")).exportsApi);
  api.late(
    ["documents", "asks", "planning-questions", "suggestions"],
    async () => (await import("./asks.tsx")).asksApi,
  );
  api.late(["asks", "projects"], async () => (await import("./lost_asks.tsx")).lostAsksApi);
  api.late(
    ["documents", "projects"],
    async () => (await import("./document_drift.tsx")).documentDriftApi,
  );
  api.late(["projects"], async () => (await import("./forges.tsx")).forgesApi);
  api.late(["tickets"], async () => (await import("./pull_requests.tsx")).pullRequestsApi);
  api.late(
    ["project-templates", "projects"],
    async () => (await import("./project_templates.ts")).projectTemplatesApi,
  );
  api.late(["events"], async () => {
    const { eventsApi } = await import("./events.ts");
    return (api) => eventsApi(api, streams);
  });
}
