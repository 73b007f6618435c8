/** A ticket that a person makes by hand, with what they say about when it starts. */
import type { App } from "../app.ts";
import { transact, within } from "../db.ts";
import type { Ticket } from "../records.ts";
import { addNeed } from "./needs.ts";
import { planTicket } from "./start_rules.ts";
import { createTicket } from "./tickets.ts";

/**
 * Makes it and all that belongs to it, or nothing. `needs`: ids of tickets that must be done before. Throws what
 * those verbs throw.
 */
export function makeTicket(
  app: App,
  input: Parameters<typeof createTicket>[1] & {
    needs?: string[];
    starts?: "auto" | "hand" | null;
    notBefore?: string | null;
  },
): Ticket {
  return transact(app, (tx) => {
    const inside = within(tx, app);
    const { needs = [], starts = null, notBefore = null, ...rest } = input;
    const ticket = createTicket(inside, rest);
    for (const needed of needs) addNeed(inside, ticket.id, needed);
    if (starts !== null || notBefore !== null) planTicket(inside, ticket.id, { starts, notBefore });
    return ticket;
  });
}
