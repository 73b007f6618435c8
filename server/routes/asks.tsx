/** Routes of planning agents: asking one about a document, answering it, deciding on what it suggests. */
import type { Hono } from "hono";
import { z } from "zod";
import { DocumentPage } from "../../views/document.tsx";
import { askHref } from "../../views/links.ts";
import {
  type Api,
  type Env,
  pageOf,
  pageQuery,
  readCursor,
  type RequestContext,
  requestSignal,
  toPage,
  validate,
} from "../api.ts";
import type { App } from "../app.ts";
import { once } from "../once.ts";
import {
  acceptedSchema,
  askJson,
  askSchema,
  askSummaryJson,
  askSummarySchema,
  suggestionJson,
  suggestionSchema,
} from "../outputs/asks.ts";
import { planningQuestionJson, planningQuestionSchema } from "../outputs/questions.ts";
import { documentPage } from "../pages/planning.ts";
import { cancelRun } from "../services/cancelling.ts";
import { HUNKS_MAX } from "../services/document_hunks.ts";
import {
  ASK_COMMITS_MAX,
  ASK_WORDS_CHARS,
  askAgain,
  askPlanningAgent,
} from "../services/planning_asks.ts";
import { answerPlanningQuestion, skipPlanningQuestion } from "../services/planning_results.ts";
import { planningAsks } from "../states.ts";
import { getSuggestion, listHunks } from "../store/document_suggestions.ts";
import { getDocument } from "../store/documents.ts";
import { getAsk, listAsks } from "../store/planning_asks.ts";
import { getPlanningQuestion, listAskQuestions } from "../store/planning_questions.ts";
import { getProject } from "../store/projects.ts";
import { getAskRun } from "../store/runs.ts";
import {
  act,
  done,
  listBehind,
  pageRequest,
  type PageTools,
  readForm,
  refusedAt,
  show,
} from "./page.ts";

const askInput = once(() =>
  z.strictObject({
    ask: z.enum(planningAsks),
    words: z.string().max(ASK_WORDS_CHARS).default("").describe("A draft needs some"),
    section: z.string().max(1_000).default("").describe("Heading; `extend` needs one"),
    commits: z.array(z.string().max(64)).max(ASK_COMMITS_MAX).default([]),
    agent: z.string().max(40).default("").describe("Empty: whoever the ask is for"),
  })
);
const askForm = once(() => askInput().omit({ commits: true }));
const piecesInput = once(() =>
  z.strictObject({
    pieces: z.array(z.number().int().min(1)).min(1).max(HUNKS_MAX).optional()
      .describe("Numbers; absent: all that are open"),
  })
);
const answerInput = once(() => z.strictObject({ answer: z.string().max(10_000) }));

