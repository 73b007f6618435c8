/** What the log of a run may hold. What a newer version wrote is not guessed at: the whole log is refused. */
import { AppError } from "../../server/errors.ts";
import type { RunEventBody } from "../protocol.ts";

const known: Readonly<Record<RunEventBody["type"], true>> = {
  started: true,
  turn_started: true,
  turn_finished: true,
  turn_failed: true,
  compacted: true,
  tool_started: true,
  approval_requested: true,
  approval_decided: true,
  tool_executing: true,
  tool_finished: true,
  checkpoint: true,
  note: true,
  nudge: true,
  forked: true,
  waiting: true,
  resumed: true,
  succeeded: true,
  failed: true,
  cancelled: true,
};

export const knownEventTypes = Object.keys(known) as RunEventBody["type"][];

/** Throws `conflict`, naming the first event that this version can't read. */
export function requireKnownEvents(runId: string, log: readonly RunEventBody[]): void {
  const index = log.findIndex(({ type }) => !Object.hasOwn(known, type));
  if (index >= 0) throw unknownEvent(runId, index + 1, log[index]!.type);
}

/** `number` counts from 1 in each run. */
export const unknownEvent = (runId: string, number: number, type: string): AppError =>
  new AppError(
    "conflict",
    `Cannot go on with run "${runId}": its event ${number} is of the type "${type}", which this version ` +
      "of Gaffer does not know. Start the version that wrote it, or a newer one; the run is as it was",
  );
