/** Why something that should go on does not right now. */
import type { VNode } from "preact";
import { Notice, Time } from "./components.tsx";
import type { Delay } from "./words.ts";

/** "Rate limited, tries again in 20 s"; static/time.js counts down. */
export function DelayNote({ delay, nowMs }: { delay: Delay; nowMs: number }): VNode {
  return (
    <span class="delay">
      {delay.why}
      {delay.until !== null && (
        <>
          , {delay.then ?? "tries again"} <Time at={delay.until} nowMs={nowMs} />
        </>
      )}
    </span>
  );
}

/** At the head of the page of what delays. */
export function DelayNotice(
  { delay, title, nowMs }: { delay: Delay; title: string; nowMs: number },
): VNode {
  return (
    <Notice tone="waiting" title={title}>
      <p>
        <DelayNote delay={delay} nowMs={nowMs} />
      </p>
      {delay.more !== "" && <p>{delay.more}</p>}
    </Notice>
  );
}
