/** Changes of ideas and tickets in plain sentences. */
import {
  type CheckStatus,
  checkStatuses,
  type FailureReason,
  ideaStatuses,
  isFailureReason,
  priorityNames,
  ticketStatuses,
  type TicketStep,
  ticketSteps,
} from "../server/states.ts";
import { type ChangeEvent, PROJECT_CONFIG } from "../server/records.ts";
import { capital } from "./components.tsx";
import { exactTime, firstLine, plural, shortCommit } from "./format.ts";
import { describePull } from "./pull_history.ts";
import { checkWords, failureWords, ideaWords, stepWords, ticketWords } from "./words.ts";

/** Longest words of a person, or reason, that stand in the sentence. */
export const WORDS_MAX_CHARS = 120;

/**
 * What happened, by whom and why, as a sentence without a full stop; longer words are cut (`wordsOf` has them
 * whole), and a type it does not know is shown in words.
 */
export function describeChange(change: ChangeEvent): string {
  const { type, actor, data } = change;
  const text = (key: string) => textOf(change, key);
  const words = firstLine(wordsOf(change), WORDS_MAX_CHARS);
  const reason = words ? `: ${words}` : "";
  switch (type) {
    case "idea_submitted":
      return `Submitted by ${actor}`;
    case "idea_edited":
      return `Edited by ${actor}`;
    case "idea_refined":
      return `${capital(actor)} finished`;
    case "idea_moved":
      return `${ideaMove(change)}${reason}`;
    case "question_answered":
      return `Question ${data.number} answered by ${actor}`;
    case "question_skipped":
      return `Question ${data.number} skipped by ${actor}`;
    case "budget_alert":
      return `${data.threshold} % of ${text("name")} is used${
        data.parts ? `: ${text("parts")}` : ""
      }`;
    case "alert_seen":
      return `Seen by ${actor}: ${data.threshold} % of a limit is used`;
    case "limit_set":
      return `${capital(text("name"))} set by ${actor}`;
    case "limit_removed":
      return `${capital(text("name"))} taken away by ${actor}`;
    case "price_changed":
      return `Price of ${text("model")} changed by ${actor}`;
    case "price_reset":
      return `Price of ${text("model")} set back to the shipped one by ${actor}`;
    case "tags_allowed":
      return `Private data, untrusted input and a way out allowed together in ${
        text("name")
      } by ${actor}`;
    case "tags_not_allowed":
      return `Private data, untrusted input and a way out not allowed together in ${
        text("name")
      } any more, by ${actor}`;
    case "ticket_created":
      return typeof data.splitFrom === "number"
        ? `Split off ticket #${data.splitFrom} by ${actor}`
        : `Ticket made by ${actor}`;
    case "ticket_need_added":
      return `Needs #${data.number}, by ${actor}`;
    case "ticket_need_removed":
      return `Needs #${data.number} no more, by ${actor}`;
    case "ticket_start_asked":
      return `Started by ${actor}`;
    case "ticket_start_changed":
      return `${startWords(data)}, by ${actor}`;
    case "ticket_placed":
      return `${placedWords(data)} by ${actor}`;
    case "ticket_edited":
      return `Edited by ${actor}`;
    case "ticket_split":
      return `Ticket #${data.number} split off by ${actor}`;
    case "start_rule_changed":
      return `When tickets start was changed by ${actor}`;
    case "findings_returned":
      return `The reviewer sent ${
        plural(Number(data.count), "blocking finding")
      } back to the developer`;
    case "check_rules_changed":
      return `Checks changed by ${actor}${listIn(data.fields)}`;
    case "project_config_trusted":
      return `The repository's ${PROJECT_CONFIG} was trusted by ${actor}${listIn(data.settings)}`;
    case "project_config_changed":
      return data.trusted
        ? `The repository's ${PROJECT_CONFIG} says again what was trusted`
        : text("hash")
        ? `The repository's ${PROJECT_CONFIG} has changed; what was trusted stays in force`
        : `The repository's ${PROJECT_CONFIG} is gone; what was trusted stays in force`;
    case "project_config_kept":
      return `The change of the repository's ${PROJECT_CONFIG} was put off by ${actor}`;
    case "project_config_distrusted":
      return `The repository's ${PROJECT_CONFIG} was put aside by ${actor}`;
    case "ticket_taken_over":
      return `Taken over by ${actor}, at commit ${shortCommit(text("commit"))}`;
    case "ticket_moved":
      return `${ticketMove(change)}${reason}`;
    case "ticket_changed":
      // Only a person's approval leads there.
      if (text("step") === "merge") return `Approved by ${actor}`;
      return text("step")
        ? wordOf(ticketSteps, text("step"), (s: TicketStep) => stepWords[s])
        : "Changed";
    case "undo_asked":
      return `Undo of the merge asked for by ${actor}${reason}`;
    case "undo_waits":
      return `The undo waits${reason}`;
    case "undo_refused":
      return `The merge was not undone${reason}`;
    case "merge_rule_changed":
      return `How tickets are merged was changed by ${actor}`;
    case "worktree_filled":
      return filledWords(data);
    case "check_finished":
      return `${data.baseline === true ? "Baseline " : ""}${text("name")} ${
        wordOf(checkStatuses, text("status"), (s: CheckStatus) => checkWords[s].word).toLowerCase()
      }`.replace(/^./, (first) => first.toUpperCase());
    case "comment_added":
      return `Comment by ${actor}`;
    case "suggestions_applied":
      return `${
        data.count === 1 ? "A suggestion" : `${data.count} suggestions`
      } applied by ${actor}`;
    case "run_created":
      return `The ${text("agent")} was started`;
    case "run_deployed":
      return `${deployedWords[text("status")] ?? "Deployment ended"}${reason}`;
    case "run_paused":
      return `The ${text("agent")} was paused by ${actor}`;
    case "run_resumed":
      return `The ${text("agent")} was resumed by ${actor}`;
    case "run_messaged":
      return `Message to the ${text("agent")} by ${actor}`;
    case "run_forked":
      return `The ${text("agent")} was forked by ${actor} after turn ${data.turn}`;
    case "memory_changed":
      return `Memory of the ${text("agent")} changed by ${actor}`;
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
      return describePull(change, reason) ?? `${capital(type.replaceAll("_", " "))}${reason}`;
  }
}

