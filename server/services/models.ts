/** The models that the endpoint offers, as it lists them itself; and what it turned out not to take of a request. */
import type { ModelSpec, Quirk } from "../../agents/protocol.ts";
import { isModelName } from "../../agents/models.ts";
import type { AgentDefinition } from "../../agents/prompts/definition.ts";
import { isOfEndpoint, isQuirk } from "../../agents/loop/quirks.ts";
import type { App } from "../app.ts";
import { DAY_MS, SECOND_MS } from "../clock.ts";
import { transact, transactSoon } from "../db.ts";
import { messageOf } from "../errors.ts";
import { findPrice } from "../store/prices.ts";
import { type ListedModel, type ModelList, readSetting, writeSetting } from "../store/settings.ts";

/** The version of the API that lists are asked for with. */
const API_VERSION = "2026-10-21";
const FETCH_TIMEOUT_MS = 10 * SECOND_MS;
const MAX_LIST_BYTES = 1_000_000;
const MAX_MODELS = 500;
const MAX_PAGES = 5;
const MAX_TEXT_CHARS = 200;
/** A list is fetched again at a start when it is older. */
const LIST_AGE_MS = DAY_MS;

/** What was listed last by the endpoint that is used now; null: nothing yet. */
export function listedModels(app: Pick<App, "db" | "config">): ModelList | null {
  const list = readSetting(app.db, "model_list");
  return list && list.baseUrl === app.config.endpoint?.baseUrl ? list : null;
}

/** Ids that the endpoint lists; null where it lists none. */
export function offeredModels(app: Pick<App, "db" | "config">): string[] | null {
  const models = listedModels(app)?.models ?? [];
  return models.length > 0 ? models.map(({ id }) => id) : null;
}

/** Asks the endpoint. A list that can't be had leaves the one before, with what went wrong. */
export async function fetchModels(app: App, stop?: AbortSignal): Promise<ModelList | null> {
  const { endpoint } = app.config;
  if (!endpoint) return null;
  const before = listedModels(app);
  const { baseUrl } = endpoint;
  const at = new Date(app.clock.nowMs()).toISOString();
  try {
    return { baseUrl, models: await readList(endpoint, stop), at, error: null };
  } catch (error) {
    const why = messageOf(error).replaceAll(endpoint.apiKey, "[key]").slice(0, MAX_TEXT_CHARS);
    return {
      baseUrl,
      models: before?.models ?? [],
      at: before?.at ?? at,
      error: `Cannot list the models: ${why}`,
    };
  }
}

/** Keeps a list, in the transaction that `app` is inside of, or in one of its own. */
export function keepModels(app: App, list: ModelList): ModelList {
  transact(app, (tx) => writeSetting(tx, "model_list", list));
  return list;
}

/** At a start, in the background: an endpoint that lists nothing is no fault. */
export async function refreshModels(app: App, stop: AbortSignal): Promise<void> {
  const list = listedModels(app);
  if (list && list.error === null && app.clock.nowMs() - Date.parse(list.at) < LIST_AGE_MS) return;
  try {
    const fetched = await fetchModels(app, stop);
    if (stop.aborted) return;
    if (fetched) await transactSoon(app, (tx) => writeSetting(tx, "model_list", fetched));
    if (fetched?.error) app.log.info("the endpoint's models are not known", { why: fetched.error });
  } catch (error) {
    app.log.warn("the list of models is not saved", { error: messageOf(error) });
  }
}

/** What a model has whose endpoint does not say. */
const USUAL_WINDOW = { contextTokens: 200_000, maxOutputTokens: 32_000 };

/**
 * The model of a definition: one that Gaffer ships with, or one that a person gave a price. Of what only its maker
 * knows (thinking, effort) the latter is asked for nothing. Throws `invalid` for any other.
 */
export function modelOf(
  app: Pick<App, "catalog" | "db" | "config">,
  definition: Pick<AgentDefinition, "model" | "effort">,
): ModelSpec {
  const { model: id } = definition;
  const row = isModelName(id) ? null : findPrice(app.db, id);
  if (!row?.price) return app.catalog.model(definition);
  const listed = listedModels(app)?.models.find((model) => model.id === id);
  return {
    id,
    contextTokens: listed?.maxInputTokens ?? USUAL_WINDOW.contextTokens,
    maxOutputTokens: listed?.maxOutputTokens ?? USUAL_WINDOW.maxOutputTokens,
    thinking: null,
    systemMessages: false,
    effort: null,
    price: row.price,
    longPrompt: row.longPrompt,
  };
}

