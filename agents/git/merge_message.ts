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
    ["Reviewed-by", spec.reviewedBy],
    ["Approved-by", spec.approvedBy],
    ["Gaffer-Ticket", String(spec.ticketNumber)],
    ["Gaffer-Idea", spec.ideaNumber === null ? null : String(spec.ideaNumber)],
  ];
  const lines = trailers.flatMap(([key, value]) => value ? [`${key}: ${oneLine(value)}`] : []);
  return addTrailers(message, lines);
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
  return `${start.slice(0, space > chars / 2 ? space : undefined)}…`;
}
