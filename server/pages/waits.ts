/** What work is put off for that the machine lacks at present, as pages say it. */
import { jobKeys } from "../../queue/job.ts";
import { machineWaitOf } from "../../queue/stats.ts";
import type { App } from "../app.ts";
import type { Run, Ticket } from "../records.ts";
import { listNewestRunEvents } from "../store/runs.ts";

/** Null: the run does not wait so, or has got on since. */
export function waitOfRun({ db }: Pick<App, "db">, run: Run): string | null {
  const wait = machineWaitOf(db, jobKeys.runAgent(run.id));
  const [newest] = listNewestRunEvents(db, run.id, 1);
  return wait === null || newest && newest.at > wait.at ? null : wait.reason;
}

/** Of the ticket's present step or merge, or of the run that works on it. */
export function waitOfTicket(app: Pick<App, "db">, ticket: Ticket, run: Run | null): string | null {
  const step = machineWaitOf(app.db, jobKeys.advanceTicket(ticket.id)) ??
    machineWaitOf(app.db, jobKeys.mergeTicket(ticket.id));
  return step?.reason ?? (run && waitOfRun(app, run));
}
