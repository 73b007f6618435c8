/** What the lines say that a person's comments are about and that the developer does not have any more. */
import { fileAt, readBlob } from "../../agents/git/contents.ts";
import { changedFiles } from "../../agents/git/changes.ts";
import type { App } from "../app.ts";
import { messageOf } from "../errors.ts";
import type { Comment, Ticket } from "../records.ts";
import { getProject } from "../store/projects.ts";
import { listComments } from "../store/reviews.ts";
import { getTicket } from "../store/tickets.ts";

/** Comments that are quoted, and most characters of each line. */
const QUOTES_MAX = 50;
const QUOTE_CHARS = 300;

/** By the id of a comment, the line that it is about. */
export type Quotes = ReadonlyMap<string, string>;

/**
 * The lines of the ticket's drafts that stand in no file of its newest commit: removed ones, and those of an earlier
 * version. Without the repository they go unquoted: that is no reason to send nothing.
 */
export async function quoteDrafts(
  app: App,
  ticketId: string,
  signal: AbortSignal,
): Promise<Quotes> {
  const ticket = getTicket(app.db, ticketId);
  const drafts = listComments(app.db, ticketId)
    .filter((draft) => !draft.sent && draft.path !== null && draft.line !== null)
    .filter(({ side, commit }) => side === "old" || commit !== ticket.headCommit)
    .slice(0, QUOTES_MAX);
  const quotes = new Map<string, string>();
  if (drafts.length === 0) return quotes;
  try {
    const linesOf = fileReader(getProject(app.db, ticket.projectId).path, signal);
    for (const draft of drafts) {
      const at = placeOf(ticket, draft);
      const line = at && (await linesOf(at.commit, at.from, draft.path!))?.[draft.line! - 1];
      if (line?.trim()) quotes.set(draft.id, line.trim().slice(0, QUOTE_CHARS));
    }
  } catch (error) {
    signal.throwIfAborted();
    app.log.warn("comments go without the lines that they are about", {
      ticket: ticketId,
      error: messageOf(error),
    });
  }
  return quotes;
}

/** The commit that has the line, and the one by whose name of the file it is known; null: nobody knows any more. */
function placeOf(
  { baseCommit, headCommit }: Ticket,
  { side, commit }: Comment,
): { commit: string; from: string | null } | null {
  if (side === "new") return commit === null ? null : { commit, from: null };
  // The base may have been another one when an earlier version was looked at.
  const isNow = commit === headCommit && baseCommit !== null;
  return isNow ? { commit: baseCommit, from: headCommit } : null;
}

/** Reads each file once. `from`: a later commit, in which the file may have another name. */
function fileReader(repo: string, signal: AbortSignal) {
  const read = new Map<string, string[] | null>();
  const linesAt = async (commit: string, path: string): Promise<string[] | null> => {
    const file = await fileAt(repo, commit, path, signal);
    const text = file && await readBlob(repo, file.blob, signal);
    return text?.split(/\r?\n/) ?? null;
  };
  const oldName = async (commit: string, from: string, path: string): Promise<string> => {
    const files = await changedFiles({ repo, from: commit, to: from, signal });
    return files.find((file) => file.path === path)?.oldPath ?? path;
  };
  return async (commit: string, from: string | null, path: string): Promise<string[] | null> => {
    const key = `${commit} ${path}`;
    if (!read.has(key)) {
      read.set(key, await linesAt(commit, from ? await oldName(commit, from, path) : path));
    }
    return read.get(key)!;
  };
}
