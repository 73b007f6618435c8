/** Development: the tickets as a list or a board; two views of one query. */
import { type ComponentChildren, Fragment, type VNode } from "preact";
import type { TicketStatus } from "../server/states.ts";
import { EmptyState } from "./components.tsx";
import { count } from "./format.ts";
import { framePartials, Layout, PageHead } from "./layout.tsx";
import { withQuery } from "./links.ts";
import { BulkForm, type BulkOutcome, BulkResult } from "./ticket_bulk.tsx";
import { type Live, replace } from "./live.tsx";
import type { Shell } from "./shell.ts";
import { TicketCard, type TicketCardData, TicketRow } from "./ticket_card.tsx";
import { ticketWords } from "./words.ts";

/** Values of `?view=`. */
export const ticketViews = ["list", "board"] as const;
export type TicketView = typeof ticketViews[number];

export interface DevelopmentPageProps {
  shell: Shell;
  live: Live;
  view: TicketView;
  /** The one column that a phone shows of the board, by `?column=`. */
  column: TicketStatus;
  projectId: string | null;
  /** By priority, then by age or where a person put them; done and cancelled ones of the last seven days. */
  cards: TicketCardData[];
  /** What became of several tickets at once, where some were refused; null: nothing was asked for. */
  outcome: BulkOutcome | null;
  /** Tickets there are in all, of each state. */
  counts: Record<TicketStatus, number>;
  /** The one state that is shown, with all of its tickets; null: some of each. */
  only: TicketStatus | null;
}

export function DevelopmentPage(props: DevelopmentPageProps): VNode {
  return (
    <Layout shell={props.shell} title="Development" current="development" live={props.live}>
      <PageHead title="Development" aside={<ViewSwitch {...props} />} />
      <BulkResult outcome={props.outcome} />
      <Tickets {...props} />
    </Layout>
  );
}

/** All that may have changed, for its stream. */
export function developmentPartials(props: DevelopmentPageProps, status?: string): VNode {
  const { shell } = props;
  return (
    <>
      {framePartials({ shell, current: "development", title: "Development", status })}
      {replace("tickets", <Tickets {...props} />)}
    </>
  );
}

function ViewSwitch({ view, projectId }: DevelopmentPageProps): VNode {
  const project = projectId;
  return (
    <div class="actions">
      <a class="button" href={withQuery("/tickets/new", { project })} data-key="n t">New ticket</a>
      <a href={withQuery("/development/rules", { project })}>When tickets start</a>
      <nav class="tabs" aria-label="View">
        {ticketViews.map((name) => (
          <a
            key={name}
            href={withQuery("/development", { project: projectId, view: name })}
            aria-current={name === view ? "true" : undefined}
          >
            {name === "list" ? "List" : "Board"}
          </a>
        ))}
      </nav>
    </div>
  );
}

function Tickets(props: DevelopmentPageProps): VNode {
  const { cards, view, counts, only, projectId } = props;
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  return (
    <div id="tickets">
      {only && (
        <p class="small">
          <a href={withQuery("/development", { project: projectId })}>Show all states</a>
        </p>
      )}
      {total === 0
        ? (
          <EmptyState action={{ href: "/ideas", label: "Go to the ideas" }}>
            Tickets belong here: an idea that you approve becomes one, and agents build each on its
            own branch.
          </EmptyState>
        )
        : cards.length === 0
        ? (
          <p class="calm">
            {only
              ? `No ticket is ${ticketWords[only].word.toLowerCase()}.`
              : "No open tickets, and none finished in the last 7 days."}
            {!only && <Earlier {...props} />}
          </p>
        )
        : view === "board"
        ? <Board {...props} />
        : <TicketList {...props} />}
    </div>
  );
}

/** Where the tickets are that were closed before. */
function Earlier({ counts, projectId }: DevelopmentPageProps): ComponentChildren {
  return (["done", "cancelled"] as const).filter((status) => counts[status] > 0).map((status) => (
    <Fragment key={status}>
      {" "}
      <a href={withQuery("/development", { project: projectId, only: status })}>
        {count(counts[status])} {ticketWords[status].word.toLowerCase()} before
      </a>
    </Fragment>
  ));
}

