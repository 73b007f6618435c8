import { agentHref, projectHref, subjectHref, subjectName, withQuery } from "../../views/links.ts";
import type { LimitForm } from "../../views/usage_limits.tsx";
import type { PriceForm } from "../../views/usage_prices.tsx";
import type { UsageGroupRow, UsagePageProps } from "../../views/usage.tsx";
import type { App } from "../app.ts";
import { calendarIn, monthOf, today } from "../calendar.ts";
import { AppError } from "../errors.ts";
import { once } from "../once.ts";
import { currentAdvice, whyNotUndone } from "../services/advising.ts";
import { listAgents } from "../services/definitions.ts";
import { listedModels } from "../services/models.ts";
import { listPrices } from "../services/prices.ts";
import {
  barsOf,
  daysOf,
  forecast,
  monthsOf,
  spanBetween,
  spanOf,
  type UsagePeriod,
  usagePeriods,
  withWholeMonths,
} from "../services/usage.ts";
import { lastSeq } from "../store/events.ts";
import { listLimits } from "../store/limits.ts";
import { findProject, listProjects } from "../store/projects.ts";
import { spentIn } from "../store/reservations.ts";
import {
  monthsTo,
  type Span,
  sumUsage,
  totalUsage,
  type UsageGroup,
  type UsageRow,
} from "../store/usage.ts";
import { type PageRequest, shellOf } from "./shell.ts";
import { type Subjects, subjectsOf } from "./subjects.ts";

export interface UsageQuery {
  /** Empty: days of a person's own. */
  period: UsagePeriod | "";
  span: Span;
}

