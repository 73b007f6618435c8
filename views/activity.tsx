/** A run as it went: turns with their steps and what they cost, and what happened in between. */
import type { VNode } from "preact";
import { failureReasons } from "../server/states.ts";
import type { Run, RunEvent } from "../server/records.ts";
import { Calls } from "./activity_call.tsx";
import { Fact } from "./activity_fact.tsx";
import { Sources, WebUses } from "./activity_web.tsx";
import { type ActivityItem, foldActivity, type TurnItem } from "./activity_fold.ts";
import { cacheBreakWords, type CacheUse } from "./cache_use.ts";
import { DemoMark, Money, Panel, Time } from "./components.tsx";
import { count, duration, inputTokens, plural, sentence, shortCommit, tokens } from "./format.ts";
import { forkHref, idPart } from "./links.ts";
import { liveTextPartial, partial, replace } from "./live.tsx";
import { Prose } from "./prose.tsx";
import { failureWords } from "./words.ts";

export interface ActivityProps {
  /** Null: nothing has run yet. */
  run: Run | null;
  events: RunEvent[];
  /** What the turn that streams now has said so far; empty when none does. */
  liveText: string;
  /** Shows everything instead of the newest part; null: everything is shown. */
  allHref: string | null;
  /** Numbers of the first events of the only items to show. */
  only?: readonly number[];
  /** The run may be forked after each turn that is whole. */
  forkable?: boolean;
  nowMs: number;
}

/** Items shown at once; older ones by link. */
const ITEMS_MAX = 200;

/** The activity of one run, newest at the end; `#activity`. */
export function Activity(props: ActivityProps): VNode {
  const { run, events, liveText, allHref, only, forkable, nowMs } = props;
  if (run === null) {
    return (
      <Panel id="activity" title="Activity">
        <p class="muted">
          Nothing has run yet. The agents' text and tools appear here as they work.
        </p>
      </Panel>
    );
  }
  const items = foldActivity(events).filter(({ first }) => only?.includes(first) ?? true);
  const shown = allHref === null ? items : items.slice(-ITEMS_MAX);
  const working = run.status === "running";
  return (
    <Panel
      id="activity"
      title={`What the ${run.agent} did`}
      aside={
        <span class="panel-aside">
          {run.demo && <DemoMark />}
          <WrapButton />
          <FollowButton />
        </span>
      }
    >
      {shown.length < items.length && (
        <p class="muted">
          Showing {count(shown.length)} of {plural(items.length, "step")}.{" "}
          <a href={allHref!}>Show all</a>
        </p>
      )}
      <ol class="activity" id={`activity-${idPart(run.id)}`} data-activity="">
        {shown.map((item) => (
          <Item key={item.first} item={item} run={run} forkable={forkable} nowMs={nowMs} />
        ))}
      </ol>
      <div
        class="live-text"
        id={`live-${idPart(run.id)}`}
        role="group"
        tabIndex={working ? 0 : undefined}
        aria-label={`What the ${run.agent} is writing now`}
        data-live-text=""
      >
        {liveText}
      </div>
      <noscript>
        <p>
          <a href="">Refresh</a> to see what happened since.
        </p>
      </noscript>
    </Panel>
  );
}

/** Pressed: long lines of output wrap. static/wrap.js keeps the choice. */
function WrapButton(): VNode {
  return (
    <button
      type="button"
      class="button button-quiet js-only"
      aria-pressed="true"
      data-wrap=""
      data-key="w"
      hx-morph-skip=""
    >
      Wrap
    </button>
  );
}

function FollowButton(): VNode {
  return (
    <button
      type="button"
      class="button button-quiet js-only"
      data-follow=""
      data-key="f"
      hx-morph-skip=""
    >
      Follow
    </button>
  );
}

/** All of it again: when a run begins, ends, or another one takes its place. */
export const activityPartial = (props: ActivityProps): VNode =>
  replace("activity", <Activity {...props} />);

/**
 * Items that are new or changed (`itemsSince`), for the end of the list; the text that streamed is now
 * part of them, so it is emptied, unless the turn that goes on has some already.
 */
export function itemsPartial(
  props: { run: Run; items: ActivityItem[]; liveText: string; nowMs: number },
): VNode {
  const { run, items, liveText, nowMs } = props;
  return (
    <>
      {partial(
        `#activity-${idPart(run.id)}`,
        "beforeend",
        items.map((item) => <Item key={item.first} item={item} run={run} nowMs={nowMs} />),
      )}
      {liveTextPartial(run.id, liveText)}
    </>
  );
}

