import type { Hono } from "hono";
import { z } from "zod";
import { UsagePage } from "../../views/usage.tsx";
import type { Api, Env, RequestContext } from "../api.ts";
import type { App } from "../app.ts";
import { calendarIn, monthOf, today } from "../calendar.ts";
import { AppError } from "../errors.ts";
import { limitsInput } from "../inputs.ts";
import { once } from "../once.ts";
import {
  alertJson,
  alertSchema,
  limitJson,
  limitsSchema,
  limitUseJson,
  sumJson,
  usageSchema,
} from "../outputs/usage.ts";
import { labels, readUsageQuery, type RefusedUsage, usageCsv, usagePage } from "../pages/usage.ts";
import { applyAdvice, dismissAdvice, undoAdvice } from "../services/advising.ts";
import { markAlertSeen } from "../services/alerts.ts";
import { changeLimits, type LimitChange } from "../services/limits.ts";
import { forecast, spanBetween, spanOf, usagePeriods, withWholeMonths } from "../services/usage.ts";
import { limitPeriods, limitUnits } from "../states.ts";
import { listAlerts } from "../store/alerts.ts";
import { type LimitKey, listLimits } from "../store/limits.ts";
import { spentIn } from "../store/reservations.ts";
import { monthsTo, sumUsage, totalUsage, usageGroups } from "../store/usage.ts";
import { act, done, pageBehind, pageRequest, type PageTools, readForm, show } from "./page.ts";

const usageQuery = once(() =>
  z.object({
    period: z.enum(usagePeriods).optional().describe("Without it, `from` and `to`, or the month"),
    from: z.string().max(10).optional(),
    to: z.string().max(10).optional()
      .describe("Where there are only months any more, the answer has all of those it touches"),
    group_by: z.enum(usageGroups).default("day").describe("`subject`: by ticket or idea"),
  })
);

export function usageApi(api: Api): void {
  api
    .get("/usage", {
      summary:
        "What was used in a time, summed by day, agent, model, project or ticket, and of each limit",
      query: usageQuery,
      out: usageSchema,
    }, ({ app, query }) => {
      const { db } = app;
      const day = today(app);
      const { period, from, to, group_by: group } = query;
      const asked = !period && (from ?? to) !== undefined
        ? spanBetween(from ?? "", to ?? "")
        : spanOf(period ?? "month", day);
      const span = withWholeMonths(asked, monthsTo(db));
      const calendar = calendarIn(app);
      const month = spentIn(db, monthOf(day)).microUsd;
      const label = labels(app);
      return {
        ...span,
        timezone: calendar.timeZone,
        group_by: group,
        total: sumJson(totalUsage(db, span)),
        items: sumUsage(db, group, span).map((row) => ({
          key: row.key,
          name: label(group, row.key).label,
          ...sumJson(row),
        })),
        month: {
          spent_micro_usd: month,
          forecast_micro_usd: forecast(month, app.clock.nowMs(), calendar),
        },
        limits: listLimits(db, day).map(limitUseJson),
      };
    })
    .get("/limits", {
      summary: "The limits on what may be used",
      out: limitsSchema,
      versioned: true,
    }, ({ app }) => limitsNow(app))
    .put("/limits", {
      summary: "Set all limits anew; what waited and has room now goes on",
      body: limitsInput,
      out: limitsSchema,
      current: limitsNow,
    }, ({ app, body }) => {
      const wanted = body.items.map(({ scope_id: scopeId, ...limit }) => ({ ...limit, scopeId }));
      const gone = listLimits(app.db, today(app)).filter((limit) =>
        !wanted.some((other) => isSame(limit, other))
      );
      changeLimits(app, [
        ...gone.map(({ scope, scopeId, period, unit }) => ({
          scope,
          scopeId,
          period,
          unit,
          amount: null,
        })),
        ...wanted,
      ]);
      return limitsNow(app);
    })
    .get("/alerts", {
      summary: "Limits that were used to 50, 80 and 95 percent, newest first",
      out: () => z.object({ items: z.array(alertSchema()), next: z.null() }),
    }, ({ app }) => ({ items: listAlerts(app.db).map(alertJson), next: null }))
    .post("/alerts/:id/seen", {
      summary: "Take an alert off the pages",
      out: alertSchema,
    }, ({ app, params }) => alertJson(markAlertSeen(app, params.id!)));
}

function limitsNow(app: App) {
  const { maxRuns, maxRunsPerProject } = app.config;
  return {
    items: listLimits(app.db, today(app)).map(limitJson),
    next: null,
    max_runs: maxRuns,
    max_runs_per_project: maxRunsPerProject || null,
  };
}

const isSame = (a: LimitKey, b: LimitKey): boolean =>
  a.scope === b.scope && a.scopeId === b.scopeId && a.period === b.period && a.unit === b.unit;

// ------------------------------------------------------------------ pages

