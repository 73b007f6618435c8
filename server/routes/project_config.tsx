/** Routes of the settings that a project's repository brings along. */
import type { Hono } from "hono";
import { z } from "zod";
import { projectConfigHref } from "../../views/links.ts";
import { ProjectConfigPage } from "../../views/project_config.tsx";
import { type Api, type Env, requestSignal } from "../api.ts";
import { once } from "../once.ts";
import { projectConfigJson, projectConfigSchema } from "../outputs/project_config.ts";
import { shellOf } from "../pages/shell.ts";
import { keepTrusted, tryToNoticeConfig } from "../services/config_news.ts";
import {
  configToTrust,
  distrustConfig,
  repositoryConfig,
  trustConfig,
} from "../services/project_config.ts";
import { findConfigNews } from "../store/config_news.ts";
import { findTrustedConfig } from "../store/project_config.ts";
import { getProject } from "../store/projects.ts";
import { act, done, pageRequest, type PageTools, readForm, refusedAt, show } from "./page.ts";

const trustInput = once(() =>
  z.strictObject({ hash: z.string().max(64).describe("`hash` of what was looked at") })
    .meta({ id: "TrustProjectConfig" })
);

const keepInput = once(() =>
  z.strictObject({
    hash: z.string().max(64).describe("`hash` of what was looked at; empty where the file is gone"),
  }).meta({ id: "KeepTrustedConfig" })
);

export function projectConfigApi(api: Api): void {
  api
    .get(
      "/projects/:id/config",
      {
        summary: "What .gaffer/config.yaml of the repository says, and whether it is trusted",
        out: projectConfigSchema,
      },
      async ({ app, params }) =>
        projectConfigJson(await repositoryConfig(app, params.id!, requestSignal())),
    )
    .post("/projects/:id/config/trust", {
      summary:
        "Trust the file as it was looked at: its settings are in force, and locked elsewhere",
      body: trustInput,
      out: projectConfigSchema,
      prepare: ({ app, params }) => configToTrust(app, params.id!, requestSignal()),
    }, ({ app, params, body, prepared: file }) => {
      trustConfig(app, params.id!, file, body.hash);
      const trusted = findTrustedConfig(app.db, params.id!);
      return projectConfigJson({ state: "trusted", file, problem: null, diff: null, trusted });
    })
    .post("/projects/:id/config/keep", {
      summary:
        "Keep what was trusted, having seen what the file says by now: Home tells no more of it",
      body: keepInput,
      out: projectConfigSchema,
      prepare: ({ app, params }) => repositoryConfig(app, params.id!, requestSignal()),
    }, ({ app, params, body, prepared }) => {
      keepTrusted(app, params.id!, prepared.file, body.hash);
      return projectConfigJson(prepared);
    })
    .post("/projects/:id/config/distrust", {
      summary: "Do without the file: settings stay as they are, and can be changed again",
      out: projectConfigSchema,
      prepare: ({ app, params }) => repositoryConfig(app, params.id!, requestSignal()),
    }, ({ app, params, prepared }) => {
      distrustConfig(app, params.id!);
      const { file, problem } = prepared;
      const state = file === null ? "none" : problem === null ? "untrusted" : "unreadable";
      return projectConfigJson({ ...prepared, state, diff: null, trusted: null });
    });
}

export function projectConfigPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/projects/:id/config", async (c) => {
    const { app } = c.var;
    const project = getProject(app.db, c.req.param("id"));
    const config = await repositoryConfig(app, project.id, requestSignal());
    await tryToNoticeConfig(app, project, requestSignal());
    const isNews = findConfigNews(app.db, project.id)?.kept === false;
    const shell = shellOf(pageRequest(c, tools));
    return show(c, <ProjectConfigPage {...{ shell, project, ...config, isNews }} />);
  });

  pages.post("/projects/:id/config/trust", async (c) => {
    const { app } = c.var;
    const id = c.req.param("id");
    const { hash = "" } = await readForm(c);
    return await act(async () => {
      trustConfig(app, id, await configToTrust(app, id, requestSignal()), hash);
      return done(c, projectConfigHref(id), "Its settings are in force");
    }, ({ message }) => refusedAt(c, projectConfigHref(id), message));
  });

  pages.post("/projects/:id/config/keep", async (c) => {
    const { app } = c.var;
    const id = c.req.param("id");
    const { hash = "" } = await readForm(c);
    return await act(async () => {
      const { file } = await repositoryConfig(app, id, requestSignal());
      keepTrusted(app, id, file, hash);
      return done(c, projectConfigHref(id), "What was trusted stays in force");
    }, ({ message }) => refusedAt(c, projectConfigHref(id), message));
  });

  pages.post("/projects/:id/config/distrust", async (c) => {
    const id = c.req.param("id");
    return await act(() => {
      distrustConfig(c.var.app, id);
      return done(c, projectConfigHref(id), "The settings can be changed here again");
    }, ({ message }) => refusedAt(c, projectConfigHref(id), message));
  });
}
