/** What a person does on a review beside deciding: ticks files, applies suggestions, looks at one part. */
import type { Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { z } from "zod";
import { fileId } from "../../views/diff_place.ts";
import { reviewHref, ticketHref, withQuery } from "../../views/links.ts";
import { render } from "../../views/render.ts";
import { ReviewFilePart, ReviewPage } from "../../views/review.tsx";
import type { RefusedReview } from "../../views/review_decision.tsx";
import { type Api, type Env, type RequestContext, requestSignal, validate } from "../api.ts";
import { besideTicket } from "./beside_ticket.ts";
import { once } from "../once.ts";
import { ticketJson, ticketSchema } from "../outputs/tickets.ts";
import { reviewPage } from "../pages/review.ts";
import {
  LAYOUT_COOKIE,
  LAYOUT_SECONDS,
  layoutToKeep,
  readReviewQuery,
} from "../pages/review_query.ts";
import { contentNow, fileLines, tickFile } from "../services/review_range.ts";
import { commitSuggestions, recordSuggestions, SUGGESTIONS_MAX } from "../services/suggestions.ts";
import { listSubtasks } from "../store/subtasks.ts";
import { getTicket } from "../store/tickets.ts";
import {
  act,
  done,
  pageBehind,
  pageRequest,
  type PageTools,
  readForm,
  refusedAt,
  show,
} from "./page.ts";

const tickInput = once(() =>
  z.strictObject({
    path: z.string().min(1).max(4_096),
    content: z.string().regex(/^[\w:]{1,100}$/, "Send what the page or the diff says of the file"),
    viewed: z.boolean(),
  })
);

const viewedInput = once(() =>
  z.strictObject({
    path: z.string().min(1).max(4_096),
    viewed: z.boolean().default(true),
  }).meta({ id: "Viewed" })
);

const ids = () => z.array(z.string().max(64)).max(SUGGESTIONS_MAX).default([]);
const applyInput = once(() =>
  z.strictObject({
    comments: ids(),
    findings: ids(),
  }).meta({ id: "ApplySuggestions" })
);

/** Most lines of one answer. */
const LINES_MAX = 1_000;
const linesQuery = once(() =>
  z.object({
    path: z.string().min(1).max(4_096),
    from: z.coerce.number().int().min(1).default(1),
    to: z.coerce.number().int().min(1).optional(),
  })
);
const linesSchema = once(() =>
  z.object({
    from: z.number().int(),
    lines: z.array(z.string()),
    total: z.number().int().describe("Lines of the whole file"),
  }).meta({ id: "FileLines" })
);

/** What the API has of a review beside its ticket. */
export function reviewsApi(api: Api): void {
  api
    .post("/tickets/:id/apply-suggestions", {
      summary: "Make a commit of suggestions in comments and findings; the checks are due again",
      tag: "tickets",
      body: applyInput,
      out: ticketSchema,
      prepare: ({ app, params, body }) => commitSuggestions(app, params.id!, body, requestSignal()),
    }, ({ app, prepared }) => {
      const ticket = recordSuggestions(app, prepared);
      return ticketJson(ticket, listSubtasks(app.db, ticket.id));
    })
    .post("/tickets/:id/viewed", {
      summary: "Mark a changed file as viewed by you; it falls away when the file changes again",
      tag: "tickets",
      body: viewedInput,
      out: viewedInput,
      prepare: ({ app, params, body }) =>
        contentNow(app, getTicket(app.db, params.id!), body.path, requestSignal()),
    }, ({ app, params, body, prepared }) => {
      tickFile(app, params.id!, { ...body, content: prepared });
      return body;
    })
    .get("/tickets/:id/lines", {
      summary: `Lines of a file on the ticket's branch, at most ${LINES_MAX}`,
      tag: "tickets",
      query: linesQuery,
      out: linesSchema,
    }, async ({ app, params, query }) => {
      const lines = await fileLines(
        app,
        getTicket(app.db, params.id!),
        query.path,
        requestSignal(),
      );
      const { from, to = lines.length } = query;
      const end = Math.min(to, from + LINES_MAX - 1);
      return { from, lines: lines.slice(from - 1, end), total: lines.length };
    });
}

/** The page of a review; one file of it where a link or form within that file asked. */
export async function showReview(
  c: RequestContext,
  tools: PageTools,
  id: string,
  refused: RefusedReview | null = null,
  status: 200 | 409 | 422 = 200,
): Promise<Response> {
  const address = new URL(c.req.url).searchParams;
  const query = readReviewQuery(address, getCookie(c, LAYOUT_COOKIE));
  const keep = layoutToKeep(address, query.layout);
  if (keep !== null) {
    const options = { path: "/tickets", httpOnly: true, sameSite: "Strict" } as const;
    setCookie(c, LAYOUT_COOKIE, keep, { ...options, maxAge: LAYOUT_SECONDS });
  }
  const beside = besideTicket(c, id);
  const request = { ...pageRequest(c, tools), beside };
  const props = await reviewPage(request, id, query, requestSignal(), refused);
  const target = /^div#(file-[\w-]+)$/.exec(c.req.header("hx-target") ?? "")?.[1];
  c.header("Vary", "HX-Target", { append: true });
  const part = target && !refused ? ReviewFilePart(props, target) : null;
  return part
    ? c.html(render(part), status) as Response
    : show(c, <ReviewPage {...props} />, status);
}

/** The page and its forms, but for the decision. */
export function reviewPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/tickets/:id/review", (c) => showReview(c, tools, c.req.param("id")));

  pages.post("/tickets/:id/viewed", async (c) => {
    const id = c.req.param("id");
    const { path = "", content = "", viewed } = await readForm(c);
    const input = validate(tickInput, { path, content, viewed: viewed === "1" }, "form");
    tickFile(c.var.app, id, input);
    return done(c, `${reviewBehind(c, id)}#${fileId(path)}`);
  });

  pages.post("/tickets/:id/apply-suggestions", async (c) => {
    const id = c.req.param("id");
    const form = await readForm(c);
    const named = (name: string) => form[name] ? [form[name]] : [];
    const chosen = { comments: named("comment"), findings: named("finding") };
    const input = validate(applyInput, chosen, "form");
    return await act(
      async () => {
        const { app } = c.var;
        const committed = await commitSuggestions(app, id, input, requestSignal());
        const ticket = recordSuggestions(app, committed);
        return done(
          c,
          ticketHref(id),
          `Suggestion applied; ticket #${ticket.number} is checked again`,
        );
      },
      ({ message }) => refusedAt(c, reviewBehind(c, id), message),
    );
  });
}

/** The review as it was shown, without what was open in it. */
export function reviewBehind(c: RequestContext, id: string): string {
  const page = reviewHref(id);
  const from = pageBehind(c);
  if (from === null || !from.startsWith(page)) return page;
  const { searchParams } = new URL(from, "http://here");
  return withQuery(page, { range: searchParams.get("range"), only: searchParams.get("only") });
}
