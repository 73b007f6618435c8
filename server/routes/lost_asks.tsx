/** Routes of what agents were asked about documents that are gone. */
import type { Hono } from "hono";
import { z } from "zod";
import { AskPage } from "../../views/ask.tsx";
import { askHref } from "../../views/links.ts";
import { LostAsksPage } from "../../views/lost_asks.tsx";
import { type Api, type Env, requestSignal, validate } from "../api.ts";
import { once } from "../once.ts";
import { askJson, askSchema, askSummaryJson, askSummarySchema } from "../outputs/asks.ts";
import { askPage } from "../pages/asks.ts";
import { lostAsksPage } from "../pages/lost_asks.ts";
import { planningProject } from "../pages/planning.ts";
import { adoptAsks, letAskRest, lostAsks } from "../services/lost_asks.ts";
import { getAsk } from "../store/planning_asks.ts";
import { getProject } from "../store/projects.ts";
import { act, done, pageRequest, type PageTools, readForm, show } from "./page.ts";

const adoptInput = once(() =>
  z.strictObject({
    path: z.string().max(300).describe("Of the document, in planning/"),
  })
);

export function lostAsksApi(api: Api): void {
  api
    .get("/projects/:id/lost-asks", {
      summary: "What agents were asked about documents that are gone, newest first, the last 100",
      tag: "documents",
      out: () => z.object({ items: z.array(askSummarySchema()), next: z.null() }),
    }, ({ app, params }) => {
      const { id } = getProject(app.db, params.id!);
      return { items: lostAsks(app, id).map((ask) => askSummaryJson(app, ask)), next: null };
    })
    .post("/asks/:id/document", {
      summary:
        "Say which document it is whose file is gone; all that was asked about it goes there",
      tag: "documents",
      body: adoptInput,
      out: askSchema,
    }, ({ app, params, body }) => {
      adoptAsks(app, params.id!, body.path);
      return askJson(app, getAsk(app.db, params.id!));
    })
    .post("/asks/:id/rest", {
      summary: "Skip the open questions of what was asked, and reject what is open of its change",
      tag: "documents",
      out: askSchema,
      prepare: ({ app, params }) => letAskRest(app, params.id!, requestSignal()),
    }, ({ app, params }) => askJson(app, getAsk(app.db, params.id!)));
}

export function lostAsksPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/planning/lost-asks", async (c) => {
    const request = pageRequest(c, tools);
    const project = planningProject(request);
    if (project === null) return c.redirect("/planning", 303);
    return show(c, <LostAsksPage {...await lostAsksPage(request, project, requestSignal())} />);
  });

  pages.post("/asks/:id/document", async (c) => {
    const { app } = c.var;
    const id = c.req.param("id");
    const form = await readForm(c);
    return await act(() => {
      const { path } = adoptAsks(app, id, validate(adoptInput, form, "form").path);
      return done(c, askHref(id), `It is about ${path} now`);
    }, ({ message, errors, status }) => {
      const adopt = { path: form.path ?? "", message, errors };
      const props = askPage(pageRequest(c, tools), id, null, null, adopt);
      return show(c, <AskPage {...props} />, status);
    });
  });

  pages.post("/asks/:id/rest", async (c) => {
    const id = c.req.param("id");
    await letAskRest(c.var.app, id, requestSignal());
    return done(c, askHref(id), "Nothing of it waits for you any more");
  });
}