export function asksApi(api: Api): void {
  api
    .get("/documents/:id/asks", {
      summary: "What planning agents were asked about a document, newest first",
      query: once(() => pageQuery()),
      out: pageOf(askSummarySchema),
    }, ({ app, params, query: { limit, cursor } }) => {
      const document = getDocument(app.db, params.id!);
      const rows = listAsks(app.db, document, { limit: limit + 1, after: readCursor(cursor) });
      return toPage(rows, limit, (ask) => ask.askedAt, (ask) => askSummaryJson(app, ask));
    })
    .post(
      "/documents/:id/asks",
      {
        summary: "Ask a planning agent about a document: a run begins, and may suggest a change",
        body: askInput,
        out: askSchema,
        status: 201,
      },
      ({ app, params, body }) =>
        askJson(app, askPlanningAgent(app, { documentId: params.id!, ...body })),
    )
    .get("/asks/:id", {
      summary: "What was asked, with questions, findings and the suggested change",
      tag: "documents",
      out: askSchema,
    }, ({ app, params }) => askJson(app, getAsk(app.db, params.id!)))
    .post("/asks/:id/again", {
      summary: "Ask the same again, after a run that failed or was cancelled",
      tag: "documents",
      out: askSchema,
      status: 201,
    }, ({ app, params }) => askJson(app, askAgain(app, params.id!)))
    .post(
      "/planning-questions/:id/answer",
      {
        summary: "Answer a planning agent's question; with the last one the answers are worked in",
        tag: "documents",
        body: answerInput,
        out: planningQuestionSchema,
      },
      ({ app, params, body }) =>
        planningQuestionJson(answerPlanningQuestion(app, params.id!, body.answer)),
    )
    .post("/planning-questions/:id/skip", {
      summary: "Leave a planning agent's question open",
      tag: "documents",
      out: planningQuestionSchema,
    }, ({ app, params }) => planningQuestionJson(skipPlanningQuestion(app, params.id!)))
    .get("/suggestions/:id", {
      summary: "A suggested change of a document, in pieces",
      tag: "documents",
      out: suggestionSchema,
    }, ({ app, params }) => suggestionJson(app, getSuggestion(app.db, params.id!)))
    .post("/suggestions/:id/accept", {
      summary: "Put pieces of a suggested change into the document as it is now, and save it",
      tag: "documents",
      body: piecesInput,
      out: acceptedSchema,
      async prepare({ app, params, body }) {
        const { acceptHunks } = await accepting();
        return await acceptHunks(app, params.id!, body.pieces ?? null, requestSignal());
      },
    }, ({ app, prepared: { suggestion, accepted, unfit } }) => ({
      suggestion: suggestionJson(app, suggestion),
      accepted,
      unfit,
    }))
    .post("/suggestions/:id/reject", {
      summary: "Leave pieces of a suggested change out; they stay to be read",
      tag: "documents",
      body: piecesInput,
      out: suggestionSchema,
      async prepare({ app, params, body }) {
        const { rejectHunks } = await accepting();
        return await rejectHunks(app, params.id!, body.pieces ?? null, requestSignal());
      },
    }, ({ app, prepared }) => suggestionJson(app, prepared));
}

