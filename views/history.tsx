/** Changes of ideas and tickets in plain sentences. */
import type { VNode } from "preact";
import {
  type CheckStatus,
  checkStatuses,
  type FailureReason,
  ideaStatuses,
  isFailureReason,
  ticketStatuses,
  type TicketStep,
  ticketSteps,
} from "../server/states.ts";
import type { ChangeEvent } from "../server/records.ts";
import { capital, Panel, Time } from "./components.tsx";
import { shortCommit } from "./format.ts";
import { checkWords, failureWords, ideaWords, stepWords, ticketWords } from "./words.ts";

/** Changes that only repeat what another one says; they are not shown. */
const silent = new Set(["comment_removed"]);

/** What happened, as a sentence without a full stop; a type it does not know is shown in words. */
export function describeChange({ type, actor, data }: ChangeEvent): string {
  const text = (key: string) => typeof data[key] === "string" ? data[key] : "";
  const reason = text("reason") ? `: ${text("reason")}` : "";
  switch (type) {
    case "idea_submitted":
      return `Submitted by ${actor}`;
    case "idea_edited":
      return `Edited by ${actor}`;
    case "idea_refined":
      return `${capital(actor)} finished`;
    case "idea_moved":
      return `${wordOf(ideaStatuses, text("to"), (s) => ideaWords[s].word)}${reason}`;
    case "question_answered":
      return `Question ${data.number} answered by ${actor}`;
    case "question_skipped":
      return `Question ${data.number} skipped by ${actor}`;
    case "ticket_created":
      return `Ticket made by ${actor}`;
    case "ticket_moved":
      return `${wordOf(ticketStatuses, text("to"), (s) => ticketWords[s].word)}${reason}`;
    case "ticket_changed":
      return text("step")
        ? wordOf(ticketSteps, text("step"), (s: TicketStep) => stepWords[s])
        : "Changed";
    case "check_finished":
      return `${data.baseline === true ? "Baseline " : ""}${text("name")} ${
        wordOf(checkStatuses, text("status"), (s: CheckStatus) => checkWords[s].word).toLowerCase()
      }`.replace(/^./, (first) => first.toUpperCase());
    case "comment_added":
      return `Comment by ${actor}`;
    case "run_created":
      return `The ${text("agent")} was started`;
    case "run_paused":
      return `The ${text("agent")} was paused by ${actor}`;
    case "run_resumed":
      return `The ${text("agent")} was resumed by ${actor}`;
    case "run_messaged":
      return `Message to the ${text("agent")} by ${actor}`;
    case "run_forked":
      return `The ${text("agent")} was forked by ${actor} after turn ${data.turn}`;
    case "branch_rewound":
      return `Branch put back to ${shortCommit(text("commit"))}; it is kept as ${text("kept")}`;
    case "ticket_paused":
      return `Paused by ${actor}`;
    case "ticket_resumed":
      return `Resumed by ${actor}`;
    case "agents_held":
      return `The agents were held${failureIn(text("reason"))}`;
    case "agents_resumed":
      return `The agents were resumed by ${actor}`;
    default:
      return `${capital(type.replaceAll("_", " "))}${reason}`;
  }
}

function wordOf<S extends string>(
  known: readonly S[],
  state: string,
  word: (s: S) => string,
): string {
  return known.includes(state as S) ? word(state as S) : capital(state.replaceAll("_", " "));
}

const failureIn = (reason: string): string =>
  isFailureReason(reason) ? `: ${failureWords[reason as FailureReason].toLowerCase()}` : "";

interface HistoryProps {
  id: string;
  /** Newest first. */
  changes: ChangeEvent[];
  nowMs: number;
}

/** The timeline of one idea or ticket. */
export function History({ id, changes, nowMs }: HistoryProps): VNode {
  const shown = changes.filter(({ type, data }) =>
    !silent.has(type) && !(type === "ticket_changed" && !data.step)
  );
  return (
    <Panel id={id} title="History">
      {shown.length === 0 ? <p class="muted">Nothing yet.</p> : (
        <ol class="history">
          {shown.map((change) => (
            <li key={change.seq}>
              <span>{describeChange(change)}</span> <Time at={change.at} nowMs={nowMs} />
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}
