/** Where a project opens pull requests. */
import type { Hono } from "hono";
import { z } from "zod";
import type { ForgeTrial } from "../../views/forge.tsx";
import { forgeHref } from "../../views/links.ts";
import type { TypedForm } from "../../views/ticket_form.tsx";
import { type Api, type Env, type RequestContext, requestSignal, validate } from "../api.ts";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import { once } from "../once.ts";
import { forgeJson, forgeSchema } from "../outputs/pull_requests.ts";
import { shellOf } from "../pages/shell.ts";
import type { ForgeSettings } from "../records.ts";
import { forgeKinds } from "../states.ts";
import { findForge } from "../store/forges.ts";
import { getProject } from "../store/projects.ts";
import { act, done, pageRequest, type PageTools, readForm, show } from "./page.ts";

const forgeInput = once(() =>
  z.strictObject({
    kind: z.enum(forgeKinds).describe("gitea: Forgejo, too"),
    api_url: z.string().trim().max(500).default("")
      .describe('Of the API; "": that of github.com or gitlab.com'),
    repository: z.string().trim().min(1, "Write it as owner/name").max(300)
      .describe("owner/name; of GitLab the whole path, or the project's number"),
    remote_url: z.string().trim().min(1, "Write what is pushed to").max(500)
      .describe("By HTTPS with the token, or by SSH with a key of its agent"),
    token: z.string().trim().max(101).describe("$NAME: the variable of Gaffer's environment"),
    takes_merge: z.boolean().default(false)
      .describe("An approval opens a pull request, and nothing is merged here"),
  }).meta({ id: "NewForge" })
);
const forgeOfProject = once(() => z.object({ forge: forgeSchema().nullable() }));
const trialSchema = once(() => z.object({ forge: z.string(), default_branch: z.string() }));

/** Loaded with the first forge that is named: most projects never name one. */
const verbs = () => import("../services/forge_settings.ts");

const settingsFrom = (body: z.infer<ReturnType<typeof forgeInput>>): ForgeSettings => ({
  kind: body.kind,
  apiUrl: body.api_url,
  repository: body.repository,
  remoteUrl: body.remote_url,
  token: body.token,
  takesMerge: body.takes_merge,
});

const forgeOf = (app: App, projectId: string) => {
  const forge = findForge(app.db, getProject(app.db, projectId).id);
  return { forge: forge && forgeJson(forge) };
};

export function forgesApi(api: Api): void {
  const tag = "projects";
  api
    .get("/projects/:id/forge", {
      summary: "Where the project opens pull requests; null: nowhere",
      tag,
      out: forgeOfProject,
      versioned: true,
    }, ({ app, params }) => forgeOf(app, params.id!))
    .put("/projects/:id/forge", {
      summary: "Set where the project opens pull requests; nothing is sent there yet",
      tag,
      body: forgeInput,
      out: forgeOfProject,
      current: (app, id) => forgeOf(app, id),
    }, async ({ app, params, body }) => {
      const { setForge } = await verbs();
      return { forge: forgeJson(setForge(app, params.id!, settingsFrom(body))) };
    })
    .delete("/projects/:id/forge", {
      summary: "Open no more pull requests of the project; answers with what was set",
      tag,
      out: forgeSchema,
    }, async ({ app, params }) => forgeJson((await verbs()).removeForge(app, params.id!)))
    .post("/projects/:id/forge/try", {
      summary: "Ask the forge for the repository: that its address and its token are right",
      tag,
      out: trialSchema,
      prepare: async ({ app, params }) =>
        (await verbs()).tryForge(app, params.id!, requestSignal()),
    }, ({ prepared: { forge, defaultBranch } }) => ({ forge, default_branch: defaultBranch }));
}

export function forgePages(pages: Hono<Env>, tools: PageTools): void {
  const page = async (
    c: RequestContext,
    id: string,
    more: { form?: TypedForm; trial?: ForgeTrial; status?: 409 | 422 } = {},
  ) => {
    const { ForgePage } = await import("../../views/forge.tsx");
    const { app } = c.var;
    const project = getProject(app.db, id);
    const forge = findForge(app.db, id);
    const form = more.form ?? { values: valuesOf(forge), message: null, errors: [] };
    const lacks = forge !== null && !Deno.env.get(forge.token.slice(1));
    const shell = shellOf(pageRequest(c, tools));
    const props = { shell, project, form, trial: more.trial ?? null, named: forge !== null, lacks };
    return show(c, <ForgePage {...props} />, more.status ?? 200);
  };

  pages.get("/projects/:id/forge", (c) => page(c, c.req.param("id")));

  pages.post("/projects/:id/forge", async (c) => {
    const { app } = c.var;
    const project = getProject(app.db, c.req.param("id"));
    const values = await readForm(c);
    const { setForge } = await verbs();
    return await act(
      () => {
        const { kind, api_url, repository, remote_url, token } = values;
        const takes_merge = values.takes_merge === "forge";
        const posted = { kind, api_url, repository, remote_url, token, takes_merge };
        setForge(app, project.id, settingsFrom(validate(forgeInput, posted, "form")));
        return done(
          c,
          forgeHref(project.id),
          `Where "${project.name}" opens pull requests is saved`,
        );
      },
      ({ message, errors, status }) =>
        page(c, project.id, { form: { values, message, errors }, status }),
    );
  });

  pages.post("/projects/:id/forge/remove", async (c) => {
    const id = c.req.param("id");
    const { removeForge } = await verbs();
    removeForge(c.var.app, id);
    return done(c, forgeHref(id), "No pull requests are opened any more");
  });

  pages.post("/projects/:id/forge/try", async (c) => {
    const id = c.req.param("id");
    const { tryForge } = await verbs();
    try {
      const { forge, defaultBranch } = await tryForge(c.var.app, id, requestSignal());
      const words = `The repository is there; its default branch is "${defaultBranch}"`;
      return page(c, id, { trial: { ok: true, title: `${forge} answers`, words } });
    } catch (error) {
      if (!(error instanceof AppError) || error.code === "not_found") throw error;
      const trial = { ok: false, title: "The forge can't be used so", words: error.message };
      return page(c, id, { trial });
    }
  });
}

const valuesOf = (forge: ForgeSettings | null): Record<string, string> => ({
  kind: forge?.kind ?? "github",
  api_url: forge?.apiUrl ?? "",
  repository: forge?.repository ?? "",
  remote_url: forge?.remoteUrl ?? "",
  token: forge?.token ?? "",
  takes_merge: forge?.takesMerge ? "forge" : "here",
});
