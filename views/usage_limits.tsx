/** Limits on what may be used: how far each is, and the form that sets one. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import type { LimitState } from "../server/records.ts";
import { DataTable, Panel } from "./components.tsx";
import { count, money, tokens } from "./format.ts";
import { ActionForm, Button, ErrorSummary, Field } from "./forms.tsx";

export interface LimitRow {
  limit: LimitState;
  /** "All", or the project's or agent's name. */
  of: string;
}

export interface LimitForm {
  /** `all`, `project:<id>` or `agent:<name>`. */
  of: string;
  period: string;
  unit: string;
  amount: string;
  message: string | null;
  errors: FieldError[];
}

export interface LimitsProps {
  limits: LimitRow[];
  /** What a limit may be of. */
  choices: { value: string; label: string }[];
  form: LimitForm;
  /** Runs that work at the same time at most, in all and of one project (0: as many); of the configuration. */
  maxRuns: number;
  maxRunsPerProject: number;
}

const periods = { day: "per day", month: "per month" } as const;

/** An amount in the limit's unit. */
const amountIn = (unit: LimitState["unit"], amount: number): string =>
  unit === "tokens" ? `${tokens(amount)} tokens` : money(amount);

export function LimitsPanel(props: LimitsProps & { timeZone: string }): VNode {
  const { limits, choices, form, maxRuns, maxRunsPerProject } = props;
  return (
    <Panel id="limits" title="Limits" aside={<span class="muted small">{props.timeZone}</span>}>
      <p class="muted">
        Looked at before each request, with the most that it can use: a limit is never passed. What
        has no room waits, and goes on by itself. {count(maxRuns)} runs work at the same time
        {maxRunsPerProject > 0 && `, ${count(maxRunsPerProject)} of one project`}{" "}
        at most (<code>max_runs</code>); each agent has limits for a single run.
      </p>
      {limits.length === 0 ? <p class="calm">Nothing is limited yet.</p> : (
        <DataTable
          label="Limits"
          head={
            <>
              <th scope="col">Limit</th>
              <th scope="col">Used</th>
              <th scope="col">Spent</th>
              <th scope="col">In doubt</th>
              <th scope="col">Reserved</th>
              <th scope="col">Left</th>
              <th scope="col">Remove</th>
            </>
          }
        >
          {limits.map((row) => <LimitItem key={row.limit.id} {...row} />)}
        </DataTable>
      )}
      {limits.some(({ limit }) =>
        limit.doubt > 0
      ) && (
        <p class="muted small" id="in-doubt">
          In doubt is the most that requests may have used which a crash or a lost connection cut
          off: nobody told what they cost. It counts as used until the limit's day or month is over.
        </p>
      )}
      <form method="post" action="/usage/limits" id="limit">
        <h3>Set a limit</h3>
        <ErrorSummary form="limit" message={form.message} errors={form.errors} />
        <div class="form-row">
          <Field
            form="limit"
            name="of"
            label="Of"
            kind="choice"
            options={choices}
            value={form.of}
            errors={form.errors}
            required
          />
          <Field
            form="limit"
            name="unit"
            label="On"
            kind="choice"
            options={[{ value: "micro_usd", label: "Cost, US-dollars" }, {
              value: "tokens",
              label: "Tokens of every kind",
            }]}
            value={form.unit}
            errors={form.errors}
            required
          />
          <Field
            form="limit"
            name="period"
            label="In each"
            kind="choice"
            options={[{ value: "day", label: "Day" }, { value: "month", label: "Month" }]}
            value={form.period}
            errors={form.errors}
            required
          />
          <Field
            form="limit"
            name="amount"
            label="Amount"
            value={form.amount}
            errors={form.errors}
            maxLength={20}
            placeholder="5.00"
            required
          />
          <Button kind="primary">Set the limit</Button>
        </div>
      </form>
    </Panel>
  );
}

function LimitItem({ limit, of }: LimitRow): VNode {
  const { unit, amount, spent, doubt, reserved } = limit;
  const used = spent + doubt;
  const name = `${of}: ${amountIn(unit, amount)} ${periods[limit.period]}`;
  const percent = amount === 0 ? 100 : Math.min(100, Math.round((used / amount) * 100));
  const scope = limit.scope === "all" ? "all" : `${limit.scope}:${limit.scopeId}`;
  return (
    <tr id={`limit-${limit.id}`}>
      <th scope="row">{name}</th>
      <td class="cell-bar">
        <span>
          {percent}{" "}
          %{doubt > 0 && <span class="muted small">, {amountIn(unit, doubt)} in doubt</span>}
        </span>
        <Gauge {...limit} />
      </td>
      <td>{amountIn(unit, spent)}</td>
      <td title="What requests that broke off may have used beyond what was told">
        {amountIn(unit, doubt)}
      </td>
      <td>{amountIn(unit, reserved)}</td>
      <td>{amountIn(unit, Math.max(0, amount - used - reserved))}</td>
      <td>
        <ActionForm
          action="/usage/limits/remove"
          kind="quiet"
          fields={{ of: scope, period: limit.period, unit }}
          label={`Remove the limit ${name}`}
        >
          Remove
        </ActionForm>
      </td>
    </tr>
  );
}

/** Spent, in doubt and reserved, one after the other; its colour says how far all that counts as used has come. */
function Gauge({ spent, doubt, reserved, amount }: LimitState): VNode {
  const share = (n: number) => amount === 0 ? 100 : Math.min(100, (n / amount) * 100);
  const [s, a, b] = [share(spent), share(spent + doubt), share(spent + doubt + reserved)];
  const tone = a >= 95 ? "failed" : a >= 80 ? "waiting" : "done";
  const round = (n: number) => Math.round(n * 10) / 10;
  return (
    <svg viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">
      <rect x="0" y="1" width={round(s)} height="10" class={`chart-bar tone-${tone}`} />
      <rect
        x={round(s)}
        y="1"
        width={round(a - s)}
        height="10"
        class={`chart-bar chart-doubt tone-${tone}`}
      />
      <rect x={round(a)} y="1" width={round(b - a)} height="10" class="chart-reserved" />
      <line x1="0" y1="12" x2="100" y2="12" class="chart-axis" />
    </svg>
  );
}
