/** What each model costs: the shipped rates with their date, and the form that changes them. */
import type { VNode } from "preact";
import type { Price } from "../agents/protocol.ts";
import type { FieldError } from "../server/errors.ts";
import { DataTable, Panel, Time } from "./components.tsx";
import { ActionForm, Button, Disclosure, ErrorSummary, Field } from "./forms.tsx";
import { idPart } from "./links.ts";

export interface ModelPrice {
  model: string;
  price: Price;
  longPrompt: { aboveTokens: number; price: Price } | null;
  asOf: string;
  /** Null: these are the shipped rates. */
  changed: { by: string; at: string } | null;
}

export interface PriceForm {
  model: string;
  /** What was typed, by field. */
  values: Record<string, string>;
  message: string | null;
  errors: FieldError[];
}

export interface PricesProps {
  prices: ModelPrice[];
  /** A refused form. */
  refused: PriceForm | null;
}

export const rateWords: Record<keyof Required<Price>, string> = {
  input: "Input",
  cacheWrite5m: "Cache write, 5 min",
  cacheWrite1h: "Cache write, 1 h",
  cacheRead: "Cache read",
  output: "Output",
  webSearch: "1,000 web searches",
};
const rates = Object.keys(rateWords) as (keyof Price)[];

/** Name of a field of the form: of the usual band, or of the one for long prompts. */
export const rateField = (rate: keyof Price, band: "" | "long_"): string =>
  `${band}${rate.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)}`;

export function PricesPanel({ prices, refused, nowMs }: PricesProps & { nowMs: number }): VNode {
  return (
    <Panel
      id="prices"
      title="Prices"
      aside={<span class="muted small">US-dollars per million tokens, or per 1,000 searches</span>}
    >
      <p class="muted">
        A run keeps the prices that it began with, and every request stores those that it was
        charged with.
      </p>
      <DataTable
        label="Prices"
        head={
          <>
            <th scope="col">Model</th>
            {rates.map((rate) => <th key={rate} scope="col">{rateWords[rate]}</th>)}
            <th scope="col">As of</th>
          </>
        }
      >
        {prices.flatMap((row) => [
          <PriceRow
            key={row.model}
            name={row.model}
            price={row.price}
            of={row}
            nowMs={nowMs}
          />,
          row.longPrompt && (
            <PriceRow
              key={`${row.model} long`}
              name={`${row.model}, prompts above ${row.longPrompt.aboveTokens / 1000}k tokens`}
              price={row.longPrompt.price}
              of={row}
              nowMs={nowMs}
            />
          ),
        ])}
      </DataTable>
      {prices.map((row) => (
        <PriceEditor
          key={row.model}
          row={row}
          refused={refused?.model === row.model ? refused : null}
        />
      ))}
    </Panel>
  );
}

interface PriceRowProps {
  name: string;
  price: Price;
  of: ModelPrice;
  nowMs: number;
}

function PriceRow({ name, price, of: { asOf, changed }, nowMs }: PriceRowProps): VNode {
  return (
    <tr>
      <th scope="row">{name}</th>
      {rates.map((rate) => <td key={rate}>{price[rate]}</td>)}
      <td>
        {asOf}
        {changed
          ? (
            <>
              , by {changed.by} <Time at={changed.at} nowMs={nowMs} />
            </>
          )
          : ", shipped"}
      </td>
    </tr>
  );
}

function PriceEditor({ row, refused }: { row: ModelPrice; refused: PriceForm | null }): VNode {
  const form = `price-${idPart(row.model)}`;
  const value = (name: string, now: string | number) => refused?.values[name] ?? String(now);
  const fields = (band: "" | "long_", price: Price) =>
    rates.filter((rate) => band === "" || rate !== "webSearch").map((rate) => {
      const name = rateField(rate, band);
      return (
        <Field
          key={name}
          form={form}
          name={name}
          label={rateWords[rate]}
          value={value(name, price[rate] ?? "")}
          errors={refused?.errors}
          maxLength={12}
          required
        />
      );
    });
  return (
    <Disclosure id={`${form}-edit`} summary={`Change ${row.model}`} open={refused !== null}>
      <form method="post" action="/usage/prices" id={form}>
        <input type="hidden" name="model" value={row.model} />
        <ErrorSummary
          form={form}
          message={refused?.message ?? null}
          errors={refused?.errors ?? []}
        />
        <div class="form-row">{fields("", row.price)}</div>
        {row.longPrompt && (
          <fieldset>
            <legend>Prompts above {row.longPrompt.aboveTokens / 1000}k tokens</legend>
            <div class="form-row">{fields("long_", row.longPrompt.price)}</div>
          </fieldset>
        )}
        <Field
          form={form}
          name="as_of"
          label="As of"
          hint="When the provider published it: 2026-11 or 2026-11-27"
          value={value("as_of", row.asOf)}
          errors={refused?.errors}
          maxLength={10}
          required
        />
        <Button kind="primary">Save the price</Button>
      </form>
      {row.changed && (
        <ActionForm action="/usage/prices/reset" fields={{ model: row.model }}>
          Back to the shipped price
        </ActionForm>
      )}
    </Disclosure>
  );
}
