/**
 * The rules of sections 3 and 4 of CLAUDE-API.md: what a strict server refuses with 400, naming the position.
 * Shared by the demo model and the tests' fake server, so that a request that one takes the other takes too.
 */
import { countPrompt } from "./tokens.ts";
import { checkMarkers } from "./validate/cache.ts";
import { checkMessages, checkSystem } from "./validate/messages.ts";
import {
  efforts,
  isObject,
  type ModelRules,
  refuse,
  refuseExtraKeys,
  requireOneOf,
  type ThinkingType,
} from "./validate/refuse.ts";
import { checkTools } from "./validate/tools.ts";
import { type MessagesRequest, type WireBlock, WireError } from "./wire.ts";

/** Efforts at which a model that can do without thinking may be told to. */
const EFFORTS_WITHOUT_THINKING = ["low", "medium", "high"];
const MIN_THINKING_BUDGET_TOKENS = 1_024;

export type { ModelRules } from "./validate/refuse.ts";

export interface CheckOptions {
  models: ReadonlyMap<string, ModelRules>;
  /** Fields that a beta header allows beside the usual ones. */
  extraFields?: readonly string[];
  /** The beta of compaction is on: `compaction` asks for a summary, and its block begins a conversation. */
  compaction?: boolean;
  /** For `count_tokens`: no `max_tokens`, no `stream`. */
  counting?: boolean;
  /** Whether this content was answered with `pause_turn`: then the request may end with it. */
  isPaused?: (content: WireBlock[]) => boolean;
}

const FIELDS = [
  "model",
  "messages",
  "system",
  "tools",
  "tool_choice",
  "thinking",
  "output_config",
  "cache_control",
];
const FIELDS_OF_MESSAGES = [
  "max_tokens",
  "stop_sequences",
  "stream",
  "metadata",
  "service_tier",
  "speed",
];
const SAMPLING_FIELDS = ["temperature", "top_p", "top_k"];

/** Checks a parsed body against every rule. Throws `WireError`; returns the body, now typed. */
export function checkRequest(body: unknown, options: CheckOptions): MessagesRequest {
  if (!isObject(body)) refuse("body", "Input should be a valid dictionary");
  const sampling = SAMPLING_FIELDS.find((field) => field in body);
  if (sampling) refuse(sampling, `\`${sampling}\` is not supported on this model`);
  refuseExtraKeys(body, [
    ...FIELDS,
    ...(options.counting ? [] : FIELDS_OF_MESSAGES),
    ...(options.compaction ? ["compaction"] : []),
    ...(options.extraFields ?? []),
  ], "");
  const rules = modelRules(body.model, options.models);
  if (!options.counting) checkLimits(body, rules);
  checkThinking(body, rules);
  checkSystem(body.system);
  checkTools(body.tools, body.tool_choice, rules);
  checkCompaction(body);
  const { isPaused = () => false, compaction = false } = options;
  checkMessages(body.messages, rules, { isPaused, compaction });
  const request = body as unknown as MessagesRequest;
  checkMarkers(request);
  const tokens = countPrompt(request);
  if (tokens > rules.maxInputTokens) {
    refuse("prompt is too long", `${tokens} tokens > ${rules.maxInputTokens} maximum`);
  }
  return request;
}

function modelRules(model: unknown, models: CheckOptions["models"]): ModelRules {
  if (model === undefined) refuse("model", "Field required");
  if (typeof model !== "string") refuse("model", "Input should be a valid string");
  const rules = models.get(model);
  if (!rules) throw new WireError("not_found_error", `model: ${model}`);
  return rules;
}

function checkCompaction(
  { compaction, context_management, stop_sequences, tool_choice, ...body }: Record<
    string,
    unknown
  >,
): void {
  if (compaction === undefined || compaction === null) return;
  if (!isObject(compaction)) refuse("compaction", "Input should be a valid dictionary");
  refuseExtraKeys(compaction, ["type", "instructions"], "compaction");
  if (compaction.type !== "summarize") refuse("compaction.type", 'Input should be "summarize"');
  if (context_management !== undefined) {
    refuse("compaction", "cannot be combined with `context_management`");
  }
  if (stop_sequences !== undefined) refuse("stop_sequences", "not accepted with `compaction`");
  const { output_config } = body;
  if (isObject(output_config) && output_config.format) {
    refuse("output_config.format", "not accepted with `compaction`");
  }
  if (isObject(tool_choice) && (tool_choice.type === "any" || tool_choice.type === "tool")) {
    refuse("tool_choice", "not accepted with `compaction`");
  }
}

