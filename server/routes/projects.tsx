import type { Hono } from "hono";
import { NewProjectPage, ProjectPage } from "../../views/project.tsx";
import { ProjectsPage } from "../../views/projects.tsx";
import { StartPage } from "../../views/start.tsx";
import { type Env, validate } from "../api.ts";
import {
  allowedIn,
  newProjectPage,
  projectPage,
  projectsPage,
  proposalForm,
  refusedForm,
  sandboxIn,
} from "../pages/projects.ts";
import { shellOf } from "../pages/shell.ts";
import { proposeProject } from "../services/projects.ts";
import { act, done, pageRequest, type PageTools, readForm, show } from "./page.ts";
import { type Api, pageOf, requestSignal } from "../api.ts";
import { newProjectInput, projectChangesInput } from "../inputs.ts";
import { projectJson, projectSchema } from "../outputs/projects.ts";
import {
  archiveProject,
  changeProject,
  createProject,
  planProject,
  planSampleProject,
} from "../services/projects.ts";
import { getProject, listProjects } from "../store/projects.ts";

export function projectsApi(api: Api): void {
  api
    .get("/projects", {
      summary: "Active projects",
      out: pageOf(projectSchema),
    }, ({ app }) => ({ items: listProjects(app.db).map(projectJson), next: null }))
    .post("/projects", {
      summary: "Make a project of a git repository, or the sample project",
      body: newProjectInput,
      out: projectSchema,
      status: 201,
      prepare: ({ app, body }) => {
        if ("sample" in body) return planSampleProject(app, requestSignal());
        const { path, name, base_branch: baseBranch, commands } = body;
        const { commands_allowed: commandsAllowed, setup_network: setupNetwork } = body;
        const { hosts, toolchains, local_files: localFiles, limits: handsLimits } = body;
        const sandbox = { setupNetwork, hosts, toolchains, localFiles, handsLimits };
        const input = { path, name, baseBranch, commands, commandsAllowed, ...sandbox };
        return planProject(app, input, requestSignal());
      },
    }, ({ app, prepared }) => projectJson(createProject(app, prepared)))
    .get("/projects/:id", {
      summary: "One project",
      out: projectSchema,
      versioned: true,
    }, ({ app, params }) => projectJson(getProject(app.db, params.id!)))
    .patch("/projects/:id", {
      summary: "Change a project's settings",
      body: projectChangesInput,
      out: projectSchema,
      current: (app, id) => projectJson(getProject(app.db, id)),
    }, async ({ app, params, body }) => {
      const { name, base_branch: baseBranch, commands } = body;
      const { commands_allowed: commandsAllowed, setup_network: setupNetwork } = body;
      const { hosts, toolchains, local_files: localFiles, limits: handsLimits } = body;
      const { tags_allowed: tagsAllowed } = body;
      const sandbox = { setupNetwork, hosts, toolchains, localFiles, handsLimits };
      const changes = { name, baseBranch, commands, commandsAllowed, tagsAllowed, ...sandbox };
      return projectJson(await changeProject(app, params.id!, changes, requestSignal()));
    })
    .delete("/projects/:id", {
      summary: "Archive a project; nothing of it is deleted, and no queued ticket of it begins",
      out: projectSchema,
    }, ({ app, params }) => projectJson(archiveProject(app, params.id!)));
}

export function projectPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/projects", (c) => show(c, <ProjectsPage {...projectsPage(pageRequest(c, tools))} />));

  pages.get("/projects/new", async (c) => {
    const request = pageRequest(c, tools);
    const path = c.req.query("path") ?? "";
    if (path === "") {
      const form = refusedForm({}, { message: null, errors: [] });
      return show(c, <NewProjectPage {...newProjectPage(request, form, false)} />);
    }
    return await act(
      async () => {
        const form = proposalForm(await proposeProject(c.var.app, path, requestSignal()));
        return show(c, <NewProjectPage {...newProjectPage(request, form, true)} />);
      },
      ({ message, errors, status }) => {
        const page = listProjects(c.var.app.db).length === 0
          ? <StartPage shell={shellOf(request)} path={path} message={message} errors={errors} />
          : (
            <NewProjectPage
              {...newProjectPage(request, refusedForm({ path }, { message, errors }), false)}
            />
          );
        return show(c, page, status);
      },
    );
  });

  pages.post("/projects", async (c) => {
    const { app } = c.var;
    const signal = requestSignal();
    const form = await readForm(c);
    if (form.sample) {
      const project = createProject(app, await planSampleProject(app, signal));
      return done(
        c,
        "/ideas",
        `The sample project "${project.name}" is ready; its agents read it now`,
      );
    }
    return await act(
      async () => {
        const { path = "", name, base_branch, setup = "", build = "", test = "" } = form;
        const commands = { setup, build, test };
        const fields = { path, name, base_branch, commands, ...sandboxIn(form) };
        const input = validate(newProjectInput, fields, "form");
        if ("sample" in input) throw new Error("A form without `sample` was read as the sample");
        const allowed = allowedIn(form);
        const planned = await planProject(app, {
          path: input.path,
          name: input.name,
          baseBranch: input.base_branch,
          commands,
          commandsAllowed: allowed.commands_allowed,
          setupNetwork: allowed.setup_network,
          hosts: input.hosts,
          toolchains: input.toolchains,
          localFiles: input.local_files,
          handsLimits: input.limits,
        }, signal);
        const project = createProject(app, planned);
        return done(c, `/ideas?project=${project.id}`, `Project "${project.name}" added`);
      },
      (refusal) => {
        const page = newProjectPage(pageRequest(c, tools), refusedForm(form, refusal), true);
        return show(c, <NewProjectPage {...page} />, refusal.status);
      },
    );
  });

  pages.get("/projects/:id", (c) => {
    return show(c, <ProjectPage {...projectPage(pageRequest(c, tools), c.req.param("id"))} />);
  });

  pages.post("/projects/:id", async (c) => {
    const { app } = c.var;
    const id = c.req.param("id");
    const form = await readForm(c);
    return await act(
      async () => {
        const { name, base_branch, setup = "", build = "", test = "" } = form;
        const commands = { setup, build, test };
        const fields = { name, base_branch, commands, ...sandboxIn(form) };
        const body = validate(projectChangesInput, fields, "form");
        const allowed = allowedIn(form);
        const changes = {
          name: body.name,
          baseBranch: body.base_branch,
          commands,
          commandsAllowed: allowed.commands_allowed,
          setupNetwork: allowed.setup_network,
          hosts: body.hosts,
          toolchains: body.toolchains,
          localFiles: body.local_files,
          handsLimits: body.limits,
          tagsAllowed: allowed.tags_allowed,
        };
        const project = await changeProject(app, id, changes, requestSignal());
        return done(c, `/projects/${id}`, `Settings of "${project.name}" saved`);
      },
      (refusal) => {
        const page = projectPage(pageRequest(c, tools), id, refusedForm(form, refusal));
        return show(c, <ProjectPage {...page} />, refusal.status);
      },
    );
  });
}
