/** The first message of a run: its task, in tagged sections. */
import type {
  Check,
  CheckFailure,
  CheckReport,
  Finding,
  Idea,
  ProjectCommand,
  Question,
  RunPurpose,
  Subtask,
  Ticket,
} from "../../server/records.ts";
import { fileMap } from "./file_map.ts";
import { type PlanningPromptParts, planningSections } from "./planning_sections.ts";
import {
  type Attributes,
  blockSection,
  bullets,
  cut,
  harmless,
  oneLine,
  plainOutput,
  type Tag,
  textSection,
} from "./sections.ts";
import { commandLines } from "./system_prompt.ts";

/** Most of each part: characters, or entries of a list. What is cut says so where it was cut. */
export const promptLimits = {
  titleChars: 300,
  /** One entry of a list. */
  lineChars: 1_000,
  pathChars: 500,
  ideaChars: 20_000,
  ticketChars: 30_000,
  subtaskChars: 10_000,
  questionChars: 1_000,
  answerChars: 5_000,
  feedbackChars: 10_000,
  /** Of what a person asks for; what is longer is refused where it is written (tickets.ts). */
  guidanceChars: 60_000,
  acceptance: 40,
  findings: 60,
  answers: 60,
  doneSubtasks: 40,
  checks: 20,
  failures: 50,
  failureChars: 2_000,
  /** The end of what a failed check printed. */
  tailChars: 12_000,
  sinceGreenChars: 40_000,
  diffChars: 150_000,
  outputChars: 60_000,
  files: 1_500,
  scripts: 40,
  /** Of all notes together; of those that have no room the names are told. */
  memoryChars: 32_000,
  /** Of one file that the definition names, and of all. */
  contextFileChars: 20_000,
  contextChars: 60_000,
} as const;

type CheckPart = Pick<Check, "name" | "status" | "exitCode" | "report">;

type CheckMade =
  & CheckPart
  & Pick<Check, "baseline">
  & Partial<Pick<Check, "knownFailures" | "flaky">>;

/** All that a task can hold; what is absent or empty gets no section. */
export interface PromptParts extends PlanningPromptParts {
  purpose: RunPurpose;
  /** The idea's or ticket's. */
  round: number;
  /** The project's slug. */
  project: string;
  idea?: Pick<Idea, "number" | "title" | "description">;
  ticket?: Pick<Ticket, "number" | "type" | "title" | "description">;
  acceptance?: string[];
  findings?: Finding[];
  /** Those that nobody has decided yet are left out. */
  answers?: Pick<Question, "text" | "status" | "answer">[];
  feedback?: string;
  subtask?: Pick<Subtask, "position" | "title" | "description"> & { of: number };
  doneSubtasks?: Pick<Subtask, "title" | "summary">[];
  commands?: Pick<ProjectCommand, "name" | "command">[];
  checkFailures?: (CheckPart & Pick<Check, "tail">)[];
  /** What the ticket changed since its checks last passed, or since its base. */
  sinceGreen?: {
    commit: string;
    isBase: boolean;
    stat: string[];
    diff: string;
    truncated: boolean;
  };
  /** What a person wrote on the whole, and at lines of the diff. */
  requestedChanges?: string;
  guidance?: string;
  /** Unified. */
  diff?: string;
  checks?: CheckMade[];
  /** What a command printed. */
  output?: string;
  /** Paths of the tracked files. */
  files?: string[];
  /** What the repository's own package files can run, whether or not the project uses it. */
  scripts?: { run: string; command: string }[];
  /** What earlier runs of the agent have noted. */
  memory?: { path: string; text: string }[];
  /** Approved planning documents that describe what the ticket is about; their lengths are the caller's to limit. */
  documents?: { path: string; title: string; text: string; isStale: boolean }[];
  /** Files of the repository that the agent's definition names. */
  contextFiles?: { path: string; text: string }[];
}

