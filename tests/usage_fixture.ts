/** A month of usage, for the page of it. */
import { type Model, models, pricesAsOf } from "../agents/models.ts";
import { noUsage, type Usage } from "../agents/protocol.ts";
import type { LimitState } from "../server/records.ts";
import type { PriceVersionRow } from "../views/price_history.tsx";
import type { Shell } from "../views/shell.ts";
import type { UsageGroupRow, UsagePageProps } from "../views/usage.tsx";

const USD = 1_000_000;
const usage: Usage = {
  ...noUsage,
  inputTokens: 210_000,
  cacheWrite5mTokens: 640_000,
  cacheReadTokens: 4_100_000,
  outputTokens: 92_000,
};

const row = (key: string, usd: number, href: string | null = null): UsageGroupRow => ({
  key,
  label: key,
  href,
  requests: Math.round(usd * 12),
  usage,
  costMicroUsd: Math.round(usd * USD),
});

const limit = (changes: Partial<LimitState>): LimitState => ({
  id: "limit_1",
  scope: "all",
  scopeId: "",
  period: "day",
  unit: "micro_usd",
  amount: 5 * USD,
  updatedBy: "owner",
  updatedAt: "2026-01-02T03:04:05.000Z",
  start: "2026-01-02",
  spent: 4.1 * USD,
  doubt: 0.05 * USD,
  reserved: 0.4 * USD,
  ...changes,
});

export const usageProps = (shell: Shell): UsagePageProps => ({
  shell,
  live: { path: "/live/usage?period=month", after: 100 },
  period: "month",
  from: "2026-01-01",
  to: "2026-01-31",
  total: { requests: 412, usage, costMicroUsd: 61.2 * USD },
  each: "day",
  widened: false,
  bars: Array.from({ length: 31 }, (_, n) => ({
    start: `2026-01-${String(n + 1).padStart(2, "0")}`,
    costMicroUsd: n % 7 > 4 ? 0 : (1 + n % 5) * USD,
  })),
  groups: [
    { name: "agent", title: "By agent", rows: [row("bugfix-dev", 31), row("reviewer", 0.004)] },
    { name: "model", title: "By model", rows: [row("claude-opus-5-5", 31.004)] },
    {
      name: "project",
      title: "By project",
      rows: [row("Space game", 31, "/projects/project_game"), row("x".repeat(60), 0)],
    },
    {
      name: "subject",
      title: "By ticket, idea or document",
      rows: [
        row("Ticket #7 Pressing save twice loses the second save", 31, "/tickets/tkt_save"),
      ],
    },
  ],
  month: { spentMicroUsd: 61.2 * USD, forecastMicroUsd: 88.5 * USD },
  todayMicroUsd: 4.1 * USD,
  timeZone: "Europe/Berlin",
  limits: {
    limits: [
      { of: "All", limit: limit({}) },
      {
        of: "reviewer",
        limit: limit({
          id: "limit_2",
          scope: "agent",
          scopeId: "reviewer",
          period: "month",
          unit: "tokens",
          amount: 20_000_000,
          spent: 800_000,
          doubt: 0,
          reserved: 0,
        }),
      },
    ],
    choices: [{ value: "all", label: "All" }, { value: "agent:reviewer", label: "Agent reviewer" }],
    form: {
      of: "all",
      period: "day",
      unit: "micro_usd",
      amount: "",
      message: null,
      errors: [],
    },
    maxRuns: 4,
    maxRunsPerProject: 2,
  },
  advice: {
    advice: [
      {
        key: "month_limit",
        title: "Set a monthly limit of $133",
        basis: "Nothing limits what a month may cost. At the present pace this one ends at $88.50",
        savingMicroUsd: null,
        applies: true,
        version: null,
        agentHref: null,
      },
      {
        key: "cache:reviewer:claude-opus-5-5",
        title: "The requests of reviewer miss the cache",
        basis: "12 % of its 4,950,000 prompt tokens in 7 days came from the cache",
        savingMicroUsd: 7.2 * USD,
        applies: false,
        version: null,
        agentHref: "/agents/reviewer",
      },
      {
        key: "model:docs-dev:claude-opus-5-5",
        title: "A cheaper model may do for docs-dev",
        basis: "20 of its 20 runs in 7 days succeeded with claude-opus-5-5",
        savingMicroUsd: 3.1 * USD,
        applies: true,
        version: 3,
        agentHref: "/agents/docs-dev",
      },
    ],
    decided: [
      {
        key: "model:writer:claude-opus-5-5",
        title: "A cheaper model may do for writer",
        state: "applied",
        decidedBy: "ana",
        decidedAt: "2026-01-01T03:04:05.000Z",
        notUndone: null,
      },
    ],
  },
  prices: {
    prices: [
      ...models.map(({ id, price, longPrompt }, n) => ({
        model: id,
        price,
        longPrompt,
        asOf: pricesAsOf,
        shipped: true,
        changed: n === 1 ? { by: "owner", at: "2026-01-01T03:04:05.000Z" } : null,
      })),
      {
        model: "claude-novel-6",
        price: null,
        longPrompt: null,
        asOf: "",
        shipped: false,
        changed: null,
      },
    ],
    refused: null,
    list: { count: 9, at: "2026-01-01T03:04:05.000Z", error: null },
  },
});

const [first, second] = models as [Model, Model];
export const priceVersions: PriceVersionRow[] = [
  {
    id: 9,
    model: first.id,
    by: "ana",
    at: "2026-01-01T03:04:05.000Z",
    asOf: "2026-11-27",
    kind: "changed",
    from: { price: first.price, longPrompt: null },
    to: {
      price: { ...first.price, input: 9.5, output: 42 },
      longPrompt: { aboveTokens: 100_000, price: first.price },
    },
    isNewest: true,
  },
  {
    id: 8,
    model: "claude-novel-6",
    by: "owner",
    at: "2026-01-01T02:04:05.000Z",
    asOf: "2026-11",
    kind: "changed",
    from: null,
    to: { price: second.price, longPrompt: null },
    isNewest: true,
  },
  {
    id: 7,
    model: first.id,
    by: "owner",
    at: "2026-01-01T01:04:05.000Z",
    asOf: "2026-11",
    kind: "shipped",
    from: { price: first.price, longPrompt: null },
    to: { price: first.price, longPrompt: null },
    isNewest: false,
  },
];
