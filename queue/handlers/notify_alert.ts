import { notifyOfAlert, tellOfAlert } from "../../server/services/alert_messages.ts";
import type { JobHandler } from "../job.ts";

export const tellAlertHandler: JobHandler<"tell_alert"> = {
  kind: "tell_alert",
  run: ({ alertId }, { app }) => Promise.resolve((tx) => tellOfAlert(app, tx, alertId)),
};

export const notifyAlertHandler: JobHandler<"notify_alert"> = {
  kind: "notify_alert",
  run: (args, { app, signal }) => notifyOfAlert(app, args, signal),
};
