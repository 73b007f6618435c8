/** One tool call: a line, and behind it its arguments, its result and what it changed. */
import type { VNode } from "preact";
import type { CallStep, StepApproval } from "./activity_fold.ts";
import { describeCall, describeGroup, groupCalls } from "./activity_words.ts";
import type { HostUse, ToolResult } from "../agents/protocol.ts";
import { count, plural } from "./format.ts";

/** Longer arguments and results are cut on the page; the log has them whole. */
const SHOWN_MAX_CHARS = 8_000;
/** Lines of an edit's diff that are shown. */
const DIFF_MAX_LINES = 300;

/** The calls of a turn, those that only look folded together. */
export function Calls({ calls }: { calls: CallStep[] }): VNode {
  return (
    <ul class="calls">
      {groupCalls(calls).map((group) =>
        Array.isArray(group)
          ? (
            <li key={group[0]!.number}>
              <details id={`looks-${group[0]!.number}`}>
                <summary>
                  <span class="call-verb">{describeGroup(group)}</span>
                </summary>
                <ul class="calls">
                  {group.map((step) => (
                    <li key={step.number}>
                      <Call step={step} />
                    </li>
                  ))}
                </ul>
              </details>
            </li>
          )
          : (
            <li key={group.number}>
              <Call step={group} />
            </li>
          )
      )}
    </ul>
  );
}

function Call({ step }: { step: CallStep }): VNode {
  const { verb, object, outcome, tone } = describeCall(step);
  const { call, result, approval } = step;
  const ended = outcome !== "" && (
    <span class={tone ? `call-outcome tone-${tone}` : "call-outcome"}>{outcome}</span>
  );
  return (
    <details class="call" id={`e${step.number}`}>
      <summary>
        <span class="call-verb">{verb}</span>{" "}
        {object !== "" && <code class="call-object">{object}</code>}{" "}
        {notReached(result) === 0 ? ended : (
          <span class="call-outcomes">
            {ended}{" "}
            <span class="call-outcome tone-waiting">
              {plural(notReached(result), "host")} not reached
            </span>
          </span>
        )}
      </summary>
      <div class="call-body">
        {approval && <ApprovalFact approval={approval} />}
        {result?.together && (
          <p>
            With this call the run had private data, untrusted input and a way out together: a
            person allowed that beforehand, in the project's settings.
          </p>
        )}
        <p class="remark-label">Arguments</p>
        <Arguments input={call.input} />
        {result?.diff && (
          <>
            <p class="remark-label">Change</p>
            <PlainDiff diff={result.diff} />
          </>
        )}
        {result?.hosts && <Hosts uses={result.hosts} />}
        {result && (
          <>
            <p class="remark-label">
              {result.isError ? "Error, as the agent got it" : "Result, as the agent got it"}
            </p>
            <Cut text={result.content} />
          </>
        )}
        <p class="muted small">
          Event <a href={`#e${step.number}`}>{step.number}</a>
        </p>
      </div>
    </details>
  );
}

const notReached = (result: ToolResult | null): number =>
  result?.hosts?.filter(({ why }) => why !== undefined).length ?? 0;

/** What a command asked the proxy of its sandbox for. */
function Hosts({ uses }: { uses: HostUse[] }): VNode {
  return (
    <>
      <p class="remark-label">Hosts</p>
      <ul class="hosts">
        {uses.map((use) => (
          <li key={`${use.host} ${use.port} ${use.why}`}>
            <code>{hostWords(use)}</code>{" "}
            <span class={use.why === undefined ? "muted" : "outcome tone-waiting"}>
              {use.why === undefined ? "reached" : `not reached: ${use.why}`}
              {use.count > 1 && `, ${count(use.count)} times`}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

function hostWords({ host, port }: HostUse): string {
  if (host === "") return "others";
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function ApprovalFact({ approval }: { approval: StepApproval }): VNode {
  const words = {
    pending: "Waits for your approval",
    granted: "You granted it",
    denied: "You denied it",
  };
  return (
    <p>
      {words[approval.state]}
      {approval.reason !== "" && `: ${approval.reason}`}
      {approval.rule !== "" && (
        <span class="muted small">
          {" "}
          by the rule <code>{approval.rule}</code>
        </span>
      )}
    </p>
  );
}

function Arguments({ input }: { input: Record<string, unknown> }): VNode {
  const entries = Object.entries(input);
  if (entries.length === 0) return <p class="muted">none</p>;
  return (
    <dl class="arguments">
      {entries.map(([name, value]) => (
        <div key={name}>
          <dt class="mono">{name}</dt>
          <dd>
            <Cut
              text={typeof value === "string" ? value : JSON.stringify(value, null, 2) ?? "null"}
            />
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Text as it is, in monospace, cut where it gets too long for a page. */
export function Cut({ text }: { text: string }): VNode {
  if (text === "") return <p class="muted">empty</p>;
  const left = text.length - SHOWN_MAX_CHARS;
  return (
    <>
      <pre class="output">{keepFirstNewline(text.slice(0, SHOWN_MAX_CHARS))}</pre>
      {left > 0 && <p class="muted small">{count(left)} more characters in the run's log</p>}
    </>
  );
}

/** The HTML parser drops a newline right after `<pre>`. */
const keepFirstNewline = (text: string) => text.startsWith("\n") ? `\n${text}` : text;

/** A unified diff given as text, its lines marked by sign and tint. `whole`: also one that is long. */
export function PlainDiff({ diff, whole = false }: { diff: string; whole?: boolean }): VNode {
  const lines = diff.replace(/\n$/, "").split("\n");
  const tints: Record<string, string> = { "+": "added", "-": "removed", "@": "hunk" };
  // The file's own header has signs too, but adds and removes nothing.
  const firstHunk = lines.findIndex((line) => line.startsWith("@@"));
  const most = whole ? lines.length : DIFF_MAX_LINES;
  return (
    <>
      <pre class="output plain-diff">
        {lines.slice(0, most).map((line, index) => (
          <span key={index} class={index < firstHunk ? "hunk" : tints[line.charAt(0)]}>{line}</span>
        ))}
      </pre>
      {lines.length > most && (
        <p class="muted small">
          {count(lines.length - most)} more lines in the run's log
        </p>
      )}
    </>
  );
}
