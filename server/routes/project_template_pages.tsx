/** What the pages of project templates answer; loaded with the first of them. */
import { NewFromTemplatePage } from "../../views/project_from_template.tsx";
import { templateHref, templatesHref, withQuery } from "../../views/links.ts";
import { TemplatePage, TemplatesPage } from "../../views/project_templates.tsx";
import { TemplateOfProjectPage } from "../../views/template_of_project.tsx";
import type { DocumentChoices, NewFromTemplateForm } from "../../views/project_from_template.tsx";
import { type RequestContext, requestSignal, validate } from "../api.ts";
import type { App } from "../app.ts";
import {
  documentChoices,
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
import { chosenIn, newFromTemplate, newFromTemplateInput } from "./project_templates.ts";

const idIn = (c: RequestContext): string => c.req.param("id")!;

/** The project whose documents a new one is to begin with, as the address has it. */
const documentsOf = (c: RequestContext): string | null => c.req.query("documents_of") || null;

export const list = (c: RequestContext, tools: PageTools): Response =>
  show(c, <TemplatesPage {...templatesPage(pageRequest(c, tools), documentsOf(c))} />);

export const one = (c: RequestContext, tools: PageTools): Response =>
  show(c, <TemplatePage {...templatePage(pageRequest(c, tools), idIn(c), documentsOf(c))} />);

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
    const page = templatesPage(pageRequest(c, tools), null, { text: typed, message, errors });
    return show(c, <TemplatesPage {...page} />, status);
  });
}

export async function trust(c: RequestContext): Promise<Response> {
  const { hash = "" } = await readForm(c);
  return await act(() => {
    const { template } = trustTemplate(c.var.app, idIn(c), hash);
    const href = templateHref(template.id, { documents_of: documentsOf(c) });
    return done(c, href, `"${template.name}" is trusted`);
  }, ({ message }) => refusedAt(c, templateHref(idIn(c)), message));
}

export async function remove(c: RequestContext): Promise<Response> {
  return await act(() => {
    removeTemplate(c.var.app, idIn(c));
    return done(c, templatesHref, "Template removed");
  }, ({ message }) => refusedAt(c, templateHref(idIn(c)), message));
}

export async function form(c: RequestContext, tools: PageTools): Promise<Response> {
  const { app } = c.var;
  const { template, trusted } = projectTemplate(app, idIn(c));
  const of = documentsOf(c);
  if (!trusted) {
    const href = templateHref(template.id, { documents_of: of });
    return refusedAt(c, href, "Look at it and trust it first");
  }
  const first = firstForm(template);
  const answer = (message: string | null, documents: DocumentChoices | null) => {
    const values = { ...first.values, documents_of: of ?? "" };
    const errors = message === null ? [] : [{ field: "documents_of", message }];
    const page = newFromTemplatePage(pageRequest(c, tools), template.id, {
      form: { ...first, values, message, errors },
      ...{ documents, filled: null },
    });
    return show(c, <NewFromTemplatePage {...page} />, message === null ? 200 : 409);
  };
  if (of === null) return answer(null, null);
  return await act(
    async () => answer(null, await documentChoices(app, of, null, requestSignal())),
    ({ message }) => answer(message, null),
  );
}

/** Looks at what the answers make, or makes it: by the button. */
export async function make(c: RequestContext, tools: PageTools): Promise<Response> {
  const { app } = c.var;
  const id = idIn(c);
  const posted = await postedIn(c);
  const shown = formOf(posted.fields);
  return await act(async () => {
    const body = validate(newFromTemplateInput, bodyOf(posted), "form");
    const input = await newFromTemplate(app, id, body);
    if (posted.fields.do !== "make") {
      const filled = previewProject(app, input);
      const documents = await choicesIn(app, posted);
      // The fields follow the answers but where a person wrote something of their own.
      const page = newFromTemplatePage(pageRequest(c, tools), id, {
        ...{ form: shown, documents, filled },
      });
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
    const filled = await orNull(() => filledAgain(app, id, posted));
    const documents = await orNull(() => choicesIn(app, posted));
    const page = newFromTemplatePage(pageRequest(c, tools), id, {
      ...{ form: refused, documents, filled },
    });
    // What a field is to blame for is mended there, whatever the API calls it.
    return show(c, <NewFromTemplatePage {...page} />, errors.length > 0 ? 422 : status);
  });
}

/** What the form sent, and the boxes of documents that are checked. */
interface Posted {
  fields: Record<string, string>;
  documents: string[];
}

async function postedIn(c: RequestContext): Promise<Posted> {
  const fields = await readForm(c);
  const { documents = [] } = await c.req.parseBody({ all: true });
  return { fields, documents: [documents].flat().map(String) };
}

/** Null: nobody was asked yet which documents of that project come along. */
const chosenDocuments = ({ fields, documents }: Posted): string[] | null =>
  fields.documents_of && fields.documents_listed === fields.documents_of ? documents : null;

async function choicesIn(app: App, posted: Posted): Promise<DocumentChoices | null> {
  const of = posted.fields.documents_of;
  if (!of) return null;
  const chosen = chosenDocuments(posted);
  return await documentChoices(app, of, chosen && new Set(chosen), requestSignal());
}

/** Where only the folder was refused, what was looked at stays in view. */
async function filledAgain(app: App, id: string, posted: Posted) {
  if (posted.fields.do !== "make") return null;
  const { answers, commands, ...rest } = bodyOf(posted);
  const theirs = await documentsOfProject(app, chosenIn(rest), requestSignal());
  return previewProject(app, { template: id, answers, commands, ...theirs });
}

async function orNull<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    // The refusal that is shown says what is wrong.
    if (error instanceof AppError) return null;
    throw error;
  }
}

function bodyOf({ fields: posted, ...boxes }: Posted) {
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
    documents_paths: chosenDocuments({ fields: posted, ...boxes }),
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
  const { id = "", name = "", about = "", do: wanted, keep_name } = await readForm(c);
  const keepName = keep_name !== undefined;
  const values = { id, name, about, keepName };
  const again = (
    { status, ...shown }: Parameters<typeof templateOfProjectPage>[2] & { status?: 409 | 422 },
  ) => {
    const page = templateOfProjectPage(pageRequest(c, tools), projectId, shown);
    return show(c, <TemplateOfProjectPage {...page} />, status);
  };
  return await act(async () => {
    const input = { projectId, id: id.trim(), name: name.trim(), about: about.trim(), keepName };
    const made = await templateOfProject(c.var.app, input, requestSignal());
    if (wanted === "look") {
      return again({ form: { values, message: null, errors: [] }, look: made });
    }
    const { template } = addTemplate(c.var.app, made.text, "project");
    const said = made.redacted.length > 0
      ? `. What looks like a secret was taken out of ${made.redacted.join(", ")}`
      : "";
    return done(c, templateHref(template.id), `The template "${template.name}" was made${said}`);
  }, ({ message, errors, status }) => {
    return again({ form: { values, message, errors }, status });
  });
}
