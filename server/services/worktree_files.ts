/** What a worktree needs besides the files of its commit: those of submodules, and ignored ones of the person's folder. */
import { copyLocalFiles } from "../../agents/git/local_files.ts";
import { fillSubmodules } from "../../agents/git/submodules.ts";
import type { App } from "../app.ts";
import { transact } from "../db.ts";
import type { Project, Ticket } from "../records.ts";

/** Paths of each kind that the history names. */
const NAMED_MAX = 20;

/**
 * Puts both there, as far as they aren't yet, and tells the ticket's history what came and what did not. May be cut
 * off and done again. Throws `invalid` when there is too much to copy.
 */
export async function fillWorktree(
  app: App,
  spec: { project: Project; ticket: Ticket; worktree: string; commit: string; signal: AbortSignal },
): Promise<void> {
  const { project, ticket, commit, signal } = spec;
  const worktree = await Deno.realPath(spec.worktree);
  const place = { repo: project.path, worktree, signal };
  const { filled, missing } = await fillSubmodules({ ...place, commit });
  const { copied, left } = await copyLocalFiles({ ...place, patterns: project.localFiles });
  const told = {
    copied: copied.slice(0, NAMED_MAX),
    copiedCount: copied.length,
    submodules: filled.slice(0, NAMED_MAX),
    left: left.slice(0, NAMED_MAX),
    missing: missing.slice(0, NAMED_MAX),
  };
  if (copied.length + left.length + filled.length + missing.length === 0) return;
  transact(app, (tx) =>
    tx.emit({
      type: "worktree_filled",
      projectId: project.id,
      ticketId: ticket.id,
      data: told,
    }));
}