interface ItemProps {
  item: ActivityItem;
  run: Run;
  forkable?: boolean;
  nowMs: number;
}

function Item({ item, ...rest }: ItemProps): VNode {
  return item.kind === "turn"
    ? <Turn item={item} {...rest} />
    : <Fact item={item} nowMs={rest.nowMs} />;
}

function Turn({ item, run, forkable, nowMs }: ItemProps & { item: TurnItem }): VNode {
  const { said, failure, spent } = item;
  return (
    <li class="turn" id={`e${item.first}`} data-step="" tabIndex={-1}>
      <p class="turn-head">
        <a href={`#e${item.first}`}>
          {item.compacts ? `Summary before turn ${item.turn}` : `Turn ${item.turn}`}
        </a>
        <Time at={item.at} nowMs={nowMs} />
        {spent && <Spent spent={spent} cache={item.cache} demo={run.demo} />}
        {forkable && isWhole(item) && (
          <a class="small" href={forkHref(run.id, item.turn)}>Fork after turn {item.turn}</a>
        )}
      </p>
      {!run.demo && item.cache?.broke && <CacheBroke cache={item.cache} />}
      {item.summary && (
        <details class="thinking" id={`summary-${item.first}`}>
          <summary>The history so far, summed up</summary>
          <Prose text={item.summary} />
        </details>
      )}
      {said && said.thinking !== "" && (
        <details class="thinking" id={`thinking-${said.number}`}>
          <summary>Thinking</summary>
          <Prose text={said.thinking} />
        </details>
      )}
      {said && said.text !== "" && (
        <div id={`e${said.number}`}>
          <Prose text={said.text} />
          {said.sources.length > 0 && <Sources sources={said.sources} />}
        </div>
      )}
      {said && item.web.length > 0 && <WebUses uses={item.web} number={said.number} />}
      {item.calls.length > 0 && <Calls calls={item.calls} />}
      {item.checkpoints.map(({ number, commit, files }) => (
        <p class="checkpoint" id={`e${number}`} key={number}>
          Checkpoint <code>{shortCommit(commit)}</code> · {plural(files.length, "file")}
        </p>
      ))}
      {failure && (
        <p class={`outcome tone-${failure.retryInMs === null ? "failed" : "waiting"}`}>
          {failureWords[failure.reason]}: {sentence(withoutZeroCost(failure.message))}{" "}
          {failure.retryInMs === null
            ? failureReasons[failure.reason].mend
            : failure.retryInMs === 0
            ? "Asked again at once."
            : `Asked again after ${duration(failure.retryInMs)}.`}
        </p>
      )}
      {item.stopReason === "max_tokens" && (
        <p class="outcome tone-waiting">The answer was cut at its token limit.</p>
      )}
    </li>
  );
}

/** What the demo model is asked costs nothing, and its log says so in so many words. */
const withoutZeroCost = (message: string): string =>
  message.replace(": it may have cost up to $0.0000, and is", " and is");

/** Nothing of it is open, and it is not the one that handed in the result. */
const isWhole = ({ said, calls }: TurnItem): boolean =>
  said !== null && calls.every(({ result }) => result !== null && !result.final);

/** Said where a turn paid for input again that it might have read; of the first it is no more than a remark. */
function CacheBroke({ cache }: { cache: CacheUse }): VNode {
  const { broke, share } = cache;
  const what = broke === "first" ? "Cache" : share > 0 ? "Cache read in part" : "Cache not read";
  return <p class="muted small">{what}: {cacheBreakWords[broke!]}.</p>;
}

function Spent(
  { spent, cache, demo }: {
    spent: NonNullable<TurnItem["spent"]>;
    cache: CacheUse | null;
    demo: boolean;
  },
): VNode {
  const { usage, costMicroUsd, durationMs } = spent;
  const cached = usage.cacheReadTokens;
  return (
    <span class="spent num">
      <span title={`${count(cached)} of them read from the cache`}>
        {tokens(inputTokens(usage))} in
        {cache && !demo && ` (${Math.floor(cache.share * 100)} % cached)`}
      </span>{" "}
      · {tokens(usage.outputTokens)} out
      {usage.webSearches !== undefined &&
        ` · ${plural(usage.webSearches, "web search", "web searches")}`} ·{" "}
      <Money microUsd={costMicroUsd} demo={demo} />
      {durationMs !== null && ` · ${duration(durationMs)}`}
    </span>
  );
}
