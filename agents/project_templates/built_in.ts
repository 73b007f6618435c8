/** The project templates that Gaffer brings along: a file each, in the form in which others are imported. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { once } from "../../server/once.ts";
import { type ProjectTemplate, readTemplate } from "./template.ts";

/** In a bundle this file is part of one at the root of everything. */
const folder = new URL(
  import.meta.url.endsWith(".ts") ? "./built_in/" : "./agents/project_templates/built_in/",
  import.meta.url,
);

/** In the order in which they are offered. */
const order = [
  ...["web-full-stack", "js-package", "python-package", "rust", "go"],
  ...["unreal", "unity", "react-native", "custom"],
];

/** The file of one; null: Gaffer brings none of that name along. */
export const builtInText = (id: string): string | null =>
  order.includes(id) ? readFileSync(new URL(`${id}.yaml`, folder), "utf8") : null;

/** Read and validated when it is first asked for. Null: Gaffer brings none of that name along. */
export function builtInTemplate(id: string): ProjectTemplate | null {
  return templates.find((one) => one.id === id)?.read() ?? null;
}

const templates = order.map((id) => ({
  id,
  read: once(() => readTemplate(builtInText(id)!, `${id}.yaml`)),
}));

/** All of them. To read them takes a while: for a list their heads do. */
export const builtInProjectTemplates = (): ProjectTemplate[] => templates.map(({ read }) => read());

/** What a list shows of a template. */
export type TemplateHead = Pick<ProjectTemplate, "id" | "name" | "about" | "tags">;

/** Of all of them; only the first lines of their files are read. */
export const builtInHeads: () => readonly TemplateHead[] = once(() =>
  order.map((id) => {
    const [head] = builtInText(id)!.split(/^(?:needs|questions):/m);
    const { name, about, tags } = parse(head!);
    return { id, name, about, tags };
  })
);
