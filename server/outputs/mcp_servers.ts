/** A server of tools, as the API gives it. */
import { z } from "zod";
import { tagsOfServer } from "../../agents/mcp/tags.ts";
import { mcpTransports, toolTags } from "../../agents/protocol.ts";
import { once } from "../once.ts";
import type { McpServer } from "../records.ts";
import { id, time } from "./common.ts";

export const mcpServerSchema = once(() =>
  z.object({
    id: id(),
    project_id: id(),
    name: z.string(),
    transport: z.enum(mcpTransports),
    command: z.string(),
    args: z.array(z.string()),
    env: z.record(z.string(), z.string()),
    url: z.string(),
    headers: z.record(z.string(), z.string()),
    timeout_ms: z.number().int(),
    active: z.boolean(),
    tags: z.array(z.enum(toolTags)).nullable()
      .describe("What a person said that its tools bring together; null: the careful view"),
    tags_in_force: z.array(z.enum(toolTags)).describe("What holds for runs that begin"),
    created_at: time(),
    updated_at: time(),
  }).meta({ id: "McpServer" })
);

export const mcpServerJson = (s: McpServer): z.infer<ReturnType<typeof mcpServerSchema>> => ({
  id: s.id,
  project_id: s.projectId,
  name: s.name,
  transport: s.transport,
  command: s.command,
  args: s.args,
  env: s.env,
  url: s.url,
  headers: s.headers,
  timeout_ms: s.timeoutMs,
  active: s.active,
  tags: s.tags ? [...s.tags] : null,
  tags_in_force: [...tagsOfServer(s)],
  created_at: s.createdAt,
  updated_at: s.updatedAt,
});

/** What a server offers when it is tried. */
export const mcpTrialSchema = once(() =>
  z.object({
    problems: z.array(z.string()),
    tools: z.array(z.object({
      name: z.string().describe("What agents call it"),
      description: z.string(),
      input_schema: z.record(z.string(), z.unknown()),
    })),
  }).meta({ id: "McpTrial" })
);
