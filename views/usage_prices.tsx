/** What each model costs: the shipped rates with their date, and the form that changes them. */
import type { VNode } from "preact";
import type { Price } from "../agents/protocol.ts";
import type { FieldError } from "../server/errors.ts";
import { DataTable, Panel, Time } from "./components.tsx";
import { plural, sentence } from "./format.ts";
import { ActionForm, Button, Disclosure, ErrorSummary, Field } from "./forms.tsx";
import { idPart } from "./links.ts";

export interface ModelPrice {
  model: string;
  /** Null: the endpoint lists it, and nobody has given it a price. */
  price: Price | null;
  longPrompt: { aboveTokens: number; price: Price } | null;
  asOf: string;
  /** Gaffer comes with rates of it. */
  shipped: boolean;
  /** Null: these are the shipped rates, or none. */
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
  /** What the endpoint has listed; null: there is none to ask. */
  list: { count: number; at: string | null; error: string | null } | null;
}

type Priced = ModelPrice & { price: Price };

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

export function PricesPanel(
  { prices, refused, list, nowMs }: PricesProps & { nowMs: number },
): VNode {
  const priced = prices.filter((row): row is Priced => row.price !== null);
  const unpriced = prices.filter((row) => row.price === null);
  return (
    <Panel
      id="prices"
      title="Prices"
      aside={<span class="muted small">US-dollars per million tokens, or per 1,000 searches</span>}
    >
      <p class="muted">
        A run keeps the prices that it began with, and every request stores those that it was
        charged with. <a href="/usage/prices">What was changed</a>
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
        {priced.flatMap((row) => [
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
      {priced.map((row) => (
        <PriceEditor
          key={row.model}
          row={row}
          refused={refused?.model === row.model ? refused : null}
        />
      ))}
      {unpriced.length > 0 && (
        <FirstPrice
          models={unpriced.map(({ model }) => model)}
          refused={unpriced.some(({ model }) => model === refused?.model) ? refused : null}
        />
      )}
      {list && <ModelList {...list} nowMs={nowMs} />}
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

interface RatesProps {
  form: string;
  band: "" | "long_";
  /** Null: none yet. */
  price: Price | null;
  refused: PriceForm | null;
}

function Rates({ form, band, price, refused }: RatesProps): VNode {
  return (
    <div class="form-row">
      {rates.filter((rate) => band === "" || rate !== "webSearch").map((rate) => {
        const name = rateField(rate, band);
        return (
          <Field
            key={name}
            form={form}
            name={name}
            label={rateWords[rate]}
            value={refused?.values[name] ?? String(price?.[rate] ?? "")}
            errors={refused?.errors}
            maxLength={12}
            required
          />
        );
      })}
    </div>
  );
}

function AsOf(
  { form, asOf, refused }: { form: string; asOf: string; refused: PriceForm | null },
): VNode {
  return (
    <Field
      form={form}
      name="as_of"
      label="As of"
      hint="When the provider published it: 2026-11 or 2026-11-27"
      value={refused?.values.as_of ?? asOf}
      errors={refused?.errors}
      maxLength={10}
      required
    />
  );
}

/** The endpoint lists models that Gaffer ships nothing of: with a price they can be chosen. */
function FirstPrice({ models, refused }: { models: string[]; refused: PriceForm | null }): VNode {
  const form = "first-price";
  return (
    <Disclosure
      id="first-price-edit"
      summary={`Give ${plural(models.length, "listed model")} a price`}
      open={refused !== null}
    >
      <form method="post" action="/usage/prices" id={form}>
        <ErrorSummary
          form={form}
          message={refused?.message ?? null}
          errors={refused?.errors ?? []}
        />
        <p class="muted">
          With a price a model can be given to agents. Gaffer asks it for no thinking and no effort,
          since it does not know whether it has them.
        </p>
        <Field
          form={form}
          name="model"
          label="Model"
          kind="choice"
          options={models.map((model) => ({ value: model, label: model }))}
          value={refused?.model ?? models[0]!}
          errors={refused?.errors}
          required
          mono
        />
        <Rates form={form} band="" price={null} refused={refused} />
        <AsOf form={form} asOf="" refused={refused} />
        <Button kind="primary">Save the price</Button>
      </form>
    </Disclosure>
  );
}

function ModelList(
  { count, at, error, nowMs }: NonNullable<PricesProps["list"]> & { nowMs: number },
): VNode {
  return (
    <>
      <p class="muted small">
        {at === null || count === 0 ? "The endpoint has listed no models" : (
          <>
            The endpoint listed {plural(count, "model")} <Time at={at} nowMs={nowMs} />
          </>
        )}
        {error !== null && `. ${sentence(error)}`}
      </p>
      <ActionForm action="/usage/models/refresh">Ask which models there are</ActionForm>
    </>
  );
}

function PriceEditor({ row, refused }: { row: Priced; refused: PriceForm | null }): VNode {
  const form = `price-${idPart(row.model)}`;
  return (
    <Disclosure id={`${form}-edit`} summary={`Change ${row.model}`} open={refused !== null}>
      <form method="post" action="/usage/prices" id={form}>
        <input type="hidden" name="model" value={row.model} />
        <ErrorSummary
          form={form}
          message={refused?.message ?? null}
          errors={refused?.errors ?? []}
        />
        <Rates form={form} band="" price={row.price} refused={refused} />
        {row.longPrompt && (
          <fieldset>
            <legend>Prompts above {row.longPrompt.aboveTokens / 1000}k tokens</legend>
            <Rates form={form} band="long_" price={row.longPrompt.price} refused={refused} />
          </fieldset>
        )}
        <AsOf form={form} asOf={row.asOf} refused={refused} />
        <Button kind="primary">Save the price</Button>
      </form>
      {row.changed && (
        <ActionForm action="/usage/prices/reset" fields={{ model: row.model }}>
          {row.shipped ? "Back to the shipped price" : "Take the price away"}
        </ActionForm>
      )}
    </Disclosure>
  );
}
