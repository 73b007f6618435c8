import { z } from "zod";
import { once } from "../once.ts";
import type { Api } from "../api.ts";
import type { AgentDefinition } from "../../agents/prompts/definition.ts";

const agentSchema = once(() =>
  z.object({
    id: z.string().describe("Its name"),
    name: z.string(),
    description: z.string(),
    kind: z.string(),
    model: z.string(),
    effort: z.string().nullable(),
    tools: z.array(z.string()),
    max_turns: z.number().int(),
    max_tokens: z.number().int(),
    max_cost_micro_usd: z.number().int(),
    timeout_ms: z.number().int(),
    prompt: z.string(),
  }).meta({ id: "Agent" })
);

const agentJson = (a: AgentDefinition): z.infer<ReturnType<typeof agentSchema>> => ({
  id: a.name,
  name: a.name,
  description: a.description,
  kind: a.kind,
  model: a.model,
  effort: a.effort,
  tools: a.tools,
  max_turns: a.limits.maxTurns,
  max_tokens: a.limits.maxTokens,
  max_cost_micro_usd: a.limits.maxCostMicroUsd,
  timeout_ms: a.limits.timeoutMs,
  prompt: a.prompt,
});

export function agentsApi(api: Api): void {
  api
    .get("/agents", {
      summary: "The agents and their definitions",
      out: () => z.object({ items: z.array(agentSchema()), next: z.null() }),
    }, ({ app }) => ({ items: app.catalog.agents.map(agentJson), next: null }))
    .get("/agents/:id", {
      summary: "One agent",
      out: agentSchema,
    }, ({ app, params }) => agentJson(app.catalog.get(params.id!)));
}
