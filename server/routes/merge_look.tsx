/** What a merge would do now: into the dialog of a review that asks for it, as a page, on the API. */
import type { Hono } from "hono";
import { MergeLookPage, MergeLookPart } from "../../views/merge_look.tsx";
import { render } from "../../views/render.ts";
import { type Api, type Env, requestSignal } from "../api.ts";
import { mergeLookJson, mergeLookSchema } from "../outputs/merge_look.ts";
import { shellOf } from "../pages/shell.ts";
import { lookAtMerge } from "../services/merge_look.ts";
import { getTicket } from "../store/tickets.ts";
import { pageRequest, type PageTools, show } from "./page.ts";

export function mergeLookApi(api: Api): void {
  api.get(
    "/tickets/:id/merge-look",
    {
      summary:
        "What merging a ticket would meet now: newer commits, conflicts, checks; changes nothing",
      tag: "tickets",
      out: mergeLookSchema,
    },
    async ({ app, params }) =>
      mergeLookJson(await lookAtMerge(app, getTicket(app.db, params.id!), requestSignal())),
  );
}

export function mergeLookPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/tickets/:id/merge-look", async (c) => {
    const ticket = getTicket(c.var.app.db, c.req.param("id"));
    const look = await lookAtMerge(c.var.app, ticket, requestSignal());
    c.header("Vary", "HX-Target", { append: true });
    if (c.req.header("hx-target") === "div#merge-look") {
      return c.html(render(<MergeLookPart {...{ ticket, look }} />)) as Response;
    }
    const shell = shellOf(pageRequest(c, tools));
    return show(c, <MergeLookPage {...{ shell, ticket, look }} />);
  });
}
