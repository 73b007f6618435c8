/** Deploying a merged ticket: the person's word that lets the deployer begin. */
import type { Hono } from "hono";
import { z } from "zod";
import { ticketHref } from "../../views/links.ts";
import { type Api, type Env, requestSignal, validate } from "../api.ts";
import { NOTE_MAX_CHARS } from "../inputs.ts";
import { once } from "../once.ts";
import { runJson, runSchema } from "../outputs/runs.ts";
import { deployTicket, requireMergeHere } from "../services/deploying.ts";
import { act, done, type PageTools, readForm, refusedAt } from "./page.ts";

const deployInput = once(() =>
  z.strictObject({
    words: z.string().trim().max(NOTE_MAX_CHARS).default("")
      .describe("For the deployer: which environment, which version"),
  }).meta({ id: "NewDeployment" })
);

export function deployingApi(api: Api): void {
  api.post(
    "/tickets/:id/deploy",
    {
      summary:
        "Let the deployer bring a merged ticket to where it runs, each command with a person's word",
      tag: "tickets",
      body: deployInput,
      out: runSchema,
      status: 201,
      prepare: ({ app, params }) => requireMergeHere(app, params.id!, requestSignal()),
    },
    ({ app, params, body }) => runJson(app, deployTicket(app, params.id!, body.words)),
  );
}

export function deployingPages(pages: Hono<Env>, _tools: PageTools): void {
  pages.post("/tickets/:id/deploy", async (c) => {
    const id = c.req.param("id");
    const { words = "" } = await readForm(c);
    return await act(
      async () => {
        const input = validate(deployInput, { words }, "form");
        await requireMergeHere(c.var.app, id, requestSignal());
        deployTicket(c.var.app, id, input.words);
        return done(c, ticketHref(id), "The deployer begins; each of its commands waits for you");
      },
      ({ message }) => refusedAt(c, ticketHref(id), message),
    );
  });
}
