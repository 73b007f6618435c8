/** Whether work has got on, for whoever suspects it. */
import type { App } from "../app.ts";
import { listNewestRunEvents } from "../store/run_log.ts";

/** Newest events that are looked at: more than a turn has, however many tools it calls. */
const EVENTS = 50;

/** Whether the run has finished a turn or a tool call since then. */
export const runGotOn = ({ db }: Pick<App, "db">, runId: string, since: string): boolean =>
  listNewestRunEvents(db, runId, EVENTS).some(({ at, body }) =>
    at >= since &&
    (body.type === "turn_finished" || body.type === "compacted" || body.type === "tool_finished")
  );
