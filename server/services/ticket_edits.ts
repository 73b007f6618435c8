/** What a ticket asks for, as a person changes it while nobody works on it. */
import type { App } from "../app.ts";
import { transact, type Tx, within } from "../db.ts";
import { AppError } from "../errors.ts";
import type { ProposedSubtask, Subtask, Ticket } from "../records.ts";
import type { TicketType } from "../states.ts";
import { listTicketRuns } from "../store/runs.ts";
import { getTicketStart, putTicketStart } from "../store/starts.ts";
import {
  deleteSubtask,
  insertSubtasks,
  listSubtasks,
  moveSubtask,
  moveSubtasksTo,
  placeSubtasks,
  rewordSubtask,
} from "../store/subtasks.ts";
import { getTicket, insertTicket, updateTicket } from "../store/tickets.ts";
import { addNeedIn, divideNeeds } from "./needs.ts";
import { enqueueAdvanceTicket } from "./ticket_jobs.ts";
import { changeTicket } from "./tickets.ts";

/** A subtask as it should be; without `id` it is a new one. */
export type WantedSubtask = ProposedSubtask & { id?: string };

export interface TicketEdit {
  title?: string;
  description?: string;
  priority?: number;
  type?: TicketType;
  acceptance?: string[];
  /**
   * All that should still be done, in order. Those that are done or skipped stay before them; one that is missing is
   * taken out, or skipped where an agent has been at it.
   */
  subtasks?: WantedSubtask[];
}

/**
 * Changes a ticket: its words and priority as long as it is open, what it asks for only while nobody works on it,
 * that is while it is queued or blocked. Throws `conflict` otherwise, and `invalid` for a subtask that is not an open
 * one of the ticket's.
 */
export function editTicket(app: App, id: string, edit: TicketEdit): Ticket {
  return transact(app, (tx) => {
    const { title, description, priority, type, acceptance, subtasks } = edit;
    const before = getTicket(tx.db, id);
    if (type !== undefined || acceptance !== undefined || subtasks !== undefined) {
      requireRest(before, "change what it asks for of");
    }
    if (subtasks) replaceOpen(tx, before, subtasks);
    const changes = definedOf({ title, description, priority });
    let ticket = Object.keys(changes).length > 0
      ? changeTicket(within(tx, app), id, changes)
      : before;
    const asked = definedOf({ type, acceptance });
    if (Object.keys(asked).length > 0) ticket = updateTicket(tx, id, asked);
    tx.emit({
      type: "ticket_edited",
      projectId: ticket.projectId,
      ticketId: id,
      data: { changed: Object.keys(definedOf(edit)) },
    });
    return ticket;
  });
}

const definedOf = <T extends object>(changes: T): Partial<T> =>
  Object.fromEntries(
    Object.entries(changes).filter(([, value]) => value !== undefined),
  ) as Partial<T>;

function requireRest(ticket: Ticket, verb: string): void {
  if (ticket.status === "queued" || ticket.status === "blocked") return;
  throw new AppError(
    "conflict",
    `Cannot ${verb} ticket #${ticket.number}: it is "${ticket.status}", and it must be queued or blocked`,
  );
}

const isOpen = ({ status }: Subtask): boolean => status !== "done" && status !== "skipped";

function replaceOpen(tx: Tx, ticket: Ticket, wanted: WantedSubtask[]): void {
  const all = listSubtasks(tx.db, ticket.id);
  const closed = all.filter((subtask) => !isOpen(subtask));
  const open = new Map(all.filter(isOpen).map((subtask) => [subtask.id, subtask]));
  if (wanted.length === 0 && closed.length === 0) {
    throw invalidSubtasks("keep at least one");
  }
  for (const { id } of wanted) {
    if (id === undefined) continue;
    if (!open.delete(id)) {
      throw invalidSubtasks(`"${id}" is not an open one of ticket #${ticket.number}`);
    }
  }
  const started = startedIn(tx, ticket);
  for (const subtask of open.values()) {
    if (started.has(subtask.id)) moveSubtask(tx, subtask.id, "skipped");
    else deleteSubtask(tx, subtask.id);
  }
  const kept = wanted.map((subtask) => {
    if (subtask.id === undefined) return insertSubtasks(tx, ticket.id, [subtask])[0]!;
    rewordSubtask(tx, subtask.id, subtask);
    return subtask.id;
  });
  const skipped = [...open.keys()].filter((id) => started.has(id));
  placeSubtasks(tx, [...closed.map(({ id }) => id), ...skipped, ...kept]);
}

