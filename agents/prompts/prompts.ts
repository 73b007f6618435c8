/** Puts a run specification together from an agent, a project and a task. Pure: what goes in decides all. */
import type { Project, ProjectCommand } from "../../server/records.ts";
import type { TaggedMcpTool } from "../mcp/servers.ts";
import { type AgentDefinition, expandTools, type ToolName } from "./definition.ts";
import type { ModelSpec, RunSpec, ToolSpec } from "../protocol.ts";
import type { ResultName } from "../results.ts";
import { buildSystem, type InstructionFile, type SystemParts } from "./system_prompt.ts";
import { buildPrompt, type PromptParts } from "./task_prompt.ts";

export {
  buildSystem,
  type InstructionFile,
  systemLimits,
  type SystemParts,
} from "./system_prompt.ts";
export { buildPrompt, promptLimits, type PromptParts } from "./task_prompt.ts";

/** How a tool is described to one agent in one project. */
export type DescribeTool = (
  name: ToolName,
  context: { result: ResultName; commands: ProjectCommand[] },
) => ToolSpec;

export interface RunSpecParts {
  runId: string;
  definition: AgentDefinition;
  /** The definition's, or the demo model. */
  model: ModelSpec;
  project: Pick<Project, "name" | "slug" | "commands">;
  instructions: InstructionFile[];
  confinement: SystemParts["confinement"];
  task: Omit<PromptParts, "project" | "commands">;
  describeTool: DescribeTool;
  /** Of MCP servers, those that the agent may use. */
  mcpTools: readonly TaggedMcpTool[];
}

/** All that a brain needs for one run. Agents of a project without commands get no `run_checks`. */
export function buildRunSpec(parts: RunSpecParts): RunSpec {
  const { definition, project, describeTool } = parts;
  const { commands } = project;
  const tools = expandTools(definition)
    .filter((name) => name !== "run_checks" || commands.length > 0);
  return {
    runId: parts.runId,
    agent: definition.name,
    model: parts.model,
    system: buildSystem({
      definition,
      projectName: project.name,
      instructions: parts.instructions,
      commands,
      confinement: parts.confinement,
    }),
    tools: [
      ...tools.map((name) => describeTool(name, { result: definition.result, commands })),
      ...parts.mcpTools.map(({ name, description, inputSchema, readOnly, tags }) => (
        { name, description, inputSchema, readOnly, tags }
      )),
    ],
    prompt: buildPrompt({ ...parts.task, project: project.slug, commands }),
    limits: definition.limits,
  };
}
