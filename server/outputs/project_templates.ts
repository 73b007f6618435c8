/** Project templates, as the API gives them. */
import { z } from "zod";
import { imageFile } from "../../agents/planning/image_files.ts";
import type {
  FilledTemplate,
  KnownTemplate,
  ListedTemplate,
} from "../services/project_templates.ts";
import { once } from "../once.ts";
import { checkRulesJson, checkRulesSchema } from "./check_rules.ts";
import { templateSources } from "../states.ts";

const fields = () => ({
  id: z.string(),
  name: z.string(),
  about: z.string(),
  tags: z.array(z.string()),
  source: z.enum(["built_in", ...templateSources]),
  trusted: z.boolean().describe("An imported one is inert until somebody trusts it"),
});

export const listedTemplateSchema = once(() =>
  z.object(fields()).meta({ id: "ProjectTemplateSummary" })
);

export const projectTemplateSchema = once(() =>
  z.object({
    ...fields(),
    hash: z.string().describe("Of exactly this text; trust is bound to it"),
    trusted_by: z.string().nullable(),
    text: z.string().describe("The whole file, as it is exported and imported"),
    questions: z.array(z.object({
      key: z.string(),
      label: z.string(),
      hint: z.string(),
      type: z.enum(["text", "choice", "yes_no"]),
      default: z.string(),
      choices: z.array(z.object({ value: z.string(), label: z.string() })),
      when: z.record(z.string(), z.array(z.string())).describe("Asked with these answers alone"),
    })),
    needs: z.array(z.string()),
  }).meta({ id: "ProjectTemplate" })
);

export const templatePreviewSchema = once(() =>
  z.object({
    commands: z.array(z.object({ name: z.string(), command: z.string() })),
    checks: checkRulesSchema().nullable().describe("How they run; null: as by default"),
    setup_network: z.boolean(),
    toolchains: z.array(z.string()),
    local_files: z.array(z.string()),
    agents: z.array(z.object({ name: z.string(), description: z.string(), path: z.string() })),
    ideas: z.array(z.object({ title: z.string(), description: z.string() })),
    ideas_left: z.number().int()
      .describe("How many more the roadmap has: so many are made at once at most"),
    images: z.array(z.object({ path: z.string(), bytes: z.number().int() }))
      .describe("Beside `files`: what the documents of another project show"),
    files: z.array(z.object({
      path: z.string(),
      content: z.string(),
      executable: z.boolean(),
    })),
  }).meta({ id: "ProjectTemplatePreview" })
);

export const listedTemplateJson = (
  { id, name, about, tags, source, trusted }: ListedTemplate,
): z.infer<ReturnType<typeof listedTemplateSchema>> => ({
  ...{ id, name, about, tags, source, trusted },
});

export function projectTemplateJson(
  { template, text, hash, source, trusted, trustedBy }: KnownTemplate,
): z.infer<ReturnType<typeof projectTemplateSchema>> {
  const { id, name, about, tags, needs, questions } = template;
  return {
    ...{ id, name, about, tags, source, trusted, hash, text, needs },
    trusted_by: trustedBy,
    questions: questions.map((question) => ({
      key: question.key,
      label: question.label,
      hint: question.hint ?? "",
      type: question.type,
      default: question.type === "yes_no" ? question.default ? "yes" : "no" : question.default,
      choices: question.type === "choice" ? question.choices : [],
      when: Object.fromEntries(
        Object.entries(question.when ?? {}).map(([key, values]) => [key, [values].flat()]),
      ),
    })),
  };
}

export const templatePreviewJson = (
  plan: FilledTemplate,
): z.infer<ReturnType<typeof templatePreviewSchema>> => ({
  commands: allCommands(plan),
  checks: plan.checks && checkRulesJson(plan.checks),
  setup_network: plan.setupNetwork,
  toolchains: plan.toolchains,
  local_files: plan.localFiles,
  agents: plan.agents.map(({ name, description, path }) => ({ name, description, path })),
  ideas: plan.ideas.map(({ title, description }) => ({ title, description })),
  ideas_left: plan.ideasLeft,
  images: plan.images.map(({ path, bytes }) => ({ path: imageFile(path), bytes: bytes.length })),
  files: plan.files,
});

/** Those of the project's settings, then those for people. */
export const allCommands = (
  { commands, furtherCommands }: Pick<FilledTemplate, "commands" | "furtherCommands">,
): { name: string; command: string }[] => [
  ...Object.entries(commands).map(([name, command]) => ({ name, command })),
  ...furtherCommands.map(({ name, run }) => ({ name, command: run })),
];
