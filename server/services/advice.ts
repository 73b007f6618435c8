/** Advice that follows from what was used: each piece says what it rests on and what it would save. Pure. */
import { costOf, type ModelFamily, models } from "../../agents/models.ts";
import { promptTokensOf } from "../../agents/loop/cost.ts";
import type { Price, Usage } from "../../agents/protocol.ts";
import type { UsageSum } from "../store/usage.ts";

/** What advice is drawn from: one span of time. */
export interface AdviceGround {
  days: number;
  byAgentAndModel: readonly (UsageSum & { agent: string; model: string })[];
  runs: readonly { agent: string; ended: number; failed: number; failedMicroUsd: number }[];
  /** Where the month is heading; null: nobody can tell yet. */
  forecastMicroUsd: number | null;
  /** What a limit of this month would count beside what was spent: in doubt after a crash, or reserved. */
  heldMicroUsd: number;
  /** Of the monthly limit on all cost; null: there is none. */
  monthLimitMicroUsd: number | null;
  /** Those that the figures are of. */
  agents: readonly AdvisedAgent[];
  /** `promptTokens`: of one request, where prompts have bands. */
  priceOf(model: string, promptTokens: number): Price | null;
  /** Whether the endpoint is known to lack it. */
  lacks(model: string): boolean;
}

export interface AdvisedAgent {
  id: string;
  name: string;
  projectId: string | null;
  version: number;
  /** The exact model that its definition names now, which is read for that; null: it can't be. */
  model(): string | null;
  /** It came from a project's repository, which it is edited in. */
  isFile: boolean;
}

/** What applying advice does. */
export type AdviceStep =
  | { type: "month_limit"; amountMicroUsd: number }
  /** In the next version after this one. */
  | { type: "model"; agentId: string; version: number; model: ModelFamily };

export interface Advice {
  /** Stays the same while it says the same. */
  key: string;
  title: string;
  /** The figures that it rests on. */
  basis: string;
  /** What it would have saved in that time; null: it saves nothing by itself. */
  savingMicroUsd: number | null;
  /** Null: a person does it elsewhere. */
  apply: AdviceStep | null;
  /** Whose page it leads to. */
  agentId: string | null;
}

/** Fewer requests or runs than this prove nothing. */
const REQUESTS_MIN = 20;
const RUNS_MIN = 5;
const FAILED_SHARE = 0.4;
const CACHED_SHARE_MIN = 0.5;
/** What runs of several turns reach. */
const CACHED_SHARE_USUAL = 0.8;
const SUCCESS_SHARE = 0.95;
/** A saving below this is not worth a person's time. */
const SAVING_MIN_MICRO_USD = 100_000;
/** A limit that leaves room for a busier time, in whole dollars. */
const LIMIT_ROOM = 1.5;
const MICRO_USD_PER_USD = 1_000_000;

/** The dearest first. */
export function adviceFrom(ground: AdviceGround): Advice[] {
  return [
    ...ground.byAgentAndModel.flatMap((
      row,
    ) => [cacheMisses(row, ground), cheaperModel(row, ground)]),
    ...ground.runs.map((row) => failsOften(row, ground)),
    noLimit(ground),
  ].filter((advice) => advice !== null)
    .sort((a, b) => (b.savingMicroUsd ?? 0) - (a.savingMicroUsd ?? 0));
}

type Row = AdviceGround["byAgentAndModel"][number];

function cacheMisses(row: Row, ground: AdviceGround): Advice | null {
  const { days, priceOf } = ground;
  const price = priceOf(row.model, promptOf(row));
  const prompt = promptTokensOf(row.usage);
  if (!price || row.requests < REQUESTS_MIN || prompt === 0) return null;
  const share = row.usage.cacheReadTokens / prompt;
  if (share >= CACHED_SHARE_MIN) return null;
  const better = withCachedShare(row.usage, CACHED_SHARE_USUAL);
  const savingMicroUsd = row.costMicroUsd - costOf(better, price);
  if (savingMicroUsd < SAVING_MIN_MICRO_USD) return null;
  return {
    key: `cache:${row.agent}:${row.model}`,
    title: `The requests of ${row.agent} miss the cache`,
    basis:
      `${percent(share)} of its ${
        prompt.toLocaleString("en-US")
      } prompt tokens in ${days} days came from the ` +
      `cache; runs of several turns reach ${
        percent(CACHED_SHARE_USUAL)
      }. Long waits between turns (approvals, ` +
      "limits) and many runs of a single turn are the usual reasons",
    savingMicroUsd,
    apply: null,
    agentId: pageOf(row.agent, ground),
  };
}

/** Tokens of a usual prompt. */
const promptOf = ({ usage, requests }: Row): number =>
  requests === 0 ? 0 : promptTokensOf(usage) / requests;

/** The one agent of a name, or the one of all projects. */
function pageOf(name: string, { agents }: AdviceGround): string | null {
  const named = agents.filter((agent) => agent.name === name);
  return (named.length === 1 ? named[0] : named.find(({ projectId }) => projectId === null))?.id ??
    null;
}

