/** The built-in project templates, every set of answers to their choices, and folders to put their files into. */
import { dirname, join } from "node:path";
import { loadCatalog } from "../agents/catalog.ts";
import { builtInProjectTemplates } from "../agents/project_templates/built_in.ts";
import {
  type FillOptions,
  fillTemplate,
  type ProjectPlan,
} from "../agents/project_templates/fill.ts";
import type { ProjectTemplate } from "../agents/project_templates/template.ts";

export const catalog = loadCatalog(new URL("../agents/definitions/", import.meta.url));
export const templates: readonly ProjectTemplate[] = builtInProjectTemplates();

/** Words with all that files give a meaning to. */
export const hostile = {
  name: `My "odd" Thing's <b>`,
  description: `Says "hi" & \\n, 'ho' <i>, $HOME, \`x\`, */ and {{name}} # %s`,
};

export const named = (id: string): ProjectTemplate => templates.find((t) => t.id === id)!;

/** Every combination of the answers that can be chosen. */
export function everyChoice({ questions }: ProjectTemplate): Record<string, string>[] {
  let all: Record<string, string>[] = [{}];
  for (const question of questions) {
    if (question.type === "text") continue;
    const values = question.type === "choice"
      ? question.choices.map((c) => c.value)
      : ["yes", "no"];
    all = all.flatMap((one) => values.map((value) => ({ ...one, [question.key]: value })));
  }
  return all;
}

export const filled = (
  template: ProjectTemplate,
  answers: Record<string, string> = {},
  options: Partial<FillOptions> = {},
): ProjectPlan =>
  fillTemplate(template, { name: "My Thing", ...answers }, {
    ...{ catalog, date: "2026-01-02" },
    ...options,
  });

export async function writeFiles(dir: string, { files }: ProjectPlan): Promise<void> {
  for (const { path, content } of files) {
    await Deno.mkdir(dirname(join(dir, path)), { recursive: true });
    await Deno.writeTextFile(join(dir, path), content);
  }
}