/** The model with no larger window and answers than its endpoint says that it has. */
export function asOffered(app: Pick<App, "db" | "config">, model: ModelSpec): ModelSpec {
  const listed = listedModels(app)?.models.find(({ id }) => id === model.id);
  if (!listed) return model;
  return {
    ...model,
    contextTokens: Math.min(model.contextTokens, listed.maxInputTokens ?? Infinity),
    maxOutputTokens: Math.min(model.maxOutputTokens, listed.maxOutputTokens ?? Infinity),
  };
}

/** What an endpoint lacks is believed for so long, then it is asked again: somebody may have mended it. */
export const QUIRKS_AGE_MS = DAY_MS;

/** What the endpoint in use is known not to take, whichever model is asked. */
export function knownQuirks(app: Pick<App, "db" | "config" | "clock">): Quirk[] {
  return learnedQuirks(app)?.quirks.filter(isQuirk).filter(isOfEndpoint) ?? [];
}

/** Null: nothing was learned of this endpoint lately. */
function learnedQuirks(app: Pick<App, "db" | "config" | "clock">) {
  const learned = readSetting(app.db, "endpoint_quirks");
  if (!learned || learned.baseUrl !== app.config.endpoint?.baseUrl) return null;
  const ageMs = app.clock.nowMs() - Date.parse(learned.at ?? "");
  return ageMs >= 0 && ageMs < QUIRKS_AGE_MS ? learned : null;
}

/** Remembered for brains to come, and over a restart, unless another model may be different. */
export function learnQuirk(app: App, quirk: Quirk): void {
  const { endpoint } = app.config;
  if (!endpoint) return;
  app.log.info("the endpoint does not take a field; it is left out from now on", { field: quirk });
  if (!isOfEndpoint(quirk)) return;
  const { baseUrl } = endpoint;
  transactSoon(app, (tx) => {
    const quirks = [...new Set([...knownQuirks(app), quirk])];
    writeSetting(tx, "endpoint_quirks", { baseUrl, quirks, at: learnedQuirks(app)?.at ?? tx.now });
  }).catch((error) =>
    app.log.warn("what the endpoint does not take is not saved", { error: messageOf(error) })
  );
}

async function readList(
  endpoint: { baseUrl: string; apiKey: string },
  stop: AbortSignal = new AbortController().signal,
): Promise<ListedModel[]> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(FETCH_TIMEOUT_MS)]);
  const found = new Map<string, ListedModel>();
  let after: string | null = null;
  for (let page = 0; page < MAX_PAGES; page++) {
    const url = new URL(`${endpoint.baseUrl.replace(/\/+$/, "")}/v1/models`);
    url.searchParams.set("limit", "100");
    if (after) url.searchParams.set("after_id", after);
    const headers = {
      authorization: `Bearer ${endpoint.apiKey}`,
      "anthropic-version": API_VERSION,
    };
    const response = await fetch(url, { headers, signal, redirect: "error" });
    const text = await readText(response);
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    const body = JSON.parse(text);
    if (!Array.isArray(body?.data)) throw new Error("its answer is no list");
    for (const entry of body.data) {
      const model = listedModel(entry);
      if (model && found.size < MAX_MODELS) found.set(model.id, model);
    }
    after = body.has_more === true && typeof body.last_id === "string" ? body.last_id : null;
    if (after === null) break;
  }
  return [...found.values()];
}

/** Throws when it is longer than any list. */
async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_LIST_BYTES) throw new Error(`its list is longer than ${MAX_LIST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return await new Blob(chunks).text();
}

/** Null: no model, or one that can't be named. */
function listedModel(entry: unknown): ListedModel | null {
  if (typeof entry !== "object" || entry === null) return null;
  const { id, display_name, max_input_tokens, max_tokens } = entry as Record<string, unknown>;
  if (typeof id !== "string" || !/^[\w.:\/@-]{1,200}$/.test(id)) return null;
  const count = (value: unknown) =>
    typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : null;
  return {
    id,
    name: typeof display_name === "string" ? display_name.slice(0, MAX_TEXT_CHARS) : id,
    maxInputTokens: count(max_input_tokens),
    maxOutputTokens: count(max_tokens),
  };
}
