/** The schema's history, in order. */
import { mainJob } from "./0001_main_job.ts";
import { pagesByTime } from "./0002_pages_by_time.ts";
import { queue } from "./0003_queue.ts";
import { runControl } from "./0004_run_control.ts";
import { setupNetwork } from "./0005_setup_network.ts";
import { mcpServers } from "./0006_mcp_servers.ts";
import { memory } from "./0007_memory.ts";
import { agents } from "./0008_agents.ts";
import { approvals } from "./0009_approvals.ts";
import { costs } from "./0010_costs.ts";
import { reviewMarks } from "./0011_review_marks.ts";
import { web } from "./0012_web.ts";
import { sandboxSettings } from "./0013_sandbox_settings.ts";
import { costsWhole } from "./0014_costs_whole.ts";
import { order } from "./0015_order.ts";
import { localFiles } from "./0016_local_files.ts";
import { evidence } from "./0017_evidence.ts";
import { merging } from "./0018_merging.ts";
import { documents } from "./0019_documents.ts";
import { forges } from "./0020_forges.ts";
import { planningAgents } from "./0021_planning_agents.ts";
import { documentWork } from "./0022_document_work.ts";
import { projectTemplates } from "./0024_project_templates.ts";
import { documentsGone } from "./0026_documents_gone.ts";
import { mergesBrought } from "./0027_merges_brought.ts";
import { documentsNewest } from "./0028_documents_newest.ts";
import { forgesApart } from "./0030_forges_apart.ts";
import { deploying } from "./0031_deploying.ts";
import { draftForms } from "./0032_draft_forms.ts";
import { stepsOfChoice } from "./0035_steps_of_choice.ts";
import { historyIndexes } from "./0036_history_indexes.ts";
import { ticketPlaces } from "./0038_ticket_places.ts";
import { saidElsewhere } from "./0039_said_elsewhere.ts";
import { projectConfig } from "./0040_project_config.ts";
import { toldApart } from "./0041_told_apart.ts";
import { pullApprovers } from "./0042_pull_approvers.ts";
import { projectConfigNews } from "./0043_project_config_news.ts";
import { setUpAs } from "./0044_set_up_as.ts";
import { documentsAnew } from "./0045_documents_anew.ts";
import type { Migration } from "./migration.ts";

export type { Migration } from "./migration.ts";

export const migrations: readonly Migration[] = [
  mainJob,
  pagesByTime,
  queue,
  runControl,
  setupNetwork,
  mcpServers,
  memory,
  agents,
  approvals,
  costs,
  reviewMarks,
  web,
  sandboxSettings,
  costsWhole,
  order,
  localFiles,
  evidence,
  merging,
  documents,
  forges,
  planningAgents,
  documentWork,
  projectTemplates,
  documentsGone,
  mergesBrought,
  documentsNewest,
  forgesApart,
  deploying,
  draftForms,
  stepsOfChoice,
  historyIndexes,
  ticketPlaces,
  saidElsewhere,
  projectConfig,
  toldApart,
  pullApprovers,
  projectConfigNews,
  setUpAs,
  documentsAnew,
];
