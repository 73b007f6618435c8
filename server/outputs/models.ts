import { z } from "zod";
import { modelFamilies, models } from "../../agents/models.ts";
import type { App } from "../app.ts";
import { once } from "../once.ts";
import { furtherModels } from "../services/prices.ts";
import type { ModelList } from "../store/settings.ts";

export const modelsSchema = once(() =>
  z.object({
    items: z.array(
      z.object({
        id: z.string().describe("What an agent's `model` may be"),
        name: z.string(),
        family: z.string().nullable().describe("Its short name, when it is the newest of its line"),
        max_input_tokens: z.number().int().nullable(),
        max_output_tokens: z.number().int().nullable(),
        priced: z.boolean().describe("Agents can be given it; without a price they can't"),
        known: z.boolean().describe("Gaffer ships with its price and abilities"),
        offered: z.boolean().nullable().describe("The endpoint lists it; null: it lists nothing"),
      }),
    ),
    at: z.string().nullable().describe("When the endpoint was asked"),
    error: z.string().nullable().describe("Why the endpoint's own list is missing or old"),
    next: z.null(),
  }).meta({ id: "Models" })
);

/** What the endpoint lists, and what Gaffer knows besides. */
export function modelsJson(
  app: Pick<App, "db">,
  list: ModelList | null,
): z.infer<ReturnType<typeof modelsSchema>> {
  const listed = new Map((list?.models ?? []).map((model) => [model.id, model]));
  const known = new Map(models.map((model) => [model.id, model]));
  const further = furtherModels(app.db);
  const ids = new Set([...listed.keys(), ...known.keys(), ...further]);
  const families: readonly string[] = modelFamilies;
  return {
    items: [...ids].map((id) => {
      const [offered, shipped] = [listed.get(id), known.get(id)];
      return {
        id,
        name: offered?.name ?? id,
        family: families.find((name) => name === shipped?.family) ?? null,
        max_input_tokens: offered?.maxInputTokens ?? shipped?.contextTokens ?? null,
        max_output_tokens: offered?.maxOutputTokens ?? shipped?.maxOutputTokens ?? null,
        priced: shipped !== undefined || further.includes(id),
        known: shipped !== undefined,
        offered: listed.size === 0 ? null : offered !== undefined,
      };
    }),
    at: list?.at ?? null,
    error: list?.error ?? null,
    next: null,
  };
}
