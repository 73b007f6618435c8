/** What a person does about a ticket's pull request. */
import type { Hono } from "hono";
import { z } from "zod";
import { reviewHref, ticketHref } from "../../views/links.ts";
import { type Api, type Env, requestSignal, validate } from "../api.ts";
import { mergeInput } from "../inputs.ts";
import { once } from "../once.ts";
import { pullJson, pullSchema } from "../outputs/pull_requests.ts";
import { pullFacts } from "../pages/pull_requests.ts";
import {
  askForPullRequest,
  closePullRequest,
  lookAtPullRequest,
  takeUp,
} from "../services/pull_requests.ts";
import { getTicket } from "../store/tickets.ts";
import { act, done, type PageTools, readForm, refusedAt } from "./page.ts";
import { showReview } from "./reviews.tsx";

/** Most remarks, and most checks, that one call takes up. */
const TAKEN_MAX = 500;

const askInput = once(() =>
  mergeInput().pick({ message: true, commit: true }).meta({ id: "NewPullRequest" })
);
const broughtSchema = once(() =>
  z.object({ commit: z.string().describe("Where the base branch is now") })
);
const taken = (chars: number) => z.array(z.string().max(chars)).max(TAKEN_MAX).default([]);
const takeUpInput = once(() =>
  z.strictObject({
    remarks: taken(64).describe("By their ids"),
    checks: taken(400).describe("Failed ones, by their keys"),
  }).refine(({ remarks, checks }) => remarks.length + checks.length > 0, {
    path: ["remarks"],
    error: "Name a remark or a check",
  }).meta({ id: "TakeUp" })
);

export function pullRequestsApi(api: Api): void {
  const tag = "tickets";
  api
    .get("/tickets/:id/pull-request", {
      summary: "The ticket's newest pull request, with the forge's checks and what was said there",
      tag,
      out: pullSchema,
    }, ({ app, params }) => pullJson(pullFacts(app, getTicket(app.db, params.id!))))
    .post(
      "/tickets/:id/pull-request",
      {
        summary:
          "Push a reviewed ticket and open a pull request, or push newer work to the open one",
        tag,
        body: askInput,
        out: pullSchema,
      },
      ({ app, params, body }) =>
        pullJson(pullFacts(app, askForPullRequest(app, params.id!, body.message, body))),
    )
    .post("/tickets/:id/pull-request/look", {
      summary: "Look at the pull request now, also where it was stopped",
      tag,
      out: pullSchema,
    }, ({ app, params }) => pullJson(pullFacts(app, lookAtPullRequest(app, params.id!))))
    .post("/tickets/:id/pull-request/close", {
      summary: "Close the ticket's open pull request on its forge, without a merge",
      tag,
      out: pullSchema,
    }, ({ app, params }) => pullJson(pullFacts(app, closePullRequest(app, params.id!))))
    .post("/tickets/:id/pull-request/bring", {
      summary: "Move the project's base branch along to what the forge merged the ticket into",
      tag,
      out: broughtSchema,
      // Loaded with the first that is brought.
      prepare: async ({ app, params }) =>
        await (await import("../services/pull_bringing.ts"))
          .bringMerge(app, params.id!, requestSignal()),
    }, ({ prepared: commit }) => ({ commit }))
    .post("/tickets/:id/pull-request/take-up", {
      summary: "Make draft comments of what was said or failed on the forge",
      tag,
      body: takeUpInput,
      out: pullSchema,
    }, ({ app, params, body }) => {
      takeUp(app, params.id!, body);
      return pullJson(pullFacts(app, getTicket(app.db, params.id!)));
    });
}

export function pullRequestPages(pages: Hono<Env>, tools: PageTools): void {
  pages.post("/tickets/:id/pull-request", async (c) => {
    const id = c.req.param("id");
    const values = await readForm(c);
    return await act(
      () => {
        const { message = "", commit } = values;
        const input = validate(askInput, { message, commit }, "form");
        const { number } = askForPullRequest(c.var.app, id, input.message, input);
        return done(c, ticketHref(id), `Ticket #${number} is pushed and opened as a pull request`);
      },
      ({ message, errors, status }) =>
        showReview(c, tools, id, { action: "pull-request", values, message, errors }, status),
    );
  });

  pages.post("/tickets/:id/pull-request/look", async (c) => {
    const id = c.req.param("id");
    return await act(
      () => {
        lookAtPullRequest(c.var.app, id);
        return done(c, ticketHref(id), "The forge is asked now");
      },
      ({ message }) => refusedAt(c, ticketHref(id), message),
    );
  });

  pages.post("/tickets/:id/pull-request/close", async (c) => {
    const id = c.req.param("id");
    return await act(
      () => {
        closePullRequest(c.var.app, id);
        return done(c, ticketHref(id), "The pull request is being closed on the forge");
      },
      ({ message }) => refusedAt(c, ticketHref(id), message),
    );
  });

  pages.post("/tickets/:id/pull-request/bring", async (c) => {
    const id = c.req.param("id");
    return await act(
      async () => {
        const { bringMerge } = await import("../services/pull_bringing.ts");
        const commit = await bringMerge(c.var.app, id, requestSignal());
        return done(c, ticketHref(id), `The base branch is at ${commit.slice(0, 7)} now`);
      },
      ({ message }) => refusedAt(c, ticketHref(id), message),
    );
  });

  pages.post("/tickets/:id/pull-request/take-up", async (c) => {
    const id = c.req.param("id");
    const { remarks = "", check } = await readForm(c);
    const page = reviewHref(id);
    return await act(
      () => {
        const posted = {
          remarks: remarks.split(" ").filter(Boolean),
          checks: check === undefined ? [] : [check],
        };
        const comments = takeUp(c.var.app, id, validate(takeUpInput, posted, "form"));
        const [first] = comments;
        const at = first ? `#comment-${first.id}` : "";
        return done(c, page + at, "Taken up as a draft; it is sent when you request changes");
      },
      ({ message }) => refusedAt(c, page, message),
    );
  });
}
