/** Prices and what was changed of them, as the API gives them. */
import { z } from "zod";
import { WEB_SEARCH_USD } from "../../agents/models.ts";
import type { Price } from "../../agents/protocol.ts";
import { once } from "../once.ts";
import type { PriceRow } from "../services/prices.ts";
import type { PriceVersion } from "../store/prices.ts";
import { time } from "./common.ts";

const rates = () =>
  z.object({
    input: z.number(),
    output: z.number(),
    cache_write_5m: z.number(),
    cache_write_1h: z.number(),
    cache_read: z.number(),
    web_search: z.number(),
  }).describe("US-dollars per million tokens; web_search per 1,000 searches");
export const priceSchema = once(() =>
  z.object({
    model: z.string(),
    price: rates().nullable().describe("Null: it needs one before an agent can have it"),
    long_prompt: z.object({ above_tokens: z.number().int(), price: rates() }).nullable(),
    as_of: z.string().nullable(),
    changed_by: z.string().nullable().describe("Null: the shipped rates, or none"),
    changed_at: time().nullable(),
  }).meta({ id: "Price" })
);
const ratesJson = (p: Price) => ({
  input: p.input,
  output: p.output,
  cache_write_5m: p.cacheWrite5m,
  cache_write_1h: p.cacheWrite1h,
  cache_read: p.cacheRead,
  web_search: p.webSearch ?? WEB_SEARCH_USD,
});
export const priceJson = (row: PriceRow): z.infer<ReturnType<typeof priceSchema>> => ({
  model: row.model,
  price: row.price && ratesJson(row.price),
  long_prompt: row.longPrompt && {
    above_tokens: row.longPrompt.aboveTokens,
    price: ratesJson(row.longPrompt.price),
  },
  as_of: row.asOf || null,
  changed_by: row.changed?.changedBy ?? null,
  changed_at: row.changed?.changedAt ?? null,
});

export const priceVersionsSchema = once(() =>
  z.object({
    items: z.array(
      z.object({
        id: z.string(),
        model: z.string(),
        price: rates().nullable().describe("Null: the shipped rates held again, or none"),
        long_prompt: z.object({ above_tokens: z.number().int(), price: rates() }).nullable(),
        as_of: z.string(),
        changed_by: z.string(),
        changed_at: time(),
      }).meta({ id: "PriceVersion" }),
    ),
    next: z.string().nullable(),
  })
);
export const priceVersionJson = (v: PriceVersion) => ({
  id: String(v.id),
  model: v.model,
  price: v.price && ratesJson(v.price),
  long_prompt: v.longPrompt && {
    above_tokens: v.longPrompt.aboveTokens,
    price: ratesJson(v.longPrompt.price),
  },
  as_of: v.asOf,
  changed_by: v.changedBy,
  changed_at: v.changedAt,
});
