/** A run's transcript as a markdown file: what a person reads on its page, to keep or to send. */
import type { Run, RunEvent } from "../server/records.ts";
import { type ActivityItem, type CallStep, foldActivity, type TurnItem } from "./activity_fold.ts";
import { describeCall } from "./activity_words.ts";
import { describeFact } from "./activity_fact.tsx";
import { webOutcome, webVerb } from "./activity_web.tsx";
import { exactTime, money, plural } from "./format.ts";
import { visible } from "./render.ts";
import { type Subject, subjectWithin } from "./links.ts";
import { purposeWords, shownRun } from "./words.ts";

/** All of it, each step with the number of its first event. */
export function runMarkdown(run: Run, subject: Subject, events: RunEvent[]): string {
  const cost = run.demo ? "nothing (demo model)" : money(run.costMicroUsd);
  const head = [
    `# ${run.agent} on ${subjectWithin(subject)} ${subject.title}`,
    "",
    `- Run: ${run.id}, ${purposeWords[run.purpose].toLowerCase()}, round ${run.round}`,
    `- State: ${shownRun(run).word}${run.error ? `: ${run.error}` : ""}`,
    `- Model: ${run.model}`,
    `- Used: ${plural(run.turns, "turn")}, ${cost}`,
    `- Began: ${run.startedAt === null ? "not yet" : exactTime(run.startedAt)}`,
  ];
  return visible([...head, ...foldActivity(events).flatMap(itemLines)].join("\n")) + "\n";
}

function itemLines(item: ActivityItem): string[] {
  if (item.kind === "turn") return turnLines(item);
  const { body } = item;
  const lines = ["", `## ${item.first}. ${describeFact(body).text}`];
  if (body.type === "note" || body.type === "nudge") lines.push("", body.text);
  if (body.type === "approval_requested") lines.push(...fenced(body.detail));
  if (body.type === "started") {
    lines.push("", "### Task", ...fenced(body.spec.prompt));
    lines.push("", "### Instructions", ...fenced(body.spec.system));
  }
  return lines;
}

function turnLines(item: TurnItem): string[] {
  const { first, turn, at, said, calls, web, checkpoints, failure, compacts, summary } = item;
  const what = compacts ? `Summary before turn ${turn}` : `Turn ${turn}`;
  const lines = ["", `## ${first}. ${what} (${exactTime(at)})`];
  if (summary) lines.push("", summary);
  if (said?.thinking) lines.push("", ...quoted(said.thinking));
  if (said?.text) lines.push("", said.text);
  for (const { title, url } of said?.sources ?? []) lines.push("", `Source: ${title} (${url})`);
  for (const use of web) {
    lines.push(
      "",
      `### ${webVerb(use)} ${use.asked}`,
      "",
      `${webOutcome(use)} ${use.error}`.trimEnd(),
      "",
    );
    lines.push(...use.pages.map(({ title, url }) => `- ${title} (${url})`));
  }
  for (const call of calls) lines.push(...callLines(call));
  for (const { commit, files } of checkpoints) {
    lines.push("", `Checkpoint ${commit}: ${files.join(", ")}`);
  }
  if (failure) lines.push("", `No answer: ${failure.message}`);
  return lines;
}

function callLines(step: CallStep): string[] {
  const { verb, object, outcome } = describeCall(step);
  const lines = ["", `### ${step.number}. ${[verb, object].filter(Boolean).join(" ")}`];
  if (outcome) lines.push("", outcome);
  if (step.approval && step.approval.state !== "pending") {
    const { state, rule, reason } = step.approval;
    const asked = rule === "" ? "" : ` (asked by ${rule})`;
    lines.push("", `A person ${state} it${asked}. ${reason}`.trimEnd());
  }
  lines.push(...fenced(JSON.stringify(step.call.input, null, 2), "json"));
  if (step.result?.diff) lines.push(...fenced(step.result.diff, "diff"));
  if (step.result) lines.push(...fenced(step.result.content));
  return lines;
}

const quoted = (text: string): string[] => text.split("\n").map((line) => `> ${line}`.trimEnd());

/** A block whose fence is longer than any in the text. */
function fenced(text: string, language = ""): string[] {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return ["", `${fence}${language}`, text.replace(/\n$/, ""), fence];
}
