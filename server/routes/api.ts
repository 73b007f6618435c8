/** The API under /api/v1: every noun's routes on one router. */
import type { Api } from "../api.ts";
import type { EventStreams } from "../sse.ts";
import { agentsApi } from "./agents.tsx";
import { approvalsApi } from "./approvals.tsx";
import { checkRulesApi } from "./check_rules.tsx";
import { eventsApi } from "./events.ts";
import { ideasApi } from "./ideas.tsx";
import { jobsApi } from "./jobs.tsx";
import { mcpServersApi } from "./mcp_servers.tsx";
import { memoryApi } from "./memory.tsx";
import { mergingApi } from "./merging.tsx";
import { modelsApi } from "./models.ts";
import { orderApi } from "./order.tsx";
import { documentEditApi } from "./document_edit.tsx";
import { planningApi } from "./planning.tsx";
import { projectsApi } from "./projects.tsx";
import { runsApi } from "./runs.tsx";
import { systemApi } from "./system.ts";
import { reviewsApi } from "./reviews.tsx";
import { tracesApi } from "./traces.tsx";
import { ticketsApi } from "./tickets.tsx";
import { pricesApi } from "./prices.tsx";
import { usageApi } from "./usage.tsx";

export function mountApi(api: Api, streams: EventStreams): void {
  projectsApi(api);
  checkRulesApi(api);
  mcpServersApi(api);
  ideasApi(api);
  orderApi(api);
  ticketsApi(api);
  reviewsApi(api);
  mergingApi(api);
  tracesApi(api);
  agentsApi(api);
  modelsApi(api);
  runsApi(api);
  approvalsApi(api);
  memoryApi(api);
  planningApi(api);
  documentEditApi(api);
  jobsApi(api);
  usageApi(api);
  pricesApi(api);
  systemApi(api);
  eventsApi(api, streams);
}