/** One `<task>` around a section for each part that is there, always in the same order. */
export function buildPrompt(parts: PromptParts): string {
  const { purpose, round, project } = parts;
  const sections = [
    idea(parts),
    ticket(parts),
    ...planningSections(parts),
    list("acceptance", parts.acceptance, promptLimits.acceptance),
    list("findings", parts.findings?.map(findingLine), promptLimits.findings),
    answers(parts),
    words("feedback", parts.feedback, promptLimits.feedbackChars),
    subtask(parts),
    list("done_subtasks", parts.doneSubtasks?.map(doneLine), promptLimits.doneSubtasks),
    block("commands", commandLines(parts.commands ?? [])),
    ...(parts.checkFailures ?? []).map(checkFailures),
    sinceGreen(parts),
    requestedChanges(parts),
    words("guidance", parts.guidance, promptLimits.guidanceChars),
    block("diff", parts.diff ? [harmless(cut(parts.diff, promptLimits.diffChars))] : []),
    list("checks", parts.checks?.map(checkLine), promptLimits.checks),
    output(parts),
    documents(parts),
    ...contextFiles(parts),
    memory(parts),
    files(parts),
    list(
      "scripts",
      parts.scripts?.map(({ run, command }) => `${run}: ${command}`),
      promptLimits.scripts,
    ),
  ];
  const present = sections.filter((section) => section !== "");
  return blockSection("task", { purpose, round, project }, present).toWellFormed();
}

function idea({ idea }: PromptParts): string {
  if (!idea) return "";
  const attributes = { number: idea.number, title: title(idea.title) };
  return textSection("idea", attributes, cut(idea.description.trim(), promptLimits.ideaChars));
}

function ticket({ ticket }: PromptParts): string {
  if (!ticket) return "";
  const attributes = { number: ticket.number, type: ticket.type, title: title(ticket.title) };
  return textSection(
    "ticket",
    attributes,
    cut(ticket.description.trim(), promptLimits.ticketChars),
  );
}

function subtask({ subtask }: PromptParts): string {
  if (!subtask) return "";
  const { position, of } = subtask;
  const attributes = { position, of, title: title(subtask.title) };
  return textSection(
    "subtask",
    attributes,
    cut(subtask.description.trim(), promptLimits.subtaskChars),
  );
}

function answers({ answers = [] }: PromptParts): string {
  const decided = answers.filter(({ status }) => status !== "pending");
  const lines = decided.slice(0, promptLimits.answers).map(({ text, status, answer }) => {
    const question = oneLine(text, promptLimits.questionChars);
    const reply = status === "skipped" ? "(skipped)" : cut(answer.trim(), promptLimits.answerChars);
    return textSection("answer", { question }, reply);
  });
  const missing = decided.length - lines.length;
  return block("answers", missing > 0 ? [...lines, `[cut: ${missing} more answers]`] : lines);
}

function checkFailures(check: CheckPart & Pick<Check, "tail">): string {
  const failures = (check.report?.failures ?? []).map(failureText);
  const attributes = { name: check.name, exit_code: exitText(check) };
  return block("check_failures", [
    ...(check.report ? [countsText(check.report)] : []),
    ...bullets(failures, promptLimits.failures),
    "The end of what it printed:",
    plainOutput(check.tail, promptLimits.tailChars, "end") || "(nothing)",
  ], attributes);
}

function sinceGreen({ sinceGreen }: PromptParts): string {
  if (!sinceGreen) return "";
  const { commit, isBase, stat, diff, truncated } = sinceGreen;
  const attributes = { [isBase ? "base_commit" : "green_commit"]: commit.slice(0, 12) };
  return block("changed_since_green", [
    ...stat.map((line) => harmless(oneLine(line, promptLimits.pathChars))),
    harmless(cut(diff.trimEnd(), promptLimits.sinceGreenChars)),
    ...(truncated ? ["[cut: the diff goes on]"] : []),
  ], attributes);
}

function requestedChanges({ requestedChanges }: PromptParts): string {
  const text = cut(requestedChanges?.trim() ?? "", promptLimits.guidanceChars);
  return block("requested_changes", text === "" ? [] : [harmless(text)]);
}

function output({ output }: PromptParts): string {
  if (!output) return "";
  return block("output", [plainOutput(output, promptLimits.outputChars, "both ends")]);
}

function files({ files = [] }: PromptParts): string {
  const paths = fileMap(files, promptLimits.files);
  return block("files", paths.map((path) => harmless(oneLine(path, promptLimits.pathChars))));
}

function memory({ memory = [] }: PromptParts): string {
  const { fit, left } = fitting(memory, promptLimits.memoryChars);
  const lines = fit.map(({ path, text }) => textSection("note", { path }, `\n${text.trimEnd()}\n`));
  if (left.length > 0) {
    const names = left.map(({ path }) => oneLine(path, promptLimits.pathChars)).join(", ");
    lines.push(`[cut: not shown, view them with the memory tool: ${names}]`);
  }
  return block("memory", lines);
}

