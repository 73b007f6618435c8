/** Runs the loop of a finished run once more over its log, without a request to the model. */
import { type Difference, replay } from "../../agents/loop/replay.ts";
import type { Db } from "../db.ts";
import { AppError } from "../errors.ts";
import { readRunLog } from "../store/run_log.ts";
import { getRun } from "../store/runs.ts";
import { isActive } from "./runs.ts";

export interface Replayed {
  /** Events of the log. */
  events: number;
  /** The first event that came out otherwise; null: none. */
  difference: Difference | null;
}

/** Throws `conflict` while the run is not over: its log still grows. */
export async function replayRun(db: Db, id: string): Promise<Replayed> {
  const run = getRun(db, id);
  if (isActive(run)) {
    throw new AppError("conflict", `Cannot replay the run: it is "${run.status}", not over`);
  }
  const log = readRunLog(db, id).map(({ body }) => body);
  const { firstDifference } = await replay(log);
  return { events: log.length, difference: firstDifference };
}
