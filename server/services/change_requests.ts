/** What a person asks a developer to change, as words. */
import { promptLimits } from "../../agents/prompts/task_prompt.ts";
import { AppError } from "../errors.ts";
import type { Comment, Ticket } from "../records.ts";
import type { Quotes } from "./remark_quotes.ts";

/**
 * The words that the developer is sent: a person's remark on the whole, and their comments, with the lines that
 * `quotes` has of them. Throws `invalid` when they
 * are more than a task takes: nothing of them is to be cut behind a person's back.
 */
export function requestOf(
  { headCommit }: Ticket,
  comments: Comment[],
  remark: string,
  quotes: Quotes = new Map(),
): string {
  const lines = comments.map((comment) => {
    const body = comment.body.trim().replaceAll("\n", "\n  ");
    const where = whereOf(comment, headCommit, quotes.get(comment.id));
    return where ? `- ${where}: ${body}` : `- ${body}`;
  });
  if (remark.trim()) lines.unshift(remark.trim());
  const text = lines.join("\n");
  if (text.length > promptLimits.guidanceChars) {
    throw new AppError(
      "invalid",
      `Cannot send the ticket back: the remarks come to ${text.length} characters, and one task takes ` +
        `${promptLimits.guidanceChars}. Send some of them now, and the others after the next round`,
    );
  }
  return text;
}

function whereOf(
  { path, line, side, commit }: Comment,
  headCommit: string | null,
  quote: string | undefined,
): string | null {
  if (path === null) return null;
  if (line === null) return path;
  const notes = [
    ...side === "old" ? ["a line that was removed"] : [],
    ...commit !== null && commit !== headCommit ? [`as of ${commit.slice(0, 12)}`] : [],
    ...quote !== undefined ? [`it said ${JSON.stringify(quote)}`] : [],
  ];
  return `${path}:${line}${notes.length > 0 ? ` (${notes.join(", ")})` : ""}`;
}
