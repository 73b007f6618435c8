/** What the pages of project templates answer; loaded with the first of them. */
import { NewFromTemplatePage } from "../../views/project_from_template.tsx";
import { templateHref, templatesHref, withQuery } from "../../views/links.ts";
import {
  TemplateOfProjectPage,
  TemplatePage,
  TemplatesPage,
} from "../../views/project_templates.tsx";
import type { NewFromTemplateForm } from "../../views/project_from_template.tsx";
import { type RequestContext, requestSignal, validate } from "../api.ts";
import {
  firstForm,
  newFromTemplatePage,
  templateOfProjectPage,
  templatePage,
  templatesPage,
} from "../pages/project_templates.ts";
import { AppError } from "../errors.ts";
import { commandNames } from "../records.ts";
import { documentsOfProject } from "../services/bootstrap_documents.ts";
import { placeProject, previewProject, readyProject } from "../services/project_making.ts";
import {
  addTemplate,
  importTemplate,
  projectTemplate,
  removeTemplate,
  trustTemplate,
} from "../services/project_templates.ts";
import { templateOfProject } from "../services/template_from_project.ts";
import { act, done, pageRequest, type PageTools, readForm, refusedAt, show } from "./page.ts";
import { newFromTemplate, newFromTemplateInput } from "./project_templates.ts";

const idIn = (c: RequestContext): string => c.req.param("id")!;

export const list = (c: RequestContext, tools: PageTools): Response =>
  show(c, <TemplatesPage {...templatesPage(pageRequest(c, tools))} />);

export const one = (c: RequestContext, tools: PageTools): Response =>
  show(c, <TemplatePage {...templatePage(pageRequest(c, tools), idIn(c))} />);

export function exportFile(c: RequestContext): Response {
  const { template, text } = projectTemplate(c.var.app, idIn(c));
  return c.body(text, 200, {
    "content-type": "application/yaml; charset=utf-8",
    "content-disposition": `attachment; filename="${template.id}.yaml"`,
  });
}

/** A file goes before a text. */
export async function importFile(c: RequestContext, tools: PageTools): Promise<Response> {
  const body = await c.req.parseBody();
  const { file } = body;
  const typed = typeof body.text === "string" ? body.text : "";
  const text = file instanceof File && file.size > 0 ? await file.text() : typed;
  return await act(() => {
    const { template } = importTemplate(c.var.app, text);
    return done(
      c,
      templateHref(template.id),
      `"${template.name}" imported. Look at it before you trust it`,
    );
  }, ({ message, errors, status }) => {
    const page = templatesPage(pageRequest(c, tools), { text: typed, message, errors });
    return show(c, <TemplatesPage {...page} />, status);
  });
}

export async function trust(c: RequestContext): Promise<Response> {
  const { hash = "" } = await readForm(c);
  return await act(() => {
    const { template } = trustTemplate(c.var.app, idIn(c), hash);
    return done(c, templateHref(template.id), `"${template.name}" is trusted`);
  }, ({ message }) => refusedAt(c, templateHref(idIn(c)), message));
}

export async function remove(c: RequestContext): Promise<Response> {
  return await act(() => {
    removeTemplate(c.var.app, idIn(c));
    return done(c, templatesHref, "Template removed");
  }, ({ message }) => refusedAt(c, templateHref(idIn(c)), message));
}

export function form(c: RequestContext, tools: PageTools): Response {
  const { template, trusted } = projectTemplate(c.var.app, idIn(c));
  if (!trusted) return refusedAt(c, templateHref(template.id), "Look at it and trust it first");
  const page = newFromTemplatePage(pageRequest(c, tools), template.id, firstForm(template), null);
  return show(c, <NewFromTemplatePage {...page} />);
}

