/** What limits are called, and how their amounts are written. */
import type { Db } from "../db.ts";
import { type Calendar, clockTime } from "../calendar.ts";
import type { Limit } from "../records.ts";
import { findProject } from "../store/projects.ts";

const periodWords = { day: "daily", month: "monthly" } as const;

/** "the daily limit of $5.00", "the monthly limit of 2,000,000 tokens for the agent reviewer". */
export function limitName(
  db: Db,
  limit: Pick<Limit, "scope" | "scopeId" | "period" | "unit" | "amount">,
): string {
  const of = `the ${periodWords[limit.period]} limit of ${limitUses(limit, limit.amount)}`;
  switch (limit.scope) {
    case "all":
      return of;
    case "project":
      return `${of} for the project ${findProject(db, limit.scopeId)?.name ?? limit.scopeId}`;
    case "agent":
      return `${of} for the agent ${limit.scopeId}`;
  }
}

const MICRO_USD_PER_USD = 1_000_000;
const MICRO_USD_PER_CENT = 10_000;

/** An amount in a limit's unit: "$0.25", "12,000 tokens". */
export function limitUses({ unit }: Pick<Limit, "unit">, amount: number): string {
  if (unit === "tokens") return `${amount.toLocaleString("en-US")} tokens`;
  const digits = amount < MICRO_USD_PER_CENT && amount > 0 ? 6 : 2;
  return `$${(amount / MICRO_USD_PER_USD).toFixed(digits)}`;
}

/**
 * How what is used of a limit comes about: "$0.55 spent, up to $0.30 in doubt (requests that broke off), and up to $0.10
 * reserved for requests on their way". Empty: all of it is spent, or nobody noted it.
 */
export function limitParts(
  limit: Pick<Limit, "unit">,
  { used, doubt, reserved }: { used: number; doubt: number | null; reserved: number | null },
): string {
  if (!doubt && !reserved) return "";
  const parts = [
    `${limitUses(limit, used - (doubt ?? 0))} spent`,
    ...doubt ? [`up to ${limitUses(limit, doubt)} in doubt (requests that broke off)`] : [],
    ...reserved ? [`up to ${limitUses(limit, reserved)} reserved for requests on their way`] : [],
  ];
  return `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

/** When it goes on. */
export const untilText = (untilMs: number | null, calendar: Calendar): string =>
  untilMs === null
    ? "No new day makes room for it: it goes on when the limit is raised"
    : `It goes on at ${clockTime(untilMs, calendar)}, or as soon as there is room`;
