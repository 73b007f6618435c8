/** The pages of agents: how each did in its last runs, and what of its definition a form shows. */
import type { AgentAbout, AgentPageProps } from "../../views/agent.tsx";
import type { AgentFilesPageProps } from "../../views/agent_files.tsx";
import type { AgentFormProps, AgentView } from "../../views/agent_form.tsx";
import type { AgentVersionsPageProps } from "../../views/agent_versions.tsx";
import {
  type AgentFigures,
  agentKindWords,
  type AgentRow,
  type AgentsPageProps,
  type NewAgentForm,
} from "../../views/agents.tsx";
import { firstLine } from "../../views/format.ts";
import { shownRun } from "../../views/words.ts";
import { type AgentDefinition, expandTools } from "../../agents/prompts/definition.ts";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import type { Agent, Run } from "../records.ts";
import { agentOf, definitionDiff, listAgents, readDefinition } from "../services/definitions.ts";
import { choices, formValues, toolTags } from "../services/definition_form.ts";
import { offeredModels } from "../services/models.ts";
import { furtherModels, listPrices } from "../services/prices.ts";
import { runsWaitingForAgent } from "../services/runs.ts";
import { repositoryAgents } from "../services/trust.ts";
import { getVersion, listVersions } from "../store/agents.ts";
import { lastSeq } from "../store/events.ts";
import { listIdeas } from "../store/ideas.ts";
import { getProject, listProjects } from "../store/projects.ts";
import { listAgentRuns } from "../store/agent_runs.ts";
import { listRecentTickets } from "../store/tickets.ts";
import { type PageRequest, shellOf } from "./shell.ts";
import { subjectsOf } from "./subjects.ts";

/** Results that the strip shows. */
const RESULTS_MAX = 20;
/** Trials that an agent's page lists. */
const TRIALS_MAX = 10;
/** Ideas, and tickets, that an agent can be tried on: the newest. */
const SUBJECTS_MAX = 25;
const SUBJECT_CHARS = 70;

export const emptyForm: NewAgentForm = {
  text: "",
  project: "",
  kind: "support",
  message: null,
  errors: [],
};

/** `refused`: the form for a new agent as it was sent. */
export function agentsPage(request: PageRequest, refused?: NewAgentForm): AgentsPageProps {
  const { app } = request;
  const after = lastSeq(app.db);
  const projects = new Map(listProjects(app.db).map(({ id, name }) => [id, name]));
  const rows = listAgents(app)
    .filter(({ projectId }) => projectId === null || projects.has(projectId))
    .map((agent) => {
      const { definition } = readDefinition(app, agent);
      const projectName = agent.projectId && projects.get(agent.projectId)!;
      return {
        kind: definition?.kind ?? "broken",
        row: rowOf(app, agent, definition, projectName),
      };
    });
  const kinds = [...Object.keys(agentKindWords), "broken"];
  return {
    shell: shellOf(request),
    live: refused ? null : { path: "/live/agents", after },
    groups: kinds.map((kind) => ({
      kind,
      title: agentKindWords[kind] ?? "Can't be read",
      rows: rows.filter((row) => row.kind === kind).map(({ row }) => row),
    })).filter((group) => group.rows.length > 0),
    form: refused ?? emptyForm,
  };
}

function rowOf(
  app: App,
  agent: Agent,
  definition: AgentDefinition | null,
  projectName: string | null,
): AgentRow {
  return {
    id: agent.id,
    name: agent.name,
    projectName,
    active: agent.active,
    trusted: agent.trusted,
    about: definition && aboutOf(definition),
    figures: figuresOf(app, agent),
  };
}

function aboutOf(definition: AgentDefinition): AgentAbout {
  const { description, kind, model, effort, limits, memory } = definition;
  const own = expandTools(definition).filter((name) => name !== "submit_result");
  const tools = [...own, ...definition.mcpTools];
  const { paths, commands, hosts, requireApproval } = definition;
  return {
    ...{ description, kind, model, effort, tools, memory },
    toolTags: toolTags(),
    ...limits,
    allowedPaths: paths.allow,
    blockedPaths: paths.block,
    writablePaths: paths.write ?? [],
    ...{ commands, hosts, requireApproval },
    webAllowed: definition.web === "allowed",
  };
}

/** How the agent did in its last results. */
export function figuresOf({ db }: Pick<App, "db">, agent: Agent): AgentFigures {
  const runs = listAgentRuns(db, agent, { trial: false, ended: true, limit: RESULTS_MAX });
  const shown = runs.map((run) => ({ run, shown: shownRun(run) }));
  const succeeded = shown.filter(({ shown }) => shown.tone === "done").length;
  const paid = runs.filter(({ demo }) => !demo);
  return {
    results: shown.toReversed().map(({ run, shown }) => ({ runId: run.id, shown, demo: run.demo })),
    succeeded,
    counted: succeeded + shown.filter(({ shown }) => shown.tone === "failed").length,
    medianMicroUsd: median(paid.map(({ costMicroUsd }) => costMicroUsd)),
    medianMs: median(runs.flatMap(tookMs)),
  };
}

