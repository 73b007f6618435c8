import { rollUp } from "../../server/services/roll_up.ts";
import type { JobHandler } from "../job.ts";

export const rollUpHandler: JobHandler<"roll_up"> = {
  kind: "roll_up",
  async run(_args, { app, signal }) {
    await rollUp(app, signal);
    return { type: "done" };
  },
};
