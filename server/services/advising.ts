/** The verbs of advice: what is advised now, applied, taken back, dismissed. */
import { priceFor } from "../../agents/models.ts";
import { noUsage } from "../../agents/protocol.ts";
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
import { heldIn, spentIn } from "../store/reservations.ts";
import { endedRuns, usageByAgentAndModel } from "../store/usage.ts";
import { calendarIn, dayPlus, monthOf, today } from "../calendar.ts";
import { timeText } from "../clock.ts";
import { type Advice, adviceFrom, type AdviceStep, type AdvisedAgent } from "./advice.ts";
import { changeAgent, restoreVersion } from "./agent_changes.ts";
import { agentOf, listAgents, readDefinition } from "./definitions.ts";
import { changeLimits } from "./limits.ts";
import { modelOf, offeredModels } from "./models.ts";
import { listPrices } from "./prices.ts";
import { daysOf, forecast, spanOf } from "./usage.ts";

const monthLimit = { scope: "all", scopeId: "", period: "month", unit: "micro_usd" } as const;

/** How it was before a piece of advice was applied. */
type Undo =
  /** `after`: what was set; another amount is somebody's own. Absent in what earlier versions recorded. */
  | { type: "month_limit"; amount: number | null; after?: number }
  /** `after`: the version that was saved; a later one is somebody's own. */
  | { type: "model"; agentId: string; before: number; after: number };

/** What the last seven days and this month advise, but for what a person has decided about. */
export function currentAdvice(app: App): { open: Advice[]; decided: AdviceDecision[] } {
  const { db } = app;
  const calendar = calendarIn(app);
  const day = today(app);
  const span = spanOf("7d", day);
  const [from, before] = [span.from, dayPlus(day, 1)].map((d) => timeText(calendar.startOf(d)));
  const prices = new Map(listPrices(app).map((row) => [row.model, row]));
  const offered = offeredModels(app);
  const decided = listAdviceDecisions(db);
  const byAgentAndModel = usageByAgentAndModel(db, span);
  const runs = endedRuns(db, { from: from!, before: before! });
  const all = adviceFrom({
    days: daysOf(span).length,
    byAgentAndModel,
    runs,
    forecastMicroUsd: forecast(spentIn(db, monthOf(day)).microUsd, app.clock.nowMs(), calendar),
    heldMicroUsd: heldIn(db, monthOf(day)),
    monthLimitMicroUsd: findLimit(db, monthLimit)?.amount ?? null,
    agents: advisedAgents(app, new Set([...byAgentAndModel, ...runs].map(({ agent }) => agent))),
    priceOf: (model, promptTokens) => {
      const row = prices.get(model);
      if (!row?.price) return null;
      const { price, longPrompt } = row;
      return priceFor({ price, longPrompt }, { ...noUsage, inputTokens: promptTokens });
    },
    lacks: (model) => offered !== null && !offered.includes(model),
  });
  const keys = new Set(decided.map(({ key }) => key));
  return { open: all.filter(({ key }) => !keys.has(key)), decided };
}

function advisedAgents(app: App, names: Set<string>): AdvisedAgent[] {
  if (names.size === 0) return [];
  return listAgents(app).filter(({ name }) => names.has(name)).map((agent) => {
    const { id, name, projectId, version } = agent;
    const model = () => {
      const { definition } = readDefinition(app, agent);
      return definition && modelOf(app, definition).id;
    };
    return { id, name, projectId, version, model, isFile: agent.file !== null };
  });
}

/**
 * Does what is advised. `version`: of the agent, as the person saw it. Throws `not_found` when it is not advised any
 * more, `conflict` when only a person can do it, or the agent was changed meanwhile.
 */
export function applyAdvice(app: App, key: string, version?: number): Advice {
  return transact(app, (tx) => {
    const part = within(tx, app);
    const advice = openAdvice(part, key);
    if (!advice.apply) {
      throw new AppError("conflict", "Cannot apply that advice: only a person can follow it");
    }
    const undo = apply(part, advice.apply, { title: advice.title, version });
    putAdviceDecision(tx, { key, title: advice.title, state: "applied", undo });
    return advice;
  });
}

function apply(
  part: App,
  step: AdviceStep,
  { title, version }: { title: string; version?: number },
): Undo {
  if (step.type === "month_limit") {
    const amount = findLimit(part.db, monthLimit)?.amount ?? null;
    changeLimits(part, [{ ...monthLimit, amount: step.amountMicroUsd }]);
    return { type: "month_limit", amount, after: step.amountMicroUsd };
  }
  const { agentId, version: before, model } = step;
  if (version !== undefined && version !== before) {
    const changed = `"${agentOf(part, agentId).name}" was changed since: version ${before}`;
    throw new AppError("conflict", `Cannot apply that advice: ${changed}. Look at it again`);
  }
  const { version: after } = changeAgent(part, agentId, {
    keys: { model },
    note: `Advice: ${title}`,
  });
  return { type: "model", agentId, before, after };
}

/** It is not shown any more, until that is taken back. Throws `not_found` when it is not advised. */
export function dismissAdvice(app: App, key: string): Advice {
  return transact(app, (tx) => {
    const advice = openAdvice(within(tx, app), key);
    putAdviceDecision(tx, { key, title: advice.title, state: "dismissed", undo: null });
    return advice;
  });
}

/**
 * Makes it as it was before the advice was applied or dismissed. Throws `not_found`, and `conflict` when what it set
 * was changed since.
 */
export function undoAdvice(app: App, key: string): void {
  transact(app, (tx) => {
    const decision = listAdviceDecisions(tx.db).find((decided) => decided.key === key);
    if (!decision) throw new AppError("not_found", "Nobody has decided about that advice");
    if (decision.state === "applied") takeBack(within(tx, app), decision.undo as Undo);
    deleteAdviceDecision(tx, key);
  });
}

function takeBack(part: App, undo: Undo): void {
  const changed = changedSince(part, undo);
  if (changed !== null) throw new AppError("conflict", `Cannot undo that advice: ${changed}`);
  if (undo.type === "month_limit") changeLimits(part, [{ ...monthLimit, amount: undo.amount }]);
  else restoreVersion(part, undo.agentId, undo.before);
}

/** Why applied advice can't be taken back any more, and what to do instead; null: it can. */
export function whyNotUndone(app: App, { state, undo }: AdviceDecision): string | null {
  return state === "applied" ? changedSince(app, undo as Undo) : null;
}

function changedSince(app: App, undo: Undo): string | null {
  if (undo.type === "month_limit") {
    const { after } = undo;
    if (after === undefined || findLimit(app.db, monthLimit)?.amount === after) return null;
    return "the monthly limit was changed since. Set it under Limits";
  }
  const { name, version } = agentOf(app, undo.agentId);
  if (version === undo.after) return null;
  return `"${name}" was changed since, to version ${version}. ` +
    `Set its model on its page, or restore version ${undo.before} there`;
}

function openAdvice(app: App, key: string): Advice {
  const advice = currentAdvice(app).open.find((open) => open.key === key);
  if (advice) return advice;
  throw new AppError("not_found", "That is not advised any more: what it rested on has changed");
}