/** The page Usage, also with one of its forms refused. */
export const showUsage =
  (tools: PageTools) => (c: RequestContext, refused?: RefusedUsage, status?: 409 | 422) => {
    const query = readUsageQuery(c.req.query(), today(c.var.app));
    return show(c, <UsagePage {...usagePage(pageRequest(c, tools), query, refused)} />, status);
  };

export function usagePages(pages: Hono<Env>, tools: PageTools): void {
  const page = showUsage(tools);
  pages.get("/usage", (c) => page(c));
  pages.get("/usage.csv", (c) => {
    const { app } = c.var;
    const group = usageGroups.find((name) => name === c.req.query("group")) ?? "day";
    const { span } = readUsageQuery(c.req.query(), today(app));
    c.header("content-type", "text/csv; charset=utf-8");
    const name = `gaffer-usage-${group}-${span.from}-${span.to}.csv`;
    c.header("content-disposition", `attachment; filename="${name}"`);
    return c.body(usageCsv(app, group, span));
  });
  pages.post("/usage/limits", async (c) => {
    const { of = "", period = "", unit = "", amount = "" } = await readForm(c);
    return act(
      () => {
        changeLimits(c.var.app, [{
          ...keyOf({ of, period, unit }),
          amount: amountOf(unit, amount),
        }]);
        return done(c, "/usage#limits", "The limit is set; what has room goes on");
      },
      ({ message, errors, status }) =>
        page(c, { limit: { of, period, unit, amount, message, errors: atOf(errors) } }, status),
    );
  });
  pages.post("/usage/limits/remove", async (c) => {
    const { of = "", period = "", unit = "" } = await readForm(c);
    const change: LimitChange = { ...keyOf({ of, period, unit }), amount: null };
    changeLimits(c.var.app, [change]);
    return done(c, "/usage#limits", "The limit is taken away");
  });
  pages.post("/usage/alerts/:id/seen", (c) => {
    markAlertSeen(c.var.app, c.req.param("id"));
    return done(c, pageBehind(c) ?? "/usage");
  });
  pages.post("/usage/advice/apply", async (c) => {
    const { key = "", version = "" } = await readForm(c);
    const { title } = applyAdvice(c.var.app, key, version === "" ? undefined : Number(version));
    return done(c, "/usage", `Applied: ${title}`, undoOf(key));
  });
  pages.post("/usage/advice/dismiss", async (c) => {
    const { key = "" } = await readForm(c);
    const { title } = dismissAdvice(c.var.app, key);
    return done(c, "/usage", `Dismissed: ${title}`, undoOf(key));
  });
  pages.post("/usage/advice/undo", (c) => {
    undoAdvice(c.var.app, c.req.query("key") ?? "");
    return done(c, "/usage", "It is as it was before");
  });
}

const undoOf = (key: string) => ({
  action: `/usage/advice/undo?key=${encodeURIComponent(key)}`,
  label: "Undo" as const,
});

/** Throws `invalid` for what the form does not offer. */
function keyOf({ of, period, unit }: { of: string; period: string; unit: string }): LimitKey {
  const [, scope, scopeId = ""] = /^(all|project|agent)(?::(.+))?$/.exec(of) ?? [];
  const known = {
    period: limitPeriods.find((name) => name === period),
    unit: limitUnits.find((name) => name === unit),
  };
  if (!scope || (scope === "all") !== (scopeId === "") || !known.period || !known.unit) {
    throw invalid("of", "choose what it is of, what it counts and when it begins anew");
  }
  return { scope: scope as LimitKey["scope"], scopeId, period: known.period, unit: known.unit };
}

const MICRO_USD_PER_USD = 1_000_000;
const AMOUNT_MAX_USD = 1_000_000;
const TOKENS_MAX = 1_000_000_000_000;

/** Dollars with up to six decimals, or whole tokens. Throws `invalid`. */
function amountOf(unit: string, text: string): number {
  const plain = text.trim().replace(/^\$\s*/, "").replaceAll(",", "");
  if (unit === "tokens") {
    if (/^\d+$/.test(plain) && Number(plain) <= TOKENS_MAX) return Number(plain);
    throw invalid("amount", "write a whole number of tokens, such as 2,000,000");
  }
  if (/^\d+(\.\d{1,6})?$/.test(plain) && Number(plain) <= AMOUNT_MAX_USD) {
    return Math.round(Number(plain) * MICRO_USD_PER_USD);
  }
  throw invalid("amount", "write an amount in US-dollars, such as 5 or 2.50");
}

const invalid = (field: string, message: string): AppError =>
  new AppError("invalid", `Cannot set the limit: ${message}`, [{ field, message }]);

/** The form has one field for the scope and what it is of. */
const atOf = (errors: { field: string; message: string }[]) =>
  errors.map(({ field, message }) => ({ field: field === "scope_id" ? "of" : field, message }));