/** Looks at what the answers make, or makes it: by the button. */
export async function make(c: RequestContext, tools: PageTools): Promise<Response> {
  const { app } = c.var;
  const id = idIn(c);
  const posted = await readForm(c);
  const shown = formOf(posted);
  return await act(async () => {
    const body = validate(newFromTemplateInput, bodyOf(posted), "form");
    const input = await newFromTemplate(app, id, body);
    if (posted.do !== "make") {
      const filled = previewProject(app, input);
      // The fields follow the answers but where a person wrote something of their own.
      const page = newFromTemplatePage(pageRequest(c, tools), id, shown, filled);
      return show(c, <NewFromTemplatePage {...page} />);
    }
    const project = placeProject(app, await readyProject(app, input, requestSignal()));
    return done(
      c,
      withQuery("/ideas", { project: project.id }),
      `Project "${project.name}" made in ${project.path}`,
    );
  }, async ({ message, errors, status }) => {
    const refused = {
      ...shown,
      message,
      // Folders with tools are an answer; that they are shown is a box.
      errors: errors.map((error) =>
        error.field === "toolchains" ? { ...error, field: "toolchains_allowed" } : error
      ),
    };
    const filled = await filledOrNot(app, id, posted);
    const page = newFromTemplatePage(pageRequest(c, tools), id, refused, filled);
    // What a field is to blame for is mended there, whatever the API calls it.
    return show(c, <NewFromTemplatePage {...page} />, errors.length > 0 ? 422 : status);
  });
}

/** Where only the folder was refused, what was looked at stays in view. */
async function filledOrNot(
  app: RequestContext["var"]["app"],
  id: string,
  posted: Record<string, string>,
) {
  if (posted.do !== "make") return null;
  try {
    const { answers, commands, documents_of } = bodyOf(posted);
    const theirs = await documentsOfProject(app, documents_of, requestSignal());
    return previewProject(app, { template: id, answers, commands, ...theirs });
  } catch (error) {
    // The refusal that is shown says what is wrong.
    if (error instanceof AppError) return null;
    throw error;
  }
}

function bodyOf(posted: Record<string, string>) {
  const answers = Object.entries(posted)
    .filter(([name]) => name.startsWith("answers."))
    .map(([name, value]): [string, string] => [name.slice("answers.".length), value]);
  const commands = commandNames.flatMap((name): [string, string][] => {
    const command = posted[name];
    return command === undefined || command === posted[`proposed.${name}`] ? [] : [[name, command]];
  });
  return {
    path: posted.path ?? "",
    seen: posted.seen || null,
    answers: Object.fromEntries(answers),
    commands: Object.fromEntries(commands),
    documents_of: posted.documents_of || null,
    ...boxesIn(posted),
  };
}

/** A box that is not checked is not sent. */
const boxesIn = (posted: Record<string, string>): NewFromTemplateForm["allowed"] => ({
  ideas: posted.ideas !== undefined,
  setup_network: posted.setup_network !== undefined,
  toolchains_allowed: posted.toolchains_allowed !== undefined,
  commands_allowed: posted.commands_allowed !== undefined,
});

function formOf(posted: Record<string, string>): NewFromTemplateForm {
  const values = { ...posted };
  for (const name of commandNames) {
    if (values[name] === values[`proposed.${name}`]) delete values[name];
  }
  return { values, allowed: boxesIn(posted), message: null, errors: [] };
}

export const ofProjectForm = (c: RequestContext, tools: PageTools): Response =>
  show(c, <TemplateOfProjectPage {...templateOfProjectPage(pageRequest(c, tools), idIn(c))} />);

export async function ofProject(c: RequestContext, tools: PageTools): Promise<Response> {
  const projectId = idIn(c);
  const { id = "", name = "", about = "" } = await readForm(c);
  return await act(async () => {
    const input = { projectId, id: id.trim(), name: name.trim(), about: about.trim() };
    const made = await templateOfProject(c.var.app, input, requestSignal());
    const { template } = addTemplate(c.var.app, made.text, "project");
    const said = made.redacted.length > 0
      ? `. What looks like a secret was taken out of ${made.redacted.join(", ")}`
      : "";
    return done(c, templateHref(template.id), `The template "${template.name}" was made${said}`);
  }, ({ message, errors, status }) => {
    const form = { values: { id, name, about }, message, errors };
    const page = templateOfProjectPage(pageRequest(c, tools), projectId, form);
    return show(c, <TemplateOfProjectPage {...page} />, status);
  });
}
