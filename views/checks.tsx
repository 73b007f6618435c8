/** Build and test results: a list with what failed, and one check with its full output. */
import type { VNode } from "preact";
import type { Check, CheckFailure, CommandName, Ticket } from "../server/records.ts";
import { Notice, Panel, StatusBadge, Tag, Time } from "./components.tsx";
import { count, duration, plural, shortCommit } from "./format.ts";
import { Layout, PageHead } from "./layout.tsx";
import { checkHref, ticketHref } from "./links.ts";
import type { Shell } from "./shell.ts";
import { shownCheck } from "./words.ts";

const commandWords: Record<CommandName, string> = { setup: "Setup", build: "Build", test: "Test" };

/** Failures of one check that the list shows; the check's own page has them all. */
const FAILURES_MAX = 5;

interface CheckListProps {
  id: string;
  /** Newest first. */
  checks: Check[];
  /** Folded under the others, newest first. */
  older?: Check[];
  nowMs: number;
}

/** Results, newest first; those of the untouched base are marked. */
export function CheckList(props: CheckListProps): VNode {
  return (
    <Panel id={props.id} title="Checks">
      <CheckParts {...props} />
    </Panel>
  );
}

/** The same in one line that can be unfolded; unfolded already where a check of the branch did not pass. */
export function FoldedChecks(props: CheckListProps): VNode {
  const own = props.checks.filter(({ baseline }) => !baseline);
  const shown = own.map(shownCheck);
  const words = new Map(shown.map(({ word, tone }) => [word, tone]));
  const bad = shown.some(({ tone }) => tone === "failed");
  return (
    <details class="panel" id={props.id} open={bad}>
      <summary>
        <h2>Checks</h2>
        {[...words].map(([word, tone]) => (
          <span key={word} class={`outcome tone-${tone}`}>
            {shown.filter((check) => check.word === word).length} {word.toLowerCase()}
          </span>
        ))}
      </summary>
      <CheckParts {...props} />
    </details>
  );
}

function CheckParts({ id, checks, older = [], nowMs }: CheckListProps): VNode {
  return (
    <>
      {checks.length > 0 && <CheckRows checks={checks} nowMs={nowMs} />}
      {checks.length === 0 && (
        <p class="muted">
          {older.length > 0
            ? "None of this commit yet."
            : "None ran yet. The build and the tests run after the developer."}
        </p>
      )}
      {older.length > 0 && (
        <details id={`${id}-older`} class="checks-older">
          <summary>{plural(older.length, "check")} of earlier commits</summary>
          <CheckRows checks={older} nowMs={nowMs} />
        </details>
      )}
    </>
  );
}

function CheckRows({ checks, nowMs }: Pick<CheckListProps, "checks" | "nowMs">): VNode {
  return (
    <ul class="checks">
      {checks.map((check) => (
        <li key={check.id} id={`check-${check.id}`}>
          <div class="check-head">
            <StatusBadge shown={shownCheck(check)} />
            <a href={checkHref(check.ticketId, check.id)}>{commandWords[check.name]}</a>
            <span class="muted">{countsOf(check)}</span>
            {check.baseline && <Tag>baseline</Tag>}
            {check.rerunOf && <Tag>second try</Tag>}
            {check.unconfined && <Tag>no sandbox</Tag>}
            <span class="muted small check-time">
              {check.status !== "skipped" && `${duration(check.durationMs)}, `}
              <Time at={check.createdAt} nowMs={nowMs} />
            </span>
          </div>
          <Flaky flaky={check.flaky} max={FAILURES_MAX} />
          <Failures failures={check.report?.failures ?? []} max={FAILURES_MAX} />
        </li>
      ))}
    </ul>
  );
}

/** "47 passed, 2 failed", or the exit code where no parser knew the output. */
export function countsOf({ report, status, exitCode }: Check): string {
  if (status === "skipped") return "the project has no such command";
  if (report === null || report.passed + report.failed + report.skipped === 0) {
    return exitCode === null ? "" : `exit ${exitCode}`;
  }
  const parts = [`${count(report.passed)} passed`];
  if (report.failed > 0) parts.push(`${count(report.failed)} failed`);
  if (report.skipped > 0) parts.push(`${count(report.skipped)} skipped`);
  return parts.join(", ");
}

