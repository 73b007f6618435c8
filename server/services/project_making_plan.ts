/** A new project of a template as it was decided: its plan outlives a crash, and becomes its rows. */
import { createHash } from "node:crypto";
import type { PlanningText } from "../../agents/project_templates/fill.ts";
import type { App } from "../app.ts";
import type { Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { CheckRules, CommandName, Project } from "../records.ts";
import { deleteMaking, type ProjectMaking } from "../store/project_makings.ts";
import type { BootstrapImage } from "./bootstrap_documents.ts";
import { setCheckRules } from "./check_rules.ts";
import { commandsFrom, createProject, type PlannedProject } from "./projects.ts";
import { type FilledTemplate, previewTemplate, projectTemplate } from "./project_templates.ts";
import { type RoadmapIdea, submitRoadmap } from "./roadmap_ideas.ts";
import { trustFile } from "./trust.ts";

/** The branch that a new project begins with. */
export const NEW_BRANCH = "main";

/** What a person decides about a new project. */
export interface NewFromTemplate {
  template: string;
  /** Hash of the template that they looked at; null: whichever there is. */
  seen: string | null;
  /** Folder of the project: not there yet, or empty. */
  path: string;
  answers: Record<string, string>;
  /** In place of the template's; empty text: none. */
  commands?: Partial<Record<CommandName, string>>;
  /** Beside the template's, or in their place. */
  documents: readonly PlanningText[];
  /** That the documents show. */
  images?: readonly BootstrapImage[];
  /** Whether the roadmap's rows become ideas, which agents then refine. */
  ideas: boolean;
  commandsAllowed: boolean;
  setupNetwork: boolean;
  /** Whether the template's folders with tools are shown to its sandboxes. */
  toolchainsAllowed: boolean;
}

/** What becomes rows when the folder is in place. */
export interface MakingPlan {
  project: PlannedProject;
  /** Not there where the template says nothing of them, and in a plan of an older version. */
  checks?: CheckRules | null;
  /** Of its roadmap. Not there in a plan of an older version, whose project has its own. */
  ideas?: RoadmapIdea[];
  /** Definitions in the repository, as the person saw them. */
  agents: { path: string; text: string; hash: string }[];
  template: { id: string; hash: string };
}

/**
 * Throws `not_found`, `invalid` with each answer that is wrong, and `conflict` for a template that nobody trusts, or that
 * is not the one that was looked at.
 */
export function planOf(
  app: App,
  input: NewFromTemplate,
  path: string,
): { plan: MakingPlan; filled: FilledTemplate } {
  const known = projectTemplate(app, input.template);
  const { id } = known.template;
  if (input.seen !== null && input.seen !== known.hash) {
    throw new AppError(
      "conflict",
      `Cannot make the project: the template "${id}" has changed since you looked at it. Look again`,
    );
  }
  if (!known.trusted) {
    throw new AppError(
      "conflict",
      `Cannot make the project: nobody has trusted the template "${id}". Look at it, then trust it`,
    );
  }
  const filled = previewTemplate(app, known, input);
  const project: PlannedProject = {
    name: filled.name,
    path,
    baseBranch: NEW_BRANCH,
    commands: commandsFrom(filled.commands),
    commandsAllowed: input.commandsAllowed,
    setupNetwork: input.setupNetwork,
    toolchains: input.toolchainsAllowed ? filled.toolchains : [],
    localFiles: filled.localFiles,
    sample: false,
    ideas: [],
  };
  const ideas = input.ideas ? filled.ideas : [];
  const agents = filled.agents.map(({ path, text }) => ({ path, text, hash: hashOf(text) }));
  return {
    plan: { project, checks: filled.checks, ideas, agents, template: { id, hash: known.hash } },
    filled,
  };
}

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** All of the project's rows, from what was decided. Throws as what makes each. */
export function makeRows(app: App, tx: Tx, making: ProjectMaking): Project {
  const { project: planned, checks = null, ideas = [], agents, template }: MakingPlan = JSON.parse(
    making.plan,
  );
  const project = createProject(app, planned);
  if (checks !== null) setCheckRules(app, project.id, checks);
  submitRoadmap(tx, project, ideas);
  for (const { path, text, hash } of agents) {
    trustFile(app, project.id, { path, text, hash }, hash);
  }
  tx.emit({ type: "project_made", projectId: project.id, data: { template } });
  deleteMaking(tx, making.id);
  return project;
}
