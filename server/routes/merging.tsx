/** What a person does about merges beside approving them: says how they go, takes one back. */
import type { Hono } from "hono";
import { z } from "zod";
import { mergingHref, ticketHref } from "../../views/links.ts";
import { MergeRulePage } from "../../views/merge_rule.tsx";
import { type Api, type Env, requestSignal, validate } from "../api.ts";
import type { App } from "../app.ts";
import { NOTE_MAX_CHARS } from "../inputs.ts";
import { once } from "../once.ts";
import { ticketJson, ticketSchema } from "../outputs/tickets.ts";
import { undoJson, undoSchema } from "../outputs/undos.ts";
import { shellOf } from "../pages/shell.ts";
import type { MergeRule } from "../records.ts";
import { resolveConflict } from "../services/conflicts.ts";
import { bringTogether } from "../services/failed_merges.ts";
import {
  checkMergeRule,
  KEY_MAX_CHARS,
  setMergeRule,
  signsItself,
} from "../services/merge_rules.ts";
import { askForUndo } from "../services/undoing.ts";
import { conflictWays, mergeStyles, signKinds } from "../states.ts";
import { getMergeRule } from "../store/merge_rules.ts";
import { getProject } from "../store/projects.ts";
import { listSubtasks } from "../store/subtasks.ts";
import { getTicket } from "../store/tickets.ts";
import { findUndo } from "../store/undos.ts";
import { act, done, pageRequest, type PageTools, readForm, refusedAt, show } from "./page.ts";

const undoInput = once(() =>
  z.strictObject({
    why: z.string().trim().max(NOTE_MAX_CHARS).default("")
      .describe("Stands in the commit and is told to the next attempt"),
  }).meta({ id: "NewUndo" })
);
const undoOfTicket = once(() => z.object({ undo: undoSchema().nullable() }));

const undoOf = (app: App, ticketId: string) => {
  const undo = findUndo(app.db, ticketId);
  return { undo: undo && undoJson(undo) };
};

const mergeRuleInput = once(() =>
  z.strictObject({
    style: z.enum(mergeStyles).default("squash"),
    on_conflict: z.enum(conflictWays).default("block")
      .describe("resolve: the developer, once for each state of the base branch"),
    sign: z.enum(signKinds).nullable().default(null)
      .describe("Who signs what lands: ssh-keygen, gpg; null: nobody"),
    sign_key: z.string().trim().max(KEY_MAX_CHARS).default("")
      .describe("ssh: absolute path of the key; openpgp: its fingerprint"),
  }).meta({ id: "NewMergeRule" })
);
const mergeRuleSchema = once(() =>
  z.object({
    style: z.enum(mergeStyles),
    on_conflict: z.enum(conflictWays),
    sign: z.enum(signKinds).nullable(),
    sign_key: z.string(),
  })
    .meta({ id: "MergeRule" })
);
const ruleJson = ({ style, onConflict, sign }: MergeRule) => ({
  style,
  on_conflict: onConflict,
  sign: sign?.kind ?? null,
  sign_key: sign?.key ?? "",
});
const ruleOf = (app: App, projectId: string) =>
  ruleJson(getMergeRule(app.db, getProject(app.db, projectId).id));
const ruleFrom = (body: z.infer<ReturnType<typeof mergeRuleInput>>): MergeRule => ({
  style: body.style,
  onConflict: body.on_conflict,
  sign: body.sign === null ? null : { kind: body.sign, key: body.sign_key },
});

export function mergingApi(api: Api): void {
  const tag = "tickets";
  api
    .get("/projects/:id/merge-rule", {
      summary: "How tickets of a project are merged",
      tag,
      out: mergeRuleSchema,
      versioned: true,
    }, ({ app, params }) => ruleOf(app, params.id!))
    .put("/projects/:id/merge-rule", {
      summary: "Set how tickets of a project are merged",
      tag,
      body: mergeRuleInput,
      out: mergeRuleSchema,
      current: (app, id) => ruleOf(app, id),
    }, async ({ app, params, body }) => {
      const checked = await checkMergeRule(app, params.id!, ruleFrom(body));
      return ruleJson(setMergeRule(app, checked));
    })
    .post(
      "/tickets/:id/resolve-conflict",
      {
        summary:
          "Let the developer resolve the conflict, or mend the failing checks, that a ticket's merge is blocked with",
        out: ticketSchema,
        prepare: ({ app, params }) => bringTogether(app, params.id!, requestSignal()),
      },
      ({ app, params, prepared }) => {
        const ticket = resolveConflict(app, params.id!, prepared);
        return ticketJson(ticket, listSubtasks(app.db, ticket.id));
      },
    )
    .get("/tickets/:id/undo", {
      summary: "The newest undo of the ticket's merge; null: nobody asked for one",
      tag,
      out: undoOfTicket,
    }, ({ app, params }) => undoOf(app, getTicket(app.db, params.id!).id))
    .post("/tickets/:id/undo", {
      summary: "Take a merged ticket back by a commit that reverts it, through the merge queue",
      tag,
      body: undoInput,
      out: undoOfTicket,
    }, ({ app, params, body }) => undoOf(app, askForUndo(app, params.id!, body.why).id));
}

export function mergingPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/projects/:id/merging", async (c) => {
    const { app } = c.var;
    const project = getProject(app.db, c.req.param("id"));
    const rule = ruleOf(app, project.id);
    const form = { values: { ...rule, sign: rule.sign ?? "" }, message: null, errors: [] };
    const signs = await signsItself(project, requestSignal());
    const shell = shellOf(pageRequest(c, tools));
    return show(c, <MergeRulePage {...{ shell, project, form, signs }} />);
  });

  pages.post("/projects/:id/merging", async (c) => {
    const { app } = c.var;
    const project = getProject(app.db, c.req.param("id"));
    const values = await readForm(c);
    return await act(
      async () => {
        const { style, on_conflict, sign, sign_key } = values;
        const posted = { style, on_conflict, sign: sign || null, sign_key };
        const rule = ruleFrom(validate(mergeRuleInput, posted, "form"));
        setMergeRule(app, await checkMergeRule(app, project.id, rule));
        return done(c, mergingHref(project.id), `How "${project.name}" merges is saved`);
      },
      ({ message, errors, status }) => {
        const shell = shellOf(pageRequest(c, tools));
        const form = { values, message, errors };
        return show(c, <MergeRulePage {...{ shell, project, form, signs: false }} />, status);
      },
    );
  });

  pages.post("/tickets/:id/resolve-conflict", async (c) => {
    const id = c.req.param("id");
    return await act(
      async () => {
        const together = await bringTogether(c.var.app, id, requestSignal());
        const { number } = resolveConflict(c.var.app, id, together);
        const what = together ? "the failing checks" : "the conflict";
        return done(c, ticketHref(id), `The developer of ticket #${number} gets ${what}`);
      },
      ({ message }) => refusedAt(c, ticketHref(id), message),
    );
  });

  pages.post("/tickets/:id/undo", async (c) => {
    const id = c.req.param("id");
    const { why = "" } = await readForm(c);
    return await act(
      () => {
        const input = validate(undoInput, { why }, "form");
        const ticket = askForUndo(c.var.app, id, input.why);
        return done(c, ticketHref(id), `The merge of ticket #${ticket.number} is being undone`);
      },
      ({ message }) => refusedAt(c, ticketHref(id), message),
    );
  });
}
