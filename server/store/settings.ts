import type { Db, Tx } from "../db.ts";
import type { FailureReason } from "../states.ts";

/** All agents are held: every run would fail alike until a person acts. */
export interface AgentsHold {
  reason: FailureReason;
  message: string;
  since: string;
}

/** A model as the endpoint lists it; null: it does not say. */
export interface ListedModel {
  id: string;
  name: string;
  maxInputTokens: number | null;
  maxOutputTokens: number | null;
}

/** What one endpoint has listed. */
export interface ModelList {
  baseUrl: string;
  models: ListedModel[];
  /** Of the list, not of a try that failed. */
  at: string;
  /** Why the last try failed; null: it did not. */
  error: string | null;
}

/** Keys of the settings table and what each holds. */
interface Settings {
  agents_hold: AgentsHold | null;
  /** What was used before this day (2026-11-27) is rolled up. */
  usage_rolled_to: string;
  /** Of what was used before this month (2026-11) there are no days any more, only months. */
  usage_months_to: string;
  model_list: ModelList;
  /** Fields of a request that an endpoint does not take. */
  /** `at`: when the first of them was learned; absent in earlier versions. */
  endpoint_quirks: { baseUrl: string; quirks: string[]; at?: string };
}

export function readSetting<K extends keyof Settings>(db: Db, key: K): Settings[K] | null {
  const row = db.prepare("SELECT value FROM settings WHERE key = :key").get({ key });
  return row ? JSON.parse(String(row.value)) : null;
}

export function writeSetting<K extends keyof Settings>(tx: Tx, key: K, value: Settings[K]): void {
  tx.db.prepare(`
    INSERT INTO settings (key, value, updated_at) VALUES (:key, :value, :now)
    ON CONFLICT (key) DO UPDATE SET value = :value, updated_at = :now
  `).run({ key, value: JSON.stringify(value), now: tx.now });
}
