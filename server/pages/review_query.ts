/** What the address of a review says, and what the browser remembers of how it is shown. */
import { GAPS_MAX, type LineRange, parseRange } from "../../views/diff_gaps.ts";
import { parsePlace, type Place } from "../../views/diff_place.ts";
import { type ReviewRange, reviewRanges } from "../services/review_range.ts";

/** What one address asks for. */
export interface ReviewQuery {
  range: ReviewRange;
  layout: Layout;
  /** Only files with this in their path, in any case; "": all. */
  only: string;
  /** Shown however long or generated it is. */
  file: string | null;
  comment: Place | null;
  /** The comment's form begins with the line itself. */
  suggest: boolean;
  /** The first of several lines that it begins with. */
  from: number | null;
  /** A line whose origin is asked for. */
  why: Place | null;
  expand: ReadonlyMap<string, LineRange[]>;
}

const ONLY_MAX_CHARS = 200;

/** How the diff is shown: remembered in each browser, since a phone has other room than a desktop. */
export interface Layout {
  split: boolean;
  ignoreSpace: boolean;
  nowrap: boolean;
}

/** Name of the cookie, and how long it stays. */
export const LAYOUT_COOKIE = "gaffer_review";
export const LAYOUT_SECONDS = 365 * 24 * 60 * 60;

/** Reads the whole query of the page; what is no value of its key counts as left out. */
export function readReviewQuery(query: URLSearchParams, cookie: string | undefined): ReviewQuery {
  const expand = new Map<string, LineRange[]>();
  for (const text of query.getAll("expand").slice(0, GAPS_MAX)) {
    const at = text.lastIndexOf(":");
    const range = parseRange(text.slice(at + 1));
    if (at > 0 && range) {
      const path = text.slice(0, at);
      expand.set(path, [...expand.get(path) ?? [], range]);
    }
  }
  return {
    range: reviewRanges.find((name) => name === query.get("range")) ?? "all",
    layout: readLayout(query, cookie),
    only: (query.get("only") ?? "").trim().slice(0, ONLY_MAX_CHARS),
    file: query.get("file"),
    comment: parsePlace(query.get("comment")),
    suggest: query.get("suggest") === "1",
    from: /^[1-9]\d{0,7}$/.test(query.get("from") ?? "") ? Number(query.get("from")) : null,
    why: parsePlace(query.get("why")),
    expand,
  };
}

function readLayout(query: URLSearchParams, cookie = ""): Layout {
  const kept = cookie.split(".");
  const said = (key: string, on: string, word: string) =>
    query.has(key) ? query.get(key) === on : kept.includes(word);
  return {
    split: said("layout", "split", "split"),
    ignoreSpace: said("space", "hide", "space"),
    nowrap: said("wrap", "off", "nowrap"),
  };
}

/** The cookie's value, when the address chose something; null: nothing is to be remembered. */
export function layoutToKeep(query: URLSearchParams, layout: Layout): string | null {
  if (!["layout", "space", "wrap"].some((key) => query.has(key))) return null;
  const { split, ignoreSpace, nowrap } = layout;
  return [split && "split", ignoreSpace && "space", nowrap && "nowrap"].filter(Boolean).join(".") ||
    "plain";
}