function documents({ documents = [] }: PromptParts): string {
  if (documents.length === 0) return "";
  return block("project_documents", [
    "Planning documents that people approved, about files of this task or what it comes from. Keep to what they " +
    "decide. Where the task says otherwise the task holds; where the code does, say so in your result.",
    ...documents.map(({ path, title: name, text, isStale }) =>
      textSection(
        "document",
        { path, title: title(name), ...isStale && { note: "the code has changed since" } },
        `\n${text}\n`,
      )
    ),
  ]);
}

function contextFiles({ contextFiles = [] }: PromptParts): string[] {
  const files = contextFiles.map(({ path, text }) => ({
    path,
    text: cut(text.trimEnd(), promptLimits.contextFileChars),
  }));
  const { fit, left } = fitting(files, promptLimits.contextChars);
  const names = left.map(({ path }) => oneLine(path, promptLimits.pathChars)).join(", ");
  return [
    ...fit.map(({ path, text }) => textSection("context_file", { path }, `\n${text}\n`)),
    ...(left.length > 0 ? [`[cut: no room for ${harmless(names)}]`] : []),
  ];
}

/** Those that have room together, in their order. */
function fitting<T extends { text: string }>(texts: T[], max: number): { fit: T[]; left: T[] } {
  let room = max;
  const fit: T[] = [];
  const left: T[] = [];
  for (const one of texts) {
    if (one.text.length <= room) {
      fit.push(one);
      room -= one.text.length;
    } else left.push(one);
  }
  return { fit, left };
}

/** A person's own words. */
function words(tag: Tag, text: string | undefined, max: number): string {
  return text?.trim() ? textSection(tag, {}, cut(text.trim(), max)) : "";
}

function list(tag: Tag, entries: string[] | undefined, max: number): string {
  const lines = (entries ?? []).map((entry) => oneLine(entry, promptLimits.lineChars));
  return block(tag, bullets(lines, max));
}

function block(tag: Tag, lines: string[], attributes: Attributes = {}): string {
  return lines.length === 0 ? "" : blockSection(tag, attributes, lines);
}

function findingLine({ path, line, kind, text }: Finding): string {
  return `${path ? `${place(path, line)} ` : ""}${kind}: ${text}`;
}

function doneLine({ title, summary }: Pick<Subtask, "title" | "summary">): string {
  return `${title}: ${summary}`;
}

function checkLine(check: CheckMade): string {
  const when = check.baseline ? " before any change" : "";
  if (check.status === "skipped") {
    return `${check.name}${when}: not run, the project names no such command`;
  }
  const counts = check.report ? `, ${countsText(check.report)}` : "";
  const status = check.status.replace("_", " ");
  const known = check.knownFailures ? "; all that fails failed before any change, too" : "";
  const flaky = check.flaky?.length
    ? `; failed first and passed on the same commit: ${
      check.flaky.map(({ test }) => test).join(", ")
    }`
    : "";
  return `${check.name}${when}: ${status} (exit code ${exitText(check)})${counts}${known}${flaky}`;
}

function failureText({ file, line, test, message, before }: CheckFailure): string {
  const where = [
    before && "(it failed so before any change)",
    file && place(file, line),
    test && oneLine(test, promptLimits.lineChars),
  ];
  return joined(where.filter(Boolean).join(" "), hanging(message, promptLimits.failureChars));
}

/** No exit code: a signal ended it. */
function exitText({ exitCode, status }: CheckPart): string | number {
  return exitCode ?? (status === "timed_out" ? "timed out" : "killed");
}

function countsText({ passed, failed, skipped }: CheckReport): string {
  return `${failed} failed, ${passed} passed, ${skipped} skipped`;
}

const title = (text: string) => oneLine(text, promptLimits.titleChars);

function place(path: string, line?: number | null): string {
  return `${oneLine(path, promptLimits.pathChars)}${line ? `:${line}` : ""}`;
}

function joined(where: string | null | undefined, text: string): string {
  return where ? `${where}: ${text}` : text;
}

/** Text of several lines as one list entry: its further lines are indented. */
function hanging(text: string, max: number): string {
  return cut(text.trim(), max).replaceAll("\n", "\n  ");
}
