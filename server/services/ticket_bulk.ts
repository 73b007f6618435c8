/** One verb for several tickets: each for itself, with an honest word on each. */
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import type { Ticket } from "../records.ts";
import { findTicket } from "../store/tickets.ts";
import { cancelTicket, changeTicket, pauseTicket, resumeTicket, startTicket } from "./tickets.ts";

/** Most tickets of one call. */
export const BULK_MAX = 200;

export const bulkActions = ["start", "pause", "resume", "priority", "cancel"] as const;
export type BulkAction = typeof bulkActions[number];

/** What became of one of them. */
export interface BulkResult {
  id: string;
  /** Null: there is no such ticket. */
  ticket: Ticket | null;
  /** Null: it was done. */
  refused: AppError | null;
}

/**
 * Does the same with each of them, in their order; what is refused for one changes nothing of the others. `priority`
 * is for the action of that name. Throws what no ticket is to blame for, a full disk say.
 */
export function doWithTickets(
  app: App,
  ids: readonly string[],
  action: BulkAction,
  priority: number,
): BulkResult[] {
  return [...new Set(ids)].slice(0, BULK_MAX).map((id) => {
    try {
      return { id, ticket: verbs[action](app, id, priority), refused: null };
    } catch (error) {
      if (!(error instanceof AppError) || unforeseen.has(error.code)) throw error;
      return { id, ticket: findTicket(app.db, id), refused: error };
    }
  });
}

/** No ticket is to blame for these. */
const unforeseen: ReadonlySet<string> = new Set(["internal", "unavailable"]);

const verbs: Record<BulkAction, (app: App, id: string, priority: number) => Ticket> = {
  start: startTicket,
  pause: (app, id) => pauseTicket(app, id),
  resume: resumeTicket,
  priority: (app, id, priority) => changeTicket(app, id, { priority }),
  cancel: (app, id) => cancelTicket(app, id),
};
