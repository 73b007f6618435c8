import { backUpIfDue } from "../../server/services/backups.ts";
import type { JobHandler } from "../job.ts";

/** `startedAtMs`: when this process began to serve, in milliseconds since the epoch. */
export const backupHandler = (startedAtMs: number): JobHandler<"backup"> => ({
  kind: "backup",
  run: (_args, { app, job: { scheduledAt }, signal }) =>
    backUpIfDue(app, { scheduledAt, startedAtMs, signal }),
});