/** The same tokens with so much of the prompt read from the cache, and the rest as it was. */
function withCachedShare(usage: Usage, share: number): Usage {
  const prompt = promptTokensOf(usage);
  const uncached = prompt - usage.cacheReadTokens;
  const factor = uncached === 0 ? 0 : (prompt * (1 - share)) / uncached;
  return {
    ...usage,
    cacheReadTokens: Math.round(prompt * share),
    inputTokens: Math.round(usage.inputTokens * factor),
    cacheWrite5mTokens: Math.round(usage.cacheWrite5mTokens * factor),
    cacheWrite1hTokens: Math.round(usage.cacheWrite1hTokens * factor),
  };
}

/** The next cheaper line of models, for agents that never fail on theirs. */
const cheaper = { fable: "opus", opus: "sonnet", sonnet: "haiku" } as const;

function cheaperModel(row: Row, ground: AdviceGround): Advice | null {
  const { days, runs, agents, priceOf, lacks } = ground;
  const ended = runs.find(({ agent }) => agent === row.agent);
  if (!ended || ended.ended < RUNS_MIN || row.requests < REQUESTS_MIN) return null;
  if (1 - ended.failed / ended.ended < SUCCESS_SHARE) return null;
  const family = models.find(({ id }) => id === row.model)?.family;
  const next = family && family !== "haiku"
    ? models.find((model) => model.family === cheaper[family])
    : undefined;
  const price = next && !lacks(next.id) && priceOf(next.id, promptOf(row));
  if (!next?.family || !price) return null;
  const savingMicroUsd = row.costMicroUsd - costOf(row.usage, price);
  if (savingMicroUsd < SAVING_MIN_MICRO_USD) return null;
  // Nobody works with it any more: there is nothing to follow.
  const users = agents.filter((one) => one.name === row.agent && one.model() === row.model);
  if (users.length === 0) return null;
  return {
    key: `model:${row.agent}:${row.model}`,
    title: `A cheaper model may do for ${row.agent}`,
    basis:
      `${
        ended.ended - ended.failed
      } of its ${ended.ended} runs in ${days} days succeeded with ${row.model}; the ` +
      `same tokens on ${next.id} would have cost that much less. ${howTo(users, next.family)}`,
    savingMicroUsd,
    apply: stepOf(users, next.family),
    agentId: users.length === 1 ? users[0]!.id : pageOf(row.agent, ground),
  };
}

/** Only where it is plain whose definition the figures are of. */
function stepOf(users: AdvisedAgent[], model: ModelFamily): AdviceStep | null {
  const [only] = users;
  if (users.length !== 1 || !only || only.isFile) return null;
  return { type: "model", agentId: only.id, version: only.version, model };
}

const howTo = (users: AdvisedAgent[], model: ModelFamily): string =>
  stepOf(users, model) !== null
    ? `Applying saves a version of it with \`model: ${model}\`; a trial on its page shows before what it does then`
    : users.length > 1
    ? `${users.length} definitions of that name use the model: set \`model: ${model}\` in one of them first`
    : `It comes from the project's repository: set \`model: ${model}\` in its file`;

function failsOften(
  { agent, ended, failed, failedMicroUsd }: AdviceGround["runs"][number],
  ground: AdviceGround,
): Advice | null {
  if (ended < RUNS_MIN || failed / ended < FAILED_SHARE) return null;
  return {
    key: `fails:${agent}`,
    title: `${agent} fails often`,
    basis:
      `${failed} of its ${ended} runs in ${ground.days} days failed. Its page shows them and its prompt: look ` +
      "for a limit that is too small, or a task that the prompt does not cover",
    savingMicroUsd: failedMicroUsd,
    apply: null,
    agentId: pageOf(agent, ground),
  };
}

function noLimit(
  { forecastMicroUsd, heldMicroUsd, monthLimitMicroUsd }: AdviceGround,
): Advice | null {
  if (monthLimitMicroUsd !== null || !forecastMicroUsd) return null;
  const neededMicroUsd = forecastMicroUsd * LIMIT_ROOM + heldMicroUsd;
  const usd = Math.max(1, Math.ceil(neededMicroUsd / MICRO_USD_PER_USD));
  return {
    key: "month_limit",
    title: `Set a monthly limit of $${usd.toLocaleString("en-US")}`,
    basis: `Nothing limits what a month may cost. At the present pace this one ends at ` +
      `$${
        (forecastMicroUsd / MICRO_USD_PER_USD).toFixed(2)
      }; the limit leaves at least half as much again` +
      (heldMicroUsd > 0
        ? `, and room for $${(heldMicroUsd / MICRO_USD_PER_USD).toFixed(2)} in doubt or reserved`
        : ""),
    savingMicroUsd: null,
    apply: { type: "month_limit", amountMicroUsd: usd * MICRO_USD_PER_USD },
    agentId: null,
  };
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;
