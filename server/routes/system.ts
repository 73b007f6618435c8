import { z } from "zod";
import { once } from "../once.ts";
import type { Api } from "../api.ts";
import { agentsHold, resumeAgents } from "../services/agents.ts";
import type { App } from "../app.ts";
import { VERSION } from "../version.ts";

const statusSchema = once(() =>
  z.object({
    version: z.string(),
    model: z.enum(["demo", "endpoint"]),
    confinement: z.object({ kind: z.enum(["bubblewrap", "process"]), hint: z.string() }),
    refused: z.string().nullable().describe("Why no agent runs"),
    hold: z.object({ reason: z.string(), message: z.string(), since: z.string() }).nullable(),
    active_runs: z.number().int(),
  }).meta({ id: "SystemStatus" })
);

function statusJson(app: App): z.infer<ReturnType<typeof statusSchema>> {
  const { model, confinement, refused, active } = app.agents.status();
  return {
    version: VERSION,
    model: model.kind,
    confinement,
    refused,
    hold: agentsHold(app),
    active_runs: active,
  };
}

export function systemApi(api: Api): void {
  api
    .get("/system/status", {
      summary: "Model, confinement, and whether the agents work",
      tag: "system",
      out: statusSchema,
    }, ({ app }) => statusJson(app))
    .post("/system/resume-agents", {
      summary: "Let held agents work again",
      tag: "system",
      out: statusSchema,
    }, ({ app }) => {
      resumeAgents(app);
      return statusJson(app);
    });
}
