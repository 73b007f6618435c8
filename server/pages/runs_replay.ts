import type { RunReplayPageProps } from "../../views/run_replay.tsx";
import type { RunEventBody } from "../../agents/protocol.ts";
import { replayRun } from "../services/replaying.ts";
import { getRun } from "../store/runs.ts";
import { subjectOf } from "./subjects.ts";
import { type PageRequest, shellOf } from "./shell.ts";

/** Throws `conflict` while the run is not over. */
export async function runReplayPage(request: PageRequest, id: string): Promise<RunReplayPageProps> {
  const { app } = request;
  const { events, difference } = await replayRun(app.db, id);
  const run = getRun(app.db, id);
  return {
    shell: shellOf(request),
    run,
    subject: subjectOf(app, run)!,
    events,
    difference: difference && {
      number: difference.number,
      recorded: asText(difference.recorded),
      replayed: difference.replayed && asText(difference.replayed),
    },
  };
}

const asText = (event: RunEventBody): string => JSON.stringify(event, null, 2);
