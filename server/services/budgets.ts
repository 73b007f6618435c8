/**
 * Limits on what may be used, and how they are kept: the most that a request can use is reserved in the very
 * transaction that lets it go, and settled with the real figure in the one that records its end. What is spent,
 * in doubt and reserved together never passes a limit: not by runs side by side, and not across a crash.
 *
 * A request counts in the window in which it was sent, whenever its answer comes. Days and months are those of the
 * configured time zone. When that changes, what was counted stays where it was, and the window of the day that it is by
 * the new zone goes on with what it holds: a day that comes again is not empty, so no limit is had twice.
 */
import type { RunEventBody, RunOutcome } from "../../agents/protocol.ts";
import { totalTokensOf } from "../../agents/loop/cost.ts";
import { isInDoubt } from "../../agents/loop/doubt.ts";
import { OverBudget } from "../../agents/runtime.ts";
import { enqueue } from "../../queue/queue.ts";
import type { App } from "../app.ts";
import { calendarIn, today, windowEnd } from "../calendar.ts";
import type { Tx } from "../db.ts";
import type { LimitState, Run } from "../records.ts";
import { dropAlerts, insertAlert } from "../store/alerts.ts";
import { listLimits, type WindowOf } from "../store/limits.ts";
import {
  addToWindows,
  type Amount,
  type BudgetWait,
  deleteBudgetWait,
  findBudgetWait,
  insertReservation,
  listBudgetWaits,
  nothing,
  type Reservation,
  takeReservation,
  waitGroup,
} from "../store/reservations.ts";
import type { RunFacts } from "../store/runs.ts";
import { limitName, limitParts, limitUses, untilText } from "./limit_words.ts";
import { enqueueRun } from "./run_jobs.ts";

/** Percent of a limit at which people are told, once in each window. */
export const alertThresholds = [50, 80, 95] as const;

/** Events that end a request, and say what was paid for it. */
const turnEnds = ["turn_finished", "turn_failed", "compacted"] as const;
type TurnEnd = Extract<RunEventBody, { type: typeof turnEnds[number] }>;
export const isTurnEnd = <E extends { type: string }>(
  event: E,
): event is E & { type: TurnEnd["type"] } => turnEnds.some((type) => type === event.type);

type Requester = Pick<Run, "projectId" | "agent">;

/** The demo model costs nothing, so nothing is kept of what it uses. */
const isFree = ({ demo }: Pick<Run, "demo">): boolean => demo;

/** Makes room for what a run's next request can use at most. Throws `OverBudget` when a limit has none. */
export function reserve(tx: Tx, run: RunFacts, need: Amount): void {
  if (isFree(run)) return;
  const before = takeReservation(tx, run.id);
  // Its end was never told, so it may have been paid.
  if (before) becomesDoubt(tx, before);
  const lack = lackOf(tx, run, need);
  if (lack) throw new OverBudget(lack.message, { untilMs: lack.untilMs, need });
  const day = today(tx);
  insertReservation(tx, { runId: run.id, ...windowOf(run, day), ...need });
  addToWindows(tx, windowOf(run, day), { reserved: need });
  deleteBudgetWait(tx, run.id);
}

/** Counts what a request used in the window in which it was sent, and frees what it did not. Gives its day. */
export function settle(tx: Tx, run: RunFacts, event: TurnEnd): string {
  if (isFree(run)) return today(tx);
  const spent: Amount = { microUsd: event.costMicroUsd, tokens: totalTokensOf(event.usage) };
  const reservation = takeReservation(tx, run.id);
  const day = reservation?.day ?? today(tx);
  addToWindows(tx, windowOf(run, day), {
    spent,
    ...reservation && {
      reserved: minus(reservation),
      doubt: event.type === "turn_failed" && isInDoubt(event.reason, event.usage)
        ? beyond(mostOf(event, reservation), spent)
        : nothing,
    },
  });
  warn(tx, listLimits(tx.db, day, run));
  wakeWaiting(tx);
  return day;
}

/** For a run that has ended: what a request of it may have cost whose end nobody will tell any more. */
export function forsake(tx: Tx, run: Pick<Run, "id" | "demo">): void {
  if (isFree(run)) return;
  deleteBudgetWait(tx, run.id);
  const reservation = takeReservation(tx, run.id);
  if (!reservation) return;
  becomesDoubt(tx, reservation);
  warn(tx, listLimits(tx.db, reservation.day, reservation));
}

/** Looks for room by one call, of so many runs each: others have to wait as long as that takes. */
const LOOKS_MAX = 10;

/** Lets go on what waited for room and now has it: however many wait before it for another limit. */
export function wakeWaiting(tx: Tx): void {
  // Of runs by the hundred most are of the same few agents: each of these is looked up once.
  const known = new Map<string, LimitState[]>();
  /** Those for whom nothing at all is left need not be read. */
  const without = new Set<string>();
  const day = today(tx);
  let after: BudgetWait | undefined;
  for (let look = 0; look < LOOKS_MAX; look++) {
    const { waits, more } = listBudgetWaits(tx.db, { after, without: [...without] });
    for (const wait of waits) {
      const group = waitGroup(wait);
      const limits = known.get(group) ?? listLimits(tx.db, day, wait);
      known.set(group, limits);
      if (limits.some((limit) => roomIn(limit) <= 0)) without.add(group);
      if (limits.some((limit) => lacksRoom(limit, wait))) continue;
      enqueueRun(tx, { id: wait.runId, projectId: wait.projectId }, wait.priority);
    }
    if (!more) return;
    after = waits.at(-1);
  }
}

