/** Advice over the API: what follows from the figures now, applied, dismissed, and taken back. The page is Usage. */
import { z } from "zod";
import type { Api } from "../api.ts";
import type { App } from "../app.ts";
import { once } from "../once.ts";
import {
  adviceDecisionJson,
  adviceDecisionSchema,
  adviceJson,
  adviceSchema,
} from "../outputs/advice.ts";
import {
  applyAdvice,
  currentAdvice,
  dismissAdvice,
  undoAdvice,
  whyNotUndone,
} from "../services/advising.ts";

const listSchema = once(() =>
  z.object({
    items: z.array(adviceSchema()).describe("What is advised now, the dearest first"),
    decided: z.array(adviceDecisionSchema()).describe("What a person applied or dismissed"),
    next: z.null(),
  })
);
const applyInput = once(() =>
  z.strictObject({
    version: z.int().min(1).optional()
      .describe("Of the agent, as you saw it; one that was changed since is refused"),
  }).meta({ id: "ApplyAdvice" })
);

function adviceNow(app: App) {
  const { open, decided } = currentAdvice(app);
  return {
    items: open.map(adviceJson),
    decided: decided.map((decision) => adviceDecisionJson(decision, whyNotUndone(app, decision))),
    next: null,
  };
}

export function adviceApi(api: Api): void {
  api
    .get("/advice", {
      summary: "Advice that follows from what was used, and what was decided about it",
      out: listSchema,
    }, ({ app }) => adviceNow(app))
    .post("/advice/:key/apply", {
      summary: "Do what is advised; it can be undone until that is changed by somebody else",
      body: applyInput,
      out: adviceSchema,
    }, ({ app, params, body }) => adviceJson(applyAdvice(app, params.key!, body.version)))
    .post("/advice/:key/dismiss", {
      summary: "Show it no more, until that is undone",
      out: adviceSchema,
    }, ({ app, params }) => adviceJson(dismissAdvice(app, params.key!)))
    .post("/advice/:key/undo", {
      summary:
        "Make it as it was before the advice was applied or dismissed; answers with all advice",
      out: listSchema,
    }, ({ app, params }) => {
      undoAdvice(app, params.key!);
      return adviceNow(app);
    });
}
