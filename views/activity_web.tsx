/** What a turn did on the web: searches and fetched pages as calls, and what its text cites. */
import type { VNode } from "preact";
import { firstLine, plural } from "./format.ts";
import type { WebPage, WebUse } from "./web_uses.ts";

const ASKED_MAX_CHARS = 120;

/** Searches and fetches of one turn, whose result event has this number. */
export function WebUses({ uses, number }: { uses: WebUse[]; number: number }): VNode {
  return (
    <ul class="calls">
      {uses.map((use, index) => (
        <li key={use.id}>
          <details class="call" id={`web-${number}-${index}`}>
            <summary>
              <span class="call-verb">{webVerb(use)}</span>{" "}
              {use.asked !== "" && (
                <code class="call-object">{firstLine(use.asked, ASKED_MAX_CHARS)}</code>
              )}{" "}
              <span class={use.state === "failed" ? "call-outcome tone-failed" : "call-outcome"}>
                {webOutcome(use)}
              </span>
            </summary>
            <div class="call-body">
              <p class="remark-label">{use.kind === "search" ? "Asked for" : "Address"}</p>
              <pre class="output">{use.asked}</pre>
              {use.state === "open" && <p class="muted">The next turn tells what came of it.</p>}
              {use.state === "failed" && (
                <>
                  <p class="remark-label">Error, as the agent got it</p>
                  <pre class="output">{use.error}</pre>
                </>
              )}
              {use.pages.length > 0 && (
                <>
                  <p class="remark-label">Found</p>
                  <Pages pages={use.pages} />
                </>
              )}
            </div>
          </details>
        </li>
      ))}
    </ul>
  );
}

/** What the numbers in a text stand for. */
export function Sources({ sources }: { sources: WebPage[] }): VNode {
  return (
    <>
      <p class="remark-label">Sources</p>
      <Pages pages={sources} numbered />
    </>
  );
}

function Pages({ pages, numbered }: { pages: WebPage[]; numbered?: boolean }): VNode {
  return (
    <ul hx-ignore="">
      {pages.map(({ title, href, url }, index) => (
        <li key={`${index} ${url}`}>
          {numbered && `[${index + 1}] `}
          {href === null ? title : <a href={href} rel="noopener noreferrer nofollow">{title}</a>}
          {title !== url && (
            <>
              {" "}
              <span class="muted small">{hostOf(href) ?? url}</span>
            </>
          )}
        </li>
      ))}
    </ul>
  );
}

const hostOf = (href: string | null): string | null => href && new URL(href).host;

export const webVerb = ({ kind }: WebUse): string =>
  kind === "search" ? "Search the web for" : "Fetch";

/** How it ended, in a few words. */
export function webOutcome({ kind, state, pages }: WebUse): string {
  if (state === "failed") return "failed";
  if (state === "open") return "goes on";
  return kind === "fetch" ? "fetched" : plural(pages.length, "page");
}
