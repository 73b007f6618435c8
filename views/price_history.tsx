/** What was changed of prices: who, when, from what to what, with Undo of the newest change of each model. */
import type { VNode } from "preact";
import type { Price } from "../agents/protocol.ts";
import { Panel, Time } from "./components.tsx";
import { ActionForm } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { withQuery } from "./links.ts";
import type { Shell } from "./shell.ts";
import { rateWords } from "./usage_prices.tsx";

interface Rates {
  price: Price;
  longPrompt: { aboveTokens: number; price: Price } | null;
}

export interface PriceVersionRow {
  id: number;
  model: string;
  by: string;
  at: string;
  asOf: string;
  /** `shipped`: back to those that Gaffer comes with; `taken`: it has none any more. */
  kind: "changed" | "shipped" | "taken";
  /** Null: it had none, or has none. */
  from: Rates | null;
  to: Rates | null;
  /** Only this one can be undone. */
  isNewest: boolean;
}

export interface PriceHistoryPageProps {
  shell: Shell;
  /** Empty: of all. */
  model: string;
  versions: PriceVersionRow[];
  /** Where the page after this one begins; null: there is none. */
  older: string | null;
}

export function PriceHistoryPage(props: PriceHistoryPageProps): VNode {
  const { shell, model, versions, older } = props;
  return (
    <Layout shell={shell} title="Price changes" current="usage" live={null}>
      <PageHead
        crumb={{ href: "/usage#prices", label: "Usage" }}
        title={model === "" ? "Price changes" : `Price changes of ${model}`}
        aside={model !== "" && <a href="/usage/prices">Of all models</a>}
      />
      <Panel id="price-versions" title="Newest first">
        {versions.length === 0
          ? (
            <p class="calm">
              Nobody has changed a price. These are the rates that Gaffer comes with.
            </p>
          )
          : (
            <ul class="rows">
              {versions.map((version) => (
                <Version key={version.id} version={version} nowMs={shell.nowMs} />
              ))}
            </ul>
          )}
        {older && (
          <p>
            <a href={withQuery("/usage/prices", { model, before: older })}>Older changes</a>
          </p>
        )}
      </Panel>
    </Layout>
  );
}

const kindWords: Record<PriceVersionRow["kind"], string> = {
  changed: "Changed",
  shipped: "Set back to the shipped rates",
  taken: "Taken away",
};

function Version({ version, nowMs }: { version: PriceVersionRow; nowMs: number }): VNode {
  const { id, model, by, at, asOf, kind, from, to, isNewest } = version;
  const changes = changesOf(from, to);
  return (
    <li class="row" id={`price-version-${id}`}>
      <div class="row-main">
        <p class="row-title">
          <a href={withQuery("/usage/prices", { model })}>{model}</a>
        </p>
        <p class="row-note">
          {from === null && kind === "changed" ? "Given" : kindWords[kind]} by {by}{" "}
          <Time at={at} nowMs={nowMs} /> {kind === "changed" && <span>as of {asOf}</span>}
        </p>
        {changes.length === 0
          ? <p class="row-note">The same rates as before</p>
          : (
            <ul class="row-note">
              {changes.map((change) => <li key={change}>{change}</li>)}
            </ul>
          )}
      </div>
      {isNewest && (
        <ActionForm
          action="/usage/prices/undo"
          fields={{ version: String(id) }}
          label={`Undo the change of ${model}`}
        >
          Undo
        </ActionForm>
      )}
    </li>
  );
}

/** "Output 20 → 40" for each rate that is another; only what it is where there was none. */
function changesOf(from: Rates | null, to: Rates | null): string[] {
  const bands = [
    { name: "", from: from?.price, to: to?.price },
    { name: "Long prompts, ", from: from?.longPrompt?.price, to: to?.longPrompt?.price },
  ];
  return bands.flatMap((band) =>
    Object.entries(rateWords).flatMap(([key, word]) => {
      const [was, is] = [band.from?.[key as keyof Price], band.to?.[key as keyof Price]];
      if (was === is) return [];
      const change = [was, is ?? "none"].filter((rate) => rate !== undefined).join(" → ");
      return [`${band.name}${word} ${change}`];
    })
  );
}