/** What can't be read counts as not given: an old link still shows the month. */
export function readUsageQuery(query: Record<string, string>, today: string): UsageQuery {
  const period = usagePeriods.find((name) => name === query.period);
  if (!period && query.from && query.to) {
    try {
      return { period: "", span: spanBetween(query.from, query.to) };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
  }
  return { period: period ?? "month", span: spanOf(period ?? "month", today) };
}

/** What is shown of each group; days have a chart of their own. */
const groups: { name: Exclude<UsageGroup, "day" | "month">; title: string }[] = [
  { name: "agent", title: "By agent" },
  { name: "model", title: "By model" },
  { name: "project", title: "By project" },
  { name: "subject", title: "By ticket, idea or document" },
];

const emptyForm: LimitForm = {
  of: "all",
  period: "month",
  unit: "micro_usd",
  amount: "",
  message: null,
  errors: [],
};

/** What was refused of the page's forms, with what was typed. */
export interface RefusedUsage {
  limit?: LimitForm;
  price?: PriceForm;
}

export function usagePage(
  request: PageRequest,
  { period, span: asked }: UsageQuery,
  refused: RefusedUsage = {},
): UsagePageProps {
  const { app } = request;
  const { db, config } = app;
  const after = lastSeq(db);
  const calendar = calendarIn(app);
  const day = today(app);
  const month = spentIn(db, monthOf(day)).microUsd;
  const span = withWholeMonths(asked, monthsTo(db));
  const each = barsOf(span, monthsTo(db));
  const costs = new Map(
    sumUsage(db, each, span).map(({ key, costMicroUsd }) => [key, costMicroUsd]),
  );
  const label = labels(app);
  const address = period ? { period } : { from: span.from, to: span.to };
  return {
    shell: shellOf(request),
    live: Object.keys(refused).length > 0
      ? null
      : { path: withQuery("/live/usage", address), after },
    period,
    ...span,
    total: totalUsage(db, span),
    each,
    bars: (each === "day" ? daysOf(span) : monthsOf(span)).map((start) => ({
      start,
      costMicroUsd: costs.get(start) ?? 0,
    })),
    widened: span.from !== asked.from || span.to !== asked.to,
    groups: groups.map(({ name, title }) => ({
      name,
      title,
      rows: sumUsage(db, name, span).map((row) => ({ ...row, ...label(name, row.key) })),
    })),
    month: { spentMicroUsd: month, forecastMicroUsd: forecast(month, app.clock.nowMs(), calendar) },
    timeZone: calendar.timeZone,
    todayMicroUsd: spentIn(db, day).microUsd,
    limits: {
      limits: listLimits(db, day).map((limit) => ({
        limit,
        of: limit.scope === "all"
          ? "All"
          : limit.scope === "agent"
          ? limit.scopeId
          : findProject(db, limit.scopeId)?.name ?? limit.scopeId,
      })),
      choices: [
        { value: "all", label: "All" },
        ...listProjects(db).map(({ id, name }) => ({
          value: `project:${id}`,
          label: `Project ${name}`,
        })),
        ...[...new Set(listAgents(app).map(({ name }) => name))].map((name) => ({
          value: `agent:${name}`,
          label: `Agent ${name}`,
        })),
      ],
      form: refused.limit ?? emptyForm,
      maxRuns: config.maxRuns,
      maxRunsPerProject: config.maxRunsPerProject,
    },
    advice: adviceOf(app),
    prices: {
      prices: listPrices(app).map(({ changed, ...row }) => ({
        ...row,
        changed: changed && { by: changed.changedBy, at: changed.changedAt },
      })),
      refused: refused.price ?? null,
      list: listOf(app),
    },
  };
}

/** What the endpoint has listed; null: there is none to ask. */
function listOf(app: App): UsagePageProps["prices"]["list"] {
  if (!app.config.endpoint) return null;
  const list = listedModels(app);
  return { count: list?.models.length ?? 0, at: list?.at ?? null, error: list?.error ?? null };
}

/** Most decisions that the page shows. */
const DECIDED_SHOWN = 20;

function adviceOf(app: App): UsagePageProps["advice"] {
  const { open, decided } = currentAdvice(app);
  return {
    advice: open.map(({ apply, agentId, ...advice }) => ({
      ...advice,
      applies: apply !== null,
      version: apply?.type === "model" ? apply.version : null,
      agentHref: agentId && agentHref(agentId),
    })),
    decided: decided.slice(0, DECIDED_SHOWN).map((decision) => ({
      ...decision,
      notUndone: whyNotUndone(app, decision),
    })),
  };
}

/** What a row of a group is called, and where its runs are. */
export function labels(
  app: App,
): (group: UsageGroup, key: string) => Pick<UsageGroupRow, "label" | "href"> {
  const subjects = subjectsOf(app);
  const agents = once(() => new Set(listAgents(app).map(({ id }) => id)));
  return (group, key) => {
    switch (group) {
      case "agent":
        return { label: key, href: agents().has(key) ? agentHref(key) : null };
      case "project":
        return { label: findProject(app.db, key)?.name ?? key, href: projectHref(key) };
      case "subject":
        return ofSubject(subjects, key);
      default:
        return { label: key, href: null };
    }
  };
}

function ofSubject(subjects: Subjects, id: string): Pick<UsageGroupRow, "label" | "href"> {
  const subject = subjects.of({ ideaId: id, ticketId: null }) ??
    subjects.of({ ideaId: null, ticketId: id }) ??
    subjects.of({ ideaId: null, ticketId: null, askId: id });
  if (!subject) return { label: id, href: null };
  return { label: `${subjectName(subject)} ${subject.title}`, href: subjectHref(subject) };
}

const CSV_HEAD = [
  "requests",
  "input_tokens",
  "output_tokens",
  "cache_write_5m_tokens",
  "cache_write_1h_tokens",
  "cache_read_tokens",
  "cost_micro_usd",
  "web_searches",
];

/** The rows of a group as CSV (RFC 4180). */
export function usageCsv(app: App, group: UsageGroup, span: Span): string {
  const label = labels(app);
  const line = ({ key, requests, usage, costMicroUsd }: UsageRow) => [
    key,
    label(group, key).label,
    requests,
    usage.inputTokens,
    usage.outputTokens,
    usage.cacheWrite5mTokens,
    usage.cacheWrite1hTokens,
    usage.cacheReadTokens,
    costMicroUsd,
    usage.webSearches ?? 0,
  ];
  const rows = [[group, "name", ...CSV_HEAD], ...sumUsage(app.db, group, span).map(line)];
  return rows.map((cells) => `${cells.map(csvCell).join(",")}\r\n`).join("");
}

/** A spreadsheet would take what begins like this for a formula. */
const FORMULA = /^[=+\-@\t\r]/;

function csvCell(value: string | number): string {
  if (typeof value === "number") return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
