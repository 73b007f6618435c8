/** The verbs of advice: what is advised now, applied, taken back, dismissed. */
import type { App } from "../app.ts";
import { transact, within } from "../db.ts";
import { AppError } from "../errors.ts";
import {
  type AdviceDecision,
  deleteAdviceDecision,
  listAdviceDecisions,
  putAdviceDecision,
} from "../store/advice.ts";
import { findLimit } from "../store/limits.ts";
import { spentIn } from "../store/reservations.ts";
import { endedRuns, usageByAgentAndModel } from "../store/usage.ts";
import { calendarIn, dayPlus, monthOf, today } from "../calendar.ts";
import { timeText } from "../clock.ts";
import { type Advice, adviceFrom } from "./advice.ts";
import { changeLimits } from "./limits.ts";
import { listPrices } from "./prices.ts";
import { daysOf, forecast, spanOf } from "./usage.ts";

const monthLimit = { scope: "all", scopeId: "", period: "month", unit: "micro_usd" } as const;
/** How it was before a monthly limit was set as advised. */
interface Undo {
  amount: number | null;
}

/** What the last seven days and this month advise, but for what a person has decided about. */
export function currentAdvice(app: App): { open: Advice[]; decided: AdviceDecision[] } {
  const { db } = app;
  const calendar = calendarIn(app);
  const day = today(app);
  const span = spanOf("7d", day);
  const [from, before] = [span.from, dayPlus(day, 1)].map((d) => timeText(calendar.startOf(d)));
  const prices = new Map(listPrices(db).map(({ model, price }) => [model, price]));
  const decided = listAdviceDecisions(db);
  const all = adviceFrom({
    days: daysOf(span).length,
    byAgentAndModel: usageByAgentAndModel(db, span),
    runs: endedRuns(db, { from: from!, before: before! }),
    forecastMicroUsd: forecast(spentIn(db, monthOf(day)).microUsd, app.clock.nowMs(), calendar),
    monthLimitMicroUsd: findLimit(db, monthLimit)?.amount ?? null,
    priceOf: (model) => prices.get(model) ?? null,
  });
  const keys = new Set(decided.map(({ key }) => key));
  return { open: all.filter(({ key }) => !keys.has(key)), decided };
}

/** Throws `not_found` when it is not advised any more, `conflict` when only a person can do it. */
export function applyAdvice(app: App, key: string): Advice {
  return transact(app, (tx) => {
    const part = within(tx, app);
    const advice = openAdvice(part, key);
    if (!advice.apply) {
      throw new AppError("conflict", "Cannot apply that advice: only a person can follow it");
    }
    const undo: Undo = { amount: findLimit(tx.db, monthLimit)?.amount ?? null };
    changeLimits(part, [{ ...monthLimit, amount: advice.apply.amountMicroUsd }]);
    putAdviceDecision(tx, { key, state: "applied", undo });
    return advice;
  });
}

/** It is not shown any more, until that is taken back. Throws `not_found` when it is not advised. */
export function dismissAdvice(app: App, key: string): Advice {
  return transact(app, (tx) => {
    const advice = openAdvice(within(tx, app), key);
    putAdviceDecision(tx, { key, state: "dismissed", undo: null });
    return advice;
  });
}

/** Makes it as it was before the advice was applied or dismissed. Throws `not_found`. */
export function undoAdvice(app: App, key: string): void {
  transact(app, (tx) => {
    const decision = listAdviceDecisions(tx.db).find((decided) => decided.key === key);
    if (!decision) throw new AppError("not_found", "Nobody has decided about that advice");
    if (decision.state === "applied") {
      const { amount } = decision.undo as Undo;
      changeLimits(within(tx, app), [{ ...monthLimit, amount }]);
    }
    deleteAdviceDecision(tx, key);
  });
}

function openAdvice(app: App, key: string): Advice {
  const advice = currentAdvice(app).open.find((open) => open.key === key);
  if (advice) return advice;
  throw new AppError("not_found", "That is not advised any more: what it rested on has changed");
}
