import { z } from "zod";
import { once } from "../once.ts";
import type { Api } from "../api.ts";
import { agentsHold, resumeAgents } from "../services/agents.ts";
import type { App } from "../app.ts";
import { type Backup, backupKinds } from "../backup.ts";
import { backUpNow } from "../services/backups.ts";
import { VERSION } from "../version.ts";

const statusSchema = once(() =>
  z.object({
    version: z.string(),
    model: z.enum(["demo", "endpoint"]),
    confinement: z.object({ kind: z.enum(["bubblewrap", "process"]), hint: z.string() }),
    refused: z.string().nullable().describe("Why no agent runs"),
    storage: z.object({ fault: z.string(), since: z.string() }).nullable()
      .describe("Why nothing can be saved"),
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
    storage: storageJson(app),
    hold: agentsHold(app),
    active_runs: active,
  };
}

function storageJson({ db: { fault } }: App) {
  return fault && { fault: fault.kind, since: fault.since };
}

const backupSchema = once(() =>
  z.object({
    name: z.string(),
    kind: z.enum(backupKinds).describe("By schedule, before an update, or asked for"),
    made_at: z.string(),
    bytes: z.number().int(),
  }).meta({ id: "Backup" })
);

const backupsSchema = once(() =>
  z.object({
    items: z.array(backupSchema()).describe("The newest first"),
    failure: z.object({ message: z.string(), at: z.string() }).nullable()
      .describe("Why the last one could not be made"),
  })
);

const backupJson = ({ name, kind, madeAt, bytes }: Backup): z.infer<
  ReturnType<typeof backupSchema>
> => ({ name, kind, made_at: madeAt, bytes });

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
    })
    .get("/system/backups", {
      summary: "The backups in the data folder",
      tag: "system",
      out: backupsSchema,
    }, ({ app: { backups } }) => ({
      items: backups.list().map(backupJson),
      failure: backups.failure,
    }))
    .post("/system/backups", {
      summary: "Back the database up now, and check the copy",
      tag: "system",
      status: 201,
      out: backupSchema,
      // Cut off, it has left one more backup at most, which is rotated like the others.
      prepare: ({ app }) => backUpNow(app),
    }, ({ prepared }) => backupJson(prepared));
}
