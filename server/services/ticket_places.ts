/**
 * A person puts a queued ticket before or after others. Tickets start by priority, then in the order of their places,
 * which is their age unless somebody moved them; so one that is put among more or less urgent ones takes their priority,
 * and says so.
 */
import { jobKeys } from "../../queue/job.ts";
import { arrange } from "../../queue/arrange.ts";
import { reprioritize } from "../../queue/queue.ts";
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Ticket } from "../records.ts";
import { priorityNames } from "../states.ts";
import {
  findEnd,
  findNeighbour,
  listQueuedOf,
  placeBetween,
  type QueueScope,
} from "../store/ticket_places.ts";
import { getTicket, updateTicket } from "../store/tickets.ts";

export const placeMoves = ["up", "down", "top", "bottom"] as const;
export type PlaceMove = typeof placeMoves[number];

/** Past its neighbour or all others; or between two, of which null is the front or the end of the queue. */
export type WantedPlace = { to: PlaceMove } | { after: string | null; before: string | null };

export interface Placed {
  ticket: Ticket;
  /** As it was, to put it back. */
  was: Ticket;
  /** What it comes after and before now. */
  previous: Ticket | null;
  next: Ticket | null;
}

interface Neighbours {
  previous: Ticket | null;
  next: Ticket | null;
}

/**
 * Puts a queued ticket where a person wants it, as seen among those of one project or of all (`projectId` null). What
 * waits in the job queue for tickets of its priority follows. Throws `not_found`; `conflict` when one of them is not
 * queued any more, and when there is nothing to move past; `invalid` for a place beside itself.
 */
export function placeTicket(
  app: App,
  id: string,
  wanted: WantedPlace,
  projectId: string | null,
): Placed {
  return transact(app, (tx) => {
    const was = getQueued(tx, id);
    const scope = { projectId, except: id };
    const { previous, next } = "to" in wanted
      ? besides(tx, was, wanted.to, scope)
      : between(tx, was, wanted);
    const ticket = write(tx, was, placeFor(tx, was, { previous, next }));
    tx.emit({
      type: "ticket_placed",
      projectId: ticket.projectId,
      ticketId: id,
      data: {
        after: previous?.number ?? null,
        before: next?.number ?? null,
        ...(ticket.priority === was.priority ? {} : { priority: ticket.priority }),
      },
    });
    return { ticket, was, previous, next };
  });
}

/**
 * Takes that back: the ticket has the priority and the place again that it had, also where others came or went since.
 * Throws `not_found`, and `conflict` when it is not queued any more.
 */
export function putBack(
  app: App,
  id: string,
  { priority, place, byHand }: { priority: number; place: number; byHand: boolean },
): Ticket {
  return transact(app, (tx) => {
    const was = getQueued(tx, id);
    const ticket = write(tx, was, { priority, place, placedBy: byHand ? tx.actor : null });
    tx.emit({
      type: "ticket_placed",
      projectId: ticket.projectId,
      ticketId: id,
      data: { back: true },
    });
    return ticket;
  });
}

/** "Ticket #5 comes before #2; its priority is high now". */
export function describePlaced({ ticket, was, previous, next }: Placed): string {
  const where = next ? `before #${next.number}` : `after #${previous!.number}`;
  const priority = ticket.priority === was.priority
    ? ""
    : `; its priority is ${priorityNames[ticket.priority]} now`;
  return `Ticket #${ticket.number} comes ${where}${priority}`;
}

function getQueued(tx: Tx, id: string): Ticket {
  const ticket = getTicket(tx.db, id);
  if (ticket.status !== "queued") {
    throw refusal(ticket, `it is ${ticket.status.replaceAll("_", " ")}`);
  }
  return ticket;
}

const refusal = ({ number }: Ticket, why: string) =>
  new AppError("conflict", `Cannot move ticket #${number} in the queue: ${why}`);

function besides(tx: Tx, ticket: Ticket, move: PlaceMove, scope: QueueScope): Neighbours {
  const toFront = move === "up" || move === "top";
  const side = toFront ? "before" : "after";
  const beside = findNeighbour(tx.db, ticket, side, scope);
  if (beside === null) {
    throw refusal(ticket, `it comes ${toFront ? "first" : "last"} already`);
  }
  if (move === "top") return { previous: null, next: findEnd(tx.db, "first", scope) };
  if (move === "bottom") return { previous: findEnd(tx.db, "last", scope), next: null };
  const further = findNeighbour(tx.db, beside, side, scope);
  return toFront ? { previous: further, next: beside } : { previous: beside, next: further };
}

function between(
  tx: Tx,
  ticket: Ticket,
  { after, before }: { after: string | null; before: string | null },
): Neighbours {
  const [previous, next] = [after, before].map((id) => id === null ? null : getTicket(tx.db, id));
  for (const other of [previous, next]) {
    if (other?.id === ticket.id) {
      throw new AppError("invalid", `Cannot put ticket #${ticket.number} beside itself`);
    }
    if (other && other.status !== "queued") {
      throw refusal(
        ticket,
        `#${other.number} beside it is ${other.status.replaceAll("_", " ")} by now`,
      );
    }
  }
  if (!previous && !next) throw refusal(ticket, "say what it comes before or after");
  if (previous && next && !comesBefore(previous, next)) {
    throw refusal(ticket, `#${previous.number} comes after #${next.number} by now`);
  }
  return { previous: previous!, next: next! };
}

const comesBefore = (a: Ticket, b: Ticket): boolean =>
  a.priority - b.priority || a.place - b.place
    ? (a.priority - b.priority || a.place - b.place) < 0
    : a.id < b.id;

type PlaceChanges = Pick<Ticket, "priority" | "place" | "placedBy">;

function placeFor(tx: Tx, ticket: Ticket, { previous, next }: Neighbours): PlaceChanges {
  const least = previous?.priority ?? 0;
  const most = next?.priority ?? priorityNames.length - 1;
  const priority = Math.max(least, Math.min(most, ticket.priority));
  const everywhere = { projectId: null, except: ticket.id };
  const ofPriority = (other: Ticket | null) => other?.priority === priority ? other : null;
  const beside = (other: Ticket, side: "before" | "after") =>
    ofPriority(findNeighbour(tx.db, other, side, everywhere));
  const [lower, upper] = next && ofPriority(next)
    ? [beside(next, "before"), next]
    : previous && ofPriority(previous)
    ? [previous, beside(previous, "after")]
    : [null, null];
  // Its priority alone puts it there.
  if (lower === null && upper === null) return { ...ticket, priority };
  const place = placeBetween(tx, { lower, upper, except: ticket.id });
  return { priority, place, placedBy: tx.actor };
}

/** Tickets of a priority whose jobs are put in order; those behind them keep the turns that they have. */
const ARRANGED_MAX = 1_000;

function write(tx: Tx, was: Ticket, { priority, place, placedBy }: PlaceChanges): Ticket {
  const ticket = updateTicket(tx, was.id, { priority, place, placedBy });
  const key = jobKeys.advanceTicket(was.id);
  reprioritize(tx, [key], { from: was.priority, to: priority });
  arrangeQueue(tx, priority);
  return ticket;
}

/** The jobs of a priority's queued tickets come in the order in which the tickets stand. */
export function arrangeQueue(tx: Tx, priority: number): void {
  const queued = listQueuedOf(tx.db, priority, ARRANGED_MAX);
  arrange(tx, "advance_ticket", queued.map((id) => jobKeys.advanceTicket(id)));
}
