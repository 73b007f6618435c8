/** What a person does with a run that is not over: pause it, let it go on, tell its agent something. */
import { fold } from "../../agents/loop/fold.ts";
import { costLeft, tokensLeft } from "../../agents/loop/limits.ts";
import type { NoteEvent } from "../../agents/protocol.ts";
import type { App } from "../app.ts";
import { type Db, transact } from "../db.ts";
import { AppError } from "../errors.ts";
import { NOTE_MAX_CHARS } from "../inputs.ts";
import type { Outlook, Run, RunEvent } from "../records.ts";
import { appendRunEvent, countPersonNotes, findStart, readRunLog } from "../store/run_log.ts";
import { getRun } from "../store/runs.ts";
import { getTicket } from "../store/tickets.ts";
import { isActive, pauseRunIn, resumeRunIn, tellOfRun } from "./runs.ts";
import { resumeTicketIn } from "./tickets.ts";

/** Messages that one run takes: each is paid again with every request that follows. */
export const MESSAGES_MAX = 50;

/**
 * Lets a run stop at its next event: a request on its way is finished and kept, and so are tool calls, unless
 * `killTools` ends them. It then waits, through restarts, until somebody resumes it.
 */
export function pauseRun(app: App, id: string, { killTools = false } = {}): Run {
  return transact(app, (tx) => {
    const run = getRun(tx.db, id);
    if (!isActive(run)) refuse("pause the run", `it is "${run.status}"`);
    // Who has no patience any more may still end the tool call that a first pause waits for.
    const hurries = killTools && run.status === "running";
    if (run.pausedBy !== null && !hurries) refuse("pause the run", "it is paused already");
    pauseRunIn(app, tx, run, killTools);
    return getRun(tx.db, id);
  });
}

/** Lets a paused run go on from its log, and with it a ticket that was paused. */
export function resumeRun(app: App, id: string): Run {
  return transact(app, (tx) => {
    const run = getRun(tx.db, id);
    if (!isActive(run)) refuse("resume the run", `it is "${run.status}"`);
    if (run.pausedBy === null) refuse("resume the run", "it is not paused");
    if (run.ticketId && !run.trial) resumeTicketIn(app, tx, getTicket(tx.db, run.ticketId), run);
    else resumeRunIn(app, tx, run);
    return getRun(tx.db, id);
  });
}

/**
 * Writes a person's words into the log of a run that is not over; its agent reads them with its next request.
 * Throws `invalid` for none or too many characters, `conflict` when the run has ended.
 */
export function messageRun(app: App, id: string, message: string): RunEvent {
  const text = personsWords("send the message", message);
  return transact(app, (tx) => {
    const run = getRun(tx.db, id);
    if (!isActive(run)) refuse("send the message", `the run is "${run.status}"`);
    if (countPersonNotes(tx.db, id) >= MESSAGES_MAX) {
      refuse("send the message", `the run has had all of its ${MESSAGES_MAX} messages`);
    }
    const note: NoteEvent = { type: "note", text, by: tx.actor };
    const event = appendRunEvent(tx, run, note);
    tellOfRun(tx, run, "run_messaged", { number: event.number });
    tx.afterCommit(() => app.agents.tellRun(id, note));
    return event;
  });
}

/** What a person wrote into the field "message", trimmed. Throws `invalid` when it is nothing or too long. */
export function personsWords(doing: string, message: string): string {
  const text = message.trim();
  if (text !== "" && text.length <= NOTE_MAX_CHARS) return text;
  const why = text === "" ? "it says nothing" : `it is longer than ${NOTE_MAX_CHARS} characters`;
  throw new AppError("invalid", `Cannot ${doing}: ${why}`, [{
    field: "message",
    message: text === ""
      ? "Write what the agent should know"
      : `At most ${NOTE_MAX_CHARS} characters`,
  }]);
}

function refuse(what: string, why: string): never {
  throw new AppError("conflict", `Cannot ${what}: ${why}`);
}

/** What a paused run would go on from. */
export function outlookOf(db: Db, run: Run): Outlook {
  const started = findStart(db, run.id);
  const log = readRunLog(db, run.id);
  const lastEvent = log.at(-1) ?? null;
  if (!started) {
    const { maxTurns: turnsLeft, maxCostMicroUsd: costLeftMicroUsd } = run;
    return { lastEvent, openCalls: [], turnsLeft, tokensLeft: null, costLeftMicroUsd };
  }
  const state = fold(started.spec, log.map(({ body }) => body));
  const { limits } = state.spec;
  return {
    lastEvent,
    openCalls: state.open?.calls.filter(({ id }) => !state.open!.results.has(id)) ?? [],
    turnsLeft: Math.max(0, limits.maxTurns - state.turns),
    tokensLeft: Math.max(0, tokensLeft(state)),
    costLeftMicroUsd: Math.max(0, costLeft(state)),
  };
}
