/** One ticket among others: as a row of the list, as a card of the board. */
import type { ComponentChildren, VNode } from "preact";
import type { Check, RunPurpose, Ticket } from "../server/records.ts";
import { CHECK_ROUNDS_MAX } from "../server/states.ts";
import {
  DemoMark,
  Hidden,
  Money,
  Priority,
  Progress,
  StatusBadge,
  Tag,
  Time,
} from "./components.tsx";
import { firstLine } from "./format.ts";
import { reviewHref, ticketHref } from "./links.ts";
import { Pick } from "./ticket_bulk.tsx";
import { TicketMenu } from "./ticket_moves.tsx";
import type { QueuePlace } from "./ticket_place.tsx";
import { DelayNote } from "./delay.tsx";
import { Inline } from "./inline.tsx";
import {
  type Delay,
  doingNow,
  failureWords,
  shownCheck,
  ticketTypeWords,
  ticketWords,
} from "./words.ts";

/** What a card shows of a check. */
export type CardCheck = Pick<Check, "status" | "flaky" | "knownFailures">;

export interface TicketCardData {
  ticket: Ticket;
  projectName: string;
  /** Who works on it now. */
  agent: string | null;
  /** What that is for. */
  purpose: RunPurpose | null;
  /** Why nothing happens for it right now. */
  delay: Delay | null;
  demo: boolean;
  subtasks: { done: number; total: number };
  /** Something that it needs is not done. */
  needs: boolean;
  /** Null: it is not in the queue. */
  place: QueuePlace | null;
  /** A forge decides on its merge. */
  withForge: boolean;
  /** Newest result of each on the newest commit. */
  build: CardCheck | null;
  test: CardCheck | null;
}

interface CardProps {
  card: TicketCardData;
  nowMs: number;
  showProject: boolean;
}

/** One ticket of the list; `#ticket-<id>`. */
export function TicketRow({ card, nowMs, showProject }: CardProps): VNode {
  const { ticket, subtasks, demo } = card;
  return (
    <li class="row" id={`ticket-${ticket.id}`} data-row="">
      <Pick ticket={ticket} />
      <StatusBadge shown={ticketWords[ticket.status]} />
      <div class="row-main">
        <a class="row-title" href={addressOf(ticket)}>#{ticket.number} {ticket.title}</a>
        <p class="row-note">
          {noteOf(card, nowMs)}
          <Tag>{ticketTypeWords[ticket.type]}</Tag>
          <Attempt ticket={ticket} />
          <PutBy ticket={ticket} />
          {showProject && <Tag>{card.projectName}</Tag>}
          {demo && <DemoMark />}
        </p>
      </div>
      <CheckMarks card={card} />
      {ticket.status === "in_progress" && <Progress {...subtasks} of="subtasks" />}
      <span class="row-fact">
        <Priority level={ticket.priority} />
      </span>
      <span class="row-fact">
        <Money microUsd={ticket.costMicroUsd} demo={demo} />
      </span>
      <span class="row-fact">
        <Since ticket={ticket} nowMs={nowMs} />
      </span>
      <TicketMenu {...card} />
    </li>
  );
}

/** One ticket of the board; `#ticket-<id>`. */
export function TicketCard({ card, nowMs, showProject }: CardProps): VNode {
  const { ticket, subtasks, demo } = card;
  const { status } = ticket;
  return (
    <li class="card" id={`ticket-${ticket.id}`} data-row="" data-card={ticket.id} draggable>
      <a class="row-title" href={addressOf(ticket)}>#{ticket.number} {ticket.title}</a>
      <p class="row-note">{noteOf(card, nowMs)}</p>
      {status === "in_progress" && <Progress {...subtasks} of="subtasks" />}
      <CheckMarks card={card} />
      <div class="card-facts">
        <Pick ticket={ticket} />
        <Tag>{ticketTypeWords[ticket.type]}</Tag>
        <Attempt ticket={ticket} />
        <PutBy ticket={ticket} />
        {showProject && <Tag>{card.projectName}</Tag>}
        {demo && <DemoMark />}
        <Priority level={ticket.priority} />
        <Money microUsd={ticket.costMicroUsd} demo={demo} />
        <Since ticket={ticket} nowMs={nowMs} />
      </div>
      <TicketMenu {...card} />
    </li>
  );
}

/** Since when it is in its state. */
const Since = ({ ticket, nowMs }: { ticket: Ticket; nowMs: number }): VNode => (
  <span>
    <Hidden>{ticketWords[ticket.status].word} since</Hidden>
    <Time at={ticket.movedAt} nowMs={nowMs} />
  </span>
);

/** The first one is no news. Their number begins anew when a person guides it. */
function Attempt({ ticket: { status, round } }: { ticket: Ticket }): VNode | null {
  if (round === 0 || status !== "in_progress" && status !== "blocked") return null;
  const most = CHECK_ROUNDS_MAX + 1;
  return <Tag>attempt {Math.min(round + 1, most)} of {most}</Tag>;
}

/** Why it does not stand where its age would put it. */
const PutBy = ({ ticket: { status, placedBy } }: { ticket: Ticket }): VNode | null =>
  status === "queued" && placedBy !== null ? <Tag>put here by {placedBy}</Tag> : null;

function CheckMarks({ card }: { card: TicketCardData }): VNode | null {
  const known = ([["Build", card.build], ["Test", card.test]] as const)
    .flatMap(([name, check]) =>
      check === null || check.status === "skipped" ? [] : [{ name, ...shownCheck(check) }]
    );
  if (known.length === 0) return null;
  return (
    <span class="marks">
      {known.map(({ name, word, tone }) => (
        <span key={name} class={`mark tone-${tone}`}>
          {name}
          {tone === "waiting" ? ` ${word.toLowerCase()}` : <Hidden>{word.toLowerCase()}</Hidden>}
        </span>
      ))}
    </span>
  );
}

/** A ticket in review opens on its diff. */
export const addressOf = ({ id, status }: Ticket) =>
  status === "review" ? reviewHref(id) : ticketHref(id);

/** Longest reason in a row. */
const REASON_MAX_CHARS = 140;

/** What it does now, or why it waits. */
function noteOf(card: TicketCardData, nowMs: number): ComponentChildren {
  if (card.ticket.pausedBy === null && card.delay !== null) {
    return <DelayNote delay={card.delay} nowMs={nowMs} />;
  }
  return <Inline text={sentenceOf(card)} />;
}

function sentenceOf({ ticket, agent, purpose }: TicketCardData): string {
  const { status, step, failure, reason, mergeWait, pausedBy } = ticket;
  if (pausedBy !== null) return `Paused by ${pausedBy}`;
  switch (status) {
    case "queued":
      return "Starts when a slot is free";
    case "in_progress":
      return `${doingNow(ticket, purpose)}${agent ? ` (${agent})` : ""}`;
    case "review":
      if (mergeWait) return firstLine(mergeWait, REASON_MAX_CHARS);
      return step === "merge" ? "In the merge queue" : "Waits for your review";
    case "blocked":
      return failure
        ? `${failureWords[failure]}: ${firstLine(reason, REASON_MAX_CHARS)}`
        : firstLine(reason, REASON_MAX_CHARS);
    case "done":
      return "Merged";
    case "cancelled":
      return reason ? firstLine(reason, REASON_MAX_CHARS) : "Its branch is kept";
  }
}
