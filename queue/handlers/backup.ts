import { backUpBySchedule } from "../../server/services/backups.ts";
import type { JobHandler } from "../job.ts";

export const backupHandler: JobHandler<"backup"> = {
  kind: "backup",
  async run(_args, { app, signal }) {
    const wanted = await backUpBySchedule(app, signal);
    return wanted ? { type: "done" } : { type: "cancel", reason: "Backups are switched off" };
  },
};
