import type { RunForkPageProps } from "../../views/run_fork.tsx";
import { foldActivity, type TurnItem } from "../../views/activity_fold.ts";
import { describeCall } from "../../views/activity_words.ts";
import { firstLine } from "../../views/format.ts";
import { AppError } from "../errors.ts";
import { definitionFor } from "../services/definitions.ts";
import { forkPoints, whyNotFork } from "../services/forking.ts";
import { findStart, readRunLog } from "../store/run_log.ts";
import { getRun } from "../store/runs.ts";
import { getTicket } from "../store/tickets.ts";
import { subjectOf } from "./subjects.ts";
import { type PageRequest, shellOf } from "./shell.ts";

/** Longest description of a turn in the list. */
const LABEL_CHARS = 70;

/** Throws `conflict` with the reason when the run can't be forked. */
export function runForkPage(
  request: PageRequest,
  id: string,
  { turn, refused = null }: { turn?: number; refused?: RunForkPageProps["refused"] },
): RunForkPageProps {
  const { app } = request;
  const run = getRun(app.db, id);
  const why = whyNotFork(app, run);
  if (why !== null) throw new AppError("conflict", `Cannot fork the run: ${why}`);
  const events = readRunLog(app.db, id);
  const turns = foldActivity(events).filter((item) => item.kind === "turn");
  const { spec } = findStart(app.db, id)!;
  const points = forkPoints(spec, events.map(({ body }) => body))
    .filter((point) => run.ideaId || point.commit !== null)
    .map((point) => ({
      turn: point.turn,
      label: labelOf(point.turn, turns.findLast((item) => item.turn === point.turn)),
      commit: point.commit,
    }));
  return {
    shell: shellOf(request),
    run,
    subject: subjectOf(app, run)!,
    points,
    turn: points.find((point) => point.turn === turn)?.turn ?? points.at(-1)?.turn ?? 0,
    branch: run.ticketId ? getTicket(app.db, run.ticketId).branch : null,
    limits: definitionFor(app, run.agent, run.projectId).limits,
    refused,
  };
}

function labelOf(turn: number, item: TurnItem | undefined): string {
  if (turn === 0) return "the task alone, before the first turn";
  const did = (item?.calls ?? []).map((step) => {
    const { verb, object } = describeCall(step);
    return `${verb} ${object}`.trim();
  });
  const what = did.length > 0 ? did.join(", ") : item?.said?.text ?? "";
  return what ? `turn ${turn}: ${firstLine(what, LABEL_CHARS)}` : `turn ${turn}`;
}
