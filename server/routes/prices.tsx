/** What models cost: the rates, what was changed of them, and the models that the endpoint lists. */
import type { Hono } from "hono";
import { z } from "zod";
import { plural } from "../../views/format.ts";
import { PriceHistoryPage } from "../../views/price_history.tsx";
import { rateField, rateWords } from "../../views/usage_prices.tsx";
import { type Api, type Env, requestSignal, validate } from "../api.ts";
import { AppError } from "../errors.ts";
import { priceInput, restoreInput } from "../inputs.ts";
import { once } from "../once.ts";
import {
  priceJson,
  priceSchema,
  priceVersionJson,
  priceVersionsSchema,
} from "../outputs/prices.ts";
import { priceHistoryPage } from "../pages/prices.ts";
import { fetchModels, keepModels } from "../services/models.ts";
import { changePrice, undoPrice } from "../services/price_changes.ts";
import { listPrices, priceOf } from "../services/prices.ts";
import { listPriceVersions } from "../store/prices.ts";
import { act, done, pageBehind, pageRequest, type PageTools, readForm, show } from "./page.ts";
import { showUsage } from "./usage.tsx";

const versionsQuery = once(() =>
  z.object({
    model: z.string().max(200).optional(),
    before: z.coerce.number().int().min(1).optional().describe("The `next` of the page before"),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  })
);

export function pricesApi(api: Api): void {
  api
    .get("/prices", {
      summary:
        "What each model costs: the shipped rates, or those that a person set; null: it needs some",
      out: () => z.object({ items: z.array(priceSchema()), next: z.null() }),
    }, ({ app }) => ({ items: listPrices(app).map(priceJson), next: null }))
    .get("/prices/versions", {
      summary: "What was changed of prices, newest first",
      query: versionsQuery,
      out: priceVersionsSchema,
    }, ({ app, query }) => {
      const { model, before, limit } = query;
      const rows = listPriceVersions(app.db, { model, before, limit: limit + 1 });
      const items = rows.slice(0, limit).map(priceVersionJson);
      return { items, next: rows.length > limit ? items.at(-1)!.id : null };
    })
    .post("/prices/versions/:id/undo", {
      summary: "Put the rates back that the newest change of a model's took the place of",
      out: priceSchema,
    }, ({ app, params }) => {
      const { version } = validate(restoreInput, { version: params.id }, "path");
      return priceJson(undoPrice(app, version));
    })
    .get("/prices/:id", {
      summary: "What one model costs",
      out: priceSchema,
      versioned: true,
    }, ({ app, params }) => priceJson(priceOf(app, params.id!)))
    .put("/prices/:id", {
      summary: "Give a model other rates, or its first ones, for runs that begin from now on",
      body: priceInput,
      out: priceSchema,
      current: (app, id) => priceJson(priceOf(app, id)),
    }, ({ app, params, body }) => priceJson(changePrice(app, params.id!, pricesIn(body))));
}

type PriceBody = z.output<ReturnType<typeof priceInput>>;
type Rates = NonNullable<PriceBody["price"]>;

function pricesIn({ price, long_prompt: long, as_of: asOf }: PriceBody) {
  return price && {
    price: ratesIn(price),
    longPrompt: long && { aboveTokens: long.above_tokens, price: ratesIn(long.price) },
    asOf,
  };
}

const ratesIn = (r: Rates) => ({
  input: r.input,
  output: r.output,
  cacheWrite5m: r.cache_write_5m,
  cacheWrite1h: r.cache_write_1h,
  cacheRead: r.cache_read,
  ...r.web_search !== undefined && { webSearch: r.web_search },
});

// ------------------------------------------------------------------ pages

export function pricePages(pages: Hono<Env>, tools: PageTools): void {
  const page = showUsage(tools);
  pages.post("/usage/prices", async (c) => {
    const values = await readForm(c);
    const model = values.model ?? "";
    return act(
      () => {
        const { app } = c.var;
        const { longPrompt } = priceOf(app, model);
        changePrice(app, model, {
          price: pricesOf(values, ""),
          longPrompt: longPrompt && { ...longPrompt, price: pricesOf(values, "long_") },
          asOf: asOfIn(values),
        });
        return done(c, "/usage#prices", `The price of ${model} holds for runs that begin now`);
      },
      ({ message, errors, status }) =>
        page(c, { price: { model, values, message, errors } }, status),
    );
  });
  pages.post("/usage/prices/reset", async (c) => {
    const { model = "" } = await readForm(c);
    const { shipped } = changePrice(c.var.app, model, null);
    const now = shipped ? "is back at its shipped price" : "has no price, and no agent can have it";
    return done(c, "/usage#prices", `${model} ${now}`);
  });
  pages.get("/usage/prices", (c) => {
    const { model, before } = c.req.query();
    return show(
      c,
      <PriceHistoryPage {...priceHistoryPage(pageRequest(c, tools), model, before)} />,
    );
  });
  pages.post("/usage/prices/undo", async (c) => {
    const { version = "" } = await readForm(c);
    const { model } = undoPrice(c.var.app, Number(version));
    return done(c, pageBehind(c) ?? "/usage/prices", `The price of ${model} is as it was before`);
  });
  pages.post("/usage/models/refresh", async (c) => {
    const { app } = c.var;
    const list = await fetchModels(app, requestSignal());
    if (list) keepModels(app, list);
    return done(
      c,
      "/usage#prices",
      list === null
        ? "There is no endpoint to ask"
        : list.error ?? `The endpoint lists ${plural(list.models.length, "model")}`,
    );
  });
}

function pricesOf(values: Record<string, string>, band: "" | "long_") {
  const rate = (of: keyof typeof rateWords): number => {
    const field = rateField(of, band);
    const text = (values[field] ?? "").trim();
    if (/^\d{1,5}(\.\d{1,6})?$/.test(text)) return Number(text);
    const message = `write US-dollars per ${
      of === "webSearch" ? "1,000 searches" : "million tokens"
    }, such as 2.50`;
    throw new AppError("invalid", `Cannot take that price: ${message}`, [{ field, message }]);
  };
  return {
    input: rate("input"),
    output: rate("output"),
    cacheWrite5m: rate("cacheWrite5m"),
    cacheWrite1h: rate("cacheWrite1h"),
    cacheRead: rate("cacheRead"),
    // One field for both bands; a script that knows no such rate leaves the shipped one.
    ...rateField("webSearch", band) in values && { webSearch: rate("webSearch") },
  };
}

function asOfIn({ as_of: text = "" }: Record<string, string>): string {
  if (/^\d{4}-\d{2}(-\d{2})?$/.test(text.trim())) return text.trim();
  const message = "write it as 2026-11 or 2026-11-27";
  throw new AppError("invalid", `Cannot take that price: ${message}`, [{
    field: "as_of",
    message,
  }]);
}