function checkLimits(body: Record<string, unknown>, rules: ModelRules): void {
  const { max_tokens, stop_sequences, stream, metadata, service_tier, speed } = body;
  if (max_tokens === undefined) refuse("max_tokens", "Field required");
  if (!Number.isInteger(max_tokens) || (max_tokens as number) < 0) {
    refuse("max_tokens", "Input should be an integer of at least 1 (or 0 to warm the cache)");
  }
  if ((max_tokens as number) > rules.maxOutputTokens) {
    refuse(
      "max_tokens",
      `${max_tokens} > ${rules.maxOutputTokens}, which is the maximum allowed number of output ` +
        `tokens for ${rules.id}`,
    );
  }
  if (stream !== undefined && typeof stream !== "boolean") {
    refuse("stream", "Input should be a valid boolean");
  }
  if (stop_sequences !== undefined) {
    if (!Array.isArray(stop_sequences)) refuse("stop_sequences", "Input should be a valid list");
    stop_sequences.forEach((sequence, i) => {
      if (typeof sequence !== "string" || sequence.trim() === "") {
        refuse(`stop_sequences.${i}`, "each stop sequence must contain non-whitespace");
      }
    });
  }
  if (metadata !== undefined) {
    if (!isObject(metadata)) refuse("metadata", "Input should be a valid dictionary");
    refuseExtraKeys(metadata, ["user_id"], "metadata");
  }
  requireOneOf(service_tier, ["auto", "standard_only"], "service_tier");
  requireOneOf(speed, ["standard", "fast", null], "speed");
}

function checkThinking(body: Record<string, unknown>, rules: ModelRules): void {
  const { thinking, output_config, max_tokens } = body;
  const effort = checkEffort(output_config, rules);
  if (thinking === undefined) return;
  if (!isObject(thinking)) refuse("thinking", "Input should be a valid dictionary");
  const type = thinking.type as ThinkingType;
  if (!rules.thinking.includes(type)) {
    refuse("thinking.type", `"${type}" is not supported for this model`);
  }
  const known = type === "enabled"
    ? ["type", "budget_tokens", "display"]
    : type === "adaptive"
    ? ["type", "display"]
    : ["type"];
  refuseExtraKeys(thinking, known, "thinking");
  requireOneOf(thinking.display, ["summarized", "omitted"], "thinking.display");
  if (
    (type === "disabled" || type === "between_tools") && effort !== null &&
    !EFFORTS_WITHOUT_THINKING.includes(effort)
  ) {
    refuse("thinking.type", `"${type}" is not supported at effort "${effort}"`);
  }
  if (type === "enabled") {
    const budget = thinking.budget_tokens;
    if (!Number.isInteger(budget) || (budget as number) < MIN_THINKING_BUDGET_TOKENS) {
      refuse(
        "thinking.enabled.budget_tokens",
        `Input should be greater than or equal to ${MIN_THINKING_BUDGET_TOKENS}`,
      );
    }
    if (typeof max_tokens === "number" && (budget as number) >= max_tokens) {
      refuse("max_tokens", "`max_tokens` must be greater than `thinking.budget_tokens`");
    }
  }
}

/** The effort that the request has in the end. */
function checkEffort(config: unknown, rules: ModelRules): string | null {
  if (config === undefined) return rules.defaultEffort;
  if (!isObject(config)) refuse("output_config", "Input should be a valid dictionary");
  refuseExtraKeys(config, ["effort", "format"], "output_config");
  const { effort, format } = config;
  if (effort !== undefined) {
    if (rules.defaultEffort === null) {
      refuse("output_config.effort", "This model does not support the effort parameter");
    }
    requireOneOf(effort, efforts, "output_config.effort");
  }
  if (format !== undefined && format !== null) {
    if (!isObject(format) || format.type !== "json_schema" || !isObject(format.schema)) {
      refuse("output_config.format", 'Input should be {"type": "json_schema", "schema": {…}}');
    }
  }
  return (effort as string | undefined) ?? rules.defaultEffort;
}
