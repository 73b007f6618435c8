import type { Api } from "../api.ts";
import { modelsJson, modelsSchema } from "../outputs/models.ts";
import { fetchModels, keepModels, listedModels } from "../services/models.ts";

export function modelsApi(api: Api): void {
  api
    .get("/models", {
      summary: "The models that agents can be given",
      out: modelsSchema,
    }, ({ app }) => modelsJson(app, listedModels(app)))
    .post("/models/refresh", {
      summary: "Asks the endpoint again which models it has",
      out: modelsSchema,
      prepare: ({ app }) => fetchModels(app),
    }, ({ app, prepared }) => modelsJson(app, prepared && keepModels(app, prepared)));
}
