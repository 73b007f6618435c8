/** Advice that follows from what was used, and what a person decided about it, as the API gives them. */
import { z } from "zod";
import { once } from "../once.ts";
import type { Advice } from "../services/advice.ts";
import type { AdviceDecision } from "../store/advice.ts";
import { id, time } from "./common.ts";

export const adviceSchema = once(() =>
  z.object({
    key: z.string().describe("Stays the same while it says the same"),
    title: z.string(),
    basis: z.string().describe("The figures that it rests on"),
    saving_micro_usd: z.number().int().nullable()
      .describe(
        "What it would have saved in the last seven days; null: it saves nothing by itself",
      ),
    agent_id: id().nullable().describe("The agent that it is about"),
    apply: z.union([
      z.object({ type: z.literal("month_limit"), amount_micro_usd: z.number().int() }),
      z.object({
        type: z.literal("model"),
        agent_id: id(),
        version: z.number().int().describe("Of the agent; send it along to apply to no other"),
        model: z.string(),
      }),
    ]).nullable().describe("What applying it does; null: only a person can follow it"),
  }).meta({ id: "Advice" })
);

export function adviceJson(advice: Advice): z.infer<ReturnType<typeof adviceSchema>> {
  const { key, title, basis, savingMicroUsd, agentId, apply } = advice;
  return {
    ...{ key, title, basis, saving_micro_usd: savingMicroUsd, agent_id: agentId },
    apply: apply &&
      (apply.type === "month_limit"
        ? { type: apply.type, amount_micro_usd: apply.amountMicroUsd }
        : {
          type: apply.type,
          agent_id: apply.agentId,
          version: apply.version,
          model: apply.model,
        }),
  };
}

export const adviceDecisionSchema = once(() =>
  z.object({
    key: z.string(),
    title: z.string(),
    state: z.enum(["applied", "dismissed"]),
    decided_by: z.string(),
    decided_at: time(),
    not_undone: z.string().nullable().describe("Why it can't be undone any more; null: it can"),
  }).meta({ id: "AdviceDecision" })
);

export const adviceDecisionJson = (
  { key, title, state, decidedBy, decidedAt }: AdviceDecision,
  notUndone: string | null,
): z.infer<ReturnType<typeof adviceDecisionSchema>> => ({
  ...{ key, title, state, decided_by: decidedBy, decided_at: decidedAt },
  not_undone: notUndone,
});
