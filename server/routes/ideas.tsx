import type { Hono } from "hono";
import { IdeaPage } from "../../views/idea.tsx";
import { once } from "../once.ts";
import { formOf, type RefusedDecision } from "../../views/idea_decision.tsx";
import { IdeasPage } from "../../views/ideas.tsx";
import { ideaHref, ticketHref } from "../../views/links.ts";
import { type Env, type RequestContext, validate } from "../api.ts";
import { ideaPage, ideasPage, listedIdeas, readIdeasQuery } from "../pages/ideas.ts";
import { getQuestion } from "../store/questions.ts";
import { besideIn } from "./beside.ts";
import { act, done, listBehind, pageRequest, type PageTools, readForm, show } from "./page.ts";
import { readSubtasks } from "./subtask_fields.ts";
import { z } from "zod";
import { type Api, pageOf, pageQuery, readCursor, toPage } from "../api.ts";
import {
  answerInput,
  approveIdeaInput,
  feedbackInput,
  ideaChangesInput,
  newIdeaInput,
  reasonInput,
} from "../inputs.ts";
import { ideaJson, ideaSchema } from "../outputs/ideas.ts";
import { questionJson, questionSchema } from "../outputs/questions.ts";
import { ticketJson, ticketSchema } from "../outputs/tickets.ts";
import {
  answerQuestion,
  approveIdea,
  editIdea,
  refineIdea,
  rejectIdea,
  requestIdeaChanges,
  skipQuestion,
  submitIdea,
} from "../services/ideas.ts";
import { ideaStatuses } from "../states.ts";
import { getIdea, ideaSortKey, listIdeas } from "../store/ideas.ts";
import { getProject, listProjects } from "../store/projects.ts";
import { listQuestions } from "../store/questions.ts";
import { listSubtasks } from "../store/subtasks.ts";

const listQuery = once(() =>
  pageQuery().extend({
    status: z.enum(ideaStatuses).optional(),
    q: z.string().max(200).optional().describe("Words in title or description"),
    sort: z.enum(["newest", "oldest", "priority"]).default("newest"),
  })
);

export function ideasApi(api: Api): void {
  api
    .get("/projects/:id/ideas", {
      summary: "Ideas of a project",
      tag: "ideas",
      query: listQuery,
      out: pageOf(ideaSchema),
    }, ({ app, params, query }) => {
      const rows = listIdeas(app.db, {
        projectId: getProject(app.db, params.id!).id,
        statuses: query.status ? [query.status] : [],
        text: query.q,
        sort: query.sort,
        limit: query.limit + 1,
        after: readCursor(query.cursor),
      });
      return toPage(rows, query.limit, (idea) => ideaSortKey(idea, query.sort), ideaJson);
    })
    .post("/projects/:id/ideas", {
      summary: "Submit an idea; its refinement starts at once",
      tag: "ideas",
      body: newIdeaInput,
      out: ideaSchema,
      status: 201,
    }, ({ app, params, body }) => ideaJson(submitIdea(app, { projectId: params.id!, ...body })))
    .get("/ideas/:id", {
      summary: "One idea",
      out: ideaSchema,
      versioned: true,
    }, ({ app, params }) => ideaJson(getIdea(app.db, params.id!)))
    .patch("/ideas/:id", {
      summary: "Change an open idea, or its proposed subtasks",
      body: ideaChangesInput,
      out: ideaSchema,
      current: (app, id) => ideaJson(getIdea(app.db, id)),
    }, ({ app, params, body }) => ideaJson(editIdea(app, params.id!, body)))
    .post("/ideas/:id/approve", {
      summary: "Make the ticket; answers with it",
      body: approveIdeaInput,
      out: ticketSchema,
      status: 201,
    }, ({ app, params, body }) => {
      const ticket = approveIdea(app, params.id!, body.subtasks);
      return ticketJson(ticket, listSubtasks(app.db, ticket.id));
    })
    .post("/ideas/:id/reject", {
      summary: "Put the idea aside, with the reason",
      body: reasonInput,
      out: ideaSchema,
    }, ({ app, params, body }) => ideaJson(rejectIdea(app, params.id!, body.reason)))
    .post("/ideas/:id/request-changes", {
      summary: "Send a ready idea back; it is refined again with the feedback",
      body: feedbackInput,
      out: ideaSchema,
    }, ({ app, params, body }) => ideaJson(requestIdeaChanges(app, params.id!, body.feedback)))
    .post("/ideas/:id/refine", {
      summary: "Refine a stuck or rejected idea again, or one that waits for somebody's word",
      out: ideaSchema,
    }, ({ app, params }) => ideaJson(refineIdea(app, params.id!)))
    .get("/ideas/:id/questions", {
      summary: "Questions of an idea",
      tag: "questions",
      out: pageOf(questionSchema),
    }, ({ app, params }) => {
      const { id } = getIdea(app.db, params.id!);
      return { items: listQuestions(app.db, id).map(questionJson), next: null };
    })
    .post("/questions/:id/answer", {
      summary: "Answer a question",
      body: answerInput,
      out: questionSchema,
    }, ({ app, params, body }) => questionJson(answerQuestion(app, params.id!, body.answer)))
    .post("/questions/:id/skip", {
      summary: "Leave a question to the agents' judgement",
      out: questionSchema,
    }, ({ app, params }) => questionJson(skipQuestion(app, params.id!)));
}

