/** An item's neighbours in the list that a person came from, and the way back to it with its filters. */
import type { VNode } from "preact";

export interface BesideItem {
  id: string;
  href: string;
  /** "#7 Fix save corruption". */
  label: string;
}

export interface Beside {
  /** Address of the list. */
  list: string;
  /** Null: this one is the first on the list's page, or the last. */
  previous: BesideItem | null;
  next: BesideItem | null;
}

export function BesideNav({ beside: { list, previous, next } }: { beside: Beside }): VNode {
  return (
    <nav class="beside" aria-label="The list you came from">
      {previous && (
        <a
          href={previous.href}
          rel="prev"
          title={previous.label}
          aria-label={`Previous: ${previous.label}`}
          data-key="["
        >
          Previous
        </a>
      )}
      <a href={list} data-up="">List</a>
      {next && (
        <a
          href={next.href}
          rel="next"
          title={next.label}
          aria-label={`Next: ${next.label}`}
          data-key="]"
        >
          Next
        </a>
      )}
    </nav>
  );
}
