/** What the fake forges' answers have in common. */
import type { ForgeRequest, ForgeState } from "./mod.ts";

export const json = (
  value: unknown,
  status = 200,
  headers: Record<string, string> = {},
): Response => Response.json(value, { status, headers });

/** One page of a list, with the links of RFC 8288 to the next. */
export function pageOf(
  { pageSize }: ForgeState,
  { query, url }: ForgeRequest,
  all: readonly unknown[],
  size: "per_page" | "limit",
  wrap: (items: readonly unknown[]) => unknown = (items) => items,
): Response {
  const page = Number(query.get("page") ?? "1");
  const asked = Number(query.get(size) ?? "30");
  if (!Number.isInteger(page) || page < 1 || !Number.isInteger(asked) || asked < 1 || asked > 100) {
    return json({ message: "bad page" }, 400);
  }
  const each = Math.min(asked, pageSize);
  const items = all.slice((page - 1) * each, page * each);
  const headers: Record<string, string> = {};
  if (page * each < all.length) {
    const next = new URL(url);
    next.searchParams.set("page", String(page + 1));
    headers.link = `<${next}>; rel="next", <${url}>; rel="last"`;
  }
  return json(wrap(items), 200, headers);
}

export const AT = "2026-01-02T03:04:05Z";
