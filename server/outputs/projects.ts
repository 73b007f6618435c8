/** A project, as the API gives it. */
import { z } from "zod";
import { once } from "../once.ts";
import type { Project } from "../records.ts";
import { commandNames } from "../records.ts";
import { handsLimitNames, projectStatuses } from "../states.ts";
import { id, time } from "./common.ts";

export const projectSchema = once(() =>
  z.object({
    id: id(),
    slug: z.string(),
    name: z.string(),
    path: z.string(),
    base_branch: z.string(),
    status: z.enum(projectStatuses),
    commands: z.array(z.object({
      name: z.enum(commandNames),
      command: z.string(),
      timeout_ms: z.number().int(),
    })),
    commands_allowed: z.boolean(),
    setup_network: z.boolean(),
    hosts: z.array(z.string()),
    toolchains: z.array(z.string()),
    local_files: z.array(z.string()),
    limits: z.partialRecord(z.enum(handsLimitNames), z.number().int()),
    tags_allowed: z.boolean(),
    tags_allowed_by: z.string().nullable(),
    tags_allowed_at: time().nullable(),
    sample: z.boolean(),
    created_at: time(),
    updated_at: time(),
  }).meta({ id: "Project" })
);

export const projectJson = (p: Project): z.infer<ReturnType<typeof projectSchema>> => ({
  id: p.id,
  slug: p.slug,
  name: p.name,
  path: p.path,
  base_branch: p.baseBranch,
  status: p.status,
  commands: p.commands.map((c) => ({
    name: c.name,
    command: c.command,
    timeout_ms: c.timeoutMs,
  })),
  commands_allowed: p.commandsAllowed,
  setup_network: p.setupNetwork,
  hosts: p.hosts,
  toolchains: p.toolchains,
  local_files: p.localFiles,
  limits: p.handsLimits,
  tags_allowed: p.tagsAllowed !== null,
  tags_allowed_by: p.tagsAllowed?.by ?? null,
  tags_allowed_at: p.tagsAllowed?.at ?? null,
  sample: p.sample,
  created_at: p.createdAt,
  updated_at: p.updatedAt,
});