/** Tests that failed in the try before and passed in this one, on the same commit. */
function Flaky({ flaky, max }: { flaky: Check["flaky"]; max: number }): VNode | null {
  if (flaky.length === 0) return null;
  const left = flaky.length - max;
  return (
    <p class="muted">
      Failed first, and passed on the same commit:{" "}
      {flaky.slice(0, max).map(({ test }) => test).join(", ")}
      {left > 0 && ` and ${left} more`}
    </p>
  );
}

function Failures({ failures, max }: { failures: CheckFailure[]; max: number }): VNode | null {
  if (failures.length === 0) return null;
  const left = failures.length - max;
  return (
    <ul class="failures">
      {failures.slice(0, max).map((failure, index) => (
        <li key={index}>
          {failure.file && (
            <code class="path">{failure.file}{failure.line ? `:${failure.line}` : ""}</code>
          )} {failure.test && <strong>{failure.test}</strong>}{" "}
          {failure.before && <Tag>failed before</Tag>}
          <span class="failure-text">{failure.message}</span>
        </li>
      ))}
      {left > 0 && <li class="muted">{plural(left, "more failure")}</li>}
    </ul>
  );
}

export interface CheckPageProps {
  shell: Shell;
  ticket: Ticket;
  check: Check;
  /** The output, or its end; null when none was kept. */
  output: string | null;
  /** The same command run once more on the same commit, because this one failed; null: it was not. */
  again: Check | null;
  /** Bytes of the output before the part that is shown; 0: all of it is. */
  omittedBytes: number;
}

/** One check with everything that is known of it. */
export function CheckPage(
  { shell, ticket, check, again, output, omittedBytes }: CheckPageProps,
): VNode {
  const title = `${commandWords[check.name]} of ticket #${ticket.number}`;
  const kept = output !== null && output !== "";
  return (
    <Layout shell={shell} title={title} current="development" live={null}>
      <PageHead
        crumb={{ href: ticketHref(ticket.id), label: `Ticket #${ticket.number} ${ticket.title}` }}
        title={title}
        aside={<StatusBadge shown={shownCheck(check)} />}
      />
      <div class="panel">
        <p class="muted">
          {countsOf(check)} · {duration(check.durationMs)} · commit{" "}
          <code>{shortCommit(check.commit)}</code>
          {check.baseline && ", before any agent edited"} ·{" "}
          <Time at={check.createdAt} nowMs={shell.nowMs} />
        </p>
        {check.unconfined && (
          <Notice tone="waiting" title="Ran without a sandbox">
            <p>
              There is no bubblewrap on this machine; you allowed this project's commands to run.
            </p>
          </Notice>
        )}
        {check.command !== "" && <pre class="output">$ {check.command}</pre>}
        {check.rerunOf && (
          <p>
            A second try of <a href={checkHref(ticket.id, check.rerunOf)}>one that failed</a>.
          </p>
        )}
        {again && (
          <p>
            Run once more on the same commit:{" "}
            <a href={checkHref(ticket.id, again.id)}>{shownCheck(again).word.toLowerCase()}</a>.
          </p>
        )}
        <Flaky flaky={check.flaky} max={Infinity} />
        {check.knownFailures && (
          <p>
            All that fails here failed before any change, too: it keeps no ticket from its review.
          </p>
        )}
        <Failures failures={check.report?.failures ?? []} max={Infinity} />
      </div>
      <Panel
        id="check-output"
        title="Output"
        aside={kept && (
          <a href={`${checkHref(ticket.id, check.id)}?raw`} hx-boost="false">All of it as text</a>
        )}
      >
        {omittedBytes > 0 && (
          <p class="muted">The first {count(omittedBytes)} bytes are not shown.</p>
        )}
        {kept
          ? <pre class="output" id="output">{output.startsWith("\n") ? `\n${output}` : output}</pre>
          : <p class="muted">{output === null ? "None was kept." : "The command wrote nothing."}
          </p>}
      </Panel>
    </Layout>
  );
}