export function asksPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/documents/:id/asks", async (c) => {
    const { AsksPage } = await import("../../views/asks.tsx");
    const { asksPage } = await askPages();
    const props = asksPage(pageRequest(c, tools), c.req.param("id"), c.req.query("cursor"));
    return show(c, <AsksPage {...props} />);
  });

  pages.post("/documents/:id/asks", async (c) => {
    const { app } = c.var;
    const documentId = c.req.param("id");
    const form = await readForm(c);
    return await act(() => {
      const ask = askPlanningAgent(app, { documentId, ...validate(askForm, form, "form") });
      return done(c, askHref(ask.id), `The ${ask.agent} is asked`);
    }, async ({ message, errors, status }) => {
      const { ask = "", words = "", section = "", agent = "" } = form;
      const props = await documentPage(pageRequest(c, tools), documentId, requestSignal());
      const refused = { ask, words, section, agent, message, errors };
      const { document, asks: { sections } } = props;
      const project = getProject(app.db, document.projectId);
      const { documentAsks } = await askPages();
      const asks = documentAsks(app, project, document, sections, refused);
      return show(c, <DocumentPage {...props} asks={asks} />, status);
    });
  });

  pages.get("/asks/:id", async (c) => {
    const { AskPage } = await import("../../views/ask.tsx");
    const { askPage, presentText } = await askPages();
    const id = c.req.param("id");
    const present = await presentText(c.var.app, id, requestSignal());
    return show(c, <AskPage {...askPage(pageRequest(c, tools), id, present)} />);
  });

  pages.post("/asks/:id/cancel", (c) => {
    const id = c.req.param("id");
    const run = cancelRun(c.var.app, getAskRun(c.var.app.db, id).id);
    return done(c, askHref(id), `The ${run.agent} was stopped`);
  });

  pages.post("/asks/:id/again", async (c) => {
    const id = c.req.param("id");
    return await act(() => {
      const ask = askAgain(c.var.app, id);
      return done(c, askHref(ask.id), `The ${ask.agent} is asked again`);
    }, ({ message }) => refusedAt(c, askHref(id), message));
  });

  pages.post("/planning-questions/:id/answer", async (c) => {
    const { app } = c.var;
    const id = c.req.param("id");
    const form = await readForm(c);
    const answer = form.answer?.trim() || form.option || "";
    const { askId } = getPlanningQuestion(app.db, id);
    return await act(() => {
      answerPlanningQuestion(app, id, answer);
      return done(c, nextQuestion(c, askId), "Answer saved");
    }, async ({ message, errors, status }) => {
      const { AskPage } = await import("../../views/ask.tsx");
      const { askPage, presentText } = await askPages();
      const refused = { questionId: id, answer, message, errors };
      const present = await presentText(app, askId, requestSignal());
      const props = askPage(pageRequest(c, tools), askId, present, refused);
      return show(c, <AskPage {...props} />, status);
    });
  });

  pages.post("/planning-questions/:id/skip", async (c) => {
    const { app } = c.var;
    const id = c.req.param("id");
    const { askId } = getPlanningQuestion(app.db, id);
    return await act(() => {
      skipPlanningQuestion(app, id);
      return done(c, nextQuestion(c, askId), "Question skipped");
    }, ({ message }) => refusedAt(c, askHref(askId), message));
  });

  pages.post("/suggestions/:id/accept", async (c) => {
    const { app } = c.var;
    const id = c.req.param("id");
    const { askId } = getSuggestion(app.db, id);
    const chosen = piecesOf(await readForm(c));
    return await act(async () => {
      const { acceptHunks } = await accepting();
      const { accepted, unfit } = await acceptHunks(app, id, chosen, requestSignal());
      const said = accepted.length === 1
        ? `Piece ${accepted[0]} is in the document`
        : `${accepted.length} pieces are in the document`;
      const left = unfit.length > 0 ? `; ${unfit.length} did not fit any more and stay open` : "";
      return done(c, nextPiece(app, { id, askId }), said + left);
    }, ({ message }) => refusedAt(c, askHref(askId), message));
  });

  pages.post("/suggestions/:id/reject", async (c) => {
    const { app } = c.var;
    const id = c.req.param("id");
    const { askId } = getSuggestion(app.db, id);
    const chosen = piecesOf(await readForm(c));
    return await act(async () => {
      const { rejectHunks } = await accepting();
      await rejectHunks(app, id, chosen, requestSignal());
      const said = chosen ? `Piece ${chosen.join(", ")} is left out` : "All is left out";
      return done(c, nextPiece(app, { id, askId }), said);
    }, ({ message }) => refusedAt(c, askHref(askId), message));
  });
}

// A start has no time for what the first page does not show.
const askPages = () => import("../pages/asks.ts");
const accepting = () => import("../services/accepting.ts");

type Reader = Pick<App, "db">;

/** Null: all that are open. */
function piecesOf({ piece = "" }: Record<string, string>): number[] | null {
  return piece === "" ? null : [validate(pieceInput, { piece }, "form").piece];
}
const pieceInput = once(() => z.object({ piece: z.coerce.number().int().min(1) }));

/** The ask's next open question. Questions can be answered on Home too: then the person stays there. */
function nextQuestion(c: RequestContext, askId: string): string {
  const next = listAskQuestions(c.var.app.db, askId).find(({ status }) => status === "pending");
  const part = next ? `question-${next.id}` : "ask-questions";
  return listBehind(c, ["/"]) ?? `${askHref(askId)}#${part}`;
}

function nextPiece({ db }: Reader, { id, askId }: { id: string; askId: string }): string {
  const next = listHunks(db, id).find(({ status }) => status === "pending");
  return `${askHref(askId)}#${next ? `piece-${next.number}` : "suggestion"}`;
}