const tookMs = ({ startedAt, finishedAt }: Run): number[] =>
  startedAt && finishedAt ? [Date.parse(finishedAt) - Date.parse(startedAt)] : [];

/** The lower of the two in the middle, of an even number: always a value that was. */
function median(values: number[]): number | null {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length / 2) - 1] ?? null;
}

/** What of a form was refused, to be shown again. */
export interface RefusedAgent {
  form?: Partial<Pick<AgentFormProps, "text" | "values" | "note" | "message" | "errors">>;
  trial?: { value: string; message: string };
}

export function agentPage(
  request: PageRequest,
  id: string,
  { view = "form", refused }: { view?: AgentView; refused?: RefusedAgent } = {},
): AgentPageProps {
  const { app } = request;
  const after = lastSeq(app.db);
  const agent = agentOf(app, id);
  const { definition, problem } = readDefinition(app, agent);
  const projects = listProjects(app.db);
  const own = new Set(
    listAgents(app).filter(({ name }) => name === agent.name).map(({ projectId }) => projectId),
  );
  const trials = listAgentRuns(app.db, agent, { trial: true, limit: TRIALS_MAX });
  const subjects = subjectsOf(app);
  return {
    shell: shellOf(request),
    live: refused ? null : { path: `/live/agent/${encodeURIComponent(id)}`, after },
    agent,
    projectName: agent.projectId && subjects.projectName(agent.projectId),
    about: definition && aboutOf(definition),
    problem,
    waiting: runsWaitingForAgent(app.db, agent.name)
      .filter(({ projectId }) => agent.projectId === null || projectId === agent.projectId).length,
    figures: figuresOf(app, agent),
    form: formOf(app, agent, view, refused),
    trial: {
      runs: trials.map((run) => ({ run, subject: subjects.of(run) })),
      subjects: trialSubjects(app, agent),
      refused: refused?.trial ?? null,
    },
    versions: listVersions(app.db, id).map(({ text: _, ...version }) => version),
    resettable: resettable(app, agent),
    copyTo: agent.projectId === null
      ? projects.filter((project) => !own.has(project.id)).map(({ id, name }) => ({ id, name }))
      : [],
  };
}

function resettable({ catalog }: App, { name, text }: Agent): boolean {
  const builtIn = catalog.text(name);
  return builtIn !== null && builtIn !== text;
}

function formOf(app: App, agent: Agent, view: AgentView, refused?: RefusedAgent): AgentFormProps {
  const { form } = refused ?? {};
  const values = form?.values ?? readable(agent);
  return {
    agentId: agent.id,
    view,
    version: agent.version,
    text: form?.text ?? agent.text,
    values,
    choices: choices(offeredModels(app), values?.model, furtherModels(app.db)),
    unpriced: listPrices(app).filter(({ price }) => price === null).length,
    toolTags: toolTags(),
    note: form?.note ?? "",
    message: form?.message ?? null,
    errors: form?.errors ?? [],
  };
}

/** Null: only its text can be edited. */
function readable({ name, text }: Agent): Record<string, string> | null {
  try {
    return formValues(text, `${name}.md`);
  } catch (error) {
    if (error instanceof AppError) return null;
    throw error;
  }
}

function trialSubjects({ db }: App, { projectId }: Agent) {
  const label = (word: string, { number, title }: { number: number; title: string }) =>
    `${word} #${number}: ${firstLine(title, SUBJECT_CHARS)}`;
  return [
    ...listIdeas(db, { projectId: projectId ?? undefined, limit: SUBJECTS_MAX }).map((idea) => ({
      value: `idea:${idea.id}`,
      label: label("Idea", idea),
    })),
    ...listRecentTickets(db, projectId, SUBJECTS_MAX).map((ticket) => ({
      value: `ticket:${ticket.id}`,
      label: label("Ticket", ticket),
    })),
  ];
}

/** `from` absent: the version before `to`. Throws `not_found`. */
export async function agentVersionsPage(
  request: PageRequest,
  id: string,
  { from, to }: { from?: number; to: number },
): Promise<AgentVersionsPageProps> {
  const { app } = request;
  const agent = agentOf(app, id);
  const newer = getVersion(app.db, id, to);
  const earlier = from ?? to - 1;
  const older = earlier > 0 ? getVersion(app.db, id, earlier) : null;
  const same = older === null || older.text === newer.text;
  return {
    shell: shellOf(request),
    agent,
    from: older,
    to: newer,
    diff: same ? null : await definitionDiff(agent.name, older.text, newer.text),
  };
}

export async function agentFilesPage(
  request: PageRequest,
  projectId: string,
  signal: AbortSignal,
): Promise<AgentFilesPageProps> {
  const { app } = request;
  const { id, name, baseBranch } = getProject(app.db, projectId);
  return {
    shell: shellOf(request),
    project: { id, name, baseBranch },
    files: await repositoryAgents(app, projectId, signal),
    names: listAgents(app)
      .filter((agent) => agent.projectId === null || agent.projectId === projectId)
      .map((agent) => agent.name),
  };
}
