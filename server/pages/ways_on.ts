/** How a person gets a blocked ticket on. */
import type { TriedLine, WaysOnProps } from "../../views/ways_on.tsx";
import { shellQuote } from "../../agents/git/git_error.ts";
import type { App } from "../app.ts";
import type { Check, Project, Run, Ticket } from "../records.ts";
import { triedRounds } from "../services/tried.ts";
import { type TicketStep, ticketSteps } from "../states.ts";
import { findWorktree } from "../store/worktrees.ts";

/** The steps that anybody would begin at; the base is checked with the worktree, and merging is another matter. */
const beginnings: readonly TicketStep[] = ["prepare", "develop", "build", "test", "review"];

export function waysOnOf(app: App, ticket: Ticket, project: Project): WaysOnProps {
  const worktree = findWorktree(app.db, ticket.id);
  const at = ticketSteps.indexOf(ticket.step ?? "prepare");
  const branch = ticket.branch;
  return {
    ticketId: ticket.id,
    takenOver: ticket.failure === "taken_over",
    steps: beginnings.filter((step) => ticketSteps.indexOf(step) <= at),
    commands: worktree?.status === "ready" && branch !== null && ticket.headCommit !== null
      ? {
        inPlace: [
          `cd ${shellQuote(worktree.path)}`,
          "git add --all",
          `git commit -m ${shellQuote(ticket.title)}`,
        ].join("\n"),
        elsewhere: [
          `cd ${shellQuote(project.path)}`,
          `git switch --ignore-other-worktrees ${shellQuote(branch)}`,
          `git commit -a -m ${shellQuote(ticket.title)}`,
          "git switch -",
        ].join("\n"),
      }
      : null,
  };
}

/** `runs` and `checks`: oldest first. */
export const triedOf = (ticket: Ticket, runs: Run[], checks: Check[]): TriedLine[] =>
  triedRounds(ticket, runs, checks);
