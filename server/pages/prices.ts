import type { PriceHistoryPageProps, PriceVersionRow } from "../../views/price_history.tsx";
import type { App } from "../app.ts";
import { shippedModel } from "../services/prices.ts";
import {
  findPrice,
  findPriceBefore,
  listPriceVersions,
  type PriceVersion,
} from "../store/prices.ts";
import { type PageRequest, shellOf } from "./shell.ts";

/** Versions on one page. */
const VERSIONS_SHOWN = 50;

/** `before`: the oldest version of the page before. What can't be read counts as not given. */
export function priceHistoryPage(
  request: PageRequest,
  model = "",
  before = "",
): PriceHistoryPageProps {
  const { app } = request;
  const rows = listPriceVersions(app.db, {
    model: model || null,
    before: /^\d{1,15}$/.test(before) ? Number(before) : null,
    limit: VERSIONS_SHOWN + 1,
  });
  const versions = rows.slice(0, VERSIONS_SHOWN);
  return {
    shell: shellOf(request),
    model,
    versions: versions.map((version) => rowOf(app, version)),
    older: rows.length > VERSIONS_SHOWN ? String(versions.at(-1)!.id) : null,
  };
}

function rowOf({ db }: App, version: PriceVersion): PriceVersionRow {
  const { model } = version;
  const shipped = shippedModel(model);
  const was = findPriceBefore(db, version);
  const rates = (of: PriceVersion | null) =>
    of?.price
      ? { price: of.price, longPrompt: of.longPrompt }
      : shipped
      ? { price: shipped.price, longPrompt: shipped.longPrompt }
      : null;
  return {
    id: version.id,
    model,
    by: version.changedBy,
    at: version.changedAt,
    asOf: version.asOf,
    kind: version.price ? "changed" : shipped ? "shipped" : "taken",
    from: rates(was),
    to: rates(version),
    isNewest: findPrice(db, model)?.id === version.id,
  };
}
