import type { ModelSpec, Price } from "../../agents/protocol.ts";
import type { Db, Row, Tx } from "../db.ts";
import { AppError } from "../errors.ts";

/** Most models that one list returns. */
const MODELS_MAX = 500;

export type LongPrompt = ModelSpec["longPrompt"];

/** One version of a model's rates. */
export interface PriceVersion {
  id: number;
  model: string;
  /** Null: from then on the shipped rates hold again. */
  price: Price | null;
  longPrompt: LongPrompt;
  /** When the provider published them: 2026-11, or a day. */
  asOf: string;
  changedBy: string;
  changedAt: string;
}

export function insertPrice(
  tx: Tx,
  version: Pick<PriceVersion, "model" | "price" | "longPrompt" | "asOf">,
): void {
  tx.db.prepare(`
    INSERT INTO prices (model, price, long_prompt, as_of, changed_by, changed_at)
    VALUES (:model, :price, :longPrompt, :asOf, :actor, :now)
  `).run({
    model: version.model,
    price: version.price && JSON.stringify(version.price),
    longPrompt: version.longPrompt && JSON.stringify(version.longPrompt),
    asOf: version.asOf,
    actor: tx.actor,
    now: tx.now,
  });
}

/** The version that holds of a model; null: nobody has changed its rates. */
export function findPrice(db: Db, model: string): PriceVersion | null {
  const row = db.prepare("SELECT * FROM prices WHERE model = :model ORDER BY id DESC LIMIT 1")
    .get({ model });
  return row ? priceFromRow(row) : null;
}

/** Models whose newest version has rates. */
export const listPricedModels = (db: Db): string[] =>
  db.prepare(`
    SELECT model FROM prices AS p WHERE price IS NOT NULL
      AND id = (SELECT max(id) FROM prices WHERE model = p.model)
    ORDER BY model LIMIT ${MODELS_MAX}
  `).all().map(({ model }) => String(model));

/** Throws `not_found`. */
export function getPrice(db: Db, id: number): PriceVersion {
  const row = db.prepare("SELECT * FROM prices WHERE id = :id").get({ id });
  if (!row) throw new AppError("not_found", `No version of a price with the id "${id}"`);
  return priceFromRow(row);
}

/** The version that a version took the place of; null: it was the first. */
export function findPriceBefore(
  db: Db,
  { model, id }: Pick<PriceVersion, "model" | "id">,
): PriceVersion | null {
  const row = db.prepare(`
    SELECT * FROM prices WHERE model = :model AND id < :id ORDER BY id DESC LIMIT 1
  `).get({ model, id });
  return row ? priceFromRow(row) : null;
}

/** The newest first, those before a version; of one model or of all. */
export const listPriceVersions = (
  db: Db,
  { model = null, before = null, limit }: {
    model?: string | null;
    before?: number | null;
    limit: number;
  },
): PriceVersion[] =>
  db.prepare(`
    SELECT * FROM prices WHERE (:model IS NULL OR model = :model)
      AND (:before IS NULL OR id < :before)
    ORDER BY id DESC LIMIT :limit
  `).all({ model, before, limit }).map(priceFromRow);

const priceFromRow = (row: Row): PriceVersion => ({
  id: Number(row.id),
  model: String(row.model),
  price: row.price === null ? null : JSON.parse(String(row.price)),
  longPrompt: row.long_prompt === null ? null : JSON.parse(String(row.long_prompt)),
  asOf: String(row.as_of),
  changedBy: String(row.changed_by),
  changedAt: String(row.changed_at),
});
