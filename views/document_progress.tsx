/** The live states of what a document names, and how far its sections, rows and items are. */
import type { Token } from "markdown-it";
import type { VNode } from "preact";
import type { IdeaStatus, TicketStatus } from "../server/states.ts";
import { Progress, StatusBadge } from "./components.tsx";
import { replace } from "./live.tsx";
import { render } from "./render.ts";
import { ideaWords, type Shown, ticketWords } from "./words.ts";

/** An idea or ticket as a document names it. */
export interface Reference {
  kind: "idea" | "ticket";
  number: number;
}

/** Where it stands: an idea that has become a ticket stands where that does. */
export type ReferredStatus =
  | { of: "idea"; is: IdeaStatus }
  | { of: "ticket"; is: TicketStatus };

/** Null: there is no such thing. */
export type StatusOf = (reference: Reference) => ReferredStatus | null;

/** Something of a section that can be done: an item of a checklist, an item or row that names ideas or tickets. */
interface Countable {
  /** Null: it is no item of a checklist. */
  ticked: boolean | null;
  references: Reference[];
}

/** What of a rendered document changes while it is looked at. */
export interface DocumentMarks {
  /** Each badge, with the id of its element. */
  references: (Reference & { id: string })[];
  /** Each section that has something to be done in it, and each row or item that names several things. */
  sections: { id: string; items: Countable[] }[];
}

export const noMarks = (): DocumentMarks => ({ references: [], sections: [] });

const shownStatus = (status: ReferredStatus): Shown =>
  status.of === "idea" ? ideaWords[status.is] : ticketWords[status.is];

/** Most badges of a document; what it names further down has none. */
const BADGES_MAX = 500;
/** Most rows and items that show how far they are. */
const PARTS_MAX = 200;

/** Writes badges and progress into a document as it is rendered, and remembers where. */
export class MarkWriter {
  readonly marks = noMarks();
  /** Of each thing, how many badges there are. */
  readonly #counts = new Map<string, number>();
  /** What a status or a progress looks like: a long document has few that differ. */
  readonly #looks = new Map<string, string>();

  #parts = 0;

  constructor(readonly statusOf: StatusOf) {}

  /** The badge behind a reference, as HTML. */
  badge(reference: Reference): string {
    if (this.marks.references.length >= BADGES_MAX) return "";
    const name = `${reference.kind}-${reference.number}`;
    const nth = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, nth);
    const id = `state-${name}-${nth}`;
    this.marks.references.push({ ...reference, id });
    const status = this.statusOf(reference);
    const look = this.#look(`${status?.of} ${status?.is}`, <BadgeLook status={status} />);
    return ` <span id="${id}" class="${BADGE}">${look}</span>`;
  }

  /** How far a section is, as HTML for the end of its heading. `headingId`: as `headingId` makes it. */
  progress(headingId: string, items: Countable[]): string {
    const id = `progress-${headingId}`;
    this.marks.sections.push({ id, items });
    const far = progressOf(items, this.statusOf);
    const look = this.#look(`${far.done} of ${far.total}`, <ProgressLook {...far} />);
    return ` <span id="${id}" class="${PROGRESS}">${look}</span>`;
  }

  /** How far a row or an item is that names several things, as HTML for its end; "": there are too many of them. */
  partProgress(references: Reference[]): string {
    if (this.#parts >= PARTS_MAX) return "";
    const items = references.map((one) => ({ ticked: null, references: [one] }));
    return this.progress(`part-${++this.#parts}`, items);
  }

  #look(key: string, node: VNode): string {
    const known = this.#looks.get(key);
    if (known !== undefined) return known;
    const made = render(node);
    this.#looks.set(key, made);
    return made;
  }
}

const BADGE = "referred";
const PROGRESS = "section-progress";

const BadgeLook = ({ status }: { status: ReferredStatus | null }): VNode => (
  <>{status && <StatusBadge shown={shownStatus(status)} />}</>
);

const ProgressLook = ({ done, total }: { done: number; total: number }): VNode => (
  <>{total > 0 && <Progress done={done} total={total} of="things" />}</>
);

/** What nobody will do any more does not count; what names several things is done when all of them are. */
export function progressOf(
  items: Countable[],
  statusOf: StatusOf,
): { done: number; total: number } {
  const states = items.map(({ ticked, references }) => {
    const known = references.map(statusOf).filter((status) => status !== null);
    const named = known.filter(({ is }) => is !== "rejected" && is !== "cancelled");
    if (ticked === true) return true;
    if (named.length > 0) return named.every(({ is }) => is === "done");
    return known.length > 0 ? null : ticked;
  }).filter((state) => state !== null);
  return { done: states.filter(Boolean).length, total: states.length };
}