/** Why a run need not even be taken up: its next request has no room, as far as is known. Null: it may have. */
export function roomless(
  app: Pick<App, "db" | "clock">,
  run: Run,
): Extract<RunOutcome, { type: "budget" }> | null {
  if (isFree(run)) return null;
  const need = findBudgetWait(app.db, run.id) ?? { microUsd: 1, tokens: 1 };
  const now = { db: app.db, nowMs: app.clock.nowMs(), calendar: calendarIn(app) };
  const lack = lackOf(now, run, need);
  return lack && { type: "budget", message: lack.message, untilMs: lack.untilMs, need };
}

/** After a limit was set, changed or taken away. */
export function limitsChanged(tx: Tx): void {
  const limits = listLimits(tx.db, today(tx));
  for (const limit of limits) {
    const above = usedPercent(limit);
    dropAlerts(tx, { limitId: limit.id, start: limit.start, above });
  }
  warn(tx, limits);
  wakeWaiting(tx);
}

/** What counts against a limit besides requests on their way. */
export const usedOf = ({ spent, doubt }: LimitState): number => spent + doubt;

/** Of a limit of nothing all is used. */
export const usedPercent = (limit: LimitState): number =>
  limit.amount === 0 ? 100 : (usedOf(limit) / limit.amount) * 100;

interface Lack {
  message: string;
  /** Null: no new window makes room. */
  untilMs: number | null;
}

/** The limit that has no room for the longest time; null: all have. */
function lackOf(
  { db, nowMs, calendar }: Pick<Tx, "db" | "nowMs" | "calendar">,
  run: Requester,
  need: Amount,
): Lack | null {
  const day = calendar.dayAt(nowMs);
  const lacking = listLimits(db, day, run)
    .filter((limit) => lacksRoom(limit, need))
    .map((limit) => {
      const wanted = amountIn(limit, need);
      return {
        limit,
        wanted,
        untilMs: wanted > limit.amount ? null : windowEnd(limit.period, nowMs, calendar),
      };
    });
  const [worst] = lacking.sort((a, b) => (b.untilMs ?? Infinity) - (a.untilMs ?? Infinity));
  if (!worst) return null;
  const { limit, wanted, untilMs } = worst;
  const room = Math.max(0, roomIn(limit));
  const parts = limitParts(limit, { ...limit, used: usedOf(limit) });
  const of = `${limitName(db, limit)}${parts && ` (${parts})`}`;
  const why = room === 0
    ? `All of ${of} is used or reserved`
    : `${limitUses(limit, room)} is left of ${of}, and the next request may use ` +
      `up to ${limitUses(limit, wanted)}`;
  return { message: `${why}. ${untilText(untilMs, calendar)}`, untilMs };
}

const amountIn = ({ unit }: LimitState, { tokens, microUsd }: Amount): number =>
  unit === "tokens" ? tokens : microUsd;

const lacksRoom = (limit: LimitState, need: Amount): boolean =>
  amountIn(limit, need) > roomIn(limit);

const roomIn = (limit: LimitState): number => limit.amount - usedOf(limit) - limit.reserved;

/** Nobody will tell any more what of it was used. */
const becomesDoubt = (tx: Tx, reservation: Reservation): void =>
  addToWindows(tx, reservation, { doubt: reservation, reserved: minus(reservation) });

/** Of a request that broke off: its reservation, or less, where it had told of its prompt. */
const mostOf = (
  { mostCostMicroUsd = Infinity, mostTokens = Infinity }: Extract<TurnEnd, { type: "turn_failed" }>,
  reserved: Amount,
): Amount => ({
  microUsd: Math.min(reserved.microUsd, mostCostMicroUsd),
  tokens: Math.min(reserved.tokens, mostTokens),
});

const beyond = (most: Amount, known: Amount): Amount => ({
  microUsd: Math.max(0, most.microUsd - known.microUsd),
  tokens: Math.max(0, most.tokens - known.tokens),
});

const minus = ({ microUsd, tokens }: Amount): Amount => ({ microUsd: -microUsd, tokens: -tokens });

const windowOf = ({ projectId, agent }: Requester, day: string): WindowOf => ({
  projectId,
  agent,
  day,
});

/** Tells people how far each limit is used, at the highest mark that was reached since the last time. */
function warn(tx: Tx, limits: readonly LimitState[]): void {
  for (const limit of limits) {
    if (limit.amount === 0) continue;
    const { id: limitId, start, amount, doubt, reserved } = limit;
    const used = usedOf(limit);
    const fresh = alertThresholds.filter((threshold) => usedPercent(limit) >= threshold)
      .map((threshold) => ({
        threshold,
        id: insertAlert(tx, { limitId, start, threshold, used, doubt, reserved, amount }),
      })).filter(({ id }) => id !== null);
    const highest = fresh.at(-1);
    if (highest === undefined) continue;
    const { threshold } = highest;
    enqueue(tx, { kind: "tell_alert", args: { alertId: highest.id! }, priority: 1 });
    tx.emit({
      type: "budget_alert",
      projectId: limit.scope === "project" ? limit.scopeId : null,
      data: {
        ...{ limitId, threshold },
        name: limitName(tx.db, limit),
        parts: limitParts(limit, { used, doubt, reserved }),
      },
    });
  }
}
