/** What models cost: the shipped table with its date, and what a person changed of it. */
import { models, pricesAsOf, WEB_SEARCH_USD } from "../../agents/models.ts";
import type { ModelSpec, Price } from "../../agents/protocol.ts";
import type { App } from "../app.ts";
import { today } from "../calendar.ts";
import { type Db, transact } from "../db.ts";
import { AppError } from "../errors.ts";
import { findPrice, insertPrice, type PriceVersion } from "../store/prices.ts";

/** USD per million tokens; more is a slip of the pen. */
export const RATE_MAX = 10_000;

/** A model's rates as they hold now. */
export interface PriceRow {
  model: string;
  price: Price;
  longPrompt: ModelSpec["longPrompt"];
  asOf: string;
  /** The version that a person made; null: these are the shipped rates. */
  changed: PriceVersion | null;
}

/** The model with the rates that hold now; a run keeps those that it began with. */
export function priced(db: Db, model: ModelSpec): ModelSpec {
  const changed = findPrice(db, model.id);
  return changed?.price
    ? { ...model, price: changed.price, longPrompt: changed.longPrompt }
    : model;
}

export const listPrices = (db: Db): PriceRow[] => models.map((model) => priceOf(db, model.id));

/** Throws `not_found` for a model that is not known. */
export function priceOf(db: Db, id: string): PriceRow {
  const model = models.find((known) => known.id === id);
  if (!model) throw new AppError("not_found", `No model with the id "${id}"`);
  const newest = findPrice(db, id);
  const changed = newest?.price ? newest : null;
  return {
    model: id,
    price: { webSearch: WEB_SEARCH_USD, ...changed?.price ?? model.price },
    longPrompt: changed ? changed.longPrompt : model.longPrompt,
    asOf: changed?.asOf ?? pricesAsOf,
    changed,
  };
}

/**
 * Gives a model other rates, for runs that begin from now on; null gives it the shipped ones back. Each change is a
 * version of its own. Throws `not_found`, and `invalid` for rates that can't be.
 */
export function changePrice(
  app: App,
  id: string,
  to: { price: Price; longPrompt: ModelSpec["longPrompt"]; asOf?: string } | null,
): PriceRow {
  return transact(app, (tx) => {
    const now = priceOf(tx.db, id);
    if (to === null && now.changed === null) return now;
    for (const price of to ? [to.price, to.longPrompt?.price] : []) requireRates(price);
    insertPrice(tx, {
      model: id,
      price: to?.price ?? null,
      longPrompt: to?.longPrompt ? sameSearch(to.longPrompt, to.price) : null,
      asOf: to?.asOf ?? today(tx),
    });
    tx.emit({ type: to ? "price_changed" : "price_reset", data: { model: id } });
    return priceOf(tx.db, id);
  });
}

/** A search costs the same however long the prompt is. */
const sameSearch = (
  long: NonNullable<ModelSpec["longPrompt"]>,
  { webSearch }: Price,
): NonNullable<ModelSpec["longPrompt"]> => ({
  ...long,
  price: { ...long.price, ...webSearch !== undefined && { webSearch } },
});

function requireRates(price: Price | undefined): void {
  for (const [field, rate] of Object.entries(price ?? {})) {
    if (Number.isFinite(rate) && rate >= 0 && rate <= RATE_MAX) continue;
    const message = `a rate is between 0 and ${RATE_MAX} US-dollars per million tokens`;
    throw new AppError("invalid", `Cannot take that price: ${message}`, [{ field, message }]);
  }
}