/** A column that says of each row of a table how it stands, and what it says of one that is done. */
const STATE = /^(?:status|state|done)$/i;
const DONE = /^(?:done|shipped|released|yes|x|✓|✔|✅)$/i;
const REFERENCE = /#(idea|ticket)-(\d{1,9})(?![\w-])/g;

/** A heading with what can be done in its section, in those within it, too. */
export interface CountedHeading {
  heading: Token;
  /** Its words. */
  inline: Token;
  items: Countable[];
}

/** The headings of a text; those without anything to be done are left out. */
export function countablesOf(tokens: Token[]): CountedHeading[] {
  const headings: CountedHeading[] = [];
  const open: { counted: CountedHeading; level: number }[] = [];
  let row: { item: Countable; cells: string[] } | null = null;
  let state = -1;
  const add = (item: Countable) => {
    if (item.ticked === null && item.references.length === 0) return;
    for (const { counted } of open) counted.items.push(item);
  };
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index]!;
    if (token.type === "heading_open" && token.level === 0) {
      const level = Number(token.tag.slice(1));
      while (open.length > 0 && open.at(-1)!.level >= level) open.pop();
      const counted = { heading: token, inline: tokens[index + 1]!, items: [] };
      headings.push(counted);
      open.push({ counted, level });
    } else if (token.type === "table_open") state = -1;
    else if (token.type === "tr_open") {
      row = { item: { ticked: null, references: [] }, cells: [] };
    } else if (token.type === "tr_close" && row) {
      const { item, cells } = row;
      row = null;
      if (tokens[index + 1]?.type === "thead_close") {
        state = cells.findIndex((cell) => STATE.test(cell));
      } else {
        const isNamed = cells.some((cell, at) => at !== state && cell !== "");
        add(state >= 0 && isNamed ? { ...item, ticked: DONE.test(cells[state] ?? "") } : item);
      }
    } else if (token.type === "inline") {
      const references = namedBy(token);
      if (row) {
        row.cells.push(token.content.trim());
        row.item.references.push(...references);
      } else if (tokens[index - 2]?.type === "list_item_open") {
        const check = /^\[([ xX])\]\s/.exec(token.content);
        add({ ticked: check ? check[1] !== " " : null, references });
      }
    }
  }
  return headings.filter(({ items }) => items.length > 0);
}

/** What stands in code names nothing. */
function namedBy({ content, children }: Token): Reference[] {
  // Most lines of a long text name nothing.
  if (!content.includes("#")) return [];
  return (children ?? []).filter(({ type }) => type === "text")
    .flatMap(({ content }) => referencesIn(content));
}

function referencesIn(text: string): Reference[] {
  return [...text.matchAll(REFERENCE)].map(([, kind, number]) => ({
    kind: kind as Reference["kind"],
    number: Number(number),
  }));
}

/** A row of a table, or an item of a list, that names several ideas or tickets: a milestone, mostly. */
export interface CountedPart {
  /** Its words that name the last of them. */
  inline: Token;
  /** Each once. */
  references: Reference[];
}

/** The parts of a text that name two things or more. */
export function partsOf(tokens: Token[]): CountedPart[] {
  const parts: CountedPart[] = [];
  let row: CountedPart | null = null;
  const add = (part: CountedPart | null) => {
    if (part === null) return;
    const named = new Map(part.references.map((one) => [`${one.kind} ${one.number}`, one]));
    if (named.size > 1) parts.push({ inline: part.inline, references: [...named.values()] });
  };
  tokens.forEach((token, index) => {
    if (token.type === "tr_open") row = null;
    else if (token.type === "tr_close") {
      add(row);
      row = null;
    } else if (token.type === "inline" && token.content.includes("#")) {
      const references = namedBy(token);
      if (references.length === 0) return;
      const isCell = /^t[dh]_open$/.test(tokens[index - 1]?.type ?? "");
      if (isCell) {
        row = { inline: token, references: [...row?.references ?? [], ...references] };
      } else if (tokens[index - 2]?.type === "list_item_open") add({ inline: token, references });
    }
  });
  return parts;
}

/** All that may have changed of a shown document's states. */
export function documentMarkPartials(marks: DocumentMarks, statusOf: StatusOf): VNode {
  return (
    <>
      {marks.references.map(({ id, ...reference }) =>
        replace(
          id,
          <span key={id} id={id} class={BADGE}>
            <BadgeLook status={statusOf(reference)} />
          </span>,
        )
      )}
      {marks.sections.map(({ id, items }) =>
        replace(
          id,
          <span key={id} id={id} class={PROGRESS}>
            <ProgressLook {...progressOf(items, statusOf)} />
          </span>,
        )
      )}
    </>
  );
}
