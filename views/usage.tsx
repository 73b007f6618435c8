/** Usage: what was spent, against which limits, on what, and what that suggests. */
import type { VNode } from "preact";
import type { Usage } from "../agents/protocol.ts";
import { BarChart } from "./bar_chart.tsx";
import { capital, DataTable, Fact, Hidden, Panel } from "./components.tsx";
import { count, inputTokens, money, plural, tokens } from "./format.ts";
import { framePartials, Layout, PageHead } from "./layout.tsx";
import { withQuery } from "./links.ts";
import { type Live, replace } from "./live.tsx";
import type { Shell } from "./shell.ts";
import { AdvicePanel, type AdviceProps } from "./usage_advice.tsx";
import { LimitsPanel, type LimitsProps } from "./usage_limits.tsx";
import { PricesPanel, type PricesProps } from "./usage_prices.tsx";

export interface UsageFigures {
  requests: number;
  usage: Usage;
  costMicroUsd: number;
}

export interface UsageGroupRow extends UsageFigures {
  key: string;
  label: string;
  /** Where its runs are; null: no page shows just those. */
  href: string | null;
}

export interface UsagePageProps {
  shell: Shell;
  /** Null beside a refused form. */
  live: Live | null;
  /** The view: `period` is one of the tabs, or empty for days of one's own. */
  period: string;
  from: string;
  to: string;
  total: UsageFigures;
  /** What the chart has a bar for. */
  each: "day" | "month";
  /** Each day or month of the span, also those without any. */
  bars: { start: string; costMicroUsd: number }[];
  /** Whether it is of whole months because there are no days of them any more. */
  widened: boolean;
  /** The dearest first. */
  groups: { name: string; title: string; rows: UsageGroupRow[] }[];
  month: { spentMicroUsd: number; forecastMicroUsd: number | null };
  todayMicroUsd: number;
  /** Whose days and months these are: "Europe/Berlin". */
  timeZone: string;
  limits: LimitsProps;
  advice: AdviceProps;
  prices: PricesProps;
}

const periodWords: Record<string, string> = {
  today: "Today",
  "7d": "7 days",
  month: "This month",
};

export function UsagePage(props: UsagePageProps): VNode {
  return (
    <Layout shell={props.shell} title="Usage" current="usage" live={props.live}>
      <PageHead title="Usage" aside={<Periods {...props} />} />
      <Totals {...props} />
      <AdvicePanel {...props.advice} nowMs={props.shell.nowMs} />
      <Days {...props} />
      {props.groups.map((group) => <Group key={group.name} {...group} {...spanIn(props)} />)}
      <LimitsPanel {...props.limits} timeZone={props.timeZone} />
      <PricesPanel {...props.prices} nowMs={props.shell.nowMs} />
    </Layout>
  );
}

/** What may have changed, for its stream; the forms are the person's. */
export function usagePartials(props: UsagePageProps, status?: string): VNode {
  return (
    <>
      {framePartials({ shell: props.shell, current: "usage", title: "Usage", status })}
      {replace("usage-totals", <Totals {...props} />)}
      {replace("usage-days", <Days {...props} />)}
      {props.groups.map((group) =>
        replace(`usage-${group.name}`, <Group {...group} {...spanIn(props)} />)
      )}
    </>
  );
}

const spanIn = ({ period, from, to }: UsagePageProps) => ({ period, from, to });

function Periods({ period, from, to }: UsagePageProps): VNode {
  return (
    <>
      <nav class="tabs" aria-label="Period">
        {Object.entries(periodWords).map(([name, word]) => (
          <a
            key={name}
            href={withQuery("/usage", { period: name })}
            aria-current={name === period ? "page" : undefined}
          >
            {word}
          </a>
        ))}
      </nav>
      <form action="/usage" class="filter-form">
        <label class="visually-hidden" for="usage-from">First day</label>
        <input id="usage-from" type="date" name="from" value={from} required />
        <label class="visually-hidden" for="usage-to">Last day</label>
        <input id="usage-to" type="date" name="to" value={to} required />
        <button type="submit" class="button">Show</button>
      </form>
    </>
  );
}

