/** The message of a merged ticket: a conventional commit, with trailers that say where it came from. */
import type { TicketType } from "../../server/states.ts";
import { addTrailers } from "./trailers.ts";

const SUBJECT_CHARS = 72;
const LINE_CHARS = 500;

const prefixes: Record<TicketType, string> = {
  feature: "feat",
  bugfix: "fix",
  refactor: "refactor",
  docs: "docs",
  chore: "chore",
};

export interface MergeMessage {
  type: TicketType;
  title: string;
  ticketNumber: number;
  /** Null for a ticket made by hand. */
  ideaNumber: number | null;
  /** Titles, in order. */
  subtasks: string[];
  /** Names of the agents. */
  developedBy: string[];
  /** People with commits of their own on the branch: "Name <address>". */
  byHand?: string[];
  reviewedBy: string | null;
  approvedBy: string;
}

/** Subject and subtasks, for a person to change; `withTrailers` makes it whole. */
export function proposeMessage(spec: MergeMessage): string {
  const title = oneLine(spec.title);
  const subject = cut(`${prefixes[spec.type]}: ${title}`, SUBJECT_CHARS);
  const paragraphs = [
    subject,
    subject.endsWith("…") ? title : "",
    spec.subtasks.map((subtask) => `- ${oneLine(subtask)}`).join("\n"),
  ];
  return paragraphs.filter(Boolean).join("\n\n");
}

/** A message with the trailers of the ticket, in one block with those that a person wrote. */
export function withTrailers(message: string, spec: MergeMessage): string {
  const trailers: [string, string | null][] = [
    ...[...new Set(spec.developedBy)].map((name) => ["Developed-by", name] as [string, string]),
    ...(spec.byHand ?? []).map((person) => ["Co-authored-by", person] as [string, string]),
    ["Reviewed-by", spec.reviewedBy],
    ["Approved-by", spec.approvedBy],
    ["Gaffer-Ticket", String(spec.ticketNumber)],
    ["Gaffer-Idea", spec.ideaNumber === null ? null : String(spec.ideaNumber)],
  ];
  const lines = trailers.flatMap(([key, value]) => value ? [`${key}: ${oneLine(value)}`] : []);
  return addTrailers(message, lines);
}

/** The trailer that names who approved a merge. */
export const approverLine = (name: string): string => `Approved-by: ${oneLine(name)}`;

/**
 * Number of the ticket that a commit's message says it is of; null: of none. The last one counts, since Gaffer's own
 * trailers come at the end: a person's words above them may name other tickets so.
 */
export function ticketOfMessage(message: string): number | null {
  const named = [...message.matchAll(/^Gaffer-Ticket:[ \t]*(\d{1,9})$/gm)].at(-1)?.[1];
  return named === undefined ? null : Number(named);
}

/** Whether a commit's message is one of `revertMessage`. */
export const isRevert = (message: string): boolean => /^Reverts: [0-9a-f]+$/m.test(message);

export interface RevertMessage {
  /** The whole message of the commit that is reverted, and its full id. */
  of: string;
  commit: string;
  ticketNumber: number;
  /** The person's words; may be empty. */
  why: string;
  approvedBy: string;
}

/** What the commit says that takes a merge back; its trailers are the ticket's and `Reverts`, the commit. */
export function revertMessage(
  { of, commit, ticketNumber, why, approvedBy }: RevertMessage,
): string {
  const subject = oneLine(of.trim().split("\n")[0] ?? "");
  const paragraphs = [
    cut(`revert: ${subject || `ticket #${ticketNumber}`}`, SUBJECT_CHARS),
    `This reverts commit ${commit}.`,
    // Indented, so that no line of it is taken for a trailer.
    why.trim().split(/\r?\n/).map((line) => line && `  ${line}`).join("\n"),
  ];
  return addTrailers(paragraphs.filter(Boolean).join("\n\n"), [
    `Reverts: ${commit}`,
    `Approved-by: ${oneLine(approvedBy)}`,
    `Gaffer-Ticket: ${ticketNumber}`,
  ]);
}

/** What a merge says unless a person wrote something else. */
export const mergeMessage = (spec: MergeMessage): string =>
  withTrailers(proposeMessage(spec), spec);

function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex -- a control character would end the line or hide text
  return cut(text.replace(/[\s\u0000-\u001f\u007f]+/g, " ").trim(), LINE_CHARS);
}

/** At a space where there is one, with an ellipsis. */
function cut(text: string, chars: number): string {
  if (text.length <= chars) return text;
  const start = text.slice(0, chars - 1);
  const space = start.lastIndexOf(" ");
  const whole = start.slice(0, space > chars / 2 ? space : undefined);
  return `${whole.replace(/[\ud800-\udbff]$/, "")}…`; // not a half of a character
}