/** What needs a person first, then what works, then what waits. */
export const listOrder: readonly TicketStatus[] = [
  "blocked",
  "review",
  "in_progress",
  "queued",
  "done",
  "cancelled",
];

function TicketList(props: DevelopmentPageProps): VNode {
  const { cards, shell, projectId } = props;
  const groups = listOrder.map((status) => ({ status, cards: inState(cards, status) }))
    .filter((group) => group.cards.length > 0);
  const showProject = shell.projects.length > 1 && projectId === null;
  return (
    <>
      <BulkForm />
      {groups.map((group) => (
        <section key={group.status} aria-labelledby={`group-${group.status}`}>
          <h2 class="group-title" id={`group-${group.status}`}>
            {ticketWords[group.status].word}{" "}
            <span class="num muted">{count(countOf(props, group.status))}</span>
          </h2>
          <ul class="rows panel" data-rows="">
            {group.cards.map((card) => (
              <TicketRow
                key={card.ticket.id}
                card={card}
                nowMs={shell.nowMs}
                showProject={showProject}
              />
            ))}
          </ul>
          <Rest {...props} status={group.status} />
        </section>
      ))}
    </>
  );
}

const isClosed = (status: TicketStatus): boolean => status === "done" || status === "cancelled";

/** All there are of a state; of what is over those that are shown, since the others are history. */
const countOf = ({ cards, counts, only }: DevelopmentPageProps, status: TicketStatus): number =>
  isClosed(status) && !only ? inState(cards, status).length : counts[status];

/** Where the tickets of a state are that the page has no room for. */
function Rest(props: DevelopmentPageProps & { status: TicketStatus }): VNode | null {
  const { cards, counts, status, only, projectId } = props;
  const shown = inState(cards, status).length;
  if (shown >= counts[status]) return null;
  if (only) {
    return (
      <p class="muted small">
        {count(shown)} of {count(counts[status])} are shown; the API lists all.
      </p>
    );
  }
  return (
    <p class="small">
      <a href={withQuery("/development", { project: projectId, only: status })}>
        {isClosed(status)
          ? `All ${count(counts[status])}, also those of before`
          : `${count(shown)} are shown, all ${count(counts[status])}`}
      </a>
    </p>
  );
}

const inState = (cards: TicketCardData[], status: TicketStatus) =>
  cards.filter(({ ticket }) => ticket.status === status);

/** The board leaves cancelled tickets to the list. */
export const columns: readonly TicketStatus[] = [
  "queued",
  "in_progress",
  "review",
  "blocked",
  "done",
];

function Board(props: DevelopmentPageProps): VNode {
  const { column, projectId } = props;
  const chosen = columns.includes(column) ? column : "in_progress";
  return (
    <>
      <BulkForm />
      <nav class="tabs board-tabs" aria-label="Columns">
        {columns.map((status) => (
          <a
            key={status}
            href={withQuery("/development", { project: projectId, view: "board", column: status })}
            aria-current={status === chosen ? "true" : undefined}
          >
            {ticketWords[status].word}{" "}
            <span class="num muted">{count(countOf(props, status))}</span>
          </a>
        ))}
      </nav>
      <div class="board">
        {columns.map((status) => (
          <Column key={status} {...props} status={status} chosen={status === chosen} />
        ))}
      </div>
    </>
  );
}

function Column(props: DevelopmentPageProps & { status: TicketStatus; chosen: boolean }): VNode {
  const { status, chosen, shell, projectId } = props;
  const cards = inState(props.cards, status);
  return (
    <section
      class={chosen ? "board-column is-chosen" : "board-column"}
      aria-labelledby={`column-${status}`}
      data-column={status}
    >
      <h2 class="group-title" id={`column-${status}`}>
        {ticketWords[status].word} <span class="num muted">{count(countOf(props, status))}</span>
        {status === "done" && <span class="muted small">last 7 days</span>}
      </h2>
      <ul class="cards" data-rows="">
        {cards.map((card) => (
          <TicketCard
            key={card.ticket.id}
            card={card}
            nowMs={shell.nowMs}
            showProject={shell.projects.length > 1 && projectId === null}
          />
        ))}
      </ul>
      {cards.length === 0 && <p class="muted small">None</p>}
      <Rest {...props} />
    </section>
  );
}