function Totals(props: UsagePageProps): VNode {
  const { total, month, todayMicroUsd, period, from, to } = props;
  const csv = (group: string) => withQuery("/usage.csv", { group, ...spanQuery(props) });
  return (
    <Panel
      id="usage-totals"
      title={periodWords[period] ?? `${from} to ${to}`}
      aside={<span class="muted small">{props.timeZone}</span>}
    >
      <dl class="figures">
        <Fact name="Spent" num>{money(total.costMicroUsd)}</Fact>
        <Fact name="Requests" num>{count(total.requests)}</Fact>
        <Fact name="Tokens in" num>{tokens(inputTokens(total.usage))}</Fact>
        <Fact name="Tokens out" num>{tokens(total.usage.outputTokens)}</Fact>
        <Fact name="Read from the cache" num>{cacheShare(total.usage)}</Fact>
        <Fact name="Today" num>{money(todayMicroUsd)}</Fact>
        <Fact name="This month" num>{money(month.spentMicroUsd)}</Fact>
        {month.forecastMicroUsd !== null && (
          <Fact name="Month's end, at this pace" num>{money(month.forecastMicroUsd)}</Fact>
        )}
      </dl>
      <p class="muted small">
        A request counts on the day on which it was sent, and stays there when the time zone is
        changed. CSV: {props.groups.map(({ name, title }, index) => (
          <span key={name}>
            {index > 0 && ", "}
            <a href={csv(name)} hx-boost="false">{title.toLowerCase()}</a>
          </span>
        ))}
        {", "}
        <a href={csv("day")} hx-boost="false">by day</a>
        {", "}
        <a href={csv("month")} hx-boost="false">by month</a>
      </p>
    </Panel>
  );
}

const spanQuery = ({ period, from, to }: Pick<UsagePageProps, "period" | "from" | "to">) =>
  period ? { period } : { from, to };

/** "82 %"; "–" where there was no prompt. */
function cacheShare(usage: Usage): string {
  const prompt = inputTokens(usage);
  return prompt === 0 ? "–" : `${Math.round((usage.cacheReadTokens / prompt) * 100)} %`;
}

function Days({ each, bars, widened }: UsagePageProps): VNode {
  return (
    <Panel id="usage-days" title={`By ${each}`}>
      {widened && (
        <p class="muted small">
          Of days so long ago only the sums of their months are kept: these are whole months.
        </p>
      )}
      <BarChart
        id="usage-per-day"
        title={`Spent per ${each}`}
        parts={[{ name: "Spent", tone: "running" }]}
        bars={bars.map(({ start, costMicroUsd }) => ({ label: start, parts: [costMicroUsd] }))}
        format={money}
        each={capital(each)}
      />
    </Panel>
  );
}

/** Rows that stand on the page; the CSV has them all. */
const ROWS_SHOWN = 25;

interface GroupProps {
  name: string;
  title: string;
  rows: UsageGroupRow[];
  period: string;
  from: string;
  to: string;
}

function Group({ name, title, rows, ...span }: GroupProps): VNode {
  const max = Math.max(...rows.map((row) => row.costMicroUsd), 0);
  const shown = rows.slice(0, ROWS_SHOWN);
  return (
    <Panel id={`usage-${name}`} title={title}>
      {rows.length === 0 ? <p class="calm">Nothing was used in this time.</p> : (
        <DataTable
          label={title}
          head={
            <>
              <th scope="col">
                {capital(title.replace(/^By /, ""))}
              </th>
              <th scope="col">
                <Hidden>Share</Hidden>
              </th>
              <th scope="col">Spent</th>
              <th scope="col">Requests</th>
              <th scope="col">Tokens in</th>
              <th scope="col">Tokens out</th>
              <th scope="col">Cached</th>
            </>
          }
        >
          {shown.map((row) => (
            <tr key={row.key}>
              <th scope="row">
                {row.href ? <a href={row.href}>{row.label}</a> : row.label}
              </th>
              <td class="cell-bar">
                <Share part={row.costMicroUsd} of={max} />
              </td>
              <td>{money(row.costMicroUsd)}</td>
              <td>{count(row.requests)}</td>
              <td>{tokens(inputTokens(row.usage))}</td>
              <td>{tokens(row.usage.outputTokens)}</td>
              <td>{cacheShare(row.usage)}</td>
            </tr>
          ))}
        </DataTable>
      )}
      {rows.length > shown.length && (
        <p class="calm">
          And {plural(rows.length - shown.length, "more row")}, see{" "}
          <a href={withQuery("/usage.csv", { group: name, ...spanQuery(span) })} hx-boost="false">
            the CSV
          </a>.
        </p>
      )}
    </Panel>
  );
}

/** A bar for the eye; the figure stands beside it. */
function Share({ part, of }: { part: number; of: number }): VNode {
  const width = of === 0 ? 0 : Math.round((part / of) * 1000) / 10;
  return (
    <svg viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">
      <rect x="0" y="1" width={width} height="10" class="chart-bar tone-running" />
    </svg>
  );
}
