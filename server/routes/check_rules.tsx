/** Routes of a project's checks: how its commands run, which are required, and which tests are flaky. */
import type { Hono } from "hono";
import { CheckRulesPage } from "../../views/check_rules.tsx";
import { checkRulesHref } from "../../views/links.ts";
import { type Api, type Env, pageOf, validate } from "../api.ts";
import type { App } from "../app.ts";
import {
  checkRulesJson,
  checkRulesSchema,
  flakyTestJson,
  flakyTestSchema,
} from "../outputs/check_rules.ts";
import { checkRulesPage, readCheckRulesForm, refusedCheckRules } from "../pages/check_rules.ts";
import { setCheckRules } from "../services/check_rules.ts";
import { getCheckRules } from "../store/check_rules.ts";
import { FLAKY_TESTS_MAX, listFlakyTests } from "../store/flaky_tests.ts";
import { getProject } from "../store/projects.ts";
import { checkRulesInput, rulesFrom } from "../services/check_rules_input.ts";
import { act, done, pageRequest, type PageTools, readForm, show } from "./page.ts";

const rulesOf = (app: App, projectId: string) =>
  checkRulesJson(getCheckRules(app.db, getProject(app.db, projectId).id));

export function checkRulesApi(api: Api): void {
  api
    .get("/projects/:id/check-rules", {
      summary: "How the project's commands run, and what counts as evidence",
      out: checkRulesSchema,
      versioned: true,
    }, ({ app, params }) => rulesOf(app, params.id!))
    .put("/projects/:id/check-rules", {
      summary: "Set how the project's commands run, and what counts as evidence",
      body: checkRulesInput,
      out: checkRulesSchema,
      current: rulesOf,
    }, ({ app, params, body }) => checkRulesJson(setCheckRules(app, params.id!, rulesFrom(body))))
    .get("/projects/:id/flaky-tests", {
      summary: "Tests that failed and then passed on the same commit, those seen most often first",
      out: pageOf(flakyTestSchema),
    }, ({ app, params }) => {
      const { id } = getProject(app.db, params.id!);
      const items = listFlakyTests(app.db, id, FLAKY_TESTS_MAX).map(flakyTestJson);
      return { items, next: null };
    });
}

export function checkRulesPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get(
    "/projects/:id/checks",
    (c) =>
      show(c, <CheckRulesPage {...checkRulesPage(pageRequest(c, tools), c.req.param("id"))} />),
  );

  pages.post("/projects/:id/checks", async (c) => {
    const id = c.req.param("id");
    const form = await readForm(c);
    return await act(
      () => {
        const input = validate(checkRulesInput, readCheckRulesForm(form), "form");
        setCheckRules(c.var.app, id, rulesFrom(input));
        return done(c, checkRulesHref(id), "Checks saved");
      },
      (refusal) => {
        const page = checkRulesPage(pageRequest(c, tools), id, refusedCheckRules(form, refusal));
        return show(c, <CheckRulesPage {...page} />, refusal.status);
      },
    );
  });
}
