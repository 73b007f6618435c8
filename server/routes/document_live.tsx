/** The event stream of a document's page: how what it names stands, as that changes. Its text stays what was opened. */
import type { Hono } from "hono";
import { documentStatePartials } from "../../views/document_states.tsx";
import { framePartials } from "../../views/layout.tsx";
import { type Env, requestSignal } from "../api.ts";
import { documentLiveModel } from "../pages/document_live.ts";
import { follow, frame } from "./live.tsx";
import { pageRequest, type PageTools } from "./page.ts";

export function documentLivePages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/live/document/:id", async (c) => {
    const request = { ...pageRequest(c, tools), flash: null };
    const model = await documentLiveModel(request, c.req.param("id"), requestSignal());
    return tools.streams.open(c, (client) =>
      follow(c, client, {
        concerns: frame,
        render(status) {
          const { shell, title, ...states } = model();
          return (
            <>
              {framePartials({ shell, current: "planning", title, status })}
              {documentStatePartials(states)}
            </>
          );
        },
      }));
  });
}
