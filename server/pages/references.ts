/** Where `#idea-12` and `#ticket-7` in a project's texts lead. */
import { ideaHref, ticketHref } from "../../views/links.ts";
import type { ResolveReference } from "../../views/markdown.ts";
import type { App } from "../app.ts";
import { findIdeaByNumber } from "../store/ideas.ts";
import { findTicketByNumber } from "../store/tickets.ts";

export const referencesOf =
  ({ db }: App, projectId: string): ResolveReference => (kind, number) => {
    const found = kind === "idea"
      ? findIdeaByNumber(db, projectId, number)
      : findTicketByNumber(db, projectId, number);
    return found && (kind === "idea" ? ideaHref(found.id) : ticketHref(found.id));
  };
