/** What models cost now: the shipped table with its date, and what a person changed of it or added. */
import { type Model, models, pricesAsOf, WEB_SEARCH_USD } from "../../agents/models.ts";
import type { ModelSpec, Price } from "../../agents/protocol.ts";
import type { App } from "../app.ts";
import type { Db } from "../db.ts";
import { AppError } from "../errors.ts";
import { findPrice, listPricedModels, type PriceVersion } from "../store/prices.ts";
import { offeredModels } from "./models.ts";

/** A model's rates as they hold now. */
export interface PriceRow {
  model: string;
  /** Null: the endpoint lists it, and nobody gave it a price; no agent can have it. */
  price: Price | null;
  longPrompt: ModelSpec["longPrompt"];
  /** Empty where there is no price. */
  asOf: string;
  /** Gaffer comes with rates of it. */
  shipped: boolean;
  /** The version that a person made; null: these are the shipped rates, or none. */
  changed: PriceVersion | null;
}

/** The model with the rates that hold now; a run keeps those that it began with. */
export function priced(db: Db, model: ModelSpec): ModelSpec {
  const changed = findPrice(db, model.id);
  return changed?.price
    ? { ...model, price: changed.price, longPrompt: changed.longPrompt }
    : model;
}

/** Models that Gaffer ships nothing of, and that a person gave a price: agents can have them. */
export const furtherModels = (db: Db): string[] =>
  listPricedModels(db).filter((id) => !shippedModel(id));

/** The shipped ones, those that a person added, and those that the endpoint lists without a price. */
export function listPrices(app: Pick<App, "db" | "config">): PriceRow[] {
  const ids = [
    ...models.map(({ id }) => id),
    ...furtherModels(app.db),
    ...offeredModels(app) ?? [],
  ];
  return [...new Set(ids)].map((id) => rowOf(app.db, id));
}

/** Throws `not_found` for a model that is neither known nor listed. */
export function priceOf(app: Pick<App, "db" | "config">, id: string): PriceRow {
  if (!shippedModel(id) && !findPrice(app.db, id) && !offeredModels(app)?.includes(id)) {
    throw new AppError("not_found", `No model with the id "${id}"`);
  }
  return rowOf(app.db, id);
}

function rowOf(db: Db, id: string): PriceRow {
  const model = shippedModel(id);
  const newest = findPrice(db, id);
  const changed = newest?.price ? newest : null;
  return {
    model: id,
    price: withSearch(changed?.price ?? model?.price ?? null),
    longPrompt: changed ? changed.longPrompt : model?.longPrompt ?? null,
    asOf: changed?.asOf ?? (model ? pricesAsOf : ""),
    shipped: model !== undefined,
    changed,
  };
}

/** What Gaffer comes with of a model. */
export const shippedModel = (id: string): Model | undefined =>
  models.find((model) => model.id === id);

/** Prices of before there were any searches have no rate for them. */
const withSearch = (price: Price | null): Price | null =>
  price && { webSearch: WEB_SEARCH_USD, ...price };
