/** Which list a person came from to an item's page, and what stands beside the item there. */
import { getCookie, setCookie } from "hono/cookie";
import type { Beside, BesideItem } from "../../views/beside.tsx";
import type { RequestContext } from "../api.ts";
import { AppError } from "../errors.ts";
import { listBehind } from "./page.ts";

/** A longer address is not remembered; all that our pages make are shorter. */
const ADDRESS_MAX_CHARS = 1_000;

interface ListOf {
  /** Of the list's page. */
  path: string;
  /** What that page shows with this query, in its order. */
  items: (query: Record<string, string>) => BesideItem[];
}

/**
 * The item's neighbours in the list from which the person came, to this page or earlier to another one of its kind: the
 * address of that list is kept in a cookie until the browser is closed. Null: from none, or it is not on its page
 * any more.
 */
export function besideIn(c: RequestContext, id: string, { path, items }: ListOf): Beside | null {
  const cookie = `gaffer_list_${path.slice(1)}`;
  const behind = listBehind(c, [path]);
  if (behind !== null && behind.length <= ADDRESS_MAX_CHARS) {
    setCookie(c, cookie, behind, { path: "/", httpOnly: true, sameSite: "Strict" });
  }
  const list = behind ?? getCookie(c, cookie);
  const url = list === undefined ? null : URL.parse(list, "http://localhost");
  if (url === null || url.host !== "localhost" || url.pathname !== path) return null;
  const found = itemsAt(items, url);
  const at = found.findIndex((item) => item.id === id);
  if (at < 0) return null;
  return {
    list: url.pathname + url.search,
    previous: found[at - 1] ?? null,
    next: found[at + 1] ?? null,
  };
}

function itemsAt(items: ListOf["items"], { searchParams }: URL): BesideItem[] {
  try {
    return items(Object.fromEntries(searchParams));
  } catch (error) {
    // An address from before, with a cursor that is none any more say: there is no such list, and the item's page is there.
    if (error instanceof AppError && error.code === "invalid") return [];
    throw error;
  }
}
