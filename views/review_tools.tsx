/** Above the diff: which part of the work is shown, and how. Every choice is a link, and the page's own address. */
import type { ComponentChildren, VNode } from "preact";
import { withQuery } from "./links.ts";

/** Which part of the work: as the service names them. */
export type RangeName = "all" | "look" | "turn";

/** What is shown, and how. */
export interface ReviewView {
  range: RangeName;
  /** Ranges that there is something in. */
  ranges: readonly RangeName[];
  split: boolean;
  ignoreSpace: boolean;
  nowrap: boolean;
  /** Only files with this in their path are shown; "": all. */
  only: string;
  /** Files that there are. */
  total: number;
}

const rangeWords: Record<RangeName, string> = {
  all: "All",
  look: "Since my last look",
  turn: "Last turn",
};

/** The links; `page` is the review without any query. */
export function ReviewTools({ page, view }: { page: string; view: ReviewView }): VNode {
  const { range, ranges, split, ignoreSpace, nowrap, only } = view;
  const here = rangeHref(page, range, only);
  const toggle = (name: string, value: string) => withQuery(here, { [name]: value });
  return (
    <div class="review-tools" id="review-tools">
      {ranges.length > 1 && (
        <nav class="switches" aria-label="What is shown">
          {ranges.map((name) => (
            <a
              key={name}
              class="switch-link"
              href={rangeHref(page, name, only)}
              aria-current={name === range ? "true" : undefined}
            >
              {rangeWords[name]}
            </a>
          ))}
        </nav>
      )}
      <nav class="switches" aria-label="How it is shown">
        <Toggle href={toggle("layout", split ? "unified" : "split")} keys="t" on={split}>
          Side by side
        </Toggle>
        <Toggle
          href={toggle("space", ignoreSpace ? "show" : "hide")}
          keys="Shift+w"
          on={ignoreSpace}
        >
          Hide white space
        </Toggle>
        <Toggle href={toggle("wrap", nowrap ? "on" : "off")} keys="w" on={!nowrap}>
          Wrap
        </Toggle>
      </nav>
    </div>
  );
}

/** The review of one range and some files; what it shows by itself has no query. */
export const rangeHref = (page: string, range: RangeName, only = ""): string =>
  withQuery(page, { range: range === "all" ? null : range, only });

function Toggle(
  { href, keys, on, children }: {
    href: string;
    keys: string;
    on: boolean;
    children: ComponentChildren;
  },
): VNode {
  return (
    <a
      class="switch-link"
      href={href}
      data-key={keys}
      aria-current={on ? "true" : undefined}
    >
      {children}
    </a>
  );
}
