/**
 * Routes of project templates. What they call is loaded with the first request that needs it: a server answers its first
 * pages without.
 */
import type { Hono } from "hono";
import { z } from "zod";
import { type Api, type Env, pageOf, requestSignal } from "../api.ts";
import { commandsInput } from "../inputs.ts";
import { once } from "../once.ts";
import { projectJson, projectSchema } from "../outputs/projects.ts";
import {
  listedTemplateJson,
  listedTemplateSchema,
  projectTemplateJson,
  projectTemplateSchema,
  templatePreviewJson,
  templatePreviewSchema,
} from "../outputs/project_templates.ts";
import type { PageTools } from "./page.ts";

const services = () => import("../services/project_templates.ts");
const making = () => import("../services/project_making.ts");
const planning = () => import("../services/bootstrap_documents.ts");

/** Longest file of a template that a request may bring; its characters are counted further in. */
const FILE_CHARS = 1_500_000;
const ANSWERS_MAX = 50;
const DOCUMENTS_MAX = 200;
/** Documents and templates for them. */
const CHOSEN_MAX = 300;

const importInput = once(() =>
  z.strictObject({ text: z.string().max(FILE_CHARS).describe("The file: YAML or JSON") })
    .meta({ id: "ImportProjectTemplate" })
);
const trustInput = once(() =>
  z.strictObject({ hash: z.string().max(64).describe("`hash` of what was looked at") })
    .meta({ id: "TrustProjectTemplate" })
);
const fillFields = () => ({
  answers: z.record(z.string().max(30), z.string().max(400))
    .refine((answers) => Object.keys(answers).length <= ANSWERS_MAX, "Answer fewer questions")
    .describe("By the key of each question; `name` and `description` belong to every template"),
  commands: commandsInput().optional().describe("In place of the template's; empty: none"),
  documents: z.array(z.strictObject({
    path: z.string().max(300).describe("Seen from planning/"),
    text: z.string().max(600_000),
  })).max(DOCUMENTS_MAX).default([]).describe("Planning documents that the project begins with"),
  documents_of: z.string().max(100).nullable().default(null)
    .describe(
      "A project whose planning documents come along with the images they show; what they name of its ideas and " +
        "tickets stands in words then",
    ),
  documents_paths: z.array(z.string().max(300)).max(CHOSEN_MAX).nullable().default(null)
    .describe("Only those of that project's documents, seen from planning/; null: all of them"),
});
const previewInput = once(() =>
  z.strictObject(fillFields()).meta({ id: "PreviewProjectTemplate" })
);
/** Also what the page's form is checked by. */
export const newFromTemplateInput = once(() =>
  z.strictObject({
    ...fillFields(),
    path: z.string().trim().min(1, "Write the path of a new folder").max(4_096)
      .describe("A folder that is not there yet, or empty"),
    seen: z.string().max(64).nullable().default(null)
      .describe("`hash` of the template that was looked at; another one is refused"),
    ideas: z.boolean().default(true)
      .describe("Rows of the roadmap become ideas, which agents refine at once"),
    commands_allowed: z.boolean().default(false)
      .describe("The project's own commands may run where there is no sandbox"),
    setup_network: z.boolean().default(false)
      .describe("The setup command, and no other, may use the network in the sandbox"),
    toolchains_allowed: z.boolean().default(false)
      .describe("The template's folders with tools are shown to the project's sandboxes"),
  }).meta({ id: "NewProjectFromTemplate" })
);
const ofProjectInput = once(() =>
  z.strictObject({
    id: z.string().max(40),
    name: z.string().trim().min(1).max(80),
    about: z.string().trim().max(300).default(""),
    keep_name: z.boolean().default(false).describe(
      "Leave the project's name where it stands; else it becomes a place to fill in, as a word of its own",
    ),
  }).meta({ id: "ProjectTemplateOfProject" })
);

