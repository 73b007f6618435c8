import { advanceIdea } from "../../server/services/refinement.ts";
import type { JobHandler } from "../job.ts";

export const advanceIdeaHandler: JobHandler<"advance_idea"> = {
  kind: "advance_idea",
  run({ ideaId }, { app }) {
    const done = advanceIdea(app, ideaId);
    return Promise.resolve(
      done ? { type: "done" } : { type: "cancel", reason: "The idea is not being refined" },
    );
  },
};
