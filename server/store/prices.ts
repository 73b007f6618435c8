import type { ModelSpec, Price } from "../../agents/protocol.ts";
import type { Db, Row, Tx } from "../db.ts";

export type LongPrompt = ModelSpec["longPrompt"];

/** One version of a model's rates. */
export interface PriceVersion {
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

const priceFromRow = (row: Row): PriceVersion => ({
  model: String(row.model),
  price: row.price === null ? null : JSON.parse(String(row.price)),
  longPrompt: row.long_prompt === null ? null : JSON.parse(String(row.long_prompt)),
  asOf: String(row.as_of),
  changedBy: String(row.changed_by),
  changedAt: String(row.changed_at),
});
