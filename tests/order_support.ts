/** Tickets of one project, made by hand, for tests of the order in which they start. */
import { createTicket } from "../server/services/tickets.ts";
import { startIfMay } from "../server/services/ticket_moves.ts";
import type { Project, Ticket } from "../server/records.ts";
import { getTicket, listTickets, moveTicket } from "../server/store/tickets.ts";
import { passChecks, type TestApp } from "./support.ts";

export const HEAD = "b".repeat(40);

/** So many queued tickets of a project, with the titles "Ticket 1" and on. */
export function tickets(app: TestApp, count: number, project: Project = app.project()): Ticket[] {
  return Array.from({ length: count }, (_, i) => {
    app.advance(1);
    return createTicket(app, {
      projectId: project.id,
      title: `Ticket ${i + 1}`,
      description: "",
      type: "feature",
      acceptance: ["It works", "It is tested"],
      subtasks: ["One", "Two", "Three"].map((title) => ({
        title,
        description: "",
        complexity: "small" as const,
      })),
    });
  });
}

/** What the job of a queued ticket does first. */
export const tryToStart = (app: TestApp, { id }: Ticket): Ticket["status"] =>
  app.tx((tx) => startIfMay(tx, getTicket(tx.db, id))).status;

/** Tickets whose next step is asked for right now, by their numbers. */
export const askedFor = (app: TestApp): number[] =>
  app.jobs().filter(({ kind, status }) => kind === "advance_ticket" && status === "available")
    .map(({ args }) => getTicket(app.db, String(args.ticketId)).number).sort((a, b) => a - b);

/** As if the queue had done all that was asked for. */
export const forgetJobs = (app: TestApp): void => app.db.exec("DELETE FROM jobs");

/** A ticket that has started is brought to its review, without its agents. */
export function toReview(app: TestApp, { id }: Ticket): void {
  passChecks(app, id, HEAD);
  app.tx((tx) =>
    moveTicket(tx, id, "review", { step: null, baseCommit: "a".repeat(40), headCommit: HEAD })
  );
}

/** Numbers of the tickets that wait, as they are listed. */
export const order = (app: TestApp): number[] =>
  listTickets(app.db, { statuses: ["queued"], limit: 100 }).map(({ number }) => number);
