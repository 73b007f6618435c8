import type { PullProps } from "../../views/pull_request.tsx";
import type { App } from "../app.ts";
import type { PullFacts } from "../outputs/pull_requests.ts";
import type { Ticket } from "../records.ts";
import { forgeNames } from "../states.ts";
import { findForge } from "../store/forges.ts";
import { delaysOf } from "./delays.ts";
import { findPullRequest, listForgeChecks, listForgeRemarks } from "../store/pull_requests.ts";

/** What is known of a ticket's newest pull request. */
export function pullFacts({ db }: App, { id }: Ticket): PullFacts {
  const pull = findPullRequest(db, id);
  return {
    pull,
    checks: pull ? listForgeChecks(db, pull.id) : [],
    remarks: pull ? listForgeRemarks(db, pull.id) : [],
  };
}

/** The same for its pages, with what can be done. */
export function pullProps(app: App, ticket: Ticket): PullProps {
  const forge = findForge(app.db, ticket.projectId);
  return {
    ...pullFacts(app, ticket),
    delay: delaysOf(app).ofPull(ticket),
    forge: forge && { name: forgeNames[forge.kind], takesMerge: forge.takesMerge },
  };
}
