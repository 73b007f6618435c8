/** Project templates: the built-in ones, and those that people made of a project or imported. */
import { createHash } from "node:crypto";
import {
  builtInHeads,
  builtInTemplate,
  builtInText,
  type TemplateHead,
} from "../../agents/project_templates/built_in.ts";
import {
  type FillOptions,
  fillTemplate,
  type PlanningText,
  type ProjectPlan,
} from "../../agents/project_templates/fill.ts";
import { documentAgents } from "../../agents/project_templates/documents.ts";
import { imageFile } from "../../agents/planning/image_files.ts";
import { checkAgents } from "../../agents/project_templates/template_agents.ts";
import { type ProjectTemplate, readTemplate } from "../../agents/project_templates/template.ts";
import type { App } from "../app.ts";
import { today } from "../calendar.ts";
import { transact } from "../db.ts";
import { AppError } from "../errors.ts";
import {
  deleteTemplate,
  findTemplate,
  insertTemplate,
  listTemplates,
  type SavedTemplate,
  setTemplateTrusted,
} from "../store/project_templates.ts";
import type { TemplateSource } from "../states.ts";
import type { BootstrapImage } from "./bootstrap_documents.ts";
import { type RoadmapIdea, roadmapIdeas } from "./roadmap_ideas.ts";

/** A template with where it comes from. */
export interface KnownTemplate {
  template: ProjectTemplate;
  /** Its file. */
  text: string;
  /** Of exactly this file: what trust is bound to. */
  hash: string;
  source: TemplateSource | "built_in";
  /** An imported one is inert until a person trusts it. */
  trusted: boolean;
  /** Who trusts it, where it was imported. */
  trustedBy: string | null;
}

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A template in a list. */
export type ListedTemplate = TemplateHead & Pick<KnownTemplate, "source" | "trusted">;

/** The built-in ones first, in their own order. One that this version can't read any more is left out. */
export function listProjectTemplates(app: Pick<App, "db" | "log">): ListedTemplate[] {
  const saved = listTemplates(app.db).flatMap((row): ListedTemplate[] => {
    try {
      const { template, source, trusted } = knownFrom(row);
      const { id, name, about, tags } = template;
      return [{ id, name, about, tags, source, trusted }];
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      app.log.warn("a project template can't be read", { id: row.id, error: error.message });
      return [];
    }
  });
  const builtIn = builtInHeads().map((head) =>
    ({ ...head, source: "built_in", trusted: true }) as const
  );
  return [...builtIn, ...saved];
}

/** Throws `not_found`, and `invalid` for one that this version can't read any more. */
export function projectTemplate({ db }: Pick<App, "db">, id: string): KnownTemplate {
  const builtIn = builtInTemplate(id);
  if (builtIn) return builtInKnown(builtIn);
  const saved = findTemplate(db, id);
  if (saved) return knownFrom(saved);
  throw new AppError("not_found", `There is no project template "${id}"`);
}

function builtInKnown(template: ProjectTemplate): KnownTemplate {
  const text = builtInText(template.id)!;
  return {
    template,
    text,
    hash: hashOf(text),
    source: "built_in",
    trusted: true,
    trustedBy: null,
  };
}

const knownFrom = ({ id, text, hash, source, trusted }: SavedTemplate): KnownTemplate => ({
  template: readTemplate(text, `${id}.yaml`),
  text,
  hash,
  source,
  trusted: trusted !== null,
  trustedBy: trusted?.by ?? null,
});

/**
 * Takes a template's file in. It does nothing until a person trusts it. Throws `invalid` with the key of whatever is
 * wrong in it, `conflict` where there is one of its id.
 */
export const importTemplate = (app: App, text: string): KnownTemplate =>
  addTemplate(app, text, "imported");

/** The same for one that was made of a project here: whoever made it has all of it in force already. */
export function addTemplate(app: App, text: string, source: TemplateSource): KnownTemplate {
  const template = readTemplate(text, source === "imported" ? "that was sent" : "of the project");
  const { id } = template;
  checkAgents(template, app.catalog);
  if (builtInText(id) !== null) {
    throw new AppError(
      "conflict",
      `Cannot add the template: "${id}" is built in. Give yours another id`,
      [{ field: "id", message: `"${id}" is built in` }],
    );
  }
  return transact(app, (tx) => {
    const saved = insertTemplate(tx, {
      ...{ id, text, source, hash: hashOf(text) },
      trusted: source === "project",
    });
    tx.emit({ type: "project_template_added", data: { template: id, source, hash: saved.hash } });
    return knownFrom(saved);
  });
}

/**
 * From now on projects may be made of it. Throws `conflict` when it is not the one that the person has seen (`hash`),
 * `not_found`.
 */
export function trustTemplate(app: App, id: string, hash: string): KnownTemplate {
  return transact(app, (tx) => {
    projectTemplate(app, id);
    if (!setTemplateTrusted(tx, id, hash)) {
      throw new AppError(
        "conflict",
        `Cannot trust the template "${id}": it is not the one that you looked at. Look again`,
      );
    }
    tx.emit({ type: "project_template_trusted", data: { template: id, hash } });
    return projectTemplate(app, id);
  });
}

/** Projects that were made of it stay as they are. Throws `conflict` for a built-in one, `not_found`. */
export function removeTemplate(app: App, id: string): void {
  if (builtInText(id) !== null) {
    throw new AppError("conflict", `Cannot remove the template "${id}": it is built in`);
  }
  transact(app, (tx) => {
    if (!deleteTemplate(tx, id)) {
      throw new AppError("not_found", `There is no project template "${id}"`);
    }
    tx.emit({ type: "project_template_removed", data: { template: id } });
  });
}

export type FilledTemplate = ProjectPlan & {
  /** What the roadmap wishes for. */
  ideas: RoadmapIdea[];
  /** How many more it wishes for than a project begins with. */
  ideasLeft: number;
  /** Beside the files. */
  images: BootstrapImage[];
};

/**
 * All that a project of these answers and documents would have; nothing is written. Throws `invalid` with each answer
 * that is wrong.
 */
export function previewTemplate(
  app: Pick<App, "catalog" | "clock">,
  { template }: Pick<KnownTemplate, "template">,
  { answers, documents, images = [], commands }: {
    answers: Record<string, string>;
    documents: readonly PlanningText[];
    images?: readonly BootstrapImage[];
    commands?: FillOptions["commands"];
  },
): FilledTemplate {
  const { catalog } = app;
  const agents = documentAgents(documents, catalog);
  const date = today(app);
  const plan = fillTemplate(template, answers, { catalog, date, documents, agents, commands });
  const { ideas, left } = roadmapIdeas(plan.planning);
  const paths = new Set(plan.files.map(({ path }) => path.toLowerCase()));
  return {
    ...{ ...plan, ideas, ideasLeft: left },
    images: images.filter(({ path }) => !paths.has(imageFile(path).toLowerCase())),
  };
}