/** Subtasks that an agent has been at: their runs name them. */
const startedIn = (tx: Tx, ticket: Ticket): Set<string> =>
  new Set(listTicketRuns(tx.db, ticket.id).flatMap(({ subtaskId }) => subtaskId ?? []));

const invalidSubtasks = (why: string): AppError =>
  new AppError("invalid", `Cannot change the subtasks: ${why}`, [{
    field: "subtasks",
    message: `Cannot change the subtasks: ${why}`,
  }]);

export interface TicketSplit {
  title: string;
  description?: string;
  /** Open subtasks that nobody has begun, which go to the new ticket. At least one stays. */
  subtaskIds: string[];
  /** Criteria that go along, by their words. */
  acceptance?: string[];
  /** Which of the two starts only when the other is done; `none`: neither. */
  needs: "none" | "new" | "old";
}

/**
 * Takes subtasks out of a queued or blocked ticket and makes a ticket of its own of them, with the same type,
 * priority and idea, which waits for what the other waits for: tickets, a time, a person's start. What waits for the
 * other waits for both. Both keep in their history what came from where. Throws `conflict` and `invalid`.
 */
export function splitTicket(
  app: App,
  id: string,
  split: TicketSplit,
): { old: Ticket; new: Ticket } {
  return transact(app, (tx) => {
    const before = getTicket(tx.db, id);
    requireRest(before, "split");
    const going = goingOf(tx, before, split.subtaskIds);
    const acceptance = split.acceptance ?? [];
    const foreign = acceptance.find((criterion) => !before.acceptance.includes(criterion));
    if (foreign !== undefined) {
      throw invalidSplit("acceptance", `"${foreign}" is no criterion of ticket #${before.number}`);
    }
    const made = insertTicket(tx, {
      projectId: before.projectId,
      ideaId: before.ideaId,
      type: before.type,
      priority: before.priority,
      title: split.title,
      description: split.description ||
        `Split from #ticket-${before.number}.\n\n${before.description}`,
      acceptance,
    });
    moveSubtasksTo(tx, going, made.id);
    placeSubtasks(tx, listSubtasks(tx.db, id).map((subtask) => subtask.id));
    // What holds the whole up holds up its part: else that would begin behind the back of who said so.
    const { starts, notBefore } = getTicketStart(tx.db, id);
    putTicketStart(tx, made.id, {
      splitFrom: id,
      notBefore,
      starts: starts === "now" ? null : starts,
    });
    const old = acceptance.length === 0 ? before : updateTicket(tx, id, {
      acceptance: before.acceptance.filter((criterion) => !acceptance.includes(criterion)),
    });
    const told = { projectId: before.projectId };
    const { number, title } = made;
    tx.emit({
      ...told,
      type: "ticket_split",
      ticketId: id,
      data: { number, title, newId: made.id },
    });
    tx.emit({
      ...told,
      type: "ticket_created",
      ticketId: made.id,
      data: { title, splitFrom: before.number },
    });
    divideNeeds(tx, before, made);
    if (split.needs === "new") addNeedIn(tx, made.id, id);
    if (split.needs === "old") addNeedIn(tx, id, made.id);
    const { pausedBy } = before;
    const part = pausedBy === null ? made : updateTicket(tx, made.id, { pausedBy });
    enqueueAdvanceTicket(tx, part);
    return { old, new: part };
  });
}

function goingOf(tx: Tx, ticket: Ticket, ids: string[]): string[] {
  const all = listSubtasks(tx.db, ticket.id);
  const started = startedIn(tx, ticket);
  for (const id of ids) {
    const subtask = all.find((other) => other.id === id);
    if (!subtask) {
      throw invalidSplit("subtasks", `"${id}" is no subtask of ticket #${ticket.number}`);
    }
    if (subtask.status !== "pending" || started.has(id)) {
      throw invalidSplit("subtasks", `subtask ${subtask.position} has been begun`);
    }
  }
  if (ids.length === 0) throw invalidSplit("subtasks", "choose what goes to the new ticket");
  if (!all.some((subtask) => isOpen(subtask) && !ids.includes(subtask.id))) {
    throw invalidSplit("subtasks", "leave at least one that is still to be done");
  }
  return all.filter(({ id }) => ids.includes(id)).map(({ id }) => id);
}

const invalidSplit = (field: string, why: string): AppError =>
  new AppError("invalid", `Cannot split the ticket: ${why}`, [{
    field,
    message: `Cannot split the ticket: ${why}`,
  }]);
