/** Agents, their versions, and those that a repository brings along, as the API gives them. */
import { z } from "zod";
import { agentKinds } from "../../agents/prompts/definition.ts";
import type { App } from "../app.ts";
import { once } from "../once.ts";
import type { Agent, AgentVersion } from "../records.ts";
import { readDefinition } from "../services/definitions.ts";
import type { RepositoryAgent } from "../services/trust.ts";
import { agentOrigins } from "../states.ts";
import { id, time } from "./common.ts";

export const agentSchema = once(() =>
  z.object({
    id: id().describe("A global agent's is its name"),
    name: z.string(),
    project_id: id().nullable().describe("Null: for every project without its own of that name"),
    active: z.boolean().describe("A disabled one starts no run"),
    version: z.number().int(),
    origin: z.enum(agentOrigins),
    path: z.string().nullable().describe("The repository's file that it was taken from"),
    trusted: z.boolean().describe("False: it is not used, since nobody trusts that file"),
    updated_at: time().nullable().describe("Null: it is built in, and was not used yet"),
    problem: z.string().nullable().describe("Why it can't be read; what follows is then empty"),
    description: z.string(),
    kind: z.enum(agentKinds).nullable(),
    model: z.string(),
    effort: z.string().nullable(),
    tools: z.array(z.string()),
    max_turns: z.number().int(),
    max_tokens: z.number().int(),
    max_cost_micro_usd: z.number().int(),
    timeout_ms: z.number().int(),
    result: z.string(),
    prompt: z.string(),
    text: z.string().describe("The whole definition, as a markdown file"),
  }).meta({ id: "Agent" })
);

export function agentJson(app: App, a: Agent): z.infer<ReturnType<typeof agentSchema>> {
  const { definition: d, problem } = readDefinition(app, a);
  return {
    id: a.id,
    name: a.name,
    project_id: a.projectId,
    active: a.active,
    version: a.version,
    origin: a.origin,
    path: a.file?.path ?? null,
    trusted: a.trusted,
    updated_at: a.updatedAt,
    problem,
    description: d?.description ?? "",
    kind: d?.kind ?? null,
    model: d?.model ?? "",
    effort: d?.effort ?? null,
    tools: d?.tools ?? [],
    max_turns: d?.limits.maxTurns ?? 0,
    max_tokens: d?.limits.maxTokens ?? 0,
    max_cost_micro_usd: d?.limits.maxCostMicroUsd ?? 0,
    timeout_ms: d?.limits.timeoutMs ?? 0,
    result: d?.result ?? "",
    prompt: d?.prompt ?? "",
    text: a.text,
  };
}

export const agentFiguresSchema = once(() =>
  z.object({
    results: z.array(z.object({
      run_id: id(),
      outcome: z.string().describe("In words, as the pages have it"),
      demo: z.boolean(),
    })).describe("The last 20 of its runs that are over, the oldest first; no trials"),
    succeeded: z.number().int(),
    counted: z.number().int().describe(
      "Those that succeeded or failed; what was cancelled tells nothing",
    ),
    median_cost_micro_usd: z.number().int().nullable().describe(
      "Of those that a paid model answered",
    ),
    median_ms: z.number().int().nullable(),
  }).meta({ id: "AgentFigures" })
);

/** As pages have them. */
interface Figures {
  results: readonly { runId: string; shown: { word: string }; demo: boolean }[];
  succeeded: number;
  counted: number;
  medianMicroUsd: number | null;
  medianMs: number | null;
}

export const agentFiguresJson = (
  { results, succeeded, counted, medianMicroUsd, medianMs }: Figures,
): z.infer<ReturnType<typeof agentFiguresSchema>> => ({
  results: results.map(({ runId, shown, demo }) => ({ run_id: runId, outcome: shown.word, demo })),
  succeeded,
  counted,
  median_cost_micro_usd: medianMicroUsd,
  median_ms: medianMs,
});

/** An agent that was added, with what its file did not say. */
export const addedAgentSchema = once(() =>
  z.object({
    agent: agentSchema(),
    assumed: z.array(z.string()).describe("What the file did not say, and what was put there"),
  }).meta({ id: "AddedAgent" })
);

export const versionSchema = once(() =>
  z.object({
    version: z.number().int(),
    origin: z.enum(agentOrigins),
    note: z.string(),
    saved_by: z.string(),
    saved_at: time(),
    text: z.string(),
  }).meta({ id: "AgentVersion" })
);

export const versionJson = (v: AgentVersion): z.infer<ReturnType<typeof versionSchema>> => ({
  version: v.version,
  origin: v.origin,
  note: v.note,
  saved_by: v.savedBy,
  saved_at: v.savedAt,
  text: v.text,
});

export const repositoryAgentSchema = once(() =>
  z.object({
    path: z.string(),
    hash: z.string().describe("Of its content; to trust it, send it back"),
    state: z.enum(["untrusted", "trusted", "changed", "unreadable"]),
    name: z.string(),
    description: z.string(),
    text: z.string().describe("The definition that trusting it gives"),
    assumed: z.array(z.string()),
    problem: z.string().nullable(),
    diff: z.string().nullable().describe("Against what was trusted"),
    agent_id: id().nullable(),
  }).meta({ id: "RepositoryAgent" })
);

export const repositoryAgentJson = (
  { agentId, ...file }: RepositoryAgent,
): z.infer<ReturnType<typeof repositoryAgentSchema>> => ({ ...file, agent_id: agentId });
