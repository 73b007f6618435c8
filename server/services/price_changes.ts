/** The verbs of prices. Each change is a version of its own; nothing that was is changed or lost. */
import type { ModelSpec, Price } from "../../agents/protocol.ts";
import type { App } from "../app.ts";
import { today } from "../calendar.ts";
import { transact, within } from "../db.ts";
import { AppError } from "../errors.ts";
import {
  findPrice,
  findPriceBefore,
  getPrice,
  insertPrice,
  type PriceVersion,
} from "../store/prices.ts";
import { listAgents, readDefinition } from "./definitions.ts";
import { priceOf, type PriceRow } from "./prices.ts";
import { goOnWith } from "./runs.ts";

/** USD per million tokens; more is a slip of the pen. */
export const RATE_MAX = 10_000;

export interface NewPrice {
  price: Price;
  longPrompt: ModelSpec["longPrompt"];
  /** Today's day by default. */
  asOf?: string;
}

/**
 * Gives a model other rates, for runs that begin from now on; null gives it the shipped ones back. One that has none
 * can be given to agents from then on, and what waited for that goes on; null takes its price away. Throws `not_found`,
 * `invalid` for rates that can't be, and `conflict` when an agent works with the model that would have no price.
 */
export function changePrice(app: App, id: string, to: NewPrice | null): PriceRow {
  return transact(app, (tx) => {
    const inside = within(tx, app);
    const now = priceOf(inside, id);
    if (to === null && now.changed === null) return now;
    for (const price of to ? [to.price, to.longPrompt?.price] : []) requireRates(price);
    if (to === null && !now.shipped) requireUnused(inside, id);
    insertPrice(tx, {
      model: id,
      price: to?.price ?? null,
      longPrompt: to?.longPrompt ? sameSearch(to.longPrompt, to.price) : null,
      asOf: to?.asOf ?? today(tx),
    });
    tx.emit({ type: to ? "price_changed" : "price_reset", data: { model: id } });
    if (to && now.price === null) {
      for (const name of usersOf(inside, id)) goOnWith(inside, tx, name);
    }
    return priceOf(inside, id);
  });
}

/**
 * Puts the rates back that a version took the place of, as a version of their own. Throws `not_found`, and `conflict`
 * when a later version holds.
 */
export function undoPrice(app: App, versionId: number): PriceRow {
  return transact(app, (tx) => {
    const version = getPrice(tx.db, versionId);
    const { model } = version;
    if (findPrice(tx.db, model)?.id !== versionId) {
      const message = `the price of "${model}" was changed since`;
      throw new AppError("conflict", `Cannot undo the change: ${message}. Undo the newest first`);
    }
    return changePrice(within(tx, app), model, ratesOf(findPriceBefore(tx.db, version)));
  });
}

const ratesOf = (version: PriceVersion | null): NewPrice | null =>
  version?.price
    ? { price: version.price, longPrompt: version.longPrompt, asOf: version.asOf }
    : null;

/** A search costs the same however long the prompt is. */
const sameSearch = (
  long: NonNullable<ModelSpec["longPrompt"]>,
  { webSearch }: Price,
): NonNullable<ModelSpec["longPrompt"]> => ({
  ...long,
  price: { ...long.price, ...webSearch !== undefined && { webSearch } },
});

function requireUnused(app: App, id: string): void {
  const names = usersOf(app, id).map((name) => `"${name}"`).join(", ");
  if (names === "") return;
  throw new AppError(
    "conflict",
    `Cannot take the price of "${id}" away: ${names} would have no model. Choose another for them first`,
  );
}

/** Names of the agents whose definition has the model. */
function usersOf(app: App, id: string): string[] {
  const users = listAgents(app).filter((agent) =>
    readDefinition(app, agent).definition?.model === id
  );
  return [...new Set(users.map(({ name }) => name))];
}

function requireRates(price: Price | undefined): void {
  for (const [field, rate] of Object.entries(price ?? {})) {
    if (Number.isFinite(rate) && rate >= 0 && rate <= RATE_MAX) continue;
    const message = `a rate is between 0 and ${RATE_MAX} US-dollars per million tokens`;
    throw new AppError("invalid", `Cannot take that price: ${message}`, [{ field, message }]);
  }
}