const listIn = (value: unknown): string => Array.isArray(value) ? `: ${value.join(", ")}` : "";

/** "2 ignored files copied: .env, a.pem; lib is not there: get its submodule in your own folder". */
function filledWords(
  { copied, copiedCount, left, submodules, missing }: ChangeEvent["data"],
): string {
  const list = (value: unknown): unknown[] => Array.isArray(value) ? value : [];
  const parts = [
    [list(copied), `${plural(Number(copiedCount), "ignored file")} copied`],
    [list(submodules), "Files of submodules written"],
    [
      list(left).map((one) => {
        const { path, why } = one as { path: string; why: string };
        return `${path} (${why})`;
      }),
      "Not copied",
    ],
    [
      list(missing),
      "Your folder does not have these submodules, so their folders stay as they are",
    ],
  ] as const;
  return parts.filter(([paths]) => paths.length > 0).map(([paths, what]) =>
    `${what}: ${paths.join(", ")}`
  ).join("; ");
}

function placedWords({ back, before, after, priority }: ChangeEvent["data"]): string {
  if (back === true) return "Put back in the queue where it stood";
  const where = typeof before === "number" ? `before #${before}` : `after #${after}`;
  const name = priorityNames[Number(priority)];
  return `Put ${where} in the queue${name ? `, with priority ${name},` : ""}`;
}

function startWords({ starts, notBefore }: ChangeEvent["data"]): string {
  const how = starts === "hand"
    ? "Starts by hand"
    : starts === "auto"
    ? "Starts by itself"
    : "Starts by rule";
  return typeof notBefore === "string" ? `${how}, not before ${exactTime(notBefore)}` : how;
}

const textOf = ({ data }: ChangeEvent, key: string): string =>
  typeof data[key] === "string" ? data[key] : "";

/** What a person said with it, or the reason that was given, whole; empty: nothing. */
const deployedWords: Readonly<Record<string, string>> = {
  done: "Deployed",
  prepared: "Deployment prepared, a person takes the steps",
  blocked: "Deployment stopped",
};

export const wordsOf = (change: ChangeEvent): string =>
  textOf(change, "words") || textOf(change, "reason");

function ideaMove(change: ChangeEvent): string {
  const { actor, data } = change;
  const to = textOf(change, "to");
  switch (to) {
    case "refining":
      if (textOf(change, "words")) return `Sent back by ${actor}`;
      if (data.again === true) return `Taken up again by ${actor}`;
      break;
    case "converted":
    case "rejected":
      return `${ideaWords[to].word} by ${actor}`;
  }
  return wordOf(ideaStatuses, to, (s) => ideaWords[s].word);
}

/** Most moves are the pipeline's; those of a person name the person. */
function ticketMove(change: ChangeEvent): string {
  const { actor } = change;
  const [from, to] = [textOf(change, "from"), textOf(change, "to")];
  switch (`${from} ${to}`) {
    case "review in_progress":
      return textOf(change, "words") ? `Sent back by ${actor}` : `Taken up again by ${actor}`;
    case "blocked in_progress":
      return `${textOf(change, "words") ? "Guided" : "Taken up again"} by ${actor}`;
    case "blocked review":
      return `Merge retried by ${actor}`;
    case "review cancelled":
      return `${textOf(change, "reason") ? "Rejected" : "Cancelled"} by ${actor}`;
    case "done cancelled":
      return "Merge undone";
    case "cancelled queued":
      return `Queued again by ${actor}`;
  }
  if (to === "cancelled") return `Cancelled by ${actor}`;
  return wordOf(ticketStatuses, to, (s) => ticketWords[s].word);
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