export function projectTemplatesApi(api: Api): void {
  api
    .get("/project-templates", {
      summary: "What new projects can begin with",
      out: pageOf(listedTemplateSchema),
    }, async ({ app }) => {
      const { listProjectTemplates } = await services();
      return { items: listProjectTemplates(app).map(listedTemplateJson), next: null };
    })
    .post("/project-templates", {
      summary: "Import a template's file; it is inert until somebody trusts it",
      body: importInput,
      out: projectTemplateSchema,
      status: 201,
      prepare: services,
    }, ({ app, body, prepared }) => projectTemplateJson(prepared.importTemplate(app, body.text)))
    .get("/project-templates/:id", {
      summary: "A template with its questions and its whole file",
      out: projectTemplateSchema,
    }, async ({ app, params }) => {
      const { projectTemplate } = await services();
      return projectTemplateJson(projectTemplate(app, params.id!));
    })
    .post("/project-templates/:id/trust", {
      summary: "Trust an imported template as it was looked at: projects may be made of it",
      body: trustInput,
      out: projectTemplateSchema,
      prepare: services,
    }, ({ app, params, body, prepared }) => {
      return projectTemplateJson(prepared.trustTemplate(app, params.id!, body.hash));
    })
    .delete("/project-templates/:id", {
      summary: "Remove a template; answers with it. Projects that were made of it stay",
      out: projectTemplateSchema,
    }, async ({ app, params }) => {
      const { projectTemplate, removeTemplate } = await services();
      const removed = projectTemplateJson(projectTemplate(app, params.id!));
      removeTemplate(app, params.id!);
      return removed;
    })
    .post("/project-templates/:id/preview", {
      summary: "Every file of a project of these answers; nothing is written",
      body: previewInput,
      out: templatePreviewSchema,
      async prepare({ app, params, body }) {
        const { documentsOfProject } = await planning();
        const theirs = await documentsOfProject(app, chosenIn(body), requestSignal());
        const { answers, commands } = body;
        const documents = [...theirs.documents, ...body.documents];
        const { images } = theirs;
        const { previewProject } = await making();
        return previewProject(app, { template: params.id!, answers, commands, documents, images });
      },
    }, ({ prepared }) => templatePreviewJson(prepared))
    .post("/project-templates/:id/projects", {
      summary: "Make a project: its repository, its agents, its documents, its ideas",
      body: newFromTemplateInput,
      out: projectSchema,
      status: 201,
      async prepare({ app, params, body }) {
        const { placeProject, readyProject } = await making();
        const input = await newFromTemplate(app, params.id!, body);
        return { placeProject, ready: await readyProject(app, input, requestSignal()) };
      },
    }, ({ app, prepared: { placeProject, ready } }) => projectJson(placeProject(app, ready)))
    .post(
      "/projects/:id/template",
      {
        summary: "Make a template of a project: commands, agents, instructions; no secrets",
        body: ofProjectInput,
        out: projectTemplateSchema,
        status: 201,
        async prepare({ app, params, body: { keep_name: keepName, ...body } }) {
          const { templateOfProject } = await import("../services/template_from_project.ts");
          const { addTemplate } = await services();
          const input = { projectId: params.id!, ...body, keepName };
          return { addTemplate, made: await templateOfProject(app, input, requestSignal()) };
        },
      },
      ({ app, prepared: { addTemplate, made } }) =>
        projectTemplateJson(addTemplate(app, made.text, "project")),
    );
}

/** Whose documents come along, and which. */
export const chosenIn = (
  { documents_of, documents_paths }: {
    documents_of: string | null;
    documents_paths: string[] | null;
  },
) => ({ projectId: documents_of, paths: documents_paths });

/** What was asked for, with the documents of the other project. */
export async function newFromTemplate(
  app: Parameters<Awaited<ReturnType<typeof making>>["readyProject"]>[0],
  template: string,
  body: z.output<ReturnType<typeof newFromTemplateInput>>,
): Promise<Parameters<Awaited<ReturnType<typeof making>>["readyProject"]>[1]> {
  const { documentsOfProject } = await planning();
  const theirs = await documentsOfProject(app, chosenIn(body), requestSignal());
  return {
    ...{ template, seen: body.seen, path: body.path, answers: body.answers },
    commands: body.commands,
    documents: [...theirs.documents, ...body.documents],
    images: theirs.images,
    ideas: body.ideas,
    commandsAllowed: body.commands_allowed,
    setupNetwork: body.setup_network,
    toolchainsAllowed: body.toolchains_allowed,
  };
}

const handlers = () => import("./project_template_pages.tsx");

export function projectTemplatePages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/templates", async (c) => (await handlers()).list(c, tools));
  pages.post("/templates", async (c) => (await handlers()).importFile(c, tools));
  pages.get("/templates/:id", async (c) => (await handlers()).one(c, tools));
  pages.get("/templates/:id/export", async (c) => (await handlers()).exportFile(c));
  pages.post("/templates/:id/trust", async (c) => (await handlers()).trust(c));
  pages.post("/templates/:id/remove", async (c) => (await handlers()).remove(c));
  pages.get("/templates/:id/new", async (c) => (await handlers()).form(c, tools));
  pages.post("/templates/:id/new", async (c) => (await handlers()).make(c, tools));
  pages.get("/projects/:id/template", async (c) => (await handlers()).ofProjectForm(c, tools));
  pages.post("/projects/:id/template", async (c) => (await handlers()).ofProject(c, tools));
}