export function ideaPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/ideas", (c) => {
    const query = readIdeasQuery(c.req.query());
    return show(c, <IdeasPage {...ideasPage(pageRequest(c, tools), query)} />);
  });

  pages.post("/ideas", async (c) => {
    const { app } = c.var;
    const form = await readForm(c);
    const { project_id: projectId = "", title = "", description = "", priority, tags = "" } = form;
    return await act(
      () => {
        const input = validate(newIdeaInput, {
          title,
          description,
          priority: priority || undefined,
          tags: tags.split(",").map((tag) => tag.trim()).filter((tag) => tag !== ""),
        }, "form");
        const only = listProjects(app.db).length === 1 ? listProjects(app.db)[0]!.id : projectId;
        const idea = submitIdea(app, { projectId: projectId || only, ...input });
        const next = form.open ? ideaHref(idea.id) : "/ideas#new-idea";
        return done(c, next, `Idea #${idea.number} added; agents read the code for it now`);
      },
      ({ message, errors, status }) => {
        const values = {
          project_id: projectId,
          title,
          description,
          priority: priority ?? "2",
          tags,
        };
        const request = pageRequest(c, tools);
        const page = ideasPage(request, readIdeasQuery({}), { values, message, errors });
        return show(c, <IdeasPage {...page} />, status);
      },
    );
  });

  pages.get("/ideas/:id", (c) => {
    const id = c.req.param("id");
    const items = ({ project, ...query }: Record<string, string>) =>
      listedIdeas(c.var.app, project || null, readIdeasQuery(query));
    const beside = besideIn(c, id, { path: "/ideas", items });
    return show(c, <IdeaPage {...ideaPage({ ...pageRequest(c, tools), beside }, id)} />);
  });

  /** One of the forms on an idea's page. */
  const decision = (
    action: RefusedDecision["action"],
    decide: (c: RequestContext, id: string, form: Record<string, string>) => Response,
  ) =>
    pages.post(`/ideas/:id/${action}`, async (c) => {
      const id = c.req.param("id")!;
      const form = await readForm(c);
      return await act(() => decide(c, id, form), ({ message, errors, status }) => {
        const refusedDecision = { action, values: form, message, errors };
        const page = ideaPage(pageRequest(c, tools), id, { refusedDecision });
        return formOf(page.idea, refusedDecision) && show(c, <IdeaPage {...page} />, status);
      });
    });

  decision("edit", (c, id, form) => {
    const { title, description } = form;
    const words = validate(ideaChangesInput, {
      ...(title === undefined ? {} : { title }),
      ...(description === undefined ? {} : { description }),
    }, "form");
    const subtasks = readSubtasks(form);
    const idea = editIdea(c.var.app, id, { ...words, ...(subtasks ? { subtasks } : {}) });
    return done(c, ideaHref(id), `Idea #${idea.number} saved`);
  });
  decision("approve", (c, id, form) => {
    const ticket = approveIdea(c.var.app, id, readSubtasks(form));
    return done(
      c,
      ticketHref(ticket.id),
      `Ticket #${ticket.number} made; it starts when a slot is free`,
    );
  });
  decision("request-changes", (c, id, { feedback = "" }) => {
    const idea = requestIdeaChanges(c.var.app, id, feedback);
    return done(c, ideaHref(id), `Idea #${idea.number} sent back; it is refined again`);
  });
  decision("reject", (c, id, { reason = "" }) => {
    const { status } = getIdea(c.var.app.db, id);
    const idea = rejectIdea(c.var.app, id, reason);
    // Taken up again, a ready idea is ready again, since all its agents had finished. Of every other state
    // something is lost: runs were stopped, and what was stuck would be tried anew.
    const undo = status === "ready"
      ? { action: `${ideaHref(id)}/refine`, label: "Undo" }
      : undefined;
    return done(c, "/ideas", `Idea #${idea.number} rejected`, undo);
  });

  pages.post("/ideas/:id/refine", (c) => {
    const idea = refineIdea(c.var.app, c.req.param("id"));
    return done(c, ideaHref(idea.id), `Idea #${idea.number} goes on`);
  });

  pages.post("/questions/:id/answer", async (c) => {
    const { app } = c.var;
    const id = c.req.param("id");
    const form = await readForm(c);
    const answer = form.answer?.trim() || form.option || "";
    return await act(
      () => {
        const { ideaId } = answerQuestion(app, id, answer);
        return done(c, nextQuestion(c, ideaId), "Answer saved");
      },
      ({ message, errors, status }) => {
        const refusedAnswer = { questionId: id, answer, message, errors };
        const { ideaId } = getQuestion(app.db, id);
        const page = ideaPage(pageRequest(c, tools), ideaId, { refusedAnswer });
        return show(c, <IdeaPage {...page} />, status);
      },
    );
  });
  pages.post("/questions/:id/skip", (c) => {
    const { ideaId } = skipQuestion(c.var.app, c.req.param("id"));
    return done(c, nextQuestion(c, ideaId), "Question skipped");
  });
}

/** The idea's next open question. Questions can be answered on Home too: then the person stays there. */
function nextQuestion(c: RequestContext, ideaId: string): string {
  const next = listQuestions(c.var.app.db, ideaId).find(({ status }) => status === "pending");
  const part = next ? `question-${next.id}` : "idea-questions";
  return listBehind(c, ["/"]) ?? `${ideaHref(ideaId)}#${part}`;
}
